/* SPDX-License-Identifier: MIT
 *
 * Peers that break rules, with OpenSSL itself as the peer where the filter would not break them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "tls_fixture.h"

/* A client of OpenSSL's, and a server of ours. */
struct raw {
    SSL_CTX *ctx;
    SSL *ssl;
    struct tls_end server;
};

static void raw_init(struct raw *raw, int version, const char *query)
{
    assert_int_equal(tls_end_init(&raw->server, NULL, WEFT_SERVER, query, NULL, NULL), 0);
    raw->ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(raw->ctx);
    SSL_CTX_set_security_level(raw->ctx, 0);
    SSL_CTX_set_min_proto_version(raw->ctx, version);
    SSL_CTX_set_max_proto_version(raw->ctx, version);
    raw->ssl = SSL_new(raw->ctx);
    assert_non_null(raw->ssl);
    SSL_set_bio(raw->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(raw->ssl);
}

static void raw_fini(struct raw *raw)
{
    SSL_free(raw->ssl);
    SSL_CTX_free(raw->ctx);
    tls_end_fini(&raw->server);
}

/* Takes what the client says to the server. */
static void raw_send(struct raw *raw)
{
    char *bytes;
    long size = BIO_get_mem_data(SSL_get_wbio(raw->ssl), &bytes);
    if (size > 0)
        (void)tls_end_feed(&raw->server, bytes, (size_t)size);
    (void)BIO_reset(SSL_get_wbio(raw->ssl));
}

static void raw_receive(struct raw *raw)
{
    size_t size;
    uint8_t *bytes = tls_end_take(&raw->server, &size);
    if (size > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(raw->ssl), bytes, (int)size), (int)size);
    free(bytes);
}

static void raw_shake(struct raw *raw)
{
    for (int i = 0; i < 5; i++) {
        (void)SSL_do_handshake(raw->ssl);
        raw_send(raw);
        raw_receive(raw);
    }
}

static void test_renegotiation_is_refused(void **state)
{
    struct raw raw;
    (void)state;
    raw_init(&raw, TLS1_2_VERSION, TLS_SERVER);
    raw_shake(&raw);
    assert_true(raw.server.is_open);
    SSL_CTX_clear_options(raw.ctx, SSL_OP_NO_RENEGOTIATION);
    assert_int_equal(SSL_renegotiate(raw.ssl), 1);
    (void)SSL_do_handshake(raw.ssl);
    raw_send(&raw);
    assert_int_equal(raw.server.result, -EPROTO);
    assert_string_equal(tls_end_trouble(&raw.server), "the peer wants to renegotiate");
    /* An earlier question may still be answered. */
    assert_int_equal(tls_end_seal(&raw.server, "answer", 6), 0);
    assert_int_equal(tls_end_finish(&raw.server), 0);
    assert_true(raw.server.down.bytes > 0);
    raw_fini(&raw);
}

