/* SPDX-License-Identifier: MIT
 *
 * The memory store kept on disk, for programs of the tree. */
#ifndef KV_STORES_KEPT_H
#define KV_STORES_KEPT_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Its name is memory. If WHERE names a directory, `memory:DIR?sync=always|SECONDS|off`, all is kept there in a
 * journal (docs/journal.md): with sync=always, the default, a write is on disk before it is answered, and the
 * store is durable. Without WHERE it is weft_kv_store_memory. */
extern const struct kv_store weft_kv_store_journal;

#ifdef __cplusplus
}
#endif

#endif
