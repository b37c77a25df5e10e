/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/format/value.h"

enum { FILE_MAX = 100000 };

static const struct cli_value_source source = {.file_max = FILE_MAX};

struct parsed {
    struct weft_kv_value value;
    struct weft_bytes memory;
};

static struct parsed parse(const char *text)
{
    struct parsed parsed;
    struct weft_error error = {0};
    int err = cli_value_parse(weft_view_str(text), &source, &parsed.value, &parsed.memory, &error);
    if (err < 0)
        fail_msg("%s: %s", text, error.text);
    return parsed;
}

static void assert_string(const char *text, const char *expected)
{
    struct parsed parsed = parse(text);
    assert_int_equal(parsed.value.type, WEFT_KV_STRING);
    assert_true(weft_view_equal(parsed.value.bytes, weft_view_str(expected)));
    weft_bytes_fini(&parsed.memory);
}

static void assert_binary(const char *text, const void *expected, size_t size)
{
    struct parsed parsed = parse(text);
    assert_int_equal(parsed.value.type, WEFT_KV_BINARY);
    assert_true(weft_view_equal(parsed.value.bytes, weft_view(expected, size)));
    weft_bytes_fini(&parsed.memory);
}

static void assert_integer(const char *text, int64_t expected)
{
    struct parsed parsed = parse(text);
    assert_int_equal(parsed.value.type, WEFT_KV_INTEGER);
    assert_true(parsed.value.integer == expected);
}

static double number_of(const char *text)
{
    struct parsed parsed = parse(text);
    assert_int_equal(parsed.value.type, WEFT_KV_FLOAT);
    return parsed.value.number;
}

static void assert_refused(const char *text, const char *expected)
{
    struct weft_kv_value value;
    struct weft_bytes memory;
    struct weft_error error = {0};
    assert_int_equal(cli_value_parse(weft_view_str(text), &source, &value, &memory, &error),
                     WEFT_ECONFIG);
    assert_string_equal(error.text, expected);
    assert_null(memory.data);
}

static void test_parse_takes_text_as_string(void **state)
{
    (void)state;
    assert_string("world", "world");
    assert_string("", "");
    assert_string("表", "表");
}

static void test_parse_leaves_unknown_prefix_in_string(void **state)
{
    (void)state;
    assert_string("http://x", "http://x");
    assert_string("integer:3", "integer:3");
    assert_string("INT:3", "INT:3");
    assert_string(":", ":");
}

static void test_parse_str_prefix_shields_others(void **state)
{
    (void)state;
    assert_string("str:int:3", "int:3");
    assert_string("str:", "");
    assert_string("str:str:x", "str:x");
}

static void test_parse_refuses_string_that_is_not_utf8(void **state)
{
    (void)state;
    assert_refused("a\xff", "value \"a\\xff\": not valid UTF-8; use hex: or base64: for binary");
}

static void test_parse_takes_integers_of_full_range(void **state)
{
    (void)state;
    assert_integer("int:-3", -3);
    assert_integer("int:+3", 3);
    assert_integer("int:0", 0);
    assert_integer("int:9223372036854775807", INT64_MAX);
    assert_integer("int:-9223372036854775808", INT64_MIN);
}

static void test_parse_refuses_what_is_no_integer(void **state)
{
    (void)state;
    assert_refused("int:", "value \"int:\": not an integer");
    assert_refused("int: 3", "value \"int: 3\": not an integer");
    assert_refused("int:3x", "value \"int:3x\": not an integer");
    assert_refused("int:1.5", "value \"int:1.5\": not an integer");
    assert_refused("int:0x10", "value \"int:0x10\": not an integer");
}

static void test_parse_refuses_integer_out_of_range(void **state)
{
    (void)state;
    assert_refused("int:9223372036854775808",
                   "value \"int:9223372036854775808\": out of range: from "
                   "-9223372036854775808 to 9223372036854775807");
}

static void test_parse_takes_floats(void **state)
{
    (void)state;
    assert_true(number_of("float:1.5") == 1.5);
    assert_true(number_of("float:-0") == 0 && signbit(number_of("float:-0")));
    assert_true(number_of("float:1.7976931348623157e308") == DBL_MAX);
    assert_true(number_of("float:5e-324") > 0);
    assert_true(isinf(number_of("float:-inf")));
    assert_true(isnan(number_of("float:nan")));
}

