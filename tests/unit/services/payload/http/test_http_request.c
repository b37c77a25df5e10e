/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "services/payload/http/request.h"

static void assert_text(struct weft_view view, const char *text)
{
    assert_int_equal(view.size, strlen(text));
    assert_memory_equal(view.data, text, view.size);
}

static struct weft_http_request read(const char *text)
{
    struct weft_http_request request;
    assert_true(weft_http_read(weft_view_str(text), &request));
    return request;
}

static void test_request_is_read_into_its_parts(void **state)
{
    (void)state;
    struct weft_http_request request =
        read("PUT /a/b?c=d&e HTTP/1.1\r\nHost: x\r\nEmpty:\r\nA:  b c \t\r\n\r\nbody\r\n\r\n");
    struct weft_view name, value;
    assert_int_equal(request.method, WEFT_HTTP_PUT);
    assert_text(request.path, "/a/b");
    assert_text(request.query, "c=d&e");
    assert_text(request.body, "body\r\n\r\n");
    assert_true(weft_http_next_field(&request.fields, &name, &value));
    assert_text(name, "Host");
    assert_text(value, "x");
    assert_true(weft_http_next_field(&request.fields, &name, &value));
    assert_text(value, "");
    assert_true(weft_http_next_field(&request.fields, &name, &value));
    assert_text(name, "A");
    assert_text(value, "b c");
    assert_false(weft_http_next_field(&request.fields, &name, &value));
}

static void test_request_may_have_no_fields(void **state)
{
    (void)state;
    struct weft_http_request request = read("GET / HTTP/1.0\r\n\r\n");
    struct weft_view name, value;
    assert_int_equal(request.method, WEFT_HTTP_GET);
    assert_false(weft_http_next_field(&request.fields, &name, &value));
    assert_text(request.body, "");
}

static void test_methods_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(read("HEAD / HTTP/1.1\r\n\r\n").method, WEFT_HTTP_HEAD);
    assert_int_equal(read("POST / HTTP/1.1\r\n\r\n").method, WEFT_HTTP_POST);
    assert_int_equal(read("DELETE / HTTP/1.1\r\n\r\n").method, WEFT_HTTP_DELETE);
    assert_int_equal(read("OPTIONS * HTTP/1.1\r\n\r\n").method, WEFT_HTTP_OPTIONS);
    assert_int_equal(read("PATCH / HTTP/1.1\r\n\r\n").method, WEFT_HTTP_OTHER);
}

static void test_absolute_target_loses_scheme_and_authority(void **state)
{
    (void)state;
    assert_text(read("GET http://a:1/b?c HTTP/1.1\r\n\r\n").path, "/b");
    assert_text(read("GET HTTPS://a HTTP/1.1\r\n\r\n").path, "/");
}

static void test_other_bytes_are_no_request(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n", "\r\n\r\n",
                                        "GET\r\n\r\n"};
    struct weft_http_request request;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(weft_http_read(weft_view_str(texts[i]), &request));
}

static void test_parameters_come_one_by_one(void **state)
{
    (void)state;
    struct weft_view query = weft_view_str("&a=1&&b&c=x=y&=z"), name, value;
    assert_true(weft_http_next_parameter(&query, &name, &value));
    assert_text(name, "a");
    assert_text(value, "1");
    assert_true(weft_http_next_parameter(&query, &name, &value));
    assert_text(name, "b");
    assert_text(value, "");
    assert_true(weft_http_next_parameter(&query, &name, &value));
    assert_text(name, "c");
    assert_text(value, "x=y");
    assert_false(weft_http_next_parameter(&query, &name, &value));
}

static void test_elements_of_a_list_may_have_commas_in_quotes(void **state)
{
    (void)state;
    struct weft_view list = weft_view_str(" \"a,b\" ,, c"), element;
    assert_true(weft_http_next_element(&list, &element));
    assert_text(element, "\"a,b\"");
    assert_true(weft_http_next_element(&list, &element));
    assert_text(element, "c");
    assert_false(weft_http_next_element(&list, &element));
}

static void test_quality_is_that_of_the_most_exact_range(void **state)
{
    (void)state;
    static const struct {
        const char *list, *name;
        unsigned quality;
    } rows[] = {
        {"", "text/plain", 0},
        {"*/*", "text/plain", 1000},
        {"text/*;q=0.5, */*;q=0.1", "text/plain", 500},
        {"*/*, text/plain;q=0.25", "text/plain", 250},
        {"text/plain; q=0", "text/plain", 0},
        {"text/plain;q=1.000", "text/plain", 1000},
        {"text/plain ; charset=utf-8 ; q=0.125", "text/plain", 125},
        {"TEXT/Plain;Q=0.1", "text/plain", 100},
        {"gzip;q=0.8, *;q=0", "gzip", 800},
        {"deflate, *;q=0.3", "gzip", 300},
        {"text/plainer", "text/plain", 0},
        {"text/plain;q=0.x", "text/plain", 1000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(weft_http_quality(weft_view_str(rows[i].list), rows[i].name),
                         rows[i].quality);
}

static void test_percent_encoding_gives_any_bytes(void **state)
{
    (void)state;
    uint8_t dst[32];
    size_t size;
    assert_true(weft_http_decode(weft_view_str("a%2Fb%00%fF+c"), false, dst, &size));
    assert_int_equal(size, 7);
    assert_memory_equal(dst, "a/b\0\xff+c", 7);
    assert_true(weft_http_decode(weft_view_str("a+%2B"), true, dst, &size));
    assert_memory_equal(dst, "a +", 3);
    assert_false(weft_http_decode(weft_view_str("%2"), false, dst, &size));
    assert_false(weft_http_decode(weft_view_str("%2g"), false, dst, &size));
    assert_false(weft_http_decode(weft_view_str("%"), false, dst, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_is_read_into_its_parts),
        cmocka_unit_test(test_request_may_have_no_fields),
        cmocka_unit_test(test_methods_are_told_apart),
        cmocka_unit_test(test_absolute_target_loses_scheme_and_authority),
        cmocka_unit_test(test_other_bytes_are_no_request),
        cmocka_unit_test(test_parameters_come_one_by_one),
        cmocka_unit_test(test_elements_of_a_list_may_have_commas_in_quotes),
        cmocka_unit_test(test_quality_is_that_of_the_most_exact_range),
        cmocka_unit_test(test_percent_encoding_gives_any_bytes),
    };
    return cmocka_run_group_tests_name("HTTP requests", tests, NULL, NULL);
}
