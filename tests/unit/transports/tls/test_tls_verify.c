/* SPDX-License-Identifier: MIT
 *
 * Certificates that are not right: what is refused, and what both ends are told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "certificates.h"
#include "tls_fixture.h"

#define SERVER(name) "cert=@" name ".pem&key=@" name ".key"

struct row {
    const char *client, *server;
    const char *client_says, *server_says; /* the beginning; NULL: it is content */
};

/* TLS 1.3 lets a client finish before the server has judged its certificate, so both end by one rule: what is
 * wrong is known to both once all has been said. */
static void check(const struct row *row)
{
    struct weft_error error = {0};
    struct tls_end client, server;

    if (tls_end_init(&server, NULL, WEFT_SERVER, row->server, NULL, &error) < 0 ||
        tls_end_init(&client, NULL, WEFT_CLIENT, row->client, NULL, &error) < 0)
        fail_msg("%s", error.text);
    tls_talk(&client, &server, SIZE_MAX / 2);
    const char *says[] = {tls_end_trouble(&client), tls_end_trouble(&server)};
    const char *expected[] = {row->client_says, row->server_says};
    const struct tls_end *ends[] = {&client, &server};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ends[i]->result, expected[i] ? -EPROTO : -EAGAIN);
        if (expected[i] && strncmp(says[i], expected[i], strlen(expected[i])) != 0)
            fail_msg("'%s' is not '%s'", says[i], expected[i]);
    }
    if (expected[1]) { /* nothing follows an alert */
        assert_int_equal(tls_end_seal(&server, "x", 1), 0);
        assert_int_equal(tls_end_finish(&server), 0);
        assert_int_equal(server.down.bytes, 0);
    }
    tls_end_fini(&client);
    tls_end_fini(&server);
}

