/* SPDX-License-Identifier: MIT
 *
 * The stores that keep everything on disk. A program lists those it offers and gives one to
 * weft_kv_context_init. docs/stores.md says which of them is for whom, and what each promises. */
#ifndef KV_ON_DISK_H
#define KV_ON_DISK_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The LMDB store, `lmdb:DIR?size=SIZE&sync=always|SECONDS|off`: durable, larger than memory, best where
 * reads are many. Ordered, atomic, with reads inline, walks, updates, expiry and tables. In a build
 * without liblmdb its init fails and says so. */
extern const struct kv_store weft_kv_store_lmdb;

/* The RocksDB store, `rocksdb:DIR?cache=SIZE&sync=always|SECONDS|off`: durable, larger than memory, best
 * where writes are many. Ordered, atomic, with walks, updates, expiry and tables. In a build without
 * librocksdb its init fails and says so. */
extern const struct kv_store weft_kv_store_rocksdb;

#ifdef __cplusplus
}
#endif

#endif
