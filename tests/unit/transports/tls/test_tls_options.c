/* SPDX-License-Identifier: MIT
 *
 * The options of a URL, and the files that it names. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls_fixture.h"

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", tls_folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_wrong_options_are_refused_and_named(void **state)
{
    static const struct {
        enum weft_role role;
        const char *query, *says;
    } rows[] = {
        {WEFT_SERVER, "", "tls: a server needs cert=FILE and key=FILE; kvs --make-certificate"},
        {WEFT_SERVER, "key=@server.key", "the certificate is missing: cert=FILE"},
        {WEFT_SERVER, TLS_SERVER "&ca=@ca.pem", "only a client has it; a server has client-ca="},
        {WEFT_SERVER, TLS_SERVER "&name=x", "option name=x: only a client has it"},
        {WEFT_CLIENT, TLS_CLIENT "&client-ca=@ca.pem", "only a server has it; a client has ca="},
        {WEFT_SERVER, TLS_SERVER "&verify=required", "option verify=required: client-ca= must say"},
        {WEFT_SERVER, TLS_SERVER "&verify=maybe",
         "option verify=maybe: it is off, optional or required"},
        {WEFT_CLIENT, TLS_CLIENT "&verify=optional", "a client takes off or required"},
        {WEFT_SERVER, TLS_SERVER "&min=1.1", "option min=1.1: it is 1.2 or 1.3"},
        {WEFT_SERVER, TLS_SERVER "&crl=@crl.pem", "client-ca= must say"},
        {WEFT_SERVER, "cert=@a,@b&key=@a", "there must be as many keys as certificates"},
        {WEFT_SERVER, "cert=@a,,@b&key=@a,,@b", "an item of the list is empty"},
        {WEFT_SERVER, "cert=a,a,a,a,a,a,a,a,a", "at most 8"},
        {WEFT_CLIENT, TLS_CLIENT "&cert=a,b", "a client has one"},
        {WEFT_CLIENT, "", "tls: without a host, name=NAME"},
        {WEFT_CLIENT, "name=", "option name=: it has 1 to 255 bytes"},
        {WEFT_SERVER, "cert=/proc/self/status", "status: it is being written"},
        {WEFT_SERVER, "cert=@absent.pem", "absent.pem: No such file or directory"},
        {WEFT_SERVER, "cert=@", ": it is not a file of at most 1 MiB"},
        {WEFT_SERVER, "cert=@empty&key=@server.key",
         "empty: there is no certificate: no start line"},
        {WEFT_SERVER, "cert=@server.pem", "server.pem: there is no key that needs no password"},
        {WEFT_SERVER, "cert=@server.pem&key=@absent.key", "absent.key: No such file"},
        {WEFT_SERVER, "cert=@server.pem&key=@client.key",
         "client.key: it is not the key of the certificate"},
        {WEFT_SERVER, "cert=@garbage&key=@server.key", "garbage: there is no certificate: "},
        {WEFT_SERVER, "cert=@cut&key=@server.key", "cut: the chain is damaged"},
        {WEFT_SERVER, TLS_SERVER "&client-ca=@empty", "option client-ca="},
        {WEFT_SERVER, TLS_SERVER "&client-ca=@cut", "there is no certificate, or a damaged one"},
        {WEFT_SERVER, TLS_MUTUAL "&crl=@ca.pem", "there is no list of revoked certificates"},
        {WEFT_CLIENT, "ca=@absent.pem&name=x", "option ca="},
        {WEFT_CLIENT, TLS_CLIENT "&cert=@client.pem&key=@locked.key",
         "there is no key that needs no password"},
    };
    char pem[4096] = "", path[256];
    (void)state;
    snprintf(path, sizeof path, "%s/server.pem", tls_folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(pem, 1, sizeof pem / 2, file);
    fclose(file);
    snprintf(pem + size, sizeof pem - size, "-----BEGIN CERTIFICATE-----\nAAAA");
    write_file("cut", pem);
    write_file("empty", "");
    write_file("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    write_file("locked.key",
               "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
               "AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
               "-----END EC PRIVATE KEY-----\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weft_error error = {0};
        struct tls_end end;
        assert_int_equal(tls_end_init(&end, NULL, rows[i].role, rows[i].query, NULL, &error),
                         WEFT_ECONFIG);
        if (!strstr(error.text, rows[i].says))
            fail_msg("%s: '%s' lacks '%s'", rows[i].query, error.text, rows[i].says);
    }
}

static void test_file_may_hold_certificate_and_key(void **state)
{
    struct tls_end end;
    char pem[4096] = "", path[256];
    size_t size = 0;
    (void)state;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/server.%s", tls_folder, i == 0 ? "pem" : "key");
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        size += fread(pem + size, 1, sizeof pem - size - 1, file);
        fclose(file);
    }
    write_file("both.pem", pem);
    assert_int_equal(tls_end_init(&end, NULL, WEFT_SERVER, "cert=@both.pem", NULL, NULL), 0);
    tls_end_fini(&end);
}

static void test_filter_above_says_what_is_spoken(void **state)
{
    static const struct weft_codec http = {.name = "http", .alpn = "http/1.1"};
    const struct weft_codec *const codecs[] = {&http, NULL};
    const struct weft_url url = {.scheme = "wss", .host = "127.0.0.1", .port = "1"};
    struct weft_filter_io io = {0};
    void *config = calloc(1, weft_filter_tls.config_size),
         *state_of = calloc(1, weft_filter_tls.state_size);
    (void)state;
    assert_true(config && state_of);
    assert_int_equal(weft_filter_tls.configure(config, NULL, &url, WEFT_CLIENT, codecs, NULL), 0);
    assert_int_equal(weft_filter_tls.init(state_of, config, WEFT_CLIENT), 0);
    struct weft_chain down;
    weft_chain_init(&down, NULL);
    io.down = &down;
    assert_int_equal(weft_filter_tls.open(state_of, NULL, 0, &io), -EAGAIN);
    struct iovec vec[1];
    assert_int_equal(weft_chain_peek(&down, vec, 1), 1);
    assert_null(memmem(vec[0].iov_base, vec[0].iov_len, "http/1.1", 8));
    weft_chain_fini(&down);
    weft_filter_tls.fini(state_of);
    weft_filter_tls.release(config);
    free(state_of);
    free(config);
}

static void check_made(const char *folder)
{
    static const char *const files[] = {"ca.pem",     "ca.key",     "server.pem",
                                        "server.key", "client.pem", "client.key"};
    for (size_t i = 0; i < 6; i++) {
        char path[256];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
    }
}

static void test_made_certificates_fit_each_other(void **state)
{
    struct weft_error error = {0};
    char folder[200], keep[128];
    (void)state;
    snprintf(folder, sizeof folder, "%s/made", tls_folder);
    assert_int_equal(weft_tls_make_certificates(folder, NULL, "ann", 30, &error), -ENOENT);
    assert_non_null(strstr(error.text, "ca.pem: No such file or directory"));
    assert_int_equal(mkdir(folder, 0700), 0);
    static const char *const bad[] = {"a b", "a,,b", "DNS:a", "a=b"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(weft_tls_make_certificates(folder, bad[i], "ann", 30, &error),
                         WEFT_ECONFIG);
        assert_non_null(strstr(error.text, "is no name of a server"));
    }
    assert_int_equal(
        weft_tls_make_certificates(folder, "kvs.example,192.0.2.7,2001:db8::1", "ann", 30, &error),
        0);
    check_made(folder);
    assert_int_equal(weft_tls_make_certificates(folder, NULL, "ann", 30, &error), -EEXIST);
    check_made(folder);

    memcpy(keep, tls_folder, sizeof keep);
    snprintf(tls_folder, sizeof tls_folder, "%.100s/made", keep);
    static const char *const names[] = {"localhost", "::1", "kvs.example", "192.0.2.7",
                                        "2001:db8::1"};
    for (size_t i = 0; i < 5; i++) {
        struct tls_end client, server;
        char query[256];
        snprintf(query, sizeof query, "ca=@ca.pem&cert=@client.pem&key=@client.key&name=%s",
                 names[i]);
        assert_int_equal(tls_end_init(&server, NULL, WEFT_SERVER, TLS_MUTUAL, NULL, NULL), 0);
        assert_int_equal(tls_end_init(&client, NULL, WEFT_CLIENT, query, NULL, NULL), 0);
        tls_talk(&client, &server, SIZE_MAX / 2);
        assert_true(client.is_open && server.is_open);
        assert_string_equal(tls_end_peer(&server).subject, "ann");
        tls_end_fini(&client);
        tls_end_fini(&server);
    }
    /* A client's certificate is none of a server. */
    struct tls_end client, server;
    assert_int_equal(
        tls_end_init(&server, NULL, WEFT_SERVER, "cert=@client.pem&key=@client.key", NULL, NULL),
        0);
    assert_int_equal(
        tls_end_init(&client, NULL, WEFT_CLIENT, "ca=@ca.pem&name=localhost", NULL, NULL), 0);
    tls_talk(&client, &server, SIZE_MAX / 2);
    assert_int_equal(client.result, -EPROTO);
    assert_string_equal(tls_end_trouble(&client),
                        "the certificate of CN=ann: unsuitable certificate purpose");
    tls_end_fini(&client);
    tls_end_fini(&server);
    memcpy(tls_folder, keep, sizeof keep);
}

