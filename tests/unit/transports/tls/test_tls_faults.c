/* SPDX-License-Identifier: MIT
 *
 * Memory that is gone: the filter's own, and that of OpenSSL. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "certificates.h"
#include "lib/fault.h"
#include "tls_fixture.h"

/* OpenSSL's allocations: the one with the index `at` fails while armed. */
static size_t asked, at;
static bool armed;

static bool refused(void)
{
    return armed && asked++ == at;
}

static void *ssl_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return refused() ? NULL : malloc(size);
}

static void *ssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return refused() ? NULL : realloc(p, size);
}

static void ssl_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

/* One whole session, mutual, with a session that may be resumed. */
static void live(void *arg)
{
    struct weft_tls tls = {0};
    struct tls_end client, server;
    int err = tls_end_init(&server, &tls, WEFT_SERVER, TLS_MUTUAL "&crl=@empty.pem", NULL, NULL);
    (void)arg;

    if (err < 0) {
        assert_true(fault_failed() > 0 && err == -ENOMEM);
        return;
    }
    err = tls_end_init(&client, NULL, WEFT_CLIENT, TLS_KNOWN, NULL, NULL);
    if (err == 0) {
        tls_talk(&client, &server, SIZE_MAX / 2);
        if (client.is_open && server.is_open) {
            int sealed = tls_end_seal(&client, "hello", 5);
            assert_true(sealed == 0 || (fault_failed() > 0 && sealed == -ENOMEM));
            (void)tls_end_peer(&server);
            int finished = tls_end_finish(&client);
            assert_true(finished == 0 || (fault_failed() > 0 && finished == -ENOMEM));
            tls_talk(&client, &server, SIZE_MAX / 2);
        }
        if (fault_failed() == 0) {
            assert_string_equal((char *)server.got.data, "hello");
            assert_string_equal(tls_end_peer(&server).subject, "ann");
            assert_int_equal(server.result, 0);
        }
        tls_end_fini(&client);
    } else {
        assert_true(fault_failed() > 0 && err == -ENOMEM);
    }
    err = weft_tls_prepare(&tls, NULL);
    assert_true(err == 0 || (fault_failed() > 0 && err == -ENOMEM));
    if (err == 0)
        weft_tls_commit(&tls);
    tls_end_fini(&server);
}

static void test_session_survives_every_failing_allocation_of_ours(void **state)
{
    (void)state;
    fault_each(live, NULL);
}

static bool no_words;

/* A client refuses the server and says why, or that it cannot. */
static void fail_to_verify(void *arg)
{
    struct tls_end client, server;
    (void)arg;
    if (tls_end_init(&server, NULL, WEFT_SERVER, TLS_SERVER, NULL, NULL) < 0)
        return;
    if (tls_end_init(&client, NULL, WEFT_CLIENT, "ca=@foreign.pem&name=localhost", NULL, NULL) ==
        0) {
        tls_talk(&client, &server, SIZE_MAX / 2);
        assert_false(server.is_open);
        if (client.result == -EPROTO)
            assert_string_not_equal(tls_end_trouble(&client), "");
        no_words |= strcmp(tls_end_trouble(&client), "no memory to say why") == 0;
        tls_end_fini(&client);
    }
    tls_end_fini(&server);
}

static void test_refusal_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(fail_to_verify, NULL);
    assert_true(no_words);
}

/* Runs body again and again, each time with another allocation of OpenSSL's failing: the `step`th behind the one
 * before, until all have been passed. */
static void each_of_openssl(void (*body)(bool failed), size_t step)
{
    body(false);
    for (at = 0;; at += step) {
        asked = 0;
        body(true);
        armed = false;
        ERR_clear_error();
        if (asked <= at)
            return;
    }
}

static void configure(bool failed)
{
    struct tls_end server;
    struct weft_error error = {0};
    armed = failed;
    int err = tls_end_init(&server, NULL, WEFT_SERVER, TLS_MUTUAL "&crl=@empty.pem", NULL, &error);
    armed = false;
    assert_true(err == 0 || err == -ENOMEM || error.text[0]); /* init has no text */
    if (err == 0)
        tls_end_fini(&server);
    assert_true(err == 0 || failed);
}

static void test_configuration_survives_every_failing_allocation_of_openssl(void **state)
{
    (void)state;
    each_of_openssl(configure, 61); /* there are 8000, most while its tables are made */
}

static struct tls_end known_server, known_client;

