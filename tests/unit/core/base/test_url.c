/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/base/url.h"

static struct weft_url url;
static struct weft_error error;

static void parse(const char *text)
{
    int rc = weft_url_parse(&url, text, &error);
    if (rc != 0)
        fail_msg("%s", error.text);
}

/* Refused, in words that hold `words`, on one line that shows both forms. */
static void refuse(const char *text, const char *words)
{
    memset(&error, 0, sizeof error);
    assert_int_equal(weft_url_parse(&url, text, &error), WEFT_ECONFIG);
    assert_int_equal(error.code, WEFT_ECONFIG);
    if (!strstr(error.text, words))
        fail_msg("'%s' is not in: %s", words, error.text);
    assert_non_null(strstr(error.text, "tcp://HOST:PORT"));
    assert_non_null(strstr(error.text, "unix:PATH"));
    assert_null(strchr(error.text, '\n'));
}

static void test_tcp_has_host_and_port(void **state)
{
    (void)state;
    parse("tcp://127.0.0.1:9527");
    assert_string_equal(url.scheme, "tcp");
    assert_string_equal(url.host, "127.0.0.1");
    assert_string_equal(url.port, "9527");
    assert_null(url.path);
    assert_int_equal(url.option_count, 0);
}

static void test_ipv6_stands_in_brackets(void **state)
{
    (void)state;
    parse("tcp://[::1]:9527");
    assert_string_equal(url.host, "::1");
    assert_string_equal(url.port, "9527");
    parse("tcp://[fe80::1%eth0]:1");
    assert_string_equal(url.host, "fe80::1%eth0");
}

static void test_host_and_port_alone_mean_tcp(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:9527", "localhost:9527", "kvs.example:9527",
                                        "[::1]:9527"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s?codec=raw", texts[i]);
        parse(text);
        assert_string_equal(url.scheme, "tcp");
        assert_string_equal(url.port, "9527");
        assert_string_equal(url.options[0].value, "raw");
        assert_null(url.path);
    }
    assert_string_equal(url.host, "::1");
    refuse("127.0.0.1:65536", "the port is over 65535");
    refuse("[::1]", "the port is missing");
}

static void test_word_and_number_stay_a_scheme_and_a_path(void **state)
{
    (void)state;
    parse("unix:9527");
    assert_string_equal(url.scheme, "unix");
    assert_string_equal(url.path, "9527");
    parse("unix:/run/a.b:80");
    assert_string_equal(url.path, "/run/a.b:80");
}

static void test_unix_has_a_path(void **state)
{
    (void)state;
    parse("unix:/run/kvs.sock");
    assert_string_equal(url.scheme, "unix");
    assert_string_equal(url.path, "/run/kvs.sock");
    assert_null(url.host);
    assert_null(url.port);
}

static void test_path_may_be_relative_or_behind_slashes(void **state)
{
    (void)state;
    parse("unix:kvs.sock");
    assert_string_equal(url.path, "kvs.sock");
    parse("unix:///run/kvs.sock");
    assert_string_equal(url.path, "/run/kvs.sock");
}

static void test_path_is_decoded(void **state)
{
    (void)state;
    parse("unix:/tmp/a%20b%3Fc%2f:%C3%A9");
    assert_string_equal(url.path, "/tmp/a b?c/:\xC3\xA9");
}

static void test_scheme_is_made_lower_case(void **state)
{
    (void)state;
    parse("TCP://Host:1");
    assert_string_equal(url.scheme, "tcp");
    assert_string_equal(url.host, "Host");
}

static void test_ports_from_0_to_65535_are_taken(void **state)
{
    (void)state;
    parse("tcp://h:0");
    assert_string_equal(url.port, "0");
    parse("tcp://h:65535");
    assert_string_equal(url.port, "65535");
}

static void test_options_keep_their_order(void **state)
{
    (void)state;
    parse("tcp://h:1?codec=raw&service=kv");
    assert_int_equal(url.option_count, 2);
    assert_string_equal(url.options[0].name, "codec");
    assert_string_equal(url.options[1].name, "service");
    struct weft_option_set set = weft_url_option_set(&url);
    assert_string_equal(weft_option_get(&set, "service"), "kv");
    assert_null(weft_option_get(&set, "level"));
}

static void test_options_are_decoded_after_they_are_cut(void **state)
{
    (void)state;
    parse("unix:p?a%3D=x%26y%3Dz&b=%25");
    assert_int_equal(url.option_count, 2);
    assert_string_equal(url.options[0].name, "a=");
    assert_string_equal(url.options[0].value, "x&y=z");
    assert_string_equal(url.options[1].value, "%");
}

static void test_option_value_may_be_empty_or_hold_equal_signs(void **state)
{
    (void)state;
    parse("tcp://h:1?a=&b=c=d");
    assert_string_equal(url.options[0].value, "");
    assert_string_equal(url.options[1].value, "c=d");
}

