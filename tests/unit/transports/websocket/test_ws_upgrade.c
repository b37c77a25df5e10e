/* SPDX-License-Identifier: MIT
 *
 * The server's side of the opening handshake. */
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
#include "transports/websocket/head.h"
#include "ws_upgrade_fixture.h"

struct row {
    const char *request;
    int status;
    const char *words;
};

static void expect_all(const char *query, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(query, rows[i].request, rows[i].status, rows[i].words);
}

#define EXPECT_ALL(query, rows) expect_all(query, rows, sizeof rows / sizeof *rows)

static void test_example_of_the_rfc_is_accepted(void **state)
{
    struct ws_end end;

    (void)state;
    assert_int_equal(ws_end_init(&end, WEFT_SERVER, "", NULL), 0);
    assert_int_equal(ws_end_text(&end, ws_hello), -EAGAIN);
    char *down = (char *)ws_end_take(&end, NULL);
    assert_string_equal(down, ws_welcome);
    free(down);
    ws_end_fini(&end);
}

static void test_request_is_read_at_every_split(void **state)
{
    size_t size = strlen(ws_hello);
    static const uint8_t frame[] = {0x82, 0x81, 0, 0, 0, 0, 'x'};
    uint8_t all[1024];

    (void)state;
    memcpy(all, ws_hello, size);
    memcpy(all + size, frame, sizeof frame); /* what follows at once is a frame */
    size += sizeof frame;
    for (size_t at = 0; at <= size; at++) {
        struct ws_end end;
        assert_int_equal(ws_end_init(&end, WEFT_SERVER, "", NULL), 0);
        if (at > 0)
            assert_int_equal(ws_end_feed(&end, all, at), -EAGAIN);
        assert_int_equal(ws_end_pieces(&end, weft_view(all + at, size - at), at ? size : 1),
                         -EAGAIN);
        char *down = (char *)ws_end_take(&end, NULL);
        assert_string_equal(down, ws_welcome);
        assert_int_equal(end.got.end, 1);
        free(down);
        ws_end_fini(&end);
    }
}