/* The allocations of a server fail, and those of its client do not. */
static void serve(bool failed)
{
    struct tls_end server, client;
    uint8_t *bytes;
    size_t size;

    tls_end_again(&client, &known_client);
    tls_end_again(&server, &known_server);
    (void)tls_end_feed(&client, NULL, 0);
    for (int i = 0; i < 4; i++) {
        bytes = tls_end_take(&client, &size);
        armed = failed;
        (void)tls_end_feed(&server, bytes, size);
        if (server.is_open && i == 3) {
            (void)tls_end_seal(&server, "hello", 5);
            (void)tls_end_peer(&server);
            (void)tls_end_finish(&server);
        }
        armed = false;
        free(bytes);
        bytes = tls_end_take(&server, &size);
        (void)tls_end_feed(&client, bytes, size);
        free(bytes);
    }
    if (!failed) {
        assert_string_equal((char *)client.got.data, "hello");
        assert_int_equal(client.result, 0);
    }
    if (server.is_over)
        assert_true(server.result < 0);
    tls_end_hang_up(&server);
    tls_end_hang_up(&client);
}

static void test_server_survives_every_failing_allocation_of_openssl(void **state)
{
    (void)state;
    assert_int_equal(
        tls_end_init(&known_server, NULL, WEFT_SERVER, TLS_MUTUAL "&verify=optional", NULL, NULL),
        0);
    assert_int_equal(tls_end_init(&known_client, NULL, WEFT_CLIENT, TLS_CLIENT, NULL, NULL), 0);
    each_of_openssl(serve, 1);
    tls_end_fini(&known_client);
    tls_end_fini(&known_server);
}

static void make_files(bool failed)
{
    static const char *const files[] = {"ca.pem",     "ca.key",     "server.pem",
                                        "server.key", "client.pem", "client.key"};
    char folder[200], path[256];
    size_t count = 0;

    snprintf(folder, sizeof folder, "%s/made", tls_folder);
    (void)mkdir(folder, 0700);
    armed = failed;
    int err = weft_tls_make_certificates(folder, "a.example", "ann", 30, NULL);
    armed = false;
    for (size_t i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        count += unlink(path) == 0;
    }
    assert_int_equal(count, err < 0 ? 0 : 6);
    assert_true(err == 0 || failed);
}

static void test_making_survives_every_failing_allocation_of_openssl(void **state)
{
    (void)state;
    each_of_openssl(make_files, 61); /* there are 8000, most in arithmetic */
}

/* Nothing of OpenSSL's is there before the first record is whole. */
static void test_part_of_the_first_record_costs_its_bytes_alone(void **state)
{
    struct tls_end server, client, connection;
    size_t size;
    (void)state;
    assert_int_equal(tls_end_init(&server, NULL, WEFT_SERVER, TLS_SERVER, NULL, NULL), 0);
    assert_int_equal(tls_end_init(&client, NULL, WEFT_CLIENT, TLS_CLIENT, NULL, NULL), 0);
    (void)tls_end_feed(&client, NULL, 0);
    uint8_t *flight = tls_end_take(&client, &size);
    fault_install();
    asked = 0;
    at = SIZE_MAX;
    armed = true;
    tls_end_again(&connection, &server);
    for (size_t i = 0; i + 1 < size; i++)
        assert_int_equal(tls_end_feed(&connection, flight + i, 1), -EAGAIN);
    assert_int_equal(asked, 0);
    assert_true(fault_bytes() < 1200);
    armed = false;
    assert_int_equal(tls_end_feed(&connection, flight + size - 1, 1), -EAGAIN);
    assert_true(connection.down.bytes > 600);
    tls_end_hang_up(&connection);
    assert_int_equal(fault_live(), 0);
    fault_remove();
    free(flight);
    tls_end_fini(&client);
    tls_end_fini(&server);
}

static int setup(void **state)
{
    int err = tls_group_setup(state);
    certificate_revoke(tls_folder, "ca", NULL, "empty", 30);
    return err;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_survives_every_failing_allocation_of_ours),
        cmocka_unit_test(test_refusal_survives_every_failing_allocation),
        cmocka_unit_test(test_configuration_survives_every_failing_allocation_of_openssl),
        cmocka_unit_test(test_server_survives_every_failing_allocation_of_openssl),
        cmocka_unit_test(test_part_of_the_first_record_costs_its_bytes_alone),
        cmocka_unit_test(test_making_survives_every_failing_allocation_of_openssl),
    };
    if (!CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free))
        return 1;
    return cmocka_run_group_tests_name("tls faults", tests, setup, tls_group_teardown);
}