static void test_parse_refuses_what_is_no_float(void **state)
{
    (void)state;
    assert_refused("float:", "value \"float:\": not a number");
    assert_refused("float:\t1", "value \"float:\\t1\": not a number");
    assert_refused("float:1,5", "value \"float:1,5\": not a number");
}

static void test_parse_refuses_float_out_of_range(void **state)
{
    (void)state;
    assert_refused("float:1e309", "value \"float:1e309\": out of range: up to "
                                  "1.7976931348623157e+308, or inf");
}

static void test_parse_takes_bools(void **state)
{
    (void)state;
    struct parsed parsed = parse("bool:true");
    assert_int_equal(parsed.value.type, WEFT_KV_BOOL);
    assert_true(parsed.value.boolean);
    parsed = parse("bool:false");
    assert_int_equal(parsed.value.type, WEFT_KV_BOOL);
    assert_false(parsed.value.boolean);
}

static void test_parse_refuses_what_is_no_bool(void **state)
{
    (void)state;
    assert_refused("bool:yes", "value \"bool:yes\": not true or false");
    assert_refused("bool:", "value \"bool:\": not true or false");
}

static void test_parse_takes_hex(void **state)
{
    (void)state;
    assert_binary("hex:00ff", "\0\xff", 2);
    assert_binary("hex:aBcD", "\xab\xcd", 2);
    assert_binary("hex:", "", 0);
}

static void test_parse_refuses_bad_hex(void **state)
{
    (void)state;
    assert_refused("hex:0", "value \"hex:0\": an odd number of hex digits");
    assert_refused("hex:0g", "value \"hex:0g\": not hex digits");
    assert_refused("hex:g0", "value \"hex:g0\": not hex digits");
}

/* The vectors of RFC 4648, section 10. */
static void test_parse_takes_base64(void **state)
{
    (void)state;
    assert_binary("base64:", "", 0);
    assert_binary("base64:Zg==", "f", 1);
    assert_binary("base64:Zm8=", "fo", 2);
    assert_binary("base64:Zm9v", "foo", 3);
    assert_binary("base64:Zm9vYmFy", "foobar", 6);
    assert_binary("base64:AP8+/w==", "\0\xff\x3e\xff", 4);
}

static void test_parse_refuses_base64_of_another_spelling(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "base64:Zg",   "base64:Zg=",      "base64:Zh==", "base64:Zm9=", "base64:Zm 9",
        "base64:====", "base64:Zg==Zg==", "base64:Zm9-", "base64:Z===",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char expected[256];
        snprintf(expected, sizeof expected,
                 "value \"%s\": not base64 (RFC 4648: A-Z a-z 0-9 + /, padded with =)", wrong[i]);
        assert_refused(wrong[i], expected);
    }
}

