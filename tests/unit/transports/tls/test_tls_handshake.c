/* SPDX-License-Identifier: MIT
 *
 * Two ends that mean well: handshakes and records, however they are cut. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "tls_fixture.h"

static void make(struct tls_end *client, struct tls_end *server, const char *client_query,
                 const char *server_query)
{
    struct weft_error error = {0};
    if (tls_end_init(server, NULL, WEFT_SERVER, server_query, NULL, &error) < 0 ||
        tls_end_init(client, NULL, WEFT_CLIENT, client_query, NULL, &error) < 0)
        fail_msg("%s", error.text);
}

static void end(struct tls_end *client, struct tls_end *server)
{
    tls_end_fini(client);
    tls_end_fini(server);
}

/* Both have opened, and a message passes each way. */
static void assert_open(struct tls_end *client, struct tls_end *server, size_t piece)
{
    assert_true(client->is_open && server->is_open);
    assert_int_equal(tls_end_seal(client, "question", 8), 0);
    assert_int_equal(tls_end_seal(server, "an answer", 9), 0);
    tls_talk(client, server, piece);
    assert_string_equal((char *)server->got.data, "question");
    assert_string_equal((char *)client->got.data, "an answer");
}

static void test_handshake_in_pieces_of_every_size(void **state)
{
    static const char *const versions[] = {"&min=1.3", ""};
    (void)state;
    for (size_t piece = 1; piece < 700; piece += piece < 20 ? 1 : 61) {
        struct tls_end client, server;
        make(&client, &server, TLS_CLIENT, piece % 2 ? TLS_SERVER "&min=1.3" : TLS_SERVER);
        tls_talk(&client, &server, piece);
        assert_open(&client, &server, piece);
        end(&client, &server);
        (void)versions;
    }
}

/* Feeds a copy of a server each split of the client's first flight: the answer is as long each time. */
static void test_first_flight_split_at_every_byte(void **state)
{
    struct tls_end client, server;
    size_t size;
    (void)state;
    make(&client, &server, TLS_CLIENT, TLS_SERVER);
    (void)tls_end_feed(&client, NULL, 0);
    uint8_t *hello = tls_end_take(&client, &size);
    for (size_t at = 0; at <= size; at++) {
        struct tls_end copy;
        tls_end_again(&copy, &server);
        assert_int_equal(tls_end_feed(&copy, hello, at), -EAGAIN);
        assert_true(at == size || copy.down.bytes == 0);
        assert_int_equal(tls_end_feed(&copy, hello + at, size - at), -EAGAIN);
        assert_true(copy.down.bytes > 600);
        tls_end_hang_up(&copy);
    }
    free(hello);
    end(&client, &server);
}

static void test_record_split_at_every_byte(void **state)
{
    struct tls_end client, server;
    (void)state;
    make(&client, &server, TLS_CLIENT, TLS_SERVER);
    tls_talk(&client, &server, SIZE_MAX / 2);
    size_t had = 0;
    for (size_t at = 1; at < 60; at++) {
        size_t size;
        assert_int_equal(tls_end_seal(&client, "0123456789abcdef", 16), 0);
        uint8_t *record = tls_end_take(&client, &size);
        size_t first = at < size ? at : size;
        assert_int_equal(tls_end_feed(&server, record, first), -EAGAIN);
        assert_int_equal(server.got.end, first < size ? had : had + 16);
        assert_int_equal(tls_end_feed(&server, record + first, size - first), -EAGAIN);
        had += 16;
        assert_int_equal(server.got.end, had);
        free(record);
    }
    end(&client, &server);
}

static void test_message_bytes_wait_for_room(void **state)
{
    struct tls_end client, server;
    (void)state;
    make(&client, &server, TLS_CLIENT, TLS_SERVER);
    tls_talk(&client, &server, SIZE_MAX / 2);
    uint8_t *plain = calloc(1, WEFT_SEAL_MAX);
    assert_non_null(plain);
    memset(plain, 'x', WEFT_SEAL_MAX);
    for (size_t room = 1; room < 20000; room = room * 5 + 1) {
        size_t had = server.got.end;
        server.room = room;
        assert_int_equal(tls_end_seal(&client, plain, WEFT_SEAL_MAX), 0);
        assert_int_equal(tls_end_seal(&client, "tail", 4), 0);
        tls_talk(&client, &server, SIZE_MAX / 2);
        assert_int_equal(server.got.end, had + WEFT_SEAL_MAX + 4);
        assert_memory_equal(server.got.data + had, plain, WEFT_SEAL_MAX);
    }
    free(plain);
    end(&client, &server);
}

