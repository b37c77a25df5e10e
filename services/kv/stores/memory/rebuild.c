/* SPDX-License-Identifier: MIT
 *
 * Copy, change, publish. With `growing` held,
 *
 *   1. every segment that a touch belongs to is locked, frozen: writers wait, readers go on;
 *   2. each is copied into one or more new segments (pieces), as large as the changed content needs,
 *      and the changes are made in the copies, which nobody sees yet;
 *   3. the sum of all that is new, less all that it replaces, is taken from the account;
 *   4. the pieces are published: with a copy of the directory, so that all of them become visible
 *      with one store, or by writing into the directory if there is only one key and enough bits;
 *   5. the old segments are killed and retired, and so are the entries that were taken out.
 *
 * If there is only one change and its segment has room, it is made in the segment at step 4.
 *
 * Everything that can fail comes before step 4, and undoing it means freeing what nobody has seen. So
 * a refused write leaves the map as it was, byte for byte. Readers never wait for it. */
#include "rebuild.h"

#include <errno.h>

#include "core/base/mem.h"
#include "segment_lock.h"
#include "watch.h"

enum {
    ROOM_MAX = KV_SEGMENT_SLOTS_MAX / 5 * 4,
    PREFETCH = 8,
};

static void list_init(struct kv_segment_list *list)
{
    list->all = list->few;
    list->count = 0;
    list->capacity = sizeof list->few / sizeof *list->few;
}

static void list_fini(struct kv_segment_list *list)
{
    if (list->all != list->few)
        weft_free(list->all);
}

/* False: there is no memory. */
static bool list_add(struct kv_segment_list *list, struct kv_segment *segment)
{
    if (list->count == list->capacity) {
        struct kv_segment **grown = list->all == list->few ? NULL : list->all;
        grown = weft_realloc(grown, 2 * list->capacity * sizeof(struct kv_segment *));
        if (!grown)
            return false;
        if (list->all == list->few)
            memcpy(grown, list->few, sizeof list->few);
        list->all = grown;
        list->capacity *= 2;
    }
    list->all[list->count++] = segment;
    return true;
}

/* Returns the end of the touches from begin on that segment covers. */
static size_t end_of(const struct kv_rebuild *self, const struct kv_segment *segment, size_t begin)
{
    size_t i = begin;
    while (i < self->count && kv_segment_covers(segment, self->touches[i].hash))
        i++;
    return i;
}

static int lock_olds(struct kv_rebuild *self)
{
    for (size_t i = 0; i < self->count;) {
        struct kv_segment *segment = kv_map_segment(self->map, self->touches[i].hash);
        /* Only this thread may replace segments now, so a dead one means a dead map. */
        if (!kv_segment_lock(segment, KV_SEGMENT_FROZEN))
            return -ESTALE;
        if (!list_add(&self->olds, segment)) {
            kv_segment_unlock(segment, false);
            return -ENOMEM;
        }
        i = end_of(self, segment, i);
    }
    return 0;
}

/* Returns how many keys the touches add. */
static size_t count_new(const struct kv_rebuild *self, size_t begin, size_t end)
{
    size_t count = 0;
    for (size_t i = begin; i < end; i++)
        count += self->touches[i].fresh && !self->touches[i].old;
    return count;
}

static void change(const struct kv_rebuild *self, struct kv_segment *piece, size_t begin,
                   size_t end)
{
    for (size_t i = begin; i < end; i++)
        kv_touch_do(&self->touches[i], piece);
}

static struct kv_segment *add_piece(struct kv_rebuild *self, uint64_t first, uint32_t depth,
                                    size_t slots)
{
    struct kv_segment *piece = kv_segment_new(&self->loop->cache, first, depth, (uint32_t)slots);
    if (!piece)
        return NULL;
    if (!list_add(&self->pieces, piece)) {
        kv_segment_free(piece, &self->loop->cache);
        return NULL;
    }
    if (depth > self->depth)
        self->depth = depth;
    self->growth += (int64_t)kv_segment_heap_size_for(slots);
    return piece;
}

/* A slot of a segment that is split, with the whole hash of its key. */
struct hashed {
    uint64_t hash, slot;
};

/* The hashes have to be made again from the keys, so the entries are fetched ahead. */
static size_t hash_slots(const struct kv_rebuild *self, const struct kv_segment *segment,
                         struct hashed hashed[KV_SEGMENT_SLOTS_MAX])
{
    size_t count = 0;
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        if (i + PREFETCH < segment->slot_count)
            __builtin_prefetch(kv_segment_entry(
                atomic_load_explicit(&segment->slots[i + PREFETCH], memory_order_relaxed)));
        uint64_t slot = atomic_load_explicit(&segment->slots[i], memory_order_relaxed);
        const struct kv_entry *entry = kv_segment_entry(slot);
        if (entry)
            hashed[count++] = (struct hashed){kv_map_hash(self->loop, kv_entry_key(entry)), slot};
    }
    return count;
}

