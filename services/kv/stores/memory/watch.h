/* SPDX-License-Identifier: MIT
 *
 * A watch sees every change of a memory store's tables before it takes effect and may refuse it: a
 * journal. Behind it the trail sees the changes, if it is on (stores/trail). A store without both pays for a load
 * and a branch per write. */
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

/* Makes the loop ask a watch, from now on. Called before the loop runs. */
void kv_watch_set(struct kv_loop *loop, struct kv_watch *watch);

/* True if the functions below have to be called before a change, with its segment locked. */
static inline bool kv_is_watched(const struct kv_loop *loop)
{
    return atomic_load(&((struct kv_loop *)(uintptr_t)loop)->watched);
}

/* Asks loop->watch, if there is one, and writes to the trail, if it is on. Changes of the index of tables are not
 * shown. */
WEFT_MUST_USE int kv__watch_ask(const struct kv_map *map, struct kv_loop *loop,
                                const struct kv_touch *touches, size_t count);
/* Does so for one key, which has the entry `old` (or NULL) and gets `fresh` (NULL: it is removed). */
WEFT_MUST_USE int kv__watch_ask_one(const struct kv_map *map, struct kv_loop *loop, uint64_t hash,
                                    struct kv_entry *fresh, struct kv_entry *old);
/* Does so for the drop of a table. A watch without `drop` refuses it: -EIO. */
WEFT_MUST_USE int kv__watch_ask_drop(const struct kv_map *map, struct kv_loop *loop);

/* Writes to the trail that this entry has expired, with its segment locked. */
void kv__watch_tell_expired(const struct kv_map *map, struct kv_loop *loop,
                            const struct kv_entry *entry);

/* Returns a number for kv__watch_after, before a change that readers need not wait for: one of frozen segments, or
 * of a table that nobody sees yet. */
unsigned kv__watch_before(const struct kv_loop *loop);
/* Called when that change has taken effect. */
void kv__watch_after(struct kv_loop *loop, unsigned before);

#endif
