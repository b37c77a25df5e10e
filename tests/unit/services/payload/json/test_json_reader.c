/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/payload/json/reader.h"

/* The reader sees the end of memory, so that a sanitizer sees who reads beyond it. */
static uint8_t *copy_of(const char *text, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    return copy;
}

static void test_tokens_come_in_order(void **state)
{
    (void)state;
    static const enum weft_json_token expected[] = {
        WEFT_JSON_ARRAY, WEFT_JSON_STRING,     WEFT_JSON_COMMA,  WEFT_JSON_INTEGER, WEFT_JSON_COMMA,
        WEFT_JSON_REAL,  WEFT_JSON_COMMA,      WEFT_JSON_OBJECT, WEFT_JSON_STRING,  WEFT_JSON_COLON,
        WEFT_JSON_TRUE,  WEFT_JSON_OBJECT_END, WEFT_JSON_COMMA,  WEFT_JSON_FALSE,   WEFT_JSON_COMMA,
        WEFT_JSON_NULL,  WEFT_JSON_ARRAY_END,  WEFT_JSON_END,    WEFT_JSON_END,
    };
    struct weft_json json = {
        .rest = weft_view_str(" [\"a\",-12, 1.5e+3,\t{\"b\": true} , false,null]\r\n")};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(weft_json_next(&json), expected[i]);
}

static void test_numbers_are_those_of_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum weft_json_token token;
    } rows[] = {
        {"0", WEFT_JSON_INTEGER},      {"-0", WEFT_JSON_INTEGER}, {"10", WEFT_JSON_INTEGER},
        {"0.5", WEFT_JSON_REAL},       {"1E5", WEFT_JSON_REAL},   {"1e-5", WEFT_JSON_REAL},
        {"-1.25e+10", WEFT_JSON_REAL}, {"01", WEFT_JSON_BAD},     {"-", WEFT_JSON_BAD},
        {"1.", WEFT_JSON_BAD},         {".5", WEFT_JSON_BAD},     {"1e", WEFT_JSON_BAD},
        {"1e+", WEFT_JSON_BAD},        {"+1", WEFT_JSON_BAD},     {"NaN", WEFT_JSON_BAD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *copy = copy_of(rows[i].text, strlen(rows[i].text));
        struct weft_json json = {.rest = weft_view(copy, strlen(rows[i].text))};
        assert_int_equal(weft_json_next(&json), rows[i].token);
        if (rows[i].token != WEFT_JSON_BAD)
            assert_int_equal(json.text.size, strlen(rows[i].text));
        free(copy);
    }
}

static void test_strings_lose_their_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *string;
        size_t size;
    } rows[] = {
        {"\"\"", "", 0},
        {"\"a\\\"\\\\\\/b\"", "a\"\\/b", 5},
        {"\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t", 5},
        {"\"\\u0000\\u0041\\u00e4\\u20ac\"", "\0A\xc3\xa4\xe2\x82\xac", 7},
        {"\"\\ud83d\\uDE00x\"", "\xf0\x9f\x98\x80x", 5},
        {"\"\xc3\xa4\"", "\xc3\xa4", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t dst[32];
        struct weft_json json = {.rest = weft_view_str(rows[i].text)};
        assert_int_equal(weft_json_next(&json), WEFT_JSON_STRING);
        assert_int_equal(json.escaped, strchr(rows[i].text, '\\') != NULL);
        assert_int_equal(weft_json_unescape(json.text, dst), rows[i].size);
        assert_memory_equal(dst, rows[i].string, rows[i].size);
        assert_int_equal(weft_json_next(&json), WEFT_JSON_END);
    }
}

static void test_wrong_strings_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\"",          "\"a",    "\"\\",     "\"\\x\"", "\"\\u12\"",
                                        "\"\\u12g4\"", "\"\n\"", "\"\xff\"", "\"\\\"",  "\"\xc3\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t *copy = copy_of(wrong[i], strlen(wrong[i]));
        struct weft_json json = {.rest = weft_view(copy, strlen(wrong[i]))};
        assert_int_equal(weft_json_next(&json), WEFT_JSON_BAD);
        assert_non_null(json.why);
        free(copy);
    }
}

static void test_half_a_surrogate_pair_is_no_character(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\\ud800",    "\\udc00",        "\\ud800x",
                                        "\\ud800\\n", "\\ud800\\u0041", "\\ud800\\ud800"};
    uint8_t dst[32];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(weft_json_unescape(weft_view_str(wrong[i]), dst), WEFT_EMALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_come_in_order),
        cmocka_unit_test(test_numbers_are_those_of_json),
        cmocka_unit_test(test_strings_lose_their_escapes),
        cmocka_unit_test(test_wrong_strings_are_refused),
        cmocka_unit_test(test_half_a_surrogate_pair_is_no_character),
    };
    return cmocka_run_group_tests_name("JSON, reading", tests, NULL, NULL);
}
