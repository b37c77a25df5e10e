/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/slow_log.h"
#include "lib/fault.h"

static void add(struct weft_slow_log *log, uint64_t duration)
{
    const struct weft_slow_entry entry = {.duration = duration, .command = "hset"};
    weft_slow_log_add(log, &entry);
}

static void test_latest_entries_come_newest_first(void **state)
{
    (void)state;
    struct weft_slow_entry seen[4];
    struct weft_slow_log *log = weft_slow_log_new(3, 7);
    assert_non_null(log);
    assert_int_equal(weft_slow_log_get(log, seen, 4), 0);
    for (uint64_t i = 10; i < 15; i++)
        add(log, i);
    assert_int_equal(weft_slow_log_length(log), 3);
    assert_int_equal(weft_slow_log_total(log), 5);
    assert_int_equal(weft_slow_log_get(log, seen, 4), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(seen[i].id, 4 - i);
        assert_int_equal(seen[i].duration, 14 - i);
        assert_string_equal(seen[i].command, "hset");
    }
    assert_int_equal(weft_slow_log_get(log, seen, 1), 1);
    assert_int_equal(seen[0].id, 4);
    weft_slow_log_free(log);
    weft_slow_log_free(NULL);
}

static void test_reset_empties_it_and_the_numbers_go_on(void **state)
{
    (void)state;
    struct weft_slow_entry seen[2];
    struct weft_slow_log *log = weft_slow_log_new(2, 7);
    assert_non_null(log);
    add(log, 1);
    weft_slow_log_reset(log);
    assert_int_equal(weft_slow_log_length(log), 0);
    add(log, 2);
    assert_int_equal(weft_slow_log_get(log, seen, 2), 1);
    assert_int_equal(seen[0].id, 1);
    weft_slow_log_free(log);
}

static void test_threshold_can_change(void **state)
{
    (void)state;
    struct weft_slow_log *log = weft_slow_log_new(2, 7);
    assert_non_null(log);
    assert_int_equal(weft_slow_log_threshold(log), 7);
    weft_slow_log_set_threshold(log, 9);
    assert_int_equal(weft_slow_log_threshold(log), 9);
    weft_slow_log_free(log);
}

static void test_new_without_memory_returns_null(void **state)
{
    (void)state;
    fault_arm(FAULT_ONE, 0);
    assert_null(weft_slow_log_new(2, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latest_entries_come_newest_first),
        cmocka_unit_test(test_reset_empties_it_and_the_numbers_go_on),
        cmocka_unit_test(test_threshold_can_change),
        FAULT_TEST(test_new_without_memory_returns_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
