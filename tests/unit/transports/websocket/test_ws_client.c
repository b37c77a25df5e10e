/* SPDX-License-Identifier: MIT
 *
 * The client's side: its handshake, and both ends of the filter against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "lib/fault.h"
#include "transports/websocket/accept_key.h"
#include "ws_fixture.h"

/* Makes a client that has asked, and returns its request (free()). */
static char *asked(struct ws_end *end, const char *query)
{
    assert_int_equal(ws_end_init(end, WEFT_CLIENT, query, NULL), 0);
    assert_int_equal(ws_end_feed(end, "", 0), -EAGAIN);
    return (char *)ws_end_take(end, NULL);
}

static void accept_of(const char *request, char accept[WEFT__WS_ACCEPT_SIZE + 1])
{
    const char *key = strstr(request, "Sec-WebSocket-Key: ");
    assert_non_null(key);
    weft__ws_accept(accept, weft_view(key + 19, WEFT__WS_KEY_SIZE));
    accept[WEFT__WS_ACCEPT_SIZE] = '\0';
}

static void test_request_has_what_the_rfc_wants(void **state)
{
    struct ws_end end;
    char *request = asked(&end, "path=/kv&host=kv.example:8080&origin=https://app.example");

    (void)state;
    assert_ptr_equal(strstr(request, "GET /kv HTTP/1.1\r\nHost: kv.example:8080\r\n"), request);
    assert_non_null(strstr(
        request, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"));
    assert_non_null(
        strstr(request, "\r\nSec-WebSocket-Protocol: weft.length-delimited-gzip, weft.raw\r\n"));
    assert_non_null(strstr(request, "\r\nOrigin: https://app.example\r\n\r\n"));
    free(request);
    ws_end_fini(&end);
}

static void test_keys_differ(void **state)
{
    struct ws_end a, b;
    char *first = asked(&a, ""), *second = asked(&b, "");

    (void)state;
    assert_string_not_equal(first, second);
    free(first);
    free(second);
    ws_end_fini(&a);
    ws_end_fini(&b);
}

/* Answers a client with `fields`, in which %s is the right Sec-WebSocket-Accept. Returns what open returned; the
 * client's words are copied to trouble. */
static ssize_t answered(const char *format, char trouble[256])
{
    char response[1024], accept[WEFT__WS_ACCEPT_SIZE + 1];
    struct ws_end end;
    char *request = asked(&end, "");

    accept_of(request, accept);
    const char *mark = strstr(format, "%s");
    if (mark)
        snprintf(response, sizeof response, "%.*s%s%s", (int)(mark - format), format, accept,
                 mark + 2);
    else
        snprintf(response, sizeof response, "%s", format);
    ssize_t result = ws_end_text(&end, response);
    snprintf(trouble, 256, "%s", ws_end_trouble(&end) ? ws_end_trouble(&end) : "");
    assert_int_equal(end.is_open, result == -EAGAIN);
    free(request);
    ws_end_fini(&end);
    return result;
}

#define SWITCH  "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPT  "Sec-WebSocket-Accept: %s\r\n"

static void test_answers_are_checked(void **state)
{
    static const struct {
        const char *response, *trouble; /* NULL: it is good */
    } rows[] = {
        {SWITCH UPGRADE ACCEPT "\r\n", NULL},
        {"HTTP/1.1 101\r\n" UPGRADE ACCEPT "\r\n", NULL},
        {SWITCH "upgrade: WebSocket\r\nconnection: upgrade\r\n" ACCEPT "\r\n", NULL},
        {SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol: weft.raw\r\n\r\n", NULL},
        {SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
         "a subprotocol that was not offered"},
        {SWITCH UPGRADE ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
         "an extension"},
        {SWITCH UPGRADE "\r\n", "Sec-WebSocket-Accept is wrong"},
        {SWITCH UPGRADE ACCEPT ACCEPT "\r\n", "Sec-WebSocket-Accept is wrong"},
        {SWITCH UPGRADE "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", "is wrong"},
        {SWITCH "Connection: Upgrade\r\n" ACCEPT "\r\n", "does not upgrade"},
        {SWITCH "Upgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", "does not upgrade"},
        {SWITCH "Upgrade: websocket\r\n" ACCEPT "\r\n", "Connection"},
        {"HTTP/1.1 403 Forbidden\r\n\r\nthe page is of another origin\n",
         "the server does not open a WebSocket: 403 the page is of another origin"},
        {"HTTP/1.1 404 Not Found\r\n\r\n", "the server does not open a WebSocket: 404 Not Found"},
        {"HTTP/1.1 200 \x7f\r\n\r\n", "not HTTP/1.1: a control character"},
        {"HTTP/1.0 101 x\r\n" UPGRADE ACCEPT "\r\n", "not HTTP/1.1"},
        {"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP/1.1"},
    };
    char trouble[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ssize_t result = answered(rows[i].response, trouble);
        if (result != (rows[i].trouble ? -EPROTO : -EAGAIN) ||
            (rows[i].trouble && !strstr(trouble, rows[i].trouble)))
            fail_msg("%zd, '%s' to:\n%s", result, trouble, rows[i].response);
    }
}

static void test_answer_without_end_is_refused_at_8_kib(void **state)
{
    struct ws_end end;
    char *request = asked(&end, "");
    ssize_t result = -EAGAIN;
    size_t sent = 0;

    (void)state;
    for (; result == -EAGAIN; sent++)
        result = ws_end_feed(&end, "a", 1);
    assert_int_equal(result, -EPROTO);
    assert_int_equal(sent, 8192);
    assert_string_equal(ws_end_trouble(&end), "the server's answer is larger than 8 KiB");
    free(request);
    ws_end_fini(&end);
}

/* Moves what waits from one end to the other, so many bytes at a time. */
static ssize_t move(struct ws_end *from, struct ws_end *to, size_t piece)
{
    size_t size;
    uint8_t *bytes = ws_end_take(from, &size);
    ssize_t result = ws_end_pieces(to, weft_view(bytes, size), piece ? piece : size);
    free(bytes);
    return result;
}

static void open_both(struct ws_end *client, struct ws_end *server, size_t piece)
{
    assert_int_equal(ws_end_init(server, WEFT_SERVER, "", NULL), 0);
    assert_int_equal(ws_end_init(client, WEFT_CLIENT, "", NULL), 0);
    assert_int_equal(ws_end_feed(client, "", 0), -EAGAIN);
    assert_int_equal(move(client, server, piece), -EAGAIN);
    assert_int_equal(move(server, client, piece), -EAGAIN);
    assert_true(client->is_open && server->is_open);
}

static void test_both_ends_exchange_bytes_whatever_the_pieces(void **state)
{
    static const size_t pieces[] = {0, 1, 2, 3, 5, 1000};
    static uint8_t bytes[16384];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 13 + i / 256);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct ws_end client, server;
        open_both(&client, &server, pieces[i]);
        for (int round = 0; round < 20; round++) { /* more than one draw of masks */
            assert_int_equal(ws_end_seal(&client, bytes, 300), 0);
            assert_int_equal(ws_end_seal(&server, bytes, 200), 0);
        }
        assert_int_equal(ws_end_seal(&client, bytes, sizeof bytes), 0);
        assert_int_equal(move(&client, &server, pieces[i]), -EAGAIN);
        assert_int_equal(move(&server, &client, pieces[i]), -EAGAIN);
        assert_int_equal(server.got.end, 20 * 300 + sizeof bytes);
        assert_memory_equal(server.got.data + 20 * 300, bytes, sizeof bytes);
        assert_int_equal(client.got.end, 20 * 200);
        ws_end_fini(&client);
        ws_end_fini(&server);
    }
}

static void test_client_masks_each_frame_with_another_key(void **state)
{
    static const uint8_t zeros[16];
    struct ws_end client, server;
    uint8_t masks[40][4];
    size_t size;

    (void)state;
    open_both(&client, &server, 0);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(ws_end_seal(&client, zeros, sizeof zeros), 0);
        uint8_t *frame = ws_end_take(&client, &size);
        assert_int_equal(frame[1], 0x80 | sizeof zeros);
        memcpy(masks[i], frame + 2, 4);
        assert_memory_equal(frame + 6, masks[i], 4);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(masks[i], masks[k], 4);
        free(frame);
    }
    ws_end_fini(&client);
    ws_end_fini(&server);
}

