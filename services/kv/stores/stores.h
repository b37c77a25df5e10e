/* SPDX-License-Identifier: MIT
 *
 * The store in memory; on_disk.h has the others. A program lists the stores it offers and gives one to
 * weft_kv_context_init. */
#ifndef KV_STORES_H
#define KV_STORES_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The memory store: shared by all loops, gone with the process. Ordered, atomic, inline, with walks. */
extern const struct kv_store weft_kv_store_memory;

#ifdef __cplusplus
}
#endif

#endif