static void test_colons_and_question_marks_in_options_are_theirs(void **state)
{
    (void)state;
    parse("unix:p?a=tcp://h:1?");
    assert_string_equal(url.path, "p");
    assert_string_equal(url.options[0].value, "tcp://h:1?");
}

static void test_no_scheme_is_refused(void **state)
{
    (void)state;
    refuse("", "no scheme");
    refuse("localhost", "no scheme");
    refuse("localhost?a=b:c", "no scheme");
}

static void test_text_that_is_no_scheme_is_refused(void **state)
{
    (void)state;
    refuse("127.0.0.1:http", "not a scheme: '127.0.0.1'");
    refuse("://h:1", "not a scheme: ''");
    refuse("t_p://h:1", "not a scheme: 't_p'");
}

static void test_missing_host_is_refused(void **state)
{
    (void)state;
    refuse("tcp://:9527", "the host is missing");
    refuse("tcp://", "the host is missing");
}

static void test_text_that_is_no_host_is_refused(void **state)
{
    (void)state;
    refuse("tcp://a b:1", "not a host: 'a b'");
    refuse("tcp://a%20b:1", "not a host: 'a%20b'");
}

static void test_user_and_password_are_refused_and_not_repeated(void **state)
{
    (void)state;
    static const char *const texts[] = {"tcp://ann@host:1", "tcp://ann:sesame@host:1",
                                        "ws://ann:sesame@[::1]:1/kv", "tcp://ann:@x"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        refuse(texts[i], "a URL takes no user and no password before an '@'");
        assert_null(strstr(error.text, "sesame"));
    }
    parse("unix:/a@b");
    assert_string_equal(url.path, "/a@b");
}

static void test_missing_port_is_refused(void **state)
{
    (void)state;
    refuse("tcp://host", "the port is missing");
    refuse("tcp://host:", "the port is missing");
    refuse("tcp://[::1]", "the port is missing");
    refuse("tcp://[::1]:?a=b", "the port is missing");
}

static void test_text_that_is_no_port_is_refused(void **state)
{
    (void)state;
    refuse("tcp://h:http", "not a port, which is a number from 0 to 65535: 'http'");
    refuse("tcp://h:-1", "not a port");
    refuse("tcp://h:+1", "not a port");
}

static void test_path_behind_the_port_is_the_target(void **state)
{
    (void)state;
    assert_int_equal(weft_url_parse(&url, "ws://h:1/a/%20b?c=d", NULL), 0);
    assert_string_equal(url.target, "/a/%20b");
    assert_string_equal(url.port, "1");
    assert_string_equal(url.options[0].value, "d");
    assert_int_equal(weft_url_parse(&url, "tcp://[::1]:1", NULL), 0);
    assert_null(url.target);
}

static void test_port_over_65535_is_refused(void **state)
{
    (void)state;
    refuse("tcp://h:65536", "the port is over 65535: '65536'");
    refuse("tcp://h:4294967297", "the port is over 65535");
}

static void test_ipv6_without_brackets_is_refused(void **state)
{
    (void)state;
    refuse("tcp://::1:9527", "an IPv6 address needs brackets");
}

static void test_broken_brackets_are_refused(void **state)
{
    (void)state;
    refuse("tcp://[::1:9527", "'[' without ']'");
    refuse("tcp://[localhost]:1", "brackets are for IPv6 addresses, as [::1], not 'localhost'");
    refuse("tcp://[]:1", "brackets are for IPv6");
    refuse("tcp://[::1]9527", "a port must follow ']', not '9527'");
}

static void test_missing_path_is_refused(void **state)
{
    (void)state;
    refuse("unix:", "the path is missing");
    refuse("unix:?codec=raw", "the path is missing");
}

static void test_bad_percent_is_refused(void **state)
{
    (void)state;
    refuse("unix:a%2", "two hexadecimal digits in '%2'");
    refuse("unix:a%", "two hexadecimal digits");
    refuse("unix:p?a=%g1", "two hexadecimal digits in '%g1'");
    refuse("unix:p?%1g=b", "two hexadecimal digits");
}

static void test_nul_is_refused(void **state)
{
    (void)state;
    refuse("unix:a%00b", "%00");
    refuse("unix:p?a=%00", "%00");
}

static void test_option_without_equal_sign_is_refused(void **state)
{
    (void)state;
    refuse("tcp://h:1?codec", "an option is NAME=VALUE, not 'codec'");
    refuse("tcp://h:1?", "an option is NAME=VALUE, not ''");
    refuse("tcp://h:1?a=b&", "an option is NAME=VALUE");
}

static void test_option_without_a_name_is_refused(void **state)
{
    (void)state;
    refuse("tcp://h:1?=b", "no name before '='");
}

static void test_option_given_twice_is_refused(void **state)
{
    (void)state;
    refuse("tcp://h:1?level=1&codec=raw&level=2", "given twice: option 'level'");
    refuse("tcp://h:1?a=1&%61=2", "given twice: option 'a'");
}