/* Moves those with the bit behind those without it; returns how many are without. */
static size_t partition(struct hashed *hashed, size_t count, uint64_t bit)
{
    size_t lower = 0;
    for (size_t i = 0; i < count; i++) {
        if (hashed[i].hash & bit)
            continue;
        struct hashed swapped = hashed[lower];
        hashed[lower++] = hashed[i];
        hashed[i] = swapped;
    }
    return lower;
}

/* A split under way, and the `due` of the segment that is split. */
struct splitting {
    struct kv_rebuild *rebuild;
    int64_t due;
};

static int halve(const struct splitting *self, struct hashed *hashed, size_t count, uint64_t first,
                 uint32_t depth, size_t begin, size_t end);

/* Makes the pieces for the hashes that begin with the first `depth` bits of `first`: one if it has
 * room for the entries and the touches, else those of its halves. All entries may fall into one
 * half, which then lacks the usual room to grow. */
static int split(const struct splitting *self, struct hashed *hashed, size_t count, uint64_t first,
                 uint32_t depth, size_t begin, size_t end)
{
    struct kv_rebuild *rebuild = self->rebuild;
    size_t live = count + count_new(rebuild, begin, end);
    if (live > ROOM_MAX)
        return halve(self, hashed, count, first, depth, begin, end);
    size_t slots = kv_segment_slots_for(live);
    slots = slots < KV_SEGMENT_SLOTS_MAX ? slots : KV_SEGMENT_SLOTS_MAX;
    struct kv_segment *piece = add_piece(rebuild, first, depth, slots);
    if (!piece)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        kv_segment_adopt(piece, hashed[i].slot);
    kv_segment_note_due(piece, self->due);
    change(rebuild, piece, begin, end);
    return 0;
}

/* At most KV_DEPTH_MAX calls are on the stack. */
static int halve(const struct splitting *self, struct hashed *hashed, size_t count, uint64_t first,
                 uint32_t depth, size_t begin, size_t end)
{
    const struct kv_touch *touches = self->rebuild->touches;
    if (depth == KV_DEPTH_MAX)
        return -ENOMEM;
    uint64_t bit = (uint64_t)1 << (63 - depth);
    size_t middle = begin;
    while (middle < end && !(touches[middle].hash & bit))
        middle++;
    size_t lower = partition(hashed, count, bit);
    int err = split(self, hashed, lower, first, depth + 1, begin, middle);
    if (err < 0)
        return err;
    return split(self, hashed + lower, count - lower, first | bit, depth + 1, middle, end);
}

WEFT_NOINLINE static int halve_segment(struct kv_rebuild *self, const struct kv_segment *old,
                                       size_t begin, size_t end)
{
    struct hashed hashed[KV_SEGMENT_SLOTS_MAX];
    size_t count = hash_slots(self, old, hashed);
    const struct splitting splitting = {self, kv_segment_due(old)};
    return halve(&splitting, hashed, count, old->first, old->depth, begin, end);
}

/* Copies one segment and changes the copy. The copy has the old size if that suffices, else one with
 * room to grow by a quarter; a segment too large for that is split. After removals it may be sparse,
 * and is shrunk by whoever removed. */
static int copy(struct kv_rebuild *self, struct kv_segment *old, size_t begin, size_t end)
{
    self->growth -= (int64_t)kv_segment_heap_size_for(old->slot_count);
    size_t fresh = count_new(self, begin, end);
    size_t slots = old->slot_count;
    if (!kv_segment_has_room(old, fresh))
        slots = kv_segment_slots_for(kv_segment_live(old) + fresh);
    if (slots > KV_SEGMENT_SLOTS_MAX)
        return halve_segment(self, old, begin, end);
    struct kv_segment *piece = add_piece(self, old->first, old->depth, slots);
    if (!piece)
        return -ENOMEM;
    kv_segment_adopt_all(piece, old);
    change(self, piece, begin, end);
    return 0;
}

static void find_all(struct kv_rebuild *self)
{
    size_t begin = 0;
    for (size_t k = 0; k < self->olds.count; k++) {
        size_t end = end_of(self, self->olds.all[k], begin);
        kv_touches_find(self->touches + begin, end - begin, self->olds.all[k]);
        begin = end;
    }
}

