/* SPDX-License-Identifier: MIT
 *
 * The store in memory; on_disk.h has those on disk. A program gives a store to weft_kv_context_init, or lists the
 * stores that it offers for weft_kv_context_open. */
#ifndef KV_STORES_H
#define KV_STORES_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The memory store, named memory. All loops share it, and its contents are lost with the process. It is ordered,
 * atomic and inline, and has walks, updates, expiry, tables, cursors of 8 bytes and changes (enum kv_store_flag). It
 * takes no WHERE, and the option `changes=SIZE`: the memory for changes that followers have not read yet (64MiB; 0:
 * nobody may follow). */
extern const struct kv_store weft_kv_store_memory;

#ifdef __cplusplus
}
#endif

#endif
