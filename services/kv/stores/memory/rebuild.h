/* SPDX-License-Identifier: MIT
 *
 * Changes of any number of keys of one map that become visible at one moment, by replacing the
 * segments they belong to. For writes that do not fit into a segment, and for batches too large to
 * be written in place. The algorithm is described at the top of rebuild.c. */
#ifndef KV_STORE_REBUILD_H
#define KV_STORE_REBUILD_H

#include "touch.h"

struct kv_segment_list {
    struct kv_segment **all;
    size_t count, capacity;
    struct kv_segment *few[4];
};

/* A rebuild between begin and its end. */
struct kv_rebuild {
    struct kv_map *map;
    struct kv_loop *loop;
    struct kv_touch *touches;
    size_t count;
    struct kv_segment_list olds, pieces; /* segments that are locked, and those to replace them */
    struct kv_directory *directory;      /* to be published, or NULL: the present one stays */
    uint32_t depth;                      /* of the deepest piece */
    bool in_place;  /* the only touch fits into its segment: there is no copy */
    int64_t growth; /* heap bytes that the changes add, less those they free */
};

/* Does all changes; count is at least 1. Afterwards item->scratch.pointer is what the key had
 * before, or NULL, and valid until the turn's end. touches are sorted by hash and, where hashes are
 * equal, by item. settle is NULL if `fresh` is set already. -ENOMEM, -ENOSPC (over the limit), -ESTALE (the
 * map is dead), or what settle or a watch answered: nothing has changed, neither the entries nor the shape
 * of the map nor the account. */
WEFT_MUST_USE int kv_rebuild(struct kv_map *map, struct kv_loop *loop, struct kv_settle *settle,
                             struct kv_touch *touches, size_t count);

/* kv_rebuild in two steps. After begin returned 0, either commit or cancel follows, neither of which
 * fails. In between other writers of the map wait. The caller has reserved room in the epoch for
 * 2 * count + 1 objects, and it must be there at commit. */
WEFT_MUST_USE int kv_rebuild_begin(struct kv_rebuild *self, struct kv_map *map,
                                   struct kv_loop *loop, struct kv_settle *settle,
                                   struct kv_touch *touches, size_t count);
void kv_rebuild_commit(struct kv_rebuild *self);
void kv_rebuild_cancel(struct kv_rebuild *self);

#endif
