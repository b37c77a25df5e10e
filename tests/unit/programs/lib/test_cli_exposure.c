/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "programs/lib/exposure.h"

static int check(const char *url, bool allow_remote, struct weft_error *error)
{
    const char *const urls[] = {"unix:/tmp/kvs.sock", url};
    const struct cli_exposure exposure = {.urls = urls, .count = 2, .allow_remote = allow_remote};
    return cli_check_exposure(&exposure, error);
}

static void test_loopback_addresses_and_unix_sockets_are_taken(void **state)
{
    (void)state;
    static const char *const urls[] = {"tcp://127.0.0.1:0",  "tcp://127.255.1.2:0",
                                       "tcp://localhost:0",  "tcp://[::1]:0",
                                       "unix:relative.sock", "tcp://[::ffff:127.0.0.1]:0"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        assert_int_equal(check(urls[i], false, NULL), 0);
}

static void test_any_other_address_or_name_needs_allow_remote(void **state)
{
    (void)state;
    static const char *const urls[] = {"tcp://0.0.0.0:9527",
                                       "tcp://192.0.2.1:0",
                                       "tcp://[::]:0",
                                       "tcp://[2001:db8::1]:0",
                                       "tcp://[::ffff:192.0.2.1]:0",
                                       "tcp://kvs.example:0",
                                       "tcp://127.0.0.1.example.com:0",
                                       "192.0.2.1:9527",
                                       "[::]:0",
                                       "kvs.example:0"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct weft_error error;
        assert_int_equal(check(urls[i], false, &error), WEFT_ECONFIG);
        assert_non_null(strstr(error.text, urls[i]));
        assert_non_null(strstr(error.text, "--allow-remote"));
        assert_non_null(strstr(error.text, "no encryption (tls://) and nobody has to log in"));
        assert_int_equal(check(urls[i], true, &error), 0);
    }
}

static void test_url_that_cannot_be_read_is_left_to_its_reader(void **state)
{
    (void)state;
    assert_int_equal(check("192.0.2.1:http", false, NULL), 0);
}

static void test_error_says_what_a_remote_address_lacks(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool has_users;
        const char *lack; /* NULL: nothing */
    } rows[] = {
        {"tcp://192.0.2.1:1", false, "no encryption (tls://) and nobody has to log in"},
        {"tcp://192.0.2.1:1", true, "no encryption (tls://): whoever is between"},
        {"ws://192.0.2.1:1", true, "no encryption (tls://): whoever is between"},
        {"tls://192.0.2.1:1", false, "not a loopback address, and nobody has to log in"},
        {"tls://192.0.2.1:1", true, NULL},
        {"wss://192.0.2.1:1/x", true, NULL},
        {"ws+tls+tcp://192.0.2.1:1", true, NULL},
        {"tlsx://192.0.2.1:1", true, "no encryption"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct cli_exposure exposure = {
            .urls = &rows[i].url, .count = 1, .has_users = rows[i].has_users};
        struct weft_error error;
        int err = cli_check_exposure(&exposure, &error);
        assert_int_equal(err, rows[i].lack ? WEFT_ECONFIG : 0);
        if (rows[i].lack)
            assert_non_null(strstr(error.text, rows[i].lack));
    }
}

static void test_exposure_is_a_line(void **state)
{
    (void)state;
    char line[CLI_EXPOSURE_TEXT];
    assert_string_equal(cli_describe_exposure("tcp://127.0.0.1:1?codec=raw", line),
                        "tcp://127.0.0.1:1 reach=machine encrypted=no");
    assert_string_equal(cli_describe_exposure("tls://[::]:1", line),
                        "tls://[::]:1 reach=network encrypted=yes");
    assert_string_equal(cli_describe_exposure("unix:/run/kvs.sock", line),
                        "unix:/run/kvs.sock reach=files encrypted=no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback_addresses_and_unix_sockets_are_taken),
        cmocka_unit_test(test_any_other_address_or_name_needs_allow_remote),
        cmocka_unit_test(test_url_that_cannot_be_read_is_left_to_its_reader),
        cmocka_unit_test(test_error_says_what_a_remote_address_lacks),
        cmocka_unit_test(test_exposure_is_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
