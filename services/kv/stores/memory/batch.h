/* SPDX-License-Identifier: MIT
 *
 * Operations on several keys of one map that are all or nothing as others see them. A key may come
 * twice; its items take effect in their order. Each item gets in scratch.pointer the entry that its
 * key had, or NULL, which is valid until the turn's end. batch.c describes the algorithm. */
#ifndef KV_STORE_BATCH_H
#define KV_STORE_BATCH_H

#include "directory.h"

/* Reads all keys as of one moment. -ENOMEM. */
WEFT_MUST_USE int kv_batch_get(const struct kv_map *map, struct kv_loop *loop,
                               struct kv_item *items, size_t count);

/* Puts the entries in item->scratch.pointer, which belong to the map afterwards. -ENOMEM, -ENOSPC
 * (over the limit), -ESTALE (the map is dead): nothing has changed, and the entries are the
 * caller's. */
WEFT_MUST_USE int kv_batch_put(struct kv_map *map, struct kv_loop *loop, struct kv_item *items,
                               size_t count);

/* Removes. -ENOMEM, -ESTALE: nothing has changed. */
WEFT_MUST_USE int kv_batch_remove(struct kv_map *map, struct kv_loop *loop, struct kv_item *items,
                                  size_t count);

#endif