static void test_client_refuses_a_masked_frame(void **state)
{
    struct ws_end client, server;
    size_t size;

    (void)state;
    open_both(&client, &server, 0);
    uint8_t *frame = ws_frame(0x82, "x", 1, &size);
    assert_int_equal(ws_end_feed(&client, frame, size), -EPROTO);
    assert_string_equal(ws_end_trouble(&client), "a frame of a server that is masked");
    free(frame);
    ws_end_fini(&client);
    ws_end_fini(&server);
}

static void test_either_end_closes_and_the_other_answers(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct ws_end client, server;
        open_both(&client, &server, 0);
        struct ws_end *a = first ? &client : &server, *b = first ? &server : &client;
        assert_int_equal(ws_end_finish(a), 0);
        assert_int_equal(move(a, b, 0), WEFT_EOVER);
        assert_int_equal(ws_end_finish(b), 0);
        assert_int_equal(move(b, a, 0), WEFT_EOVER);
        ws_end_fini(&client);
        ws_end_fini(&server);
    }
}

static void test_client_that_finishes_while_it_asks_says_nothing(void **state)
{
    struct ws_end end;
    char *request = asked(&end, "");

    (void)state;
    free(request);
    assert_int_equal(ws_end_finish(&end), 0);
    assert_int_equal(end.down.bytes, 0);
    assert_int_equal(ws_end_eof(&end), -ECONNRESET);
    ws_end_fini(&end);
}

static void talk(void *arg)
{
    struct ws_end client;

    (void)arg;
    if (ws_end_init(&client, WEFT_CLIENT, "", NULL) < 0)
        return;
    ssize_t result = ws_end_feed(&client, "", 0);
    assert_true(result == -EAGAIN || (result == -ENOMEM && fault_failed() > 0));
    if (result == -ENOMEM) /* it asks again */
        result = ws_end_feed(&client, "", 0);
    if (result == -EAGAIN)
        (void)ws_end_pieces(&client, weft_view_str("HTTP/1.1 403 Forbidden\r\n\r\nno\n"), 7);
    ws_end_fini(&client);
}

static void test_client_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(talk, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_has_what_the_rfc_wants),
        cmocka_unit_test(test_keys_differ),
        cmocka_unit_test(test_answers_are_checked),
        cmocka_unit_test(test_answer_without_end_is_refused_at_8_kib),
        cmocka_unit_test(test_both_ends_exchange_bytes_whatever_the_pieces),
        cmocka_unit_test(test_client_masks_each_frame_with_another_key),
        cmocka_unit_test(test_client_refuses_a_masked_frame),
        cmocka_unit_test(test_either_end_closes_and_the_other_answers),
        cmocka_unit_test(test_client_that_finishes_while_it_asks_says_nothing),
        cmocka_unit_test(test_client_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("websocket client", tests, NULL, NULL);
}