/* A file that is there already is left alone, and those that were made are removed. */
static void test_failed_making_leaves_nothing(void **state)
{
    struct weft_error error = {0};
    char folder[200], path[256];
    struct stat status;
    (void)state;
    snprintf(folder, sizeof folder, "%s/half", tls_folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    write_file("half/server.key", "mine");
    assert_int_equal(weft_tls_make_certificates(folder, NULL, "ann", 30, &error), -EEXIST);
    snprintf(path, sizeof path, "%s/ca.pem", folder);
    assert_int_equal(stat(path, &status), -1);
    snprintf(path, sizeof path, "%s/server.key", folder);
    assert_int_equal(stat(path, &status), 0);
    char long_folder[1100];
    memset(long_folder, 'x', sizeof long_folder);
    long_folder[sizeof long_folder - 1] = '\0';
    assert_int_equal(weft_tls_make_certificates(long_folder, NULL, "ann", 30, &error),
                     -ENAMETOOLONG);
    assert_int_equal(weft_tls_make_certificates(folder, NULL, "", 30, &error), -EEXIST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_options_are_refused_and_named),
        cmocka_unit_test(test_file_may_hold_certificate_and_key),
        cmocka_unit_test(test_filter_above_says_what_is_spoken),
        cmocka_unit_test(test_made_certificates_fit_each_other),
        cmocka_unit_test(test_failed_making_leaves_nothing),
    };
    return cmocka_run_group_tests_name("tls options", tests, tls_group_setup, tls_group_teardown);
}
