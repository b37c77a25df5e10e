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

static int print(const struct weft_kv_reply *reply, bool escape, char **printed)
{
    size_t size;
    FILE *out = open_memstream(printed, &size);
    assert_non_null(out);
    int err = cli_reply_print(out, reply, escape);
    fclose(out);
    return err;
}

static void assert_printed(const struct weft_kv_reply *reply, bool escape, const char *expected)
{
    char *printed;
    assert_int_equal(print(reply, escape, &printed), 0);
    assert_string_equal(printed, expected);
    free(printed);
}

static void test_print_puts_each_value_on_a_line(void **state)
{
    (void)state;
    const struct weft_kv_value values[] = {
        text("a"), {.type = WEFT_KV_EMPTY}, {.type = WEFT_KV_BOOL, .boolean = true}};
    assert_printed(&(struct weft_kv_reply){.values = values, .value_count = 3}, false,
                   "a\n\ntrue\n");
}

static void test_print_of_nothing_is_nothing(void **state)
{
    (void)state;
    assert_printed(&(struct weft_kv_reply){.status = 200}, false, "");
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
    char *printed;
    assert_int_equal(
        print(&(struct weft_kv_reply){.pairs = pairs, .pair_count = 6}, false, &printed), 0);
    static const char expected[] = "\t4\nB\t3\nb\t1\nb\t5\nb\0c\t\nä\t2\n";
    assert_memory_equal(printed, expected, sizeof expected);
    free(printed);
}

static void test_print_escapes_keys_and_values_on_a_terminal(void **state)
{
    (void)state;
    const struct weft_kv_pair pair = {weft_view_str("a\tb"), text("c\nd")};
    assert_printed(&(struct weft_kv_reply){.pairs = &pair, .pair_count = 1}, true,
                   "a\\tb\tc\\nd\n");
}

static void print_with_failures(void *arg)
{
    char *printed;
    int err = print(arg, false, &printed);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print_puts_each_value_on_a_line),
        cmocka_unit_test(test_print_of_nothing_is_nothing),
        cmocka_unit_test(test_print_sorts_pairs_by_the_bytes_of_the_key),
        cmocka_unit_test(test_print_escapes_keys_and_values_on_a_terminal),
        cmocka_unit_test(test_print_survives_every_failing_allocation),
        cmocka_unit_test(test_check_wants_a_value_for_each_key),
        cmocka_unit_test(test_check_wants_bools_where_it_asked_whether),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
