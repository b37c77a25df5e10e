/* SPDX-License-Identifier: MIT
 *
 * Stores on disk as the suites need them, which give no place and no options: each gets a folder of its
 * own, which goes with the store. */
#ifndef TEST_DISK_STORE_H
#define TEST_DISK_STORE_H

#include "services/kv/store.h"

/* Returns a store like `store` whose folder is scratch. options: "sync", "off", ..., NULL, borrowed for
 * good. There is one at a time in a process. */
const struct kv_store *disk_store_in_scratch(const struct kv_store *store,
                                             const char *const *options);

#endif