static void test_close_notify_ends_one_direction(void **state)
{
    struct tls_end client, server;
    (void)state;
    make(&client, &server, TLS_CLIENT, TLS_SERVER);
    tls_talk(&client, &server, SIZE_MAX / 2);
    assert_int_equal(tls_end_seal(&client, "last", 4), 0);
    assert_int_equal(tls_end_finish(&client), 0);
    tls_talk(&client, &server, SIZE_MAX / 2);
    assert_string_equal((char *)server.got.data, "last");
    assert_int_equal(server.result, 0);
    assert_int_equal(tls_end_seal(&server, "answer", 6), 0);
    assert_int_equal(tls_end_finish(&server), 0);
    tls_talk(&client, &server, SIZE_MAX / 2);
    assert_string_equal((char *)client.got.data, "answer");
    assert_int_equal(client.result, 0);
    end(&client, &server);
}

static void test_end_without_close_notify_is_truncation(void **state)
{
    struct tls_end client, server;
    (void)state;
    make(&client, &server, TLS_CLIENT, TLS_SERVER);
    tls_talk(&client, &server, SIZE_MAX / 2);
    assert_int_equal(tls_end_eof(&server), WEFT_ETRUNCATED);
    assert_string_equal(tls_end_trouble(&server), "the connection ended without close_notify");
    /* An answer that is owed may still leave. */
    assert_int_equal(tls_end_seal(&server, "answer", 6), 0);
    tls_talk(&client, &server, SIZE_MAX / 2);
    assert_string_equal((char *)client.got.data, "answer");
    end(&client, &server);
}

static void test_end_inside_the_handshake(void **state)
{
    struct tls_end client, server;
    size_t size;
    (void)state;
    make(&client, &server, TLS_CLIENT, TLS_SERVER);
    struct tls_end looker;
    tls_end_again(&looker, &server);
    assert_int_equal(tls_end_eof(&looker), 0); /* only looked if anybody listens */
    assert_int_equal(tls_end_finish(&looker), 0);
    assert_int_equal(looker.down.bytes, 0);
    tls_end_hang_up(&looker);

    (void)tls_end_feed(&client, NULL, 0);
    uint8_t *hello = tls_end_take(&client, &size);
    (void)tls_end_feed(&server, hello, size / 2);
    assert_int_equal(tls_end_eof(&server), -EPROTO);
    assert_string_equal(tls_end_trouble(&server), "the client ended inside the handshake");
    assert_int_equal(tls_end_eof(&client), -ECONNRESET);
    free(hello);
    end(&client, &server);
}

struct taker {
    struct weft_samples samples;
    char text[256];
};

static void take(struct weft_samples *samples, const struct weft_sample *sample)
{
    struct taker *taker = weft_container_of(samples, struct taker, samples);
    size_t used = strlen(taker->text);
    if (sample->label_count > 0)
        return; /* a certificate: test_tls_reload */
    snprintf(taker->text + used, sizeof taker->text - used, "%s=%.0f ", sample->metric->name,
             sample->value);
}

static void test_session_is_resumed(void **state)
{
    static const char *const versions[] = {TLS_SERVER "&min=1.3", TLS_SERVER};
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct weft_tls context = {0};
        struct weft_error error = {0};
        struct tls_end client, server, again_client, again_server;
        assert_int_equal(tls_end_init(&server, &context, WEFT_SERVER, versions[i], NULL, &error),
                         0);
        assert_int_equal(tls_end_init(&client, NULL, WEFT_CLIENT, TLS_CLIENT, NULL, &error), 0);
        tls_talk(&client, &server, SIZE_MAX / 2);
        assert_open(&client, &server, SIZE_MAX / 2);
        tls_end_again(&again_client, &client);
        tls_end_again(&again_server, &server);
        tls_talk(&again_client, &again_server, SIZE_MAX / 2);
        assert_open(&again_client, &again_server, SIZE_MAX / 2);
        struct weft_tls_counts counts = weft_tls_count(&context);
        assert_int_equal(counts.handshakes, 2);
        assert_int_equal(counts.resumed, 1);
        assert_int_equal(counts.failed, 0);
        struct taker taker = {.samples = {take}};
        weft_tls_collect(&context, &taker.samples);
        assert_string_equal(taker.text,
                            "weft_tls_handshakes=2 weft_tls_resumptions=1 weft_tls_failures=0 ");
        tls_end_hang_up(&again_client);
        tls_end_hang_up(&again_server);
        end(&client, &server);
        assert_null(context.places);
    }
}

