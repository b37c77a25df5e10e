/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/payload/line/value.h"

/* Writes with the counted size, in memory of just that size. */
static char *text_of(const struct weft_line_value *value)
{
    size_t size = weft_line_put_value(NULL, value);
    uint8_t *bytes = malloc(size ? size : 1);
    char *text = calloc(1, size + 1);
    assert_true(bytes && text);
    assert_int_equal(weft_line_put_value(bytes, value), size);
    memcpy(text, bytes, size);
    free(bytes);
    return text;
}

static void expect_back(const char *text, const char *written)
{
    struct weft_line_value value;
    const char *why = NULL;
    size_t room = weft_line_value_room(NULL, weft_view_str(text));
    uint8_t *memory = malloc(room ? room : 1);
    assert_non_null(memory);
    int err = weft_line_read_value(NULL, weft_view_str(text), memory, &value, &why);
    char *found = err < 0 ? NULL : text_of(&value);
    assert_string_equal(found ? found : why, written);
    free(found);
    free(memory);
}

static void test_value_is_written_as_it_is_read(void **state)
{
    static const char *const texts[] = {
        "hello",        "str:",      "str:int:1",  "int:0",     "int:-9223372036854775808",
        "float:1",      "float:0.1", "float:-inf", "float:nan", "float:nan(0x7ff8000000000001)",
        "float:1e+22",  "bool:true", "bool:false", "hex:",      "hex:00ff",
        "str:base64:A", "\xc3\xbc",  "int",        ":",         "INT:1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_back(texts[i], texts[i]);
}

static void test_other_forms_are_read(void **state)
{
    (void)state;
    expect_back("empty:", "");
    expect_back("str:plain", "plain");
    expect_back("base64:AP8=", "hex:00ff");
    expect_back("base64:", "hex:");
    expect_back("hex:00FF", "hex:00ff");
    expect_back("int:007", "int:7");
    expect_back("float:100", "float:1e+02");
}

static void test_wrong_value_is_refused_in_words(void **state)
{
    (void)state;
    expect_back("int:", "not an integer");
    expect_back("int: 1", "not an integer");
    expect_back("int:1x", "not an integer");
    expect_back("int:9223372036854775808",
                "out of range: from -9223372036854775808 to 9223372036854775807");
    expect_back("float:x", "not a number");
    expect_back("float:1e999", "out of range: up to 1.7976931348623157e+308, or inf");
    expect_back("bool:TRUE", "not true or false");
    expect_back("hex:0", "an odd number of hex digits");
    expect_back("hex:0g", "not hex digits");
    expect_back("base64:A", "not base64 (RFC 4648: A-Z a-z 0-9 + /, padded with =)");
    expect_back("empty:x", "an empty value has no text");
    expect_back("\xff", "not valid UTF-8; use hex: or base64: for binary");
}

static void expect_text(const char *text, bool exact, const char *escaped)
{
    uint8_t bytes[64];
    size_t size = weft_line_put_text(NULL, weft_view_str(text), exact);
    assert_true(size < sizeof bytes && size <= 4 * strlen(text));
    assert_int_equal(weft_line_put_text(bytes, weft_view_str(text), exact), size);
    bytes[size] = '\0';
    assert_string_equal((const char *)bytes, escaped);
}

static void test_control_characters_are_escaped(void **state)
{
    (void)state;
    expect_text("", true, "");
    expect_text("a\nb\r\tc", true, "a\\nb\\r\\tc");
    expect_text("\x1b[31m\x7f", true, "\\x1b[31m\\x7f");
    expect_text("\xc2\x85\xc2\xa0\xc3\xbc", true, "\\x85\xc2\xa0\xc3\xbc");
    expect_text("\xc2", true, "\xc2");
    expect_text("a\\b", true, "a\\\\b");
    expect_text("a\\b\n", false, "a\\b\\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_is_written_as_it_is_read),
        cmocka_unit_test(test_other_forms_are_read),
        cmocka_unit_test(test_wrong_value_is_refused_in_words),
        cmocka_unit_test(test_control_characters_are_escaped),
    };
    return cmocka_run_group_tests_name("line: values", tests, NULL, NULL);
}
