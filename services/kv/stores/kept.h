/* SPDX-License-Identifier: MIT
 *
 * The memory store with a journal on disk, for the programs of this source tree. */
#ifndef KV_STORES_KEPT_H
#define KV_STORES_KEPT_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A store named memory, which a program lists in place of weft_kv_store_memory. Its `variant` chooses by WHERE.
 *
 * Without WHERE it is weft_kv_store_memory. With `memory:DIR?sync=always|SECONDS|off&snapshot=SIZE` all data are in
 * memory, and every change is also written to a journal in DIR, which is made if it is absent and from which the
 * next start restores them (docs/journal.md). With sync=always, the default, a write is on disk before it is
 * answered, so the store is durable. Otherwise writes are answered at once, and a crash may lose the latest ones.
 * SECONDS is 0.001 to 3600, with a fraction or without. `snapshot` is the size of the journals at which a new
 * snapshot replaces them (default 64MiB, and never less than the last snapshot). */
extern const struct kv_store weft_kv_store_journal;

#ifdef __cplusplus
}
#endif

#endif
