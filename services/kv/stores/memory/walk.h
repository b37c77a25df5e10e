/* SPDX-License-Identifier: MIT
 *
 * Walks: the pairs of a map or the names of all tables, page by page, in the order of segments or of
 * hashes. walk.c describes the algorithm. */
#ifndef KV_STORE_WALK_H
#define KV_STORE_WALK_H

#include "tables.h"

/* Does one page as op asks for it: of a table's map (KV_WALK) or of the index (KV_TABLES). map NULL: there
 * is no such table. -ESTALE: the cursor is not one of this store; -ENOMEM. */
WEFT_MUST_USE int kv_walk(const struct kv_map *map, const struct kv_loop *loop, struct kv_op *op);

#endif
