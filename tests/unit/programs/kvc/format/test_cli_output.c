/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/format/output.h"

static struct weft_kv_value text(const char *bytes)
{
    return (struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = weft_view_str(bytes)};
}

static int print(const char *command, const struct weft_kv_reply *reply, bool terminal,
                 char **printed)
{
    size_t size;
    struct weft_error error;
    FILE *out = open_memstream(printed, &size);
    assert_non_null(out);
    int err = cli_reply_print(out, cli_command_find(command, &error), reply, terminal);
    fclose(out);
    return err;
}

static void assert_printed(const char *command, const struct weft_kv_reply *reply, bool terminal,
                           const char *expected)
{
    char *printed;
    assert_int_equal(print(command, reply, terminal, &printed), 0);
    assert_string_equal(printed, expected);
    free(printed);
}

static void assert_value(const char *command, struct weft_kv_value value, bool terminal,
                         const char *expected)
{
    assert_printed(command, &(struct weft_kv_reply){.values = &value, .value_count = 1}, terminal,
                   expected);
}

static void test_print_puts_each_value_on_a_line(void **state)
{
    (void)state;
    const struct weft_kv_value values[] = {
        text("a"), {.type = WEFT_KV_EMPTY}, {.type = WEFT_KV_BOOL, .boolean = true}};
    assert_printed("hmget", &(struct weft_kv_reply){.values = values, .value_count = 3}, false,
                   "a\n\nbool:true\n");
}

/* Whatever a script reads tells it which value there is. */
static void test_no_two_values_look_alike(void **state)
{
    (void)state;
    static const char *const commands[] = {"hget", "hset", "hdel", "hmget", "hmset", "hmdel"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *command = commands[i];
        assert_value(command, text("7"), false, "7\n");
        assert_value(command, (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = 7}, false,
                     "int:7\n");
        assert_value(command, (struct weft_kv_value){.type = WEFT_KV_FLOAT, .number = 7}, false,
                     "float:7\n");
        assert_value(command, text("true"), false, "true\n");
        assert_value(command, (struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = true}, false,
                     "bool:true\n");
        assert_value(command, text("int:7"), false, "str:int:7\n");
        assert_value(command, text("hex:00"), false, "str:hex:00\n");
        assert_value(command, text(""), false, "str:\n");
        assert_value(command, (struct weft_kv_value){.type = WEFT_KV_EMPTY}, false, "\n");
        assert_value(command, (struct weft_kv_value){.type = WEFT_KV_BINARY}, false, "hex:\n");
    }
}

static void test_answers_of_hexist_are_no_values(void **state)
{
    (void)state;
    const struct weft_kv_value yes = {.type = WEFT_KV_BOOL, .boolean = true};
    assert_value("hexist", yes, false, "true\n");
    assert_value("hmexist", yes, false, "true\n");
}

static void test_one_value_is_escaped_on_a_terminal_alone(void **state)
{
    (void)state;
    assert_value("hget", text("a\tb\\c\nd"), false, "a\tb\\c\nd\n");
    assert_value("hget", text("a\tb\\c\nd"), true, "a\\tb\\c\\nd\n");
}

static void test_several_items_are_a_line_each_whatever_is_in_them(void **state)
{
    (void)state;
    const struct weft_kv_pair pair = {weft_view_str("a\tb\\"), text("c\nd\\n")};
    const struct weft_kv_reply pairs = {.pairs = &pair, .pair_count = 1};
    assert_value("hmget", text("a\nb\\n"), false, "a\\nb\\\\n\n");
    assert_printed("hgetall", &pairs, false, "a\\tb\\\\\tc\\nd\\\\n\n");
    assert_printed("hscan", &pairs, true, "a\\tb\\\\\tc\\nd\\\\n\n");
}

static void test_print_of_nothing_is_nothing(void **state)
{
    (void)state;
    assert_printed("hgetall", &(struct weft_kv_reply){.status = 200}, false, "");
}

