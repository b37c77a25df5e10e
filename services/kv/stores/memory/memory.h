/* SPDX-License-Identifier: MIT
 *
 * The memory store: shared by all loops, gone with the process. Ordered, atomic, inline, with
 * walks. docs/architecture.md tells how it works; the files are, from the bottom: entry, segment,
 * epoch, map, batch, tables. */
#ifndef KV_STORE_MEMORY_H
#define KV_STORE_MEMORY_H

#include "services/kv/stores/stores.h"

/* Heap bytes in use, as max_memory counts them. Exact to 16 KiB a loop. Any thread. */
int64_t kv_store_memory_used(const void *store);

#endif
