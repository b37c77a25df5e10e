/* SPDX-License-Identifier: MIT
 *
 * Takes the place of lmdb.c in a build without liblmdb. */
#include <errno.h>

#include "services/kv/stores/on_disk.h"

static int absent_init(void *store, const struct kv_store_options *options,
                       struct weft_error *error)
{
    (void)store;
    (void)options;
    return weft_error_set(error, -ENOSYS,
                          "lmdb store: this build has none; install liblmdb (Debian: liblmdb-dev) "
                          "and build again");
}

static const struct weft_option options[] = {
    {.name = "size", .values = "SIZE", .help = "not in this build"},
    {.name = "sync", .values = "always|SECONDS|off", .help = "not in this build"},
    {.name = "changes", .values = "SIZE", .help = "not in this build"},
    {.name = NULL},
};

/* Only init is ever called. */
const struct kv_store weft_kv_store_lmdb = {.name = "lmdb",
                                            .where = "DIR",
                                            .flags = KV_STORE_DURABLE,
                                            .options = options,
                                            .store_size = 1,
                                            .init = absent_init};
