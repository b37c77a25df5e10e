/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/format/json.h"

static struct weft_kv_value string(const char *text)
{
    return (struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = weft_view_str(text)};
}

static struct weft_kv_value integer(int64_t number)
{
    return (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = number};
}

static struct weft_kv_value number(double number)
{
    return (struct weft_kv_value){.type = WEFT_KV_FLOAT, .number = number};
}

/* -0.0 is another number than 0.0. */
static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static bool is_same(const struct weft_kv_value *a, const struct weft_kv_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case WEFT_KV_EMPTY:
        return true;
    case WEFT_KV_INTEGER:
        return a->integer == b->integer;
    case WEFT_KV_FLOAT:
        return bits_of(a->number) == bits_of(b->number);
    case WEFT_KV_BOOL:
        return a->boolean == b->boolean;
    case WEFT_KV_STRING:
    case WEFT_KV_BINARY:
        break;
    }
    return weft_view_equal(a->bytes, b->bytes);
}

/* A value is printed as text, which is read as the same value. */
static void expect(struct weft_kv_value value, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    cli_json_print_value(out, &value);
    fclose(out);
    assert_string_equal(text, expected);

    struct weft_error error;
    struct weft_kv_value again;
    struct weft_bytes memory;
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    assert_int_equal(cli_json_read_value(json, &again, &memory, &error), 0);
    assert_true(is_same(&again, &value));
    weft_bytes_fini(&memory);
    json_decref(json);
    free(text);
}

