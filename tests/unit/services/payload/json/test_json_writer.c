/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "services/payload/base64.h"
#include "services/payload/json/writer.h"

static void assert_string(struct weft_view text, const char *expected)
{
    uint8_t dst[128];
    assert_int_equal(weft_json_string_size(text), strlen(expected));
    assert_ptr_equal(weft_json_put_string(dst, text), dst + strlen(expected));
    assert_memory_equal(dst, expected, strlen(expected));
}

static void test_string_shows_no_control_character(void **state)
{
    (void)state;
    assert_string(weft_view("", 0), "\"\"");
    assert_string(weft_view_str("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
    assert_string(weft_view("\b\t\n\f\r\0\x1b\x7f", 8), "\"\\b\\t\\n\\f\\r\\u0000\\u001b\\u007f\"");
    assert_string(weft_view_str("\xc2\x85\xc2\xa0\xc3\xa4"), "\"\\u0085\xc2\xa0\xc3\xa4\"");
}

static void test_base64_reads_back(void **state)
{
    (void)state;
    uint8_t bytes[40], text[64], read[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        struct weft_view view = weft_view(bytes, size);
        size_t written = (size_t)(weft_base64_put(text, view) - text);
        assert_int_equal(written, weft_base64_size(size));
        assert_int_equal(weft_base64_read(weft_view(text, written), read), size);
        assert_memory_equal(read, bytes, size);
        assert_int_equal(weft_json_put_base64(text, view) - text, weft_json_base64_size(size));
    }
}

static void test_base64_has_one_spelling(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "A", "AA", "AAA", "AA=A", "AB==", "AAB=", "====", "AA-_", "AA =="};
    uint8_t read[16];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(weft_base64_read(weft_view_str(wrong[i]), read), WEFT_EMALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_string_shows_no_control_character),
        cmocka_unit_test(test_base64_reads_back),
        cmocka_unit_test(test_base64_has_one_spelling),
    };
    return cmocka_run_group_tests_name("JSON", tests, NULL, NULL);
}
