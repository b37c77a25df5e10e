/* SPDX-License-Identifier: MIT
 *
 * A map: key -> entry. The operations on one key; batch.h has those on several, walk.h the walks.
 *
 * Reads take no lock and write nothing that is shared. A writer locks the segment of its key. A
 * write for which the segment has no room replaces the segment (rebuild.h). */
#ifndef KV_STORE_MAP_H
#define KV_STORE_MAP_H

#include "directory.h"

/* Returns the entry of key, or NULL. It is valid until the turn's end, as are the entries below. An
 * entry that a batch is still putting is never returned. */
struct kv_entry *kv_map_get(const struct kv_map *map, uint64_t hash, struct weft_view key);

/* The writers return -ESTALE if the map is dead. After that as after every error, nothing has
 * changed. They retire what they take out. */

/* Puts entry; *old is the entry that it replaces, or NULL. -ENOMEM; -ENOSPC: over the limit. */
WEFT_MUST_USE int kv_map_put(struct kv_map *map, struct kv_loop *loop, uint64_t hash,
                             struct kv_entry *entry, struct kv_entry **old);

/* Removes the entry of key; *old is that entry, or NULL. -ENOMEM. */
WEFT_MUST_USE int kv_map_remove(struct kv_map *map, struct kv_loop *loop, uint64_t hash,
                                struct weft_view key, struct kv_entry **old);

#endif