static void update_key(struct raw *raw)
{
    assert_int_equal(SSL_key_update(raw->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    (void)SSL_do_handshake(raw->ssl);
}

/* Each one is answered, whether the peer reads or not. */
static void test_key_updates_end_somewhere(void **state)
{
    struct raw raw;
    (void)state;
    raw_init(&raw, TLS1_3_VERSION, TLS_SERVER);
    raw_shake(&raw);
    assert_true(raw.server.is_open);
    for (int i = 0; i < 100; i++) { /* with bytes in between they are fine */
        update_key(&raw);
        assert_int_equal(SSL_write(raw.ssl, "x", 1), 1);
        raw_send(&raw);
        raw_receive(&raw);
        assert_int_equal(raw.server.result, -EAGAIN);
    }
    assert_int_equal(raw.server.got.end, 100);
    for (int i = 0; i < 1000; i++)
        update_key(&raw);
    raw_send(&raw);
    assert_int_equal(raw.server.result, -EPROTO);
    assert_string_equal(tls_end_trouble(&raw.server), "the peer changes keys again and again");
    assert_true(raw.server.down.bytes < 2000);
    raw_fini(&raw);
}

static void test_old_versions_are_refused(void **state)
{
    static const struct {
        int version;
        const char *query;
    } rows[] = {{TLS1_VERSION, TLS_SERVER},
                {TLS1_1_VERSION, TLS_SERVER},
                {TLS1_2_VERSION, TLS_SERVER "&min=1.3"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct raw raw;
        raw_init(&raw, rows[i].version, rows[i].query);
        raw_shake(&raw);
        assert_int_equal(raw.server.result, -EPROTO);
        assert_string_equal(tls_end_trouble(&raw.server),
                            "the client speaks no version of TLS from min= on");
        raw_fini(&raw);
    }
}

static void test_weak_ciphers_are_refused(void **state)
{
    static const char *const ciphers[] = {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct raw raw;
        raw_init(&raw, TLS1_2_VERSION, TLS_SERVER);
        assert_int_equal(SSL_set_cipher_list(raw.ssl, ciphers[i]), 1);
        raw_shake(&raw);
        assert_int_equal(raw.server.result, -EPROTO);
        assert_string_equal(tls_end_trouble(&raw.server), "TLS: no shared cipher");
        raw_fini(&raw);
    }
}

static void test_what_is_no_tls_is_refused_and_named(void **state)
{
    static const char *const texts[] = {"GET / HTTP/1.1\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n",
                                        "*1\r\n$4\r\nPING\r\n", "hget table1 hello\n",
                                        "\x16\x03\x01\xff\xff\x01\x00\x00\x00"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tls_end server;
        assert_int_equal(tls_end_init(&server, NULL, WEFT_SERVER, TLS_SERVER, NULL, NULL), 0);
        size_t size = i == 4 ? 9 : strlen(texts[i]);
        assert_int_equal(tls_end_feed(&server, texts[i], size), -EPROTO);
        assert_string_equal(tls_end_trouble(&server), i == 4 ? "TLS: packet length too long"
                                                             : "the client does not speak TLS");
        assert_int_equal(tls_end_finish(&server), 0);
        tls_end_fini(&server);
    }
    struct tls_end client;
    assert_int_equal(tls_end_init(&client, NULL, WEFT_CLIENT, TLS_CLIENT, NULL, NULL), 0);
    assert_int_equal(tls_end_feed(&client, texts[0], strlen(texts[0])), -EPROTO);
    assert_string_equal(tls_end_trouble(&client), "the server does not speak TLS");
    tls_end_fini(&client);
}

/* A message may have 128 KiB by its header, and OpenSSL would wait for all of them. */
static void test_handshake_has_a_limit_of_bytes(void **state)
{
    enum { PAYLOAD = 1000, HEADER = 5 };
    static unsigned char record[HEADER + PAYLOAD] = {22, 3, 1,    PAYLOAD >> 8, PAYLOAD & 0xff,
                                                     1,  1, 0xff, 0xf0};
    struct tls_end server;
    size_t sent = 0;
    (void)state;
    assert_int_equal(tls_end_init(&server, NULL, WEFT_SERVER, TLS_SERVER, NULL, NULL), 0);
    while (sent < 1 << 20 && tls_end_feed(&server, record, sizeof record) == -EAGAIN) {
        sent += sizeof record;
        memset(record + HEADER, 0, 4); /* the header of the message stands in the first one alone */
    }
    assert_int_equal(server.result, -EPROTO);
    assert_in_range(sent, 64 * 1024 - sizeof record, 64 * 1024 + sizeof record);
    assert_string_equal(tls_end_trouble(&server), "the handshake has more than 64 KiB");
    tls_end_fini(&server);
}

/* These records may stand anywhere in a handshake, and TLS 1.3 skips them. */
static void test_empty_words_do_not_keep_a_handshake_alive(void **state)
{
    static const unsigned char change[] = {20, 3, 3, 0, 1, 1};
    struct raw raw;
    size_t sent = 0;
    (void)state;
    raw_init(&raw, TLS1_3_VERSION, TLS_SERVER);
    (void)SSL_do_handshake(raw.ssl);
    raw_send(&raw);
    while (raw.server.result == -EAGAIN && sent < 1 << 20) {
        (void)tls_end_feed(&raw.server, change, sizeof change);
        sent += sizeof change;
    }
    assert_int_equal(raw.server.result, -EPROTO);
    assert_true(sent < 66 * 1024);
    assert_string_not_equal(tls_end_trouble(&raw.server), "");
    raw_fini(&raw);
}

static void test_changed_byte_breaks_the_connection(void **state)
{
    struct raw raw;
    char *bytes;
    (void)state;
    raw_init(&raw, TLS1_3_VERSION, TLS_SERVER);
    raw_shake(&raw);
    assert_int_equal(SSL_write(raw.ssl, "first", 5), 5);
    assert_int_equal(SSL_write(raw.ssl, "second", 6), 6);
    long size = BIO_get_mem_data(SSL_get_wbio(raw.ssl), &bytes);
    bytes[size - 1] ^= 1;
    raw_send(&raw);
    /* The record before it is told first. */
    assert_string_equal((char *)raw.server.got.data, "first");
    assert_int_equal(raw.server.result, -EPROTO);
    assert_string_equal(tls_end_trouble(&raw.server), "TLS: decryption failed or bad record mac");
    raw_fini(&raw);
}

static void test_flight_that_is_cut_or_changed_anywhere_opens_nothing(void **state)
{
    struct raw raw;
    char *bytes;
    (void)state;
    raw_init(&raw, TLS1_3_VERSION, TLS_SERVER);
    (void)SSL_do_handshake(raw.ssl);
    long size = BIO_get_mem_data(SSL_get_wbio(raw.ssl), &bytes);
    for (long at = 0; at < size; at++) {
        struct tls_end server;
        tls_end_again(&server, &raw.server);
        bytes[at] ^= 0x40;
        (void)tls_end_feed(&server, bytes, (size_t)size);
        bytes[at] ^= 0x40;
        assert_false(server.is_open);
        (void)tls_end_eof(&server);
        assert_int_equal(server.result, -EPROTO);
        assert_string_not_equal(tls_end_trouble(&server), "");
        tls_end_hang_up(&server);
    }
    raw_fini(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_renegotiation_is_refused),
        cmocka_unit_test(test_key_updates_end_somewhere),
        cmocka_unit_test(test_old_versions_are_refused),
        cmocka_unit_test(test_weak_ciphers_are_refused),
        cmocka_unit_test(test_what_is_no_tls_is_refused_and_named),
        cmocka_unit_test(test_handshake_has_a_limit_of_bytes),
        cmocka_unit_test(test_empty_words_do_not_keep_a_handshake_alive),
        cmocka_unit_test(test_changed_byte_breaks_the_connection),
        cmocka_unit_test(test_flight_that_is_cut_or_changed_anywhere_opens_nothing),
    };
    return cmocka_run_group_tests_name("tls hostile", tests, tls_group_setup, tls_group_teardown);
}
