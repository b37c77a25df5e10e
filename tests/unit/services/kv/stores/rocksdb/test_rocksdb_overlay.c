/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fault.h"
#include "services/kv/stores/rocksdb/overlay.h"

enum { KEYS = 3 * KV_OVERLAY_BUCKETS };

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct kv_overlay));
    assert_non_null(*state);
    return 0;
}

static int teardown(void **state)
{
    kv_overlay_empty(*state);
    free(*state);
    return 0;
}

static void put(struct kv_overlay *overlay, const char *key, const char *value)
{
    const struct weft_view parts[] = {weft_view(value, 1), weft_view_str(value + 1)};
    assert_int_equal(kv_overlay_put(overlay, weft_view_str(key), parts, 2), 0);
}

static void assert_has(const struct kv_overlay *overlay, const char *key, const char *value)
{
    struct weft_view found;
    bool removed;
    assert_true(kv_overlay_find(overlay, weft_view_str(key), &found, &removed));
    assert_false(removed);
    assert_true(weft_view_equal(found, weft_view_str(value)));
}

static void assert_unknown(const struct kv_overlay *overlay, const char *key)
{
    struct weft_view found;
    bool removed;
    assert_false(kv_overlay_find(overlay, weft_view_str(key), &found, &removed));
}

static void test_last_change_of_a_key_counts(void **state)
{
    struct kv_overlay *overlay = *state;
    struct weft_view found;
    bool removed;
    put(overlay, "k", "one");
    put(overlay, "k", "two");
    assert_has(overlay, "k", "two");
    assert_int_equal(kv_overlay_remove(overlay, weft_view_str("k")), 0);
    assert_true(kv_overlay_find(overlay, weft_view_str("k"), &found, &removed));
    assert_true(removed);
    put(overlay, "k", "three");
    assert_has(overlay, "k", "three");
    assert_unknown(overlay, "l");
}

static void test_more_keys_than_buckets_are_found_until_all_are_forgotten(void **state)
{
    struct kv_overlay *overlay = *state;
    char key[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < KEYS; i++) {
            (void)snprintf(key, sizeof key, "some longer key %d", i);
            assert_unknown(overlay, key);
            put(overlay, key, key);
        }
        for (int i = 0; i < KEYS; i++) {
            (void)snprintf(key, sizeof key, "some longer key %d", i);
            assert_has(overlay, key, key);
        }
        kv_overlay_empty(overlay);
    }
}

static void test_committed_changes_stay_while_they_are_few(void **state)
{
    struct kv_overlay *overlay = *state;
    char key[32];
    put(overlay, "k", "value");
    kv_overlay_settle(overlay);
    assert_has(overlay, "k", "value");
    for (int i = 0; i <= KV_OVERLAY_ENTRIES; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        put(overlay, key, key);
    }
    kv_overlay_settle(overlay);
    assert_unknown(overlay, "k");
    assert_unknown(overlay, "0");
}

static void test_value_takes_the_place_of_one_that_is_as_large(void **state)
{
    struct kv_overlay *overlay = *state;
    for (size_t i = 0; i < 4 * KV_OVERLAY_ENTRIES; i++)
        put(overlay, "k", i % 2 ? "short" : "longer");
    kv_overlay_settle(overlay);
    assert_has(overlay, "k", "short");
    assert_int_equal(overlay->count, 1);
}

static void change(void *arg)
{
    struct kv_overlay *overlay = arg;
    const struct weft_view value = weft_view_str("value");
    int err = kv_overlay_put(overlay, weft_view_str("k"), &value, 1);
    if (err == 0)
        err = kv_overlay_remove(overlay, weft_view_str("l"));
    assert_int_equal(err, fault_failed() ? -ENOMEM : 0);
    kv_overlay_empty(overlay);
}

static void test_change_without_memory_is_refused(void **state)
{
    fault_each(change, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_last_change_of_a_key_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_more_keys_than_buckets_are_found_until_all_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_committed_changes_stay_while_they_are_few, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_value_takes_the_place_of_one_that_is_as_large, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_change_without_memory_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
