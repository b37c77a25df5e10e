/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "services/kv/stores/parts/sync.h"

static int read_text(const char *text, struct kv_sync *sync, struct weft_error *error)
{
    const struct weft_option_value value = {"sync", text};
    const struct weft_option_set set = {&value, 1};
    return kv_sync_read(sync, &set, error);
}

static void test_sync_is_always_unless_told_otherwise(void **state)
{
    const struct weft_option_set none = {NULL, 0};
    struct weft_error error;
    struct kv_sync sync;
    (void)state;
    assert_int_equal(kv_sync_read(&sync, &none, &error), 0);
    assert_int_equal(sync.when, KV_SYNC_ALWAYS);
    assert_int_equal(read_text("always", &sync, &error), 0);
    assert_int_equal(sync.when, KV_SYNC_ALWAYS);
    assert_int_equal(read_text("off", &sync, &error), 0);
    assert_int_equal(sync.when, KV_SYNC_OFF);
}

static void test_sync_takes_seconds(void **state)
{
    struct weft_error error;
    struct kv_sync sync;
    (void)state;
    assert_int_equal(read_text("1", &sync, &error), 0);
    assert_int_equal(sync.when, KV_SYNC_LATER);
    assert_int_equal(sync.every, WEFT_SECONDS(1));
    assert_int_equal(read_text("0.001", &sync, &error), 0);
    assert_int_equal(sync.every, 1000000);
}

static void test_other_values_are_refused_with_those_there_are(void **state)
{
    static const char *const wrong[] = {"", "never", "-1", "0", "3601", "0.0001", "ALWAYS"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weft_error error;
        struct kv_sync sync;
        assert_int_equal(read_text(wrong[i], &sync, &error), WEFT_ECONFIG);
        assert_non_null(strstr(error.text, "always, off, or seconds"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sync_is_always_unless_told_otherwise),
        cmocka_unit_test(test_sync_takes_seconds),
        cmocka_unit_test(test_other_values_are_refused_with_those_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