static void test_client_refuses_a_server_and_says_why(void **state)
{
    static const struct row rows[] = {
        {TLS_CLIENT, SERVER("expired"), "the certificate of CN=localhost expired at 20",
         "the client refuses: certificate expired"},
        {TLS_CLIENT, SERVER("early"), "the certificate of CN=localhost holds from 20",
         "the client refuses: "},
        {TLS_CLIENT, SERVER("wrong"),
         "the server's certificate is for elsewhere.example, 192.0.2.1 and not for localhost; "
         "name=",
         "the client refuses: bad certificate"},
        {TLS_CLIENT, SERVER("bare"),
         "the server's certificate is for CN=bare \\'quoted\\' and not for",
         "the client refuses: bad certificate"},
        {"ca=@ca.pem&name=127.0.0.2", SERVER("server"),
         "the server's certificate is for localhost, 127.0.0.1, a.example and not for 127.0.0.2",
         "the client refuses: bad certificate"},
        {TLS_CLIENT, SERVER("self"),
         "the certificate of CN=localhost is signed by itself; ca= names those to trust",
         "the client refuses: unknown CA"},
        {TLS_CLIENT, SERVER("stranger"),
         "the certificate of CN=localhost is signed by CN=foreign authority, whom ca= does not "
         "name",
         "the client refuses: unknown CA"},
        {"name=localhost", SERVER("server"),
         "the certificate of CN=localhost is signed by CN=test authority, whom ca= does not name",
         "the client refuses: unknown CA"},
        {"ca=@self.pem&name=localhost", SERVER("self"), NULL, NULL},
        {"verify=off", SERVER("expired"), NULL, NULL},
        {"ca=@ca.pem&name=laptop.example&crl=@crl.pem", SERVER("client"),
         "the certificate of CN=ann, number ", "the client refuses: certificate revoked"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void test_server_refuses_a_client_and_says_why(void **state)
{
    static const struct row rows[] = {
        {TLS_CLIENT, TLS_MUTUAL, "the server refuses: certificate required",
         "the client shows no certificate, and verify=required"},
        {TLS_CLIENT, TLS_MUTUAL "&verify=optional", NULL, NULL},
        {TLS_KNOWN, TLS_MUTUAL "&verify=optional", NULL, NULL},
        {TLS_KNOWN, TLS_MUTUAL "&verify=off", NULL, NULL},
        {TLS_KNOWN, TLS_MUTUAL "&crl=@crl.pem", "the server refuses: certificate revoked",
         "the certificate of CN=ann, number "},
        {TLS_KNOWN, TLS_MUTUAL "&crl=@empty.pem", NULL, NULL},
        {TLS_KNOWN, TLS_MUTUAL "&crl=@old.pem",
         "the server refuses: ", "crl= has no list of CN=test authority that is of today"},
        {TLS_CLIENT "&cert=@stranger.pem&key=@stranger.key", TLS_MUTUAL "&verify=optional",
         "the server refuses: unknown CA",
         "the certificate of CN=localhost is signed by CN=foreign"},
        {TLS_CLIENT "&cert=@self.pem&key=@self.key", TLS_MUTUAL, "the server refuses: unknown CA",
         "the certificate of CN=localhost is signed by itself; client-ca= names"},
        {TLS_CLIENT "&cert=@expired.pem&key=@expired.key", TLS_MUTUAL,
         "the server refuses: certificate expired", "the certificate of CN=localhost expired at"},
    };
    (void)state;
    certificate_revoke(tls_folder, "ca", NULL, "empty", 30);
    certificate_revoke(tls_folder, "ca", NULL, "old", -1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

/* Without verification a server must not believe what a certificate says. */
static void test_certificate_that_was_not_asked_for_names_nobody(void **state)
{
    static const char *const servers[] = {TLS_MUTUAL "&verify=off", TLS_SERVER};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tls_end client, server;
        assert_int_equal(tls_end_init(&server, NULL, WEFT_SERVER, servers[i], NULL, NULL), 0);
        assert_int_equal(tls_end_init(&client, NULL, WEFT_CLIENT, TLS_KNOWN, NULL, NULL), 0);
        tls_talk(&client, &server, SIZE_MAX / 2);
        assert_true(server.is_open);
        assert_null(tls_end_peer(&server).subject);
        assert_null(tls_end_peer(&server).names);
        tls_end_fini(&client);
        tls_end_fini(&server);
    }
    struct tls_end client, server;
    assert_int_equal(tls_end_init(&server, NULL, WEFT_SERVER, SERVER("expired"), NULL, NULL), 0);
    assert_int_equal(tls_end_init(&client, NULL, WEFT_CLIENT, "verify=off", NULL, NULL), 0);
    tls_talk(&client, &server, SIZE_MAX / 2);
    assert_true(client.is_open);
    assert_null(tls_end_peer(&client).subject);
    tls_end_fini(&client);
    tls_end_fini(&server);
}

/* A common name that has a control character might pass for another one. */
static void test_strange_common_name_names_nobody(void **state)
{
    static const struct {
        const char *name, *subject;
    } rows[] = {{"ann\nadmin", NULL}, {NULL, NULL}, {"J\xc3\xb6rg", "J\xc3\xb6rg"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct certificate strange = {"strange", rows[i].name, NULL, "ca", -1, 90, false};
        struct tls_end client, server;
        certificate_make(tls_folder, &strange);
        assert_int_equal(tls_end_init(&server, NULL, WEFT_SERVER, TLS_MUTUAL, NULL, NULL), 0);
        assert_int_equal(tls_end_init(&client, NULL, WEFT_CLIENT,
                                      TLS_CLIENT "&cert=@strange.pem&key=@strange.key", NULL, NULL),
                         0);
        tls_talk(&client, &server, SIZE_MAX / 2);
        assert_true(server.is_open);
        struct weft_peer peer = tls_end_peer(&server);
        if (rows[i].subject)
            assert_string_equal(peer.subject, rows[i].subject);
        else
            assert_null(peer.subject);
        assert_null(peer.names);
        tls_end_fini(&client);
        tls_end_fini(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_refuses_a_server_and_says_why),
        cmocka_unit_test(test_server_refuses_a_client_and_says_why),
        cmocka_unit_test(test_certificate_that_was_not_asked_for_names_nobody),
        cmocka_unit_test(test_strange_common_name_names_nobody),
    };
    return cmocka_run_group_tests_name("tls verify", tests, tls_group_setup, tls_group_teardown);
}
