/* SPDX-License-Identifier: MIT
 *
 * The stores that keep everything on disk, in the directory DIR, which is made if it is absent. A program lists
 * the stores that it offers for weft_kv_context_open. One process at a time may use a directory. docs/stores.md
 * compares the stores.
 *
 * `sync` says when writes reach the disk: before the answer (always, the default), within SECONDS (0.001 to 3600,
 * with a fraction or without), or when the system likes. With LMDB and RocksDB answered writes outlive the process in
 * any case; only with `always` do they all outlive a loss of power. SIZE is a number of bytes that may have a unit, as in 1GiB.
 *
 * `changes` is the memory for changes that followers have not read yet (64MiB; 0: nobody may follow). */
#ifndef KV_ON_DISK_H
#define KV_ON_DISK_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The memory store with a journal on disk, named memory, which a program lists in place of weft_kv_store_memory. Its
 * `variant` chooses by WHERE: without one it is weft_kv_store_memory.
 *
 * With `memory:DIR?sync=always|SECONDS|off&snapshot=SIZE&changes=SIZE` all data are in memory, and every change is also
 * written to a journal in DIR, from which the next start restores them (docs/journal.md). With sync=always a write is
 * on disk before it is answered, so the store is durable. Otherwise writes are answered at once, and a crash may lose
 * the latest ones. `snapshot` is the size of the journals at which a new snapshot replaces them (default 64MiB, and
 * never less than the last snapshot). */
extern const struct kv_store weft_kv_store_journal;

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