static int copy_all(struct kv_rebuild *self)
{
    size_t begin = 0;
    self->growth = kv_touches_growth(self->touches, self->count);
    if (self->count == 1 && kv_segment_has_room(self->olds.all[0], 1)) {
        self->in_place = true;
        return 0;
    }
    for (size_t k = 0; k < self->olds.count; k++) {
        size_t end = end_of(self, self->olds.all[k], begin);
        int err = copy(self, self->olds.all[k], begin, end);
        if (err < 0)
            return err;
        begin = end;
    }
    return 0;
}

/* Makes the directory that shows the pieces, if the present one cannot show them at one moment. */
static int make_directory(struct kv_rebuild *self)
{
    const struct kv_directory *present = kv_map_directory(self->map);
    if (self->count == 1 && self->depth <= present->depth)
        return 0;
    uint32_t depth = self->depth > present->depth ? self->depth : present->depth;
    self->directory = kv_directory_resized(&self->loop->cache, present, depth);
    if (!self->directory)
        return -ENOMEM;
    self->directory->full = depth == present->depth ? present->full : 0;
    self->growth += kv_directory_heap_size(depth) - kv_directory_heap_size(present->depth);
    return 0;
}

/* Nothing fails here. */
static void publish(struct kv_rebuild *self)
{
    struct kv_directory *directory =
        self->directory ? self->directory : kv_map_directory(self->map);
    for (size_t k = 0; k < self->pieces.count; k++) {
        directory->full += self->pieces.all[k]->depth == directory->depth;
        kv_directory_set(directory, self->pieces.all[k]);
    }
    if (self->directory)
        kv_map_publish(self->map, self->loop, self->directory);
    if (self->in_place) {
        change(self, self->olds.all[0], 0, 1);
        kv_segment_unlock(self->olds.all[0], true);
    }
    for (size_t k = 0; k < self->olds.count && !self->in_place; k++) {
        directory->full -= self->olds.all[k]->depth == directory->depth;
        kv_segment_retire(self->olds.all[k], self->loop);
    }
    for (size_t i = 0; i < self->count; i++)
        kv_touch_done(&self->touches[i], self->map, self->loop);
}

/* Frees what begin took, but for the locks. */
static void discard(struct kv_rebuild *self)
{
    if (self->directory)
        kv_directory_free(self->directory, &self->loop->cache);
    for (size_t k = 0; k < self->pieces.count; k++)
        kv_segment_free(self->pieces.all[k], &self->loop->cache);
    for (size_t k = 0; k < self->olds.count; k++)
        kv_segment_unlock(self->olds.all[k], false);
}

static void end(struct kv_rebuild *self)
{
    pthread_mutex_unlock(&self->map->growing);
    list_fini(&self->olds);
    list_fini(&self->pieces);
}

int kv_rebuild_begin(struct kv_rebuild *self, struct kv_map *map, struct kv_loop *loop,
                     struct kv_settle *settle, struct kv_touch *touches, size_t count)
{
    *self = (struct kv_rebuild){.map = map, .loop = loop, .touches = touches, .count = count};
    list_init(&self->olds);
    list_init(&self->pieces);
    pthread_mutex_lock(&map->growing);
    int err = lock_olds(self);
    if (err == 0) {
        find_all(self);
        if (settle)
            err = settle->settle(settle, touches, count);
    }
    if (err == 0)
        err = copy_all(self);
    if (err == 0)
        err = make_directory(self);
    if (err == 0 && !kv_account_take(loop, self->growth))
        err = -ENOSPC;
    if (err < 0) {
        discard(self);
        end(self);
    }
    return err;
}

void kv_rebuild_commit(struct kv_rebuild *self)
{
    publish(self);
    end(self);
}

void kv_rebuild_cancel(struct kv_rebuild *self)
{
    discard(self);
    kv_account_undo(self->loop, self->growth);
    end(self);
}

int kv_rebuild(struct kv_map *map, struct kv_loop *loop, struct kv_settle *settle,
               struct kv_touch *touches, size_t count)
{
    struct kv_rebuild self;
    /* There is at most one old segment for each touch. */
    int err = kv_epoch_reserve(&loop->epoch, 2 * count + 1);
    if (err < 0)
        return err;
    err = kv_rebuild_begin(&self, map, loop, settle, touches, count);
    if (err < 0)
        return err;
    unsigned before = kv__watch_before(loop);
    if (kv_is_watched(loop))
        err = kv__watch_ask(map, loop, touches, count);
    if (err < 0) {
        kv_rebuild_cancel(&self);
        return err;
    }
    kv_rebuild_commit(&self);
    kv__watch_after(loop, before);
    return 0;
}
