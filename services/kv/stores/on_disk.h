/* SPDX-License-Identifier: MIT
 *
 * The stores that keep everything on disk, in the directory DIR, which is made if it is absent. A program lists
 * the stores that it offers for weft_kv_context_open. One process at a time may use a directory. docs/stores.md
 * compares the stores.
 *
 * `sync` says when writes reach the disk: before the answer (always, the default), within SECONDS (0.001 to 3600,
 * with a fraction or without), or when the system likes. Answered writes outlive the process in any case; only
 * with `always` do they all outlive a loss of power. SIZE is a number of bytes that may have a unit, as in 1GiB.
 *
 * `changes` is the memory for changes that followers have not read yet (64MiB; 0: nobody may follow). */
#ifndef KV_ON_DISK_H
#define KV_ON_DISK_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The LMDB store, `lmdb:DIR?size=SIZE&sync=always|SECONDS|off&changes=SIZE`. It may be larger than memory and is best where
 * reads are many. `size` is the most that its file may grow to (default 1TiB). Without sync=always a loss of power
 * may damage the file. The store is durable, ordered and atomic, does reads inline, and has walks, updates, expiry
 * and tables. In a build without liblmdb its init fails and says so. */
extern const struct kv_store weft_kv_store_lmdb;

/* The RocksDB store, `rocksdb:DIR?cache=SIZE&sync=always|SECONDS|off&changes=SIZE`. It may be larger than memory and is best
 * where writes are many. `cache` is the memory for blocks that were read (default 256MiB). The store is durable,
 * ordered and atomic, and has walks, updates, expiry and tables. In a build without librocksdb its init fails and
 * says so. */
extern const struct kv_store weft_kv_store_rocksdb;

#ifdef __cplusplus
}
#endif

#endif