static void test_sixteen_options_are_taken_and_no_more(void **state)
{
    (void)state;
    char text[256] = "tcp://h:1?o0=";
    for (int i = 1; i < WEFT_URL_OPTIONS; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "&o%d=", i);
    parse(text);
    assert_int_equal(url.option_count, WEFT_URL_OPTIONS);
    refuse(strcat(text, "&more="), "more than 16 options");
}

static void test_text_may_have_1023_characters_and_no_more(void **state)
{
    (void)state;
    char text[WEFT_URL_MAX + 1];
    memset(text, 'p', sizeof text);
    memcpy(text, "unix:", 5);
    text[WEFT_URL_MAX - 1] = '\0';
    parse(text);
    assert_int_equal(strlen(url.path), WEFT_URL_MAX - 1 - 5);
    text[WEFT_URL_MAX - 1] = 'p';
    text[WEFT_URL_MAX] = '\0';
    refuse(text, "at most 1023 characters");
}

static void test_refusal_stays_one_line(void **state)
{
    (void)state;
    refuse("unix:a\nb\x1b%", "'unix:a?b?%'");
}

static void test_error_may_be_null(void **state)
{
    (void)state;
    assert_int_equal(weft_url_parse(&url, "nothing", NULL), WEFT_ECONFIG);
}

static void test_options_alone_have_no_address(void **state)
{
    (void)state;
    assert_int_equal(weft_url_parse_options(&url, "?codec=resp&layers=a%2Cb", &error), 0);
    assert_null(url.scheme);
    assert_null(url.host);
    assert_null(url.port);
    assert_null(url.path);
    assert_int_equal(url.option_count, 2);
    assert_string_equal(url.options[1].name, "layers");
    assert_string_equal(url.options[1].value, "a,b");
}

static void test_options_alone_begin_with_a_question_mark(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "codec=resp", "tcp://h:1?codec=resp", "?", "?codec", "?=resp", "?a=1&a=2", "?a=%zz"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(weft_url_parse_options(&url, texts[i], &error), WEFT_ECONFIG);
    assert_int_equal(weft_url_parse_options(&url, "codec=resp", &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "'codec=resp': options begin with '?'; the forms are "
                                    "tcp://HOST:PORT?name=value&... and unix:PATH?name=value&...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_has_host_and_port),
        cmocka_unit_test(test_ipv6_stands_in_brackets),
        cmocka_unit_test(test_host_and_port_alone_mean_tcp),
        cmocka_unit_test(test_word_and_number_stay_a_scheme_and_a_path),
        cmocka_unit_test(test_unix_has_a_path),
        cmocka_unit_test(test_path_may_be_relative_or_behind_slashes),
        cmocka_unit_test(test_path_is_decoded),
        cmocka_unit_test(test_scheme_is_made_lower_case),
        cmocka_unit_test(test_ports_from_0_to_65535_are_taken),
        cmocka_unit_test(test_options_keep_their_order),
        cmocka_unit_test(test_options_are_decoded_after_they_are_cut),
        cmocka_unit_test(test_option_value_may_be_empty_or_hold_equal_signs),
        cmocka_unit_test(test_colons_and_question_marks_in_options_are_theirs),
        cmocka_unit_test(test_options_alone_have_no_address),
        cmocka_unit_test(test_options_alone_begin_with_a_question_mark),
        cmocka_unit_test(test_no_scheme_is_refused),
        cmocka_unit_test(test_text_that_is_no_scheme_is_refused),
        cmocka_unit_test(test_missing_host_is_refused),
        cmocka_unit_test(test_text_that_is_no_host_is_refused),
        cmocka_unit_test(test_user_and_password_are_refused_and_not_repeated),
        cmocka_unit_test(test_missing_port_is_refused),
        cmocka_unit_test(test_text_that_is_no_port_is_refused),
        cmocka_unit_test(test_path_behind_the_port_is_the_target),
        cmocka_unit_test(test_port_over_65535_is_refused),
        cmocka_unit_test(test_ipv6_without_brackets_is_refused),
        cmocka_unit_test(test_broken_brackets_are_refused),
        cmocka_unit_test(test_missing_path_is_refused),
        cmocka_unit_test(test_bad_percent_is_refused),
        cmocka_unit_test(test_nul_is_refused),
        cmocka_unit_test(test_option_without_equal_sign_is_refused),
        cmocka_unit_test(test_option_without_a_name_is_refused),
        cmocka_unit_test(test_option_given_twice_is_refused),
        cmocka_unit_test(test_sixteen_options_are_taken_and_no_more),
        cmocka_unit_test(test_text_may_have_1023_characters_and_no_more),
        cmocka_unit_test(test_refusal_stays_one_line),
        cmocka_unit_test(test_error_may_be_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
