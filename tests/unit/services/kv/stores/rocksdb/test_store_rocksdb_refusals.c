/* SPDX-License-Identifier: MIT
 *
 * The RocksDB store says why it does not start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/fault.h"
#include "lib/scratch.h"
#include "services/kv/service.h"
#include "services/kv/stores/on_disk.h"

struct place {
    char scratch[64], path[96];
};

static int setup(void **state)
{
    static struct place place;
    scratch_make(place.scratch, sizeof place.scratch);
    (void)snprintf(place.path, sizeof place.path, "%s/store", place.scratch);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    const struct place *place = *state;
    fault_remove();
    scratch_remove(place->scratch);
    return 0;
}

/* Opens the store that the spec names, which must fail. Returns the error. */
static int refuse(const char *spec, struct weft_error *error)
{
    static const struct kv_store *const stores[] = {&weft_kv_store_rocksdb, NULL};
    const struct weft_kv_limits limits = weft_kv_limits_default();
    struct weft_kv_context context;
    int err = weft_kv_context_open(&context, stores, spec, &limits, NULL, NULL, NULL, error);
    assert_true(err < 0);
    assert_int_equal(error->code, err);
    return err;
}

static void test_store_without_a_place_is_refused(void **state)
{
    struct weft_error error;
    (void)state;
    assert_int_equal(refuse("rocksdb", &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "rocksdb store: say where: --store rocksdb:DIR");
}

static void test_cache_out_of_its_bounds_is_refused(void **state)
{
    static const char *const wrong[] = {"", "much", "0", "1048575", "1025GiB"};
    const struct place *place = *state;
    char spec[160], expected[160];
    struct weft_error error;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)snprintf(spec, sizeof spec, "rocksdb:%s?cache=%s", place->path, wrong[i]);
        assert_int_equal(refuse(spec, &error), WEFT_ECONFIG);
        (void)snprintf(expected, sizeof expected, "cache=%s: it is a size from 1MiB to 1024GiB",
                       wrong[i]);
        assert_string_equal(error.text, expected);
    }
}

static void test_store_without_memory_is_refused(void **state)
{
    const struct place *place = *state;
    char spec[160];
    struct weft_error error;
    (void)snprintf(spec, sizeof spec, "rocksdb:%s", place->path);
    fault_install();
    /* The context allocates first, then the engine. */
    for (size_t n = 0; n < 2; n++) {
        fault_arm(FAULT_ONE, n);
        assert_int_equal(refuse(spec, &error), -ENOMEM);
        assert_string_equal(error.text, "rocksdb store: no memory");
    }
}

static void test_directory_with_a_foreign_file_is_refused(void **state)
{
    const struct place *place = *state;
    char text[256];
    struct weft_error error;
    assert_int_equal(mkdir(place->path, 0700), 0);
    (void)snprintf(text, sizeof text, "%s/CURRENT", place->path);
    FILE *file = fopen(text, "w");
    assert_non_null(file);
    assert_true(fputs("no manifest", file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(text, sizeof text, "rocksdb:%s", place->path);
    assert_int_equal(refuse(text, &error), -EIO);
    (void)snprintf(text, sizeof text,
                   "rocksdb store: %s: Corruption: CURRENT file does not end with newline",
                   place->path);
    assert_string_equal(error.text, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store_without_a_place_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_out_of_its_bounds_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store_without_memory_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_with_a_foreign_file_is_refused, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