/* A file of `size` bytes 'x'; its path with the prefix in text. */
static void make_file(char *text, size_t length, size_t size)
{
    snprintf(text, length, "file:/tmp/weft-value-XXXXXX");
    int fd = mkstemp(text + strlen("file:"));
    assert_true(fd >= 0);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void test_parse_reads_file_as_binary(void **state)
{
    (void)state;
    char text[64];
    make_file(text, sizeof text, 3);
    assert_binary(text, "xxx", 3);
    unlink(text + strlen("file:"));
}

static void test_parse_reads_empty_file(void **state)
{
    (void)state;
    assert_binary("file:/dev/null", "", 0);
}

static void test_parse_refuses_file_that_is_not_there(void **state)
{
    (void)state;
    assert_refused("file:/nowhere/x", "value \"file:/nowhere/x\": cannot read the file: "
                                      "No such file or directory");
}

static void test_parse_refuses_folder(void **state)
{
    (void)state;
    assert_refused("file:/tmp", "value \"file:/tmp\": cannot read the file: Is a directory");
}

static void test_parse_refuses_file_without_end(void **state)
{
    (void)state;
    assert_refused("file:/dev/zero", "value \"file:/dev/zero\": larger than --max-message 100000");
}

static void parse_with_failures(void *arg)
{
    struct parsed parsed;
    struct weft_error error;
    int err = cli_value_parse(weft_view_str(arg), &source, &parsed.value, &parsed.memory, &error);
    assert_int_equal(err, fault_failed() == 0 ? 0 : -ENOMEM);
    weft_bytes_fini(&parsed.memory);
}

static void test_parse_survives_every_failing_allocation(void **state)
{
    (void)state;
    char hex[] = "hex:00", base64[] = "base64:Zg==", file[64];
    make_file(file, sizeof file, 3);
    fault_each(parse_with_failures, hex);
    fault_each(parse_with_failures, base64);
    fault_each(parse_with_failures, file);
    unlink(file + strlen("file:"));
}

static void assert_double(double number, const char *expected)
{
    char text[CLI_NUMBER_TEXT];
    assert_string_equal(cli_format_double(number, text), expected);
}

static void test_format_double_is_the_shortest_that_reads_back(void **state)
{
    (void)state;
    assert_double(0.1, "0.1");
    assert_double(1.0, "1");
    assert_double(-0.0, "-0");
    assert_double(1e22, "1e+22");
    assert_double(1.0 / 3, "0.3333333333333333");
    assert_double(0.1 + 0.2, "0.30000000000000004");
    assert_double(DBL_MAX, "1.7976931348623157e+308");
    assert_double(5e-324, "5e-324");
    assert_double(-(double)INFINITY, "-inf");
}

static double double_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* Every bit of a NaN comes back. */
static void test_nans_are_written_with_their_bits(void **state)
{
    (void)state;
    static const struct {
        uint64_t bits;
        const char *text;
    } nans[] = {
        {0x7ff8000000000000, "nan"},
        {0xfff8000000000000, "-nan"},
        {0x7ff8000000000001, "nan(0x7ff8000000000001)"},
        {0x7ff0000000000001, "nan(0x7ff0000000000001)"},
        {0xffffffffffffffff, "nan(0xffffffffffffffff)"},
    };
    for (size_t i = 0; i < sizeof nans / sizeof *nans; i++) {
        char text[64];
        assert_double(double_of(nans[i].bits), nans[i].text);
        snprintf(text, sizeof text, "float:%s", nans[i].text);
        double number = number_of(text);
        assert_memory_equal(&number, &nans[i].bits, sizeof number);
    }
}

static void test_parse_refuses_bits_that_are_no_nan(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "float:nan(0x7ff0000000000000)",
        "float:nan(0x3ff0000000000000)",
        "float:nan(1)",
        "float:nan(0x7ff80000000000001)",
        "float:nan(0x7FF8000000000001)",
        "float:-nan(0x7ff8000000000001)",
        "float:nan(0x7ff8000000000001) ",
        "float:nan()",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char expected[160];
        snprintf(expected, sizeof expected,
                 "value \"%s\": not a NaN with its bits, as nan(0x7ff8000000000001)", texts[i]);
        assert_refused(texts[i], expected);
    }
}

static void test_mistyped_prefixes_are_warned_of(void **state)
{
    (void)state;
    static const char *const mistyped[][2] = {
        {"Int:1", "int:"},      {"INT:x", "int:"},      {"integer:1", "int:"},
        {"double:3", "float:"}, {"Float:3", "float:"},  {"boolean:true", "bool:"},
        {"String:a", "str:"},   {"BASE64:", "base64:"}, {"null:", "empty:"},
        {"File:/etc", "file:"},
    };
    static const char *const right[] = {
        "int:1",
        "str:Int:1",
        "file:x",
        "http://x",
        "",
        ":",
        "Int",
        "word",
        "note: Int:1",
        "a:b",
        "averyveryverylongword:1",
    };
    char warning[CLI_WARNING_TEXT];
    for (size_t i = 0; i < sizeof mistyped / sizeof *mistyped; i++)
        assert_string_equal(cli_text_meant(weft_view_str(mistyped[i][0])), mistyped[i][1]);
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_null(cli_text_meant(weft_view_str(right[i])));
        assert_false(cli_text_warn(weft_view_str(right[i]), warning));
    }
    assert_true(cli_text_warn(weft_view_str("Int:1"), warning));
    assert_string_equal(warning, "warning: \"Int:1\" is taken as a string; did you mean int:? "
                                 "(str: says that it is one)");
}

