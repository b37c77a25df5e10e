/* SPDX-License-Identifier: MIT
 *
 * Operations on several keys of one map that are all or nothing as others see them. Items are done
 * in their order, a key may come twice. Each leaves in item->scratch.pointer the entry that was
 * there, or NULL; valid until the turn's end. */
#ifndef KV_STORE_BATCH_H
#define KV_STORE_BATCH_H

#include "map.h"

/* -ENOMEM. */
WEFT_MUST_USE int kv_batch_get(const struct kv_map *map, struct kv_loop *worker,
                               struct kv_item *items, size_t count);

/* Puts the entries that item->scratch.pointer shows; they are the map's after 0. -ENOMEM, -ENOSPC
 * (over max_used), -ESTALE (the map is dead): nothing has changed. */
WEFT_MUST_USE int kv_batch_put(struct kv_map *map, struct kv_loop *worker, struct kv_item *items,
                               size_t count);

/* Takes out. -ENOMEM, -ESTALE: nothing has changed. */
WEFT_MUST_USE int kv_batch_remove(struct kv_map *map, struct kv_loop *worker, struct kv_item *items,
                                  size_t count);

#endif