static void test_strings_are_escaped(void **state)
{
    (void)state;
    expect(string(""), "\"\"");
    expect(string("plain é 表"), "\"plain é 表\"");
    expect(string("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
    expect(string("\b\f\n\r\t\x01\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\\u007f\"");
    expect((struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = weft_view("a\0b", 3)},
           "\"a\\u0000b\"");
}

static void test_binary_is_an_object_of_base64(void **state)
{
    (void)state;
    expect((struct weft_kv_value){.type = WEFT_KV_BINARY, .bytes = weft_view("\0\xff", 2)},
           "{\"base64\": \"AP8=\"}");
    expect((struct weft_kv_value){.type = WEFT_KV_BINARY}, "{\"base64\": \"\"}");
}

static void test_integers_that_a_double_does_not_hold_are_objects(void **state)
{
    (void)state;
    expect(integer(-3), "-3");
    expect(integer(9007199254740991), "9007199254740991");
    expect(integer(-9007199254740991), "-9007199254740991");
    expect(integer(9007199254740992), "{\"integer\": \"9007199254740992\"}");
    expect(integer(INT64_MIN), "{\"integer\": \"-9223372036854775808\"}");
}

static void test_floats_never_look_like_integers(void **state)
{
    (void)state;
    expect(number(0.1), "0.1");
    expect(number(1), "1.0");
    expect(number(-0.0), "-0.0");
    expect(number(1e300), "1e+300");
    expect(number(INFINITY), "{\"float\": \"inf\"}");
    expect(number(-INFINITY), "{\"float\": \"-inf\"}");
    expect(number(NAN), "{\"float\": \"nan\"}");
    expect(number(-(double)NAN), "{\"float\": \"-nan\"}");
    uint64_t bits = 0x7ff0000000000001;
    double signalling;
    memcpy(&signalling, &bits, sizeof bits);
    expect(number(signalling), "{\"float\": \"nan(0x7ff0000000000001)\"}");
}

/* C1 too: some terminals take U+009B as the beginning of an escape sequence. */
static void test_control_characters_are_escaped(void **state)
{
    (void)state;
    const struct weft_kv_value value = {
        .type = WEFT_KV_STRING, .bytes = weft_view_str("\x1b\x7f\xc2\x80\xc2\x9b\xc2\xa0\xc3\x9b")};
    expect(value, "\"\\u001b\\u007f\\u0080\\u009b\xc2\xa0\xc3\x9b\"");
}

static char *print_reply(const char *command, const struct weft_kv_reply *reply, int err)
{
    char *text = NULL;
    size_t size;
    struct weft_error error;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(cli_json_print_reply(out, cli_command_find(command, &error), reply, 0), err);
    fclose(out);
    return text;
}

static void test_pairs_are_sorted_by_the_bytes_of_the_key(void **state)
{
    (void)state;
    const struct weft_kv_pair pairs[] = {{weft_view_str("b"), integer(1)},
                                         {weft_view_str("a"), integer(2)}};
    const struct weft_kv_reply reply = {.status = 200, .pairs = pairs, .pair_count = 2};
    char *text = print_reply("hgetall", &reply, 0);
    assert_string_equal(text, "{\"status\": 200, \"pairs\": [{\"key\": \"a\", \"value\": 2}, "
                              "{\"key\": \"b\", \"value\": 1}]}\n");
    free(text);
}

static void test_table_that_is_too_big_is_told_with_what_helps(void **state)
{
    (void)state;
    const struct weft_kv_reply reply = {.status = 413, .message = weft_view_str("big")};
    char *text = print_reply("hgetall", &reply, 0);
    assert_string_equal(text, "{\"status\": 413, \"message\": \"big\", \"advice\": \"hscan reads a "
                              "table page by page, and export all of it\"}\n");
    free(text);
    text = print_reply("hget", &reply, 0);
    assert_string_equal(text, "{\"status\": 413, \"message\": \"big\"}\n");
    free(text);
}

static void print_reply_with_failures(void *arg)
{
    char *text = NULL;
    size_t size;
    struct weft_error error;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    int err = cli_json_print_reply(out, cli_command_find("hgetall", &error), arg, 0);
    fclose(out);
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    assert_int_equal(*text == '\0', err < 0);
    free(text);
}

static void test_printing_survives_every_failing_allocation(void **state)
{
    (void)state;
    const struct weft_kv_pair pair = {weft_view_str("b"), integer(1)};
    struct weft_kv_reply reply = {.status = 200, .pairs = &pair, .pair_count = 1};
    fault_each(print_reply_with_failures, &reply);
}

static void test_bools_and_what_is_empty(void **state)
{
    (void)state;
    expect((struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = true}, "true");
    expect((struct weft_kv_value){.type = WEFT_KV_BOOL}, "false");
    expect((struct weft_kv_value){.type = WEFT_KV_EMPTY}, "null");
}

/* A command as a JSON array; NULL: taken. */
static void expect_command(const char *line, const char *refused)
{
    struct weft_error error = {0};
    struct cli_invocation invocation;
    json_t *json = cli_json_parse(weft_view_str(line), &error);
    int err = json ? cli_invocation_init_json(&invocation, json, &error) : WEFT_ECONFIG;
    if (err == 0)
        cli_invocation_fini(&invocation);
    json_decref(json);
    assert_int_equal(err, refused ? WEFT_ECONFIG : 0);
    if (refused && !strstr(error.text, refused))
        fail_msg("%s", error.text);
}

static void test_commands_of_every_shape_are_taken(void **state)
{
    (void)state;
    expect_command("[\"ping\"]", NULL);
    expect_command("[\"hgetall\", \"t\"]", NULL);
    expect_command("[\"hget\", \"t\", \"k\"]", NULL);
    expect_command("[\"hmget\", \"t\", \"a\", \"b\"]", NULL);
    expect_command("[\"hset\", \"t\", \"k\", {\"base64\": \"AA==\"}]", NULL);
    expect_command("[\"hmset\", \"t\", \"a\", 1, \"b\", null]", NULL);
    expect_command("[\"hscan\", \"t\"]", NULL);
    expect_command("[\"hscan\", \"t\", \"AAAA\", 10]", NULL);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    static const char text[] = "commands, tables, keys and cursors are strings";
    expect_command("{}", "a command is an array: [\"hset\", \"table\", \"key\", 42]");
    expect_command("[]", "a command is an array");
    expect_command("[1]", "a command is an array");
    expect_command("[\"get\"]", "unknown command \"get\"");
    expect_command("[\"hget\", \"t\"]", "wrong number of arguments; usage: kvc hget TABLE KEY");
    expect_command("[\"batch\"]", "batch is a command of kvc's command line only");
    expect_command("[\"hget\", 1, \"k\"]", text);
    expect_command("[\"hget\", \"t\", 1]", text);
    expect_command("[\"hset\", \"t\", 1, 1]", text);
    expect_command("[\"hscan\", \"t\", 1]", text);
    expect_command("[\"hscan\", \"t\", \"A\"]", "not one that hscan has printed");
    expect_command("[\"hscan\", \"t\", \"\", 1.5]", "hscan's limit is a number from 0 to");
    expect_command("[\"hscan\", \"t\", \"\", 4294967296]", "hscan's limit is a number from 0 to");
    expect_command("[\"hset\", \"t\", \"k\", []]", "an array is no value");
    expect_command("[\"hset\", \"t\", \"k\", {\"base64\": 1}]", "an object is no value but");
    expect_command("[\"hset\", \"t\", \"k\", {\"integer\": \"x\"}]", "not an integer");
    expect_command("[\"hset\", \"t\", \"k\", {\"float\": \"x\"}]", "not a number");
    expect_command("[\"hset\", \"t\", \"k\", {\"base64\": \"x\"}]", "not base64");
    expect_command("[\"hset\"", "not JSON: ");
}

/* jansson's own memory is not weft's. */
static void take_with_failures(void *arg)
{
    struct weft_error error;
    struct cli_invocation invocation;
    int err = cli_invocation_init_json(&invocation, arg, &error);
    assert_int_equal(err, fault_failed() == 0 ? 0 : -ENOMEM);
    if (err == 0)
        cli_invocation_fini(&invocation);
}

static void test_survives_every_failing_allocation(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "[\"hmget\", \"t\", \"a\", \"b\"]",
        "[\"hmset\", \"t\", \"a\", {\"base64\": \"AA==\"}, \"b\", {\"base64\": \"\"}]",
        "[\"hscan\", \"t\", \"AAAA\", 1]",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct weft_error error;
        json_t *json = cli_json_parse(weft_view_str(lines[i]), &error);
        assert_non_null(json);
        fault_each(take_with_failures, json);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_are_escaped),
        cmocka_unit_test(test_binary_is_an_object_of_base64),
        cmocka_unit_test(test_integers_that_a_double_does_not_hold_are_objects),
        cmocka_unit_test(test_floats_never_look_like_integers),
        cmocka_unit_test(test_control_characters_are_escaped),
        cmocka_unit_test(test_pairs_are_sorted_by_the_bytes_of_the_key),
        cmocka_unit_test(test_table_that_is_too_big_is_told_with_what_helps),
        cmocka_unit_test(test_printing_survives_every_failing_allocation),
        cmocka_unit_test(test_bools_and_what_is_empty),
        cmocka_unit_test(test_commands_of_every_shape_are_taken),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
