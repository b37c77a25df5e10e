/* SPDX-License-Identifier: MIT
 *
 * Takes the place of rocksdb.c in a build without librocksdb. */
#include <errno.h>

#include "services/kv/stores/on_disk.h"

static int absent_init(void *store, const struct kv_store_options *options,
                       struct weft_error *error)
{
    (void)store;
    (void)options;
    return weft_error_set(
        error, -ENOSYS,
        "rocksdb store: this build has none; install librocksdb (Debian: librocksdb-dev) "
        "and build again");
}

static const struct weft_option options[] = {
    {.name = "cache", .values = "SIZE", .help = "not in this build"},
    {.name = "sync", .values = "always|SECONDS|off", .help = "not in this build"},
    {.name = "changes", .values = "SIZE", .help = "not in this build"},
    {.name = NULL},
};

/* Only init is ever called. */
const struct kv_store weft_kv_store_rocksdb = {.name = "rocksdb",
                                               .where = "DIR",
                                               .flags = KV_STORE_DURABLE,
                                               .options = options,
                                               .store_size = 1,
                                               .init = absent_init};
