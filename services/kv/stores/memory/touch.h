/* SPDX-License-Identifier: MIT
 *
 * Changes of the keys of one map: what batches and rebuilds are made of. */
#ifndef KV_STORE_TOUCH_H
#define KV_STORE_TOUCH_H

#include "directory.h"

/* One change. Several changes of one key take effect in their order. */
struct kv_touch {
    uint64_t hash;
    struct kv_item *item; /* item->key */
    /* The entry that the key gets, or NULL: the key is removed. If it is `old`, nothing changes. */
    struct kv_entry *fresh;
    struct kv_entry *old;     /* the entry that the key has, or NULL; set by kv_touches_find */
    enum kv_change_part part; /* of the key, that `fresh` changes */
    bool made;                /* used by settle alone: it has made `fresh` */
};

/* Decides changes once the segments that they belong to are locked, so that nothing else changes them.
 * It sets `fresh` of every touch, from `old`; if a key comes again, its `old` is the `fresh` of the touch
 * before. 0, or a negative number: nothing is changed, and the caller of the write gets the number. */
struct kv_settle {
    int (*settle)(struct kv_settle *self, struct kv_touch *touches, size_t count);
};

/* Finds what each touch of a locked segment takes out. A key that comes again takes out what the
 * touch before it put. */
void kv_touches_find(struct kv_touch *touches, size_t count, struct kv_segment *segment);

/* Returns how many heap bytes the touches add, less those that they free. */
int64_t kv_touches_growth(const struct kv_touch *touches, size_t count);

/* True if the touch is of the same key as the one before it. */
static inline bool kv_touch_is_again(const struct kv_touch *touches, size_t i)
{
    return i > 0 && touches[i].hash == touches[i - 1].hash &&
           weft_view_equal(touches[i].item->key, touches[i - 1].item->key);
}

/* Makes the change in a locked segment, which has room for it. */
void kv_touch_do(const struct kv_touch *touch, struct kv_segment *segment);

/* Called for each touch once it is done: retires what it took out, and leaves `old` in
 * item->scratch.pointer, where it is valid until the turn's end. */
void kv_touch_done(const struct kv_touch *touch, const struct kv_map *map, struct kv_loop *loop);

#endif