static void test_musts_of_the_rfc_are_checked(void **state)
{
    static const struct row rows[] = {
        {USUAL "\r\n", 101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
        {GET HOST "upgrade: WebSocket\r\nCONNECTION: keep-alive, UPGRADE\r\n" KEY VERSION "\r\n",
         101, ""},
        {GET HOST "Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n" KEY VERSION "\r\n", 101, ""},
        {"GET http://127.0.0.1:9527/ HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 101, ""},
        {"GET /?a=b HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 101, ""},
        {"POST / HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 405, "a WebSocket begins with GET"},
        {"HEAD / HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 405, "Allow: GET"},
        {"GET / HTTP/1.0\r\n" HOST UPGRADE KEY VERSION "\r\n", 505, "only HTTP/1.1"},
        {"GET / HTTP/2.0\r\n" HOST UPGRADE KEY VERSION "\r\n", 505, "only HTTP/1.1"},
        {GET UPGRADE KEY VERSION "\r\n", 400, "one Host field"},
        {GET HOST HOST UPGRADE KEY VERSION "\r\n", 400, "one Host field"},
        {GET HOST "Connection: Upgrade\r\n" KEY VERSION "\r\n", 426,
         "this is a WebSocket endpoint"},
        {GET HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY VERSION "\r\n", 426,
         "Upgrade: websocket"},
        {GET HOST "Upgrade: websocket\r\n" KEY VERSION "\r\n", 400,
         "the field Connection does not say upgrade"},
        {GET HOST "Upgrade: websocket\r\nConnection: keep-alive\r\n" KEY VERSION "\r\n", 400,
         "Connection"},
        {GET HOST UPGRADE KEY "\r\n", 426, "Sec-WebSocket-Version: 13"},
        {GET HOST UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n", 426, "Sec-WebSocket-Version: 13"},
        {GET HOST UPGRADE KEY VERSION VERSION "\r\n", 400,
         "only version 13 of WebSocket is spoken here"},
        {GET HOST UPGRADE VERSION "\r\n", 400,
         "the request needs one Sec-WebSocket-Key of 16 bytes in base64"},
        {GET HOST UPGRADE KEY KEY VERSION "\r\n", 400, "Sec-WebSocket-Key"},
        {GET HOST UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n\r\n", 400,
         "16 bytes"},
        {GET HOST UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=A\r\n\r\n", 400,
         "16 bytes"},
        {GET HOST UPGRADE VERSION "Sec-WebSocket-Key: dGhl*HNhbXBsZSBub25jZQ==\r\n\r\n", 400,
         "16 bytes"},
        {"GET /other HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 404, "at this path"},
        {USUAL "Content-Length: 3\r\n\r\nabc", 400, "the request has a body"},
        {USUAL "Content-Length: 0\r\n\r\n", 101, ""},
        {USUAL "Transfer-Encoding: chunked\r\n\r\n", 400, "a body"},
    };

    (void)state;
    EXPECT_ALL("", rows);
}

static void test_heads_that_two_readers_could_read_differently_are_refused(void **state)
{
    static const struct row rows[] = {
        {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400, "request line"},
        {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400, "request line"},
        {"GET /\r\n" HOST "\r\n", 400, "request line"},
        {"G=T / HTTP/1.1\r\n" HOST "\r\n", 400, "not a request of HTTP"},
        {"GET / http/1.1\r\n" HOST "\r\n", 400, "request line"},
        {"GET / HTTP/11\r\n" HOST "\r\n", 400, "request line"},
        {"GET #a HTTP/1.1\r\n" HOST "\r\n", 400, "the target is not a path"},
        {"GET * HTTP/1.1\r\n" HOST "\r\n", 400, "not a path"},
        {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400, "not a path"},
        {GET "Host : a\r\n\r\n", 400, "not a field"},
        {GET HOST " folded\r\n\r\n", 400, "goes on"},
        {GET HOST ": none\r\n\r\n", 400, "not a field"},
        {GET HOST "no colon\r\n\r\n", 400, "not a field"},
        {GET HOST "A: b\nC: d\r\n\r\n", 400, "CR LF"},
        {GET HOST "A: b\rC: d\r\n\r\n", 400, "control character"},
        {GET HOST "A: \x01\r\n\r\n", 400, "control character"},
        {"GET / HTTP/1.1\n" HOST "\r\n", 400, "CR LF"},
        {"\r\n\r\n", 400, "not a request of HTTP"},
    };

    (void)state;
    EXPECT_ALL("", rows);
}

static void test_nul_in_a_head_is_refused(void **state)
{
    static const char request[] = GET "A: a\0b\r\n" HOST "\r\n";
    struct ws_end end;

    (void)state;
    assert_int_equal(ws_end_init(&end, WEFT_SERVER, "", NULL), 0);
    assert_int_equal(ws_end_feed(&end, request, sizeof request - 1), -EPROTO);
    ws_end_fini(&end);
}

static void test_other_protocols_are_refused_by_their_first_bytes(void **state)
{
    static const char *const first[] = {"\x16\x03\x01", "*1\r\n", "get", "", "{\"", "\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        struct ws_end end;
        assert_int_equal(ws_end_init(&end, WEFT_SERVER, "", NULL), 0);
        size_t size = strlen(first[i]);
        assert_int_equal(ws_end_feed(&end, first[i], size ? size : 1), -EPROTO);
        assert_string_equal(ws_end_trouble(&end), "not a request of HTTP");
        ws_end_fini(&end);
    }
}

static void test_head_over_8_kib_is_refused_with_431(void **state)
{
    static char request[2 * WEFT__WS_HEAD_MAX];

    (void)state;
    memset(request, 'a', sizeof request - 1);
    memcpy(request, GET "A: ", strlen(GET "A: "));
    expect("", request, 431, "larger than 8 KiB");
}

static void test_head_of_8_kib_is_read(void **state)
{
    static char request[WEFT__WS_HEAD_MAX + 1];
    size_t size = strlen(USUAL "A: ");

    (void)state;
    memset(request, 'a', sizeof request - 1);
    memcpy(request, USUAL "A: ", size);
    memcpy(request + WEFT__WS_HEAD_MAX - 4, "\r\n\r\n", 4);
    expect("", request, 101, "");
}

static void test_flood_of_fields_is_refused(void **state)
{
    static char request[WEFT__WS_HEAD_MAX];

    (void)state;
    strcpy(request, USUAL); /* five fields */
    for (int i = 5; i < WEFT__WS_FIELDS_MAX; i++)
        strcat(request, "A: b\r\n");
    size_t size = strlen(request);
    strcpy(request + size, "\r\n");
    expect("", request, 101, "");
    strcpy(request + size, "A: b\r\n\r\n");
    expect("", request, 400, "more than 64 fields");
}

static void test_head_byte_by_byte_costs_at_most_16_kib_and_is_searched_once(void **state)
{
    struct ws_end end;

    (void)state;
    assert_int_equal(ws_end_init(&end, WEFT_SERVER, "", NULL), 0);
    assert_int_equal(ws_end_text(&end, GET), -EAGAIN);
    for (int i = 0; i < 8000; i++)
        assert_int_equal(ws_end_feed(&end, "a", 1), -EAGAIN);
    assert_true(fault_bytes_most() <= 12 * 1024 + 64);
    assert_true(fault_allocations() <= 5);
    ws_end_fini(&end);
}

static void test_subprotocol_is_chosen_from_what_is_offered(void **state)
{
    static const struct row rows[] = {
        {USUAL "Sec-WebSocket-Protocol: weft.raw\r\n\r\n", 101,
         "\r\nSec-WebSocket-Protocol: weft.raw\r\n\r\n"},
        {USUAL "Sec-WebSocket-Protocol: a, weft.raw, weft.length-delimited-gzip\r\n\r\n", 101,
         "\r\nSec-WebSocket-Protocol: weft.length-delimited-gzip\r\n"},
        {USUAL "Sec-WebSocket-Protocol: a\r\nsec-websocket-protocol: weft.raw\r\n\r\n", 101,
         ": weft.raw\r\n"},
        {USUAL "Sec-WebSocket-Protocol: mqtt\r\n\r\n", 400, "subprotocols"},
        {USUAL "Sec-WebSocket-Protocol: WEFT.RAW\r\n\r\n", 400, "subprotocols"},
    };

    (void)state;
    EXPECT_ALL("", rows);
}

static void test_extensions_are_not_negotiated(void **state)
{
    struct ws_end end;

    (void)state;
    assert_int_equal(ws_end_init(&end, WEFT_SERVER, "", NULL), 0);
    assert_int_equal(
        ws_end_text(&end, USUAL "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"), -EAGAIN);
    char *down = (char *)ws_end_take(&end, NULL);
    assert_string_equal(down, ws_welcome);
    free(down);
    ws_end_fini(&end);
}

static void test_page_of_another_origin_is_kept_out(void **state)
{
    static const struct row rows[] = {
        {USUAL "Origin: http://127.0.0.1:9527\r\n\r\n", 101, ""},
        {USUAL "Origin: https://127.0.0.1:9527\r\n\r\n", 101, ""},
        {USUAL "Origin: http://127.0.0.1\r\n\r\n", 403, "another origin"},
        {USUAL "Origin: http://127.0.0.1:95271\r\n\r\n", 403, "another origin"},
        {USUAL "Origin: https://evil.example\r\n\r\n", 403, "origin=ORIGIN"},
        {USUAL "Origin: null\r\n\r\n", 403, "another origin"},
        {USUAL "Origin: \r\n\r\n", 403, "another origin"},
        {USUAL "Origin: http://127.0.0.1:9527\r\nOrigin: http://evil.example\r\n\r\n", 400,
         "more than one Origin field"},
    };

    (void)state;
    EXPECT_ALL("", rows);
}

static void test_name_that_may_lead_anywhere_is_no_own_origin(void **state)
{
#define FROM(host) GET "Host: " host "\r\n" UPGRADE KEY VERSION "Origin: http://" host "\r\n\r\n"
    static const struct row rows[] = {
        {FROM("rebound.example:9527"), 403, "needs the option origin"},
        {FROM("127.0.0.1.example"), 403, "needs the option origin"},
        {FROM("localhost:9527"), 101, ""},
        {FROM("LOCALHOST"), 101, ""},
        {FROM("[::1]:9527"), 101, ""},
        {FROM("127.0.0.1"), 101, ""},
    };

    (void)state;
    EXPECT_ALL("", rows);
}

static void test_listed_origins_are_let_in_and_no_others(void **state)
{
    static const struct row rows[] = {
        {USUAL "Origin: https://app.example\r\n\r\n", 101, ""},
        {USUAL "Origin: HTTPS://App.Example\r\n\r\n", 101, ""},
        {USUAL "Origin: http://b.example:8080\r\n\r\n", 101, ""},
        {USUAL "Origin: http://127.0.0.1:9527\r\n\r\n", 403, "option origin"},
        {USUAL "Origin: https://app.example.evil\r\n\r\n", 403, "option origin"},
        {USUAL "Origin: https://app\r\n\r\n", 403, "option origin"},
        {USUAL "\r\n", 101, ""}, /* not a browser */
    };

    (void)state;
    EXPECT_ALL("origin=https://app.example,http://b.example:8080", rows);
    expect("origin=*", USUAL "Origin: null\r\n\r\n", 101, "");
    expect("origin=null", USUAL "Origin: null\r\n\r\n", 101, "");
}

static void test_path_is_the_configured_one(void **state)
{
    (void)state;
    expect("path=/kv", "GET /kv?x HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 101, "");
    expect("path=/kv", USUAL "\r\n", 404, "at this path");
    expect("path=/kv", "GET /kv/ HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 404,
           "at this path");
    expect("path=/kv", "GET /KV HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 404, "at this path");
}

static void test_options_that_cannot_be_meant_are_refused(void **state)
{
    (void)state;
    refuse(WEFT_SERVER, "path=kv", "begins with /");
    refuse(WEFT_SERVER, "path=/a b", "begins with /");
    refuse(WEFT_SERVER, "path=/a#b", "begins with /");
    refuse(WEFT_SERVER, "path=/\x7f", "begins with /");
    refuse(WEFT_SERVER, "origin=app.example",
           "an origin is SCHEME://HOST[:PORT], as in https://app.example");
    refuse(WEFT_SERVER, "origin=https://a.example/", "SCHEME://HOST");
    refuse(WEFT_SERVER, "origin=https://a.example,b", "SCHEME://HOST");
    refuse(WEFT_SERVER, "origin=https://", "SCHEME://HOST");
    refuse(WEFT_SERVER, "origin=", "SCHEME://HOST");
    refuse(WEFT_CLIENT, "origin=*", "SCHEME://HOST");
    refuse(WEFT_CLIENT, "page=/dev/null", "only a server");
    refuse(WEFT_CLIENT, "host=a b", "a host is NAME or NAME:PORT");
    refuse(WEFT_SERVER, "page=/none.html", "cannot serve page /none.html: No such file");
    refuse(WEFT_SERVER, "page=/tmp", "its name ends with none of");
    refuse(WEFT_SERVER, "page=docs/architecture.md", "its name ends with none of");
}

static void upgrade(void *arg)
{
    const struct files *files = arg;
    struct ws_end end;

    if (ws_end_init(&end, WEFT_SERVER, files->query, NULL) < 0) {
        assert_true(fault_failed() > 0);
        return;
    }
    ssize_t result = ws_end_pieces(
        &end,
        weft_view_str("GET /kv HTTP/1.1\r\nAuthorization: Basic eA==\r\n" HOST UPGRADE KEY VERSION
                      "\r\n"),
        50);
    assert_true(result == (fault_failed() ? -ENOMEM : -EAGAIN) ||
                (result == -EAGAIN && end.is_open));
    ws_end_fini(&end);
    if (ws_end_init(&end, WEFT_SERVER, files->query, NULL) < 0)
        return;
    result = ws_end_text(&end, GET HOST "\r\n");
    assert_true(result == WEFT_EOVER || (result == -ENOMEM && fault_failed() > 0));
    ws_end_fini(&end);
}

static void test_handshake_survives_every_failing_allocation(void **state)
{
    struct files files;

    (void)state;
    files_new(&files);
    fault_each(upgrade, &files);
    files_remove(&files);
}

static void test_end_before_the_first_byte_is_an_end(void **state)
{
    struct ws_end end;

    (void)state;
    assert_int_equal(ws_end_init(&end, WEFT_SERVER, "", NULL), 0);
    assert_int_equal(ws_end_eof(&end), 0);
    assert_null(ws_end_trouble(&end));
    ws_end_fini(&end);
}

static void test_end_inside_the_handshake_is_told(void **state)
{
    struct ws_end end;

    (void)state;
    assert_int_equal(ws_end_init(&end, WEFT_SERVER, "", NULL), 0);
    assert_int_equal(ws_end_text(&end, GET), -EAGAIN);
    assert_int_equal(ws_end_eof(&end), -EPROTO);
    assert_string_equal(ws_end_trouble(&end), "the peer ended inside the opening handshake");
    ws_end_fini(&end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_of_the_rfc_is_accepted),
        cmocka_unit_test(test_request_is_read_at_every_split),
        cmocka_unit_test(test_musts_of_the_rfc_are_checked),
        cmocka_unit_test(test_heads_that_two_readers_could_read_differently_are_refused),
        cmocka_unit_test(test_nul_in_a_head_is_refused),
        cmocka_unit_test(test_other_protocols_are_refused_by_their_first_bytes),
        cmocka_unit_test(test_head_over_8_kib_is_refused_with_431),
        cmocka_unit_test(test_head_of_8_kib_is_read),
        cmocka_unit_test(test_flood_of_fields_is_refused),
        FAULT_TEST(test_head_byte_by_byte_costs_at_most_16_kib_and_is_searched_once),
        cmocka_unit_test(test_subprotocol_is_chosen_from_what_is_offered),
        cmocka_unit_test(test_extensions_are_not_negotiated),
        cmocka_unit_test(test_page_of_another_origin_is_kept_out),
        cmocka_unit_test(test_name_that_may_lead_anywhere_is_no_own_origin),
        cmocka_unit_test(test_listed_origins_are_let_in_and_no_others),
        cmocka_unit_test(test_path_is_the_configured_one),
        cmocka_unit_test(test_options_that_cannot_be_meant_are_refused),
        cmocka_unit_test(test_handshake_survives_every_failing_allocation),
        cmocka_unit_test(test_end_before_the_first_byte_is_an_end),
        cmocka_unit_test(test_end_inside_the_handshake_is_told),
    };

    return cmocka_run_group_tests_name("websocket upgrade", tests, NULL, NULL);
}