static void assert_printed(const struct weft_kv_value *value, bool escape, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    cli_value_print(out, value, escape);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void test_print_every_type(void **state)
{
    (void)state;
    assert_printed(&(struct weft_kv_value){.type = WEFT_KV_EMPTY}, false, "");
    assert_printed(&(struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = weft_view_str("a b")},
                   false, "a b");
    assert_printed(&(struct weft_kv_value){.type = WEFT_KV_BINARY, .bytes = weft_view("\0\xff", 2)},
                   false, "hex:00ff");
    assert_printed(&(struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = INT64_MIN}, false,
                   "-9223372036854775808");
    assert_printed(&(struct weft_kv_value){.type = WEFT_KV_FLOAT, .number = 2.5}, false, "2.5");
    assert_printed(&(struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = true}, false, "true");
    assert_printed(&(struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = false}, false, "false");
}

static void test_print_leaves_string_as_it_is_in_a_pipe(void **state)
{
    (void)state;
    assert_printed(
        &(struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = weft_view_str("a\n\x1b[31m")},
        false, "a\n\x1b[31m");
}

static void test_print_escapes_control_characters_on_a_terminal(void **state)
{
    (void)state;
    assert_printed(&(struct weft_kv_value){.type = WEFT_KV_STRING,
                                           .bytes = weft_view_str("a\n\r\t\x1b[\x7f\\")},
                   true, "a\\n\\r\\t\\x1b[\\x7f\\");
}

static void test_print_escapes_c1_and_leaves_other_utf8(void **state)
{
    (void)state;
    assert_printed(&(struct weft_kv_value){.type = WEFT_KV_STRING,
                                           .bytes = weft_view_str("\xc2\x9b表\xc2\xa0é")},
                   true, "\\x9b表\xc2\xa0é");
}

/* In memory that ends there as well. */
static void test_print_reads_nothing_behind_a_text_that_ends_in_a_character(void **state)
{
    (void)state;
    uint8_t *byte = malloc(1);
    assert_non_null(byte);
    *byte = 0xc2;
    assert_printed(&(struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = weft_view(byte, 1)},
                   true, "\xc2");
    free(byte);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_takes_text_as_string),
        cmocka_unit_test(test_parse_leaves_unknown_prefix_in_string),
        cmocka_unit_test(test_parse_str_prefix_shields_others),
        cmocka_unit_test(test_parse_refuses_string_that_is_not_utf8),
        cmocka_unit_test(test_parse_takes_integers_of_full_range),
        cmocka_unit_test(test_parse_refuses_what_is_no_integer),
        cmocka_unit_test(test_parse_refuses_integer_out_of_range),
        cmocka_unit_test(test_parse_takes_floats),
        cmocka_unit_test(test_parse_refuses_what_is_no_float),
        cmocka_unit_test(test_parse_refuses_float_out_of_range),
        cmocka_unit_test(test_parse_takes_bools),
        cmocka_unit_test(test_parse_refuses_what_is_no_bool),
        cmocka_unit_test(test_parse_takes_hex),
        cmocka_unit_test(test_parse_refuses_bad_hex),
        cmocka_unit_test(test_parse_takes_base64),
        cmocka_unit_test(test_parse_refuses_base64_of_another_spelling),
        cmocka_unit_test(test_parse_reads_file_as_binary),
        cmocka_unit_test(test_parse_reads_empty_file),
        cmocka_unit_test(test_parse_refuses_file_that_is_not_there),
        cmocka_unit_test(test_parse_refuses_folder),
        cmocka_unit_test(test_parse_refuses_file_without_end),
        cmocka_unit_test(test_parse_survives_every_failing_allocation),
        cmocka_unit_test(test_format_double_is_the_shortest_that_reads_back),
        cmocka_unit_test(test_nans_are_written_with_their_bits),
        cmocka_unit_test(test_parse_refuses_bits_that_are_no_nan),
        cmocka_unit_test(test_mistyped_prefixes_are_warned_of),
        cmocka_unit_test(test_print_every_type),
        cmocka_unit_test(test_print_leaves_string_as_it_is_in_a_pipe),
        cmocka_unit_test(test_print_escapes_control_characters_on_a_terminal),
        cmocka_unit_test(test_print_escapes_c1_and_leaves_other_utf8),
        cmocka_unit_test(test_print_reads_nothing_behind_a_text_that_ends_in_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
