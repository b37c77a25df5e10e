/* SPDX-License-Identifier: MIT
 *
 * The RocksDB store of a build without librocksdb says what to install. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "services/kv/service.h"
#include "services/kv/stores/on_disk.h"

static void test_store_that_was_not_built_says_what_to_install(void **state)
{
    static const struct kv_store *const stores[] = {&weft_kv_store_rocksdb, NULL};
    static const char *const specs[] = {"rocksdb:/tmp", "rocksdb:/tmp?cache=1GiB&sync=off"};
    const struct weft_kv_limits limits = weft_kv_limits_default();
    struct weft_kv_context context;
    struct weft_error error;
    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        assert_int_equal(
            weft_kv_context_open(&context, stores, specs[i], &limits, NULL, NULL, NULL, &error),
            -ENOSYS);
        assert_string_equal(error.text, "rocksdb store: this build has none; install librocksdb "
                                        "(Debian: librocksdb-dev) and build again");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_that_was_not_built_says_what_to_install),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
