/* SPDX-License-Identifier: MIT
 *
 * The changes of a transaction by their keys, so that the writer finds what it has just written. RocksDB has
 * a batch with an index for that, which costs more than all the rest of a write. Changes that were committed stay
 * for a while, since keys that are written often are found here sooner than in RocksDB. */
#ifndef KV_ROCKSDB_OVERLAY_H
#define KV_ROCKSDB_OVERLAY_H

#include "services/kv/stores/parts/results.h"

enum {
    KV_OVERLAY_BUCKETS = 16384,
    /* If it has more than this when a transaction ends, all is forgotten. */
    KV_OVERLAY_ENTRIES = 2 * KV_OVERLAY_BUCKETS,
    KV_OVERLAY_BYTES = 8 << 20
};

struct kv_overlay_entry;

/* Zeroed: empty. */
struct kv_overlay {
    struct kv_overlay_entry *buckets[KV_OVERLAY_BUCKETS];
    struct kv_overlay_entry *entries; /* all of them */
    size_t count, bytes;
    struct kv_results memory;
};

/* Notes that a key has a value, given in parts, or that it was removed. The parts are no views of the overlay.
 * -ENOMEM: nothing was noted. */
WEFT_MUST_USE int kv_overlay_put(struct kv_overlay *overlay, struct weft_view key,
                                 const struct weft_view *parts, size_t count);
WEFT_MUST_USE int kv_overlay_remove(struct kv_overlay *overlay, struct weft_view key);

/* True if the key was changed; *value shows its value until the next change, and *removed is true if it has
 * none. */
bool kv_overlay_find(const struct kv_overlay *overlay, struct weft_view key,
                     struct weft_view *value, bool *removed);

/* Ends a transaction that was committed: keeps its changes if there is room for them. */
void kv_overlay_settle(struct kv_overlay *overlay);
/* Forgets all changes. Called when it is not known what RocksDB has. */
void kv_overlay_empty(struct kv_overlay *overlay);

#endif
