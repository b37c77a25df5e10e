/* SPDX-License-Identifier: MIT
 *
 * A watch sees every change of a memory store's tables before it takes effect and may refuse it: a
 * journal. A store without one pays for a load and a branch per write. */
#ifndef KV_STORE_WATCH_H
#define KV_STORE_WATCH_H

#include "rebuild.h"

struct kv_watch {
    /* Called on the loop's thread when nothing but this can still refuse the changes, with the lock held
     * of every segment that they belong to; so calls that concern one key come in the order in which the
     * changes take effect. The touches are of one table, and those of one key stand in their order.
     * touch->fresh is the entry that the key gets, or NULL: the key goes. Touches whose `fresh` is their
     * `old` change nothing. It must not enter the store. 0: all of it takes effect at once, before submit
     * returns. -ENOMEM, -ENOSPC, -EIO: nothing does, and the operation is refused. */
    int (*change)(struct kv_watch *watch, struct kv_loop *loop, struct weft_view table,
                  const struct kv_touch *touches, size_t count);
    /* Called likewise before the table is dropped with all its keys, with all its segments locked. */
    int (*drop)(struct kv_watch *watch, struct kv_loop *loop, struct weft_view table);
};

/* Asks loop->watch, which is not NULL. Changes of the index of tables are not shown. */
WEFT_MUST_USE int kv__watch_ask(const struct kv_map *map, struct kv_loop *loop,
                                const struct kv_touch *touches, size_t count);
/* Does so for one key, which has the entry `old` (or NULL) and gets `fresh` (NULL: it is removed). */
WEFT_MUST_USE int kv__watch_ask_one(const struct kv_map *map, struct kv_loop *loop, uint64_t hash,
                                    struct kv_entry *fresh, struct kv_entry *old);
/* Does so for the drop of a table. A watch without `drop` refuses it: -EIO. */
WEFT_MUST_USE int kv__watch_ask_drop(const struct kv_map *map, struct kv_loop *loop);

#endif
