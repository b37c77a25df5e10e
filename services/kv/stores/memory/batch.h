/* SPDX-License-Identifier: MIT
 *
 * Operations on several keys of one map that are all or nothing as others see them. A key may come
 * twice; its items take effect in their order. Each item gets in scratch.pointer the entry that its
 * key had, or NULL, which is valid until the turn's end. An entry that has expired is an entry like others
 * here. batch.c and batch_write.c describe the algorithms. */
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

/* Does op (KV_MUPDATE) and sets the verdicts. map NULL: there is no such table. *due: the earliest `due` of
 * the entries stored, or KV_UNTIMED. -ENOMEM, -ENOSPC, -ESTALE (the map is dead, or there is something to
 * store and no map): nothing has changed. -ECANCELED: nothing was to be changed, because an update was
 * refused (*refused) or because none wanted a change; the items have their results. */
WEFT_MUST_USE int kv_batch_update(struct kv_map *map, struct kv_loop *loop, struct kv_op *op,
                                  bool *refused, int64_t *due);

#endif