static void test_protocol_is_agreed_on(void **state)
{
    static const struct weft_codec http = {.name = "http", .alpn = "http/1.1"},
                                   two = {.name = "two", .alpn = "h2"}, raw = {.name = "raw"};
    static const struct {
        const struct weft_codec *client[3], *server[3];
        const char *agreed; /* "-": the handshake fails */
    } rows[] = {
        {{&http}, {&http}, "http/1.1"},
        {{&two, &http}, {&http, &two}, "http/1.1"},
        {{&raw}, {&http}, NULL},
        {{&two}, {&http, &raw}, NULL},
        {{&two}, {&http}, "-"},
        {{&http}, {&raw}, NULL},
        {{&raw, &two}, {&raw, &two}, "h2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weft_error error = {0};
        struct tls_end client, server;
        assert_int_equal(
            tls_end_init(&server, NULL, WEFT_SERVER, TLS_SERVER, rows[i].server, &error), 0);
        assert_int_equal(
            tls_end_init(&client, NULL, WEFT_CLIENT, TLS_CLIENT, rows[i].client, &error), 0);
        tls_talk(&client, &server, SIZE_MAX / 2);
        const char *agreed = rows[i].agreed;
        if (agreed && strcmp(agreed, "-") == 0) {
            assert_int_equal(server.result, -EPROTO);
            assert_int_equal(client.result, -EPROTO);
            assert_string_equal(tls_end_trouble(&client),
                                "the server refuses: no application protocol");
        } else {
            assert_open(&client, &server, SIZE_MAX / 2);
            const char *names[] = {weft_filter_tls.protocol(client.state),
                                   weft_filter_tls.protocol(server.state),
                                   tls_end_peer(&server).protocol};
            for (size_t k = 0; k < 3; k++) {
                if (agreed)
                    assert_string_equal(names[k], agreed);
                else
                    assert_null(names[k]);
            }
        }
        end(&client, &server);
    }
}

static void test_certificate_is_chosen_by_the_name_that_is_asked_for(void **state)
{
    static const struct {
        const char *client, *certificate;
    } rows[] = {
        {"ca=@ca.pem&name=localhost", "localhost"},
        {"ca=@ca.pem&name=a.example", "a.example"},
        {"ca=@ca.pem&name=b.example", "b.example"},
        {"ca=@ca.pem&name=127.0.0.1", NULL}, /* no SNI: the first */
        {"verify=off&name=c.example", "c.example"},
        {"verify=off", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_end client, server;
        make(&client, &server, rows[i].client,
             "cert=@server.pem,@other.pem&key=@server.key,@other.key");
        tls_talk(&client, &server, SIZE_MAX / 2);
        assert_open(&client, &server, SIZE_MAX / 2);
        struct weft_peer peer = tls_end_peer(&server);
        if (rows[i].certificate)
            assert_string_equal(peer.server_name, rows[i].certificate);
        else
            assert_null(peer.server_name);
        assert_null(peer.subject);
        end(&client, &server);
    }
    struct tls_end client, server;
    make(&client, &server, "ca=@ca.pem&name=c.example",
         "cert=@server.pem,@other.pem&key=@server.key,@other.key");
    tls_talk(&client, &server, SIZE_MAX / 2);
    assert_int_equal(client.result, -EPROTO);
    assert_string_equal(
        tls_end_trouble(&client),
        "the server's certificate is for localhost, 127.0.0.1, a.example and not for "
        "c.example; name= says which name it must have");
    end(&client, &server);
}

static void test_peer_is_who_its_certificate_says(void **state)
{
    struct tls_end client, server;
    (void)state;
    make(&client, &server, TLS_KNOWN, TLS_MUTUAL);
    assert_null(tls_end_peer(&server).subject);
    tls_talk(&client, &server, SIZE_MAX / 2);
    assert_open(&client, &server, SIZE_MAX / 2);
    struct weft_peer peer = tls_end_peer(&server);
    assert_string_equal(peer.subject, "ann");
    assert_string_equal(peer.names, "ann@example\nlaptop.example");
    assert_string_equal(peer.server_name, "localhost");
    peer = tls_end_peer(&client);
    assert_string_equal(peer.subject, "localhost");
    assert_string_equal(peer.names, "localhost\n127.0.0.1\na.example");
    end(&client, &server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_in_pieces_of_every_size),
        cmocka_unit_test(test_first_flight_split_at_every_byte),
        cmocka_unit_test(test_record_split_at_every_byte),
        cmocka_unit_test(test_message_bytes_wait_for_room),
        cmocka_unit_test(test_close_notify_ends_one_direction),
        cmocka_unit_test(test_end_without_close_notify_is_truncation),
        cmocka_unit_test(test_end_inside_the_handshake),
        cmocka_unit_test(test_session_is_resumed),
        cmocka_unit_test(test_protocol_is_agreed_on),
        cmocka_unit_test(test_certificate_is_chosen_by_the_name_that_is_asked_for),
        cmocka_unit_test(test_peer_is_who_its_certificate_says),
    };
    return cmocka_run_group_tests_name("tls handshake", tests, tls_group_setup, tls_group_teardown);
}