static void test_print_sorts_pairs_by_the_bytes_of_the_key(void **state)
{
    (void)state;
    const struct weft_kv_pair pairs[] = {
        {weft_view_str("b"), text("1")},
        {weft_view_str("ä"), text("2")},
        {weft_view_str("B"), text("3")},
        {weft_view("", 0), text("4")},
        {weft_view("b\0c", 3), {.type = WEFT_KV_EMPTY}},
        {weft_view_str("b"), text("5")},
    };
    assert_printed("hgetall", &(struct weft_kv_reply){.pairs = pairs, .pair_count = 6}, false,
                   "\t4\nB\t3\nb\t1\nb\t5\nb\\x00c\t\nä\t2\n");
}

static void print_with_failures(void *arg)
{
    char *printed;
    int err = print("hgetall", arg, false, &printed);
    assert_int_equal(err, fault_failed() == 0 ? 0 : -ENOMEM);
    assert_int_equal(*printed == '\0', err < 0);
    free(printed);
}

static void test_print_survives_every_failing_allocation(void **state)
{
    (void)state;
    const struct weft_kv_pair pair = {weft_view_str("a"), text("b")};
    struct weft_kv_reply reply = {.pairs = &pair, .pair_count = 1};
    fault_each(print_with_failures, &reply);
}

static void assert_checked(enum weft_kv_op op, size_t keys, size_t values, enum weft_kv_type type,
                           int err)
{
    const struct weft_kv_value answered[] = {{.type = type}, {.type = type}};
    const struct weft_kv_request request = {.op = op, .key_count = keys};
    const struct weft_kv_reply reply = {.status = 200, .values = answered, .value_count = values};
    struct weft_error error;
    assert_int_equal(cli_reply_check(&request, &reply, &error), err);
}

static void test_check_wants_a_value_for_each_key(void **state)
{
    (void)state;
    assert_checked(WEFT_KV_HMGET, 2, 2, WEFT_KV_STRING, 0);
    assert_checked(WEFT_KV_HMGET, 2, 1, WEFT_KV_STRING, WEFT_EMALFORMED);
    assert_checked(WEFT_KV_HGET, 1, 0, WEFT_KV_STRING, WEFT_EMALFORMED);
    assert_checked(WEFT_KV_HGETALL, 0, 0, WEFT_KV_STRING, 0);
}

static void test_check_wants_bools_where_it_asked_whether(void **state)
{
    (void)state;
    assert_checked(WEFT_KV_HEXIST, 1, 1, WEFT_KV_BOOL, 0);
    assert_checked(WEFT_KV_HMEXIST, 2, 2, WEFT_KV_BOOL, 0);
    assert_checked(WEFT_KV_HEXIST, 1, 1, WEFT_KV_STRING, WEFT_EMALFORMED);
}

static void test_check_wants_a_state_for_each_key_whose_expiry_it_asked_for(void **state)
{
    (void)state;
    struct weft_kv_request request = {.op = WEFT_KV_HEXPIRE, .key_count = 1};
    const struct weft_kv_value done = {.type = WEFT_KV_BOOL, .boolean = true};
    const struct weft_kv_reply reply = {.status = 200, .values = &done, .value_count = 1};
    struct weft_error error;
    assert_int_equal(cli_reply_check(&request, &reply, &error), WEFT_EMALFORMED);
    assert_string_equal(error.text, "the server answered 0 states for 1 keys");
    request.expiry = (struct weft_kv_expiry){WEFT_KV_EXPIRE_AFTER, 1};
    assert_int_equal(cli_reply_check(&request, &reply, &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print_puts_each_value_on_a_line),
        cmocka_unit_test(test_print_of_nothing_is_nothing),
        cmocka_unit_test(test_print_sorts_pairs_by_the_bytes_of_the_key),
        cmocka_unit_test(test_no_two_values_look_alike),
        cmocka_unit_test(test_answers_of_hexist_are_no_values),
        cmocka_unit_test(test_one_value_is_escaped_on_a_terminal_alone),
        cmocka_unit_test(test_several_items_are_a_line_each_whatever_is_in_them),
        cmocka_unit_test(test_print_survives_every_failing_allocation),
        cmocka_unit_test(test_check_wants_a_value_for_each_key),
        cmocka_unit_test(test_check_wants_bools_where_it_asked_whether),
        cmocka_unit_test(test_check_wants_a_state_for_each_key_whose_expiry_it_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
