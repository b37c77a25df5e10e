/* SPDX-License-Identifier: MIT
 *
 * A walk goes through the hashes in ascending order. Segments are ranges of hashes whatever becomes
 * of them, so a page that ends between two segments can say where it ended with one hash, and a walk
 * misses no key that stays, and meets one twice only if it was removed and came again.
 *
 * A page is of one moment: it shows all of a batch or nothing of it. So all its entries are gathered
 * before the first is shown. The gathering notes the state of each segment and looks at the end
 * whether all states and the directory are the same as before, as a batch of reads does (batch.c).
 * After a few attempts that writers spoilt it locks the segments, so writers cannot starve a walk;
 * they wait while at most GATHER_MAX slots and one segment are copied. The entries are immutable and
 * stay valid until the turn's end, so they are shown after the locks have gone. */
#include "walk.h"
#include "segment_lock.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "services/kv/update.h"

enum {
    ATTEMPTS = 4,
    GATHER_MAX = 4096, /* entries of a page, beyond which it ends with the segment */
    FEW_SEGMENTS = 16, /* a page of this many needs no memory of its own for them */
};

/* A cursor is the lowest hash that was not walked yet, and the keyed hash of that. The keyed hash
 * shows that a cursor which a client gives back is of this store and of its present life: another
 * has another order. */
struct place {
    uint64_t from, proof;
};

/* Between two segments all low bits of that hash are 0, so a part of the proof can stand there, but for the
 * last bit. Such a cursor has 8 bytes, the high ones first. */
enum { SHORT_PROOF_BITS = 64 - KV_DEPTH_MAX, SHORT_SIZE = 8 };

static const uint64_t short_proof = ((uint64_t)1 << SHORT_PROOF_BITS) - 2;
static const uint64_t short_low_bits = ((uint64_t)1 << SHORT_PROOF_BITS) - 1;

static uint64_t proof_of(const struct kv_loop *loop, uint64_t from)
{
    return kv_map_hash(loop, weft_view(&from, sizeof from));
}

static int read_cursor(const struct kv_loop *loop, const struct kv_cursor *cursor, uint64_t *from)
{
    struct place place = {0, 0};
    uint64_t bits = UINT64_MAX;
    *from = 0;
    if (cursor->size == 0)
        return 0;
    if (cursor->size == sizeof place) {
        memcpy(&place, cursor->bytes, sizeof place);
    } else if (cursor->size == SHORT_SIZE) {
        for (size_t i = 0; i < SHORT_SIZE; i++)
            place.from = place.from << 8 | cursor->bytes[i];
        place.proof = place.from;
        place.from &= ~short_low_bits;
        bits = short_proof;
        if (place.proof & 1)
            return -ESTALE;
    } else {
        return -ESTALE;
    }
    *from = place.from;
    return ((place.proof ^ proof_of(loop, place.from)) & bits) == 0 ? 0 : -ESTALE;
}

/* from 0 is the end, since only the first page begins there. */
static void set_cursor(const struct kv_loop *loop, struct kv_cursor *cursor, uint64_t from)
{
    cursor->size = 0;
    if (from == 0)
        return;
    const struct place place = {from, proof_of(loop, from)};
    cursor->size = sizeof place;
    memcpy(cursor->bytes, &place, sizeof place);
}

static void set_short_cursor(const struct kv_loop *loop, struct kv_cursor *cursor, uint64_t from)
{
    cursor->size = 0;
    if (from == 0)
        return;
    from |= proof_of(loop, from) & short_proof;
    cursor->size = SHORT_SIZE;
    for (size_t i = 0; i < SHORT_SIZE; i++)
        cursor->bytes[i] = (uint8_t)(from >> 8 * (SHORT_SIZE - 1 - i));
}

struct hashed {
    uint64_t hash; /* set in exact walks only */
    const struct kv_entry *entry;
};

struct seen {
    struct kv_segment *segment;
    uint64_t state;
};

/* The entries of a page and the segments they come from. */
struct page {
    size_t looked_at; /* entries of the segments, wanted or not */
    struct hashed *entries;
    size_t count, capacity;
    struct seen *segments;
    size_t segment_count, segment_capacity;
    uint64_t next; /* the hash where the next page begins; 0: there is none */
    struct hashed few[KV_SEGMENT_SLOTS_MAX];
    struct seen few_segments[FEW_SEGMENTS];
};

static void page_init(struct page *page)
{
    page->entries = page->few;
    page->capacity = KV_SEGMENT_SLOTS_MAX;
    page->segments = page->few_segments;
    page->segment_capacity = FEW_SEGMENTS;
}

static void page_fini(struct page *page)
{
    if (page->entries != page->few)
        weft_free(page->entries);
    if (page->segments != page->few_segments)
        weft_free(page->segments);
}

/* Makes room for one more segment and all its entries. */
static int reserve(struct page *page)
{
    if (page->capacity - page->count < KV_SEGMENT_SLOTS_MAX) {
        size_t capacity = GATHER_MAX + KV_SEGMENT_SLOTS_MAX;
        struct hashed *entries = weft_malloc(capacity * sizeof *entries);
        if (!entries)
            return -ENOMEM;
        memcpy(entries, page->entries, page->count * sizeof *entries);
        page->entries = entries;
        page->capacity = capacity;
    }
    if (page->segment_count == page->segment_capacity) {
        size_t capacity = 2 * page->segment_capacity;
        bool is_few = page->segments == page->few_segments;
        struct seen *segments =
            weft_realloc(is_few ? NULL : page->segments, capacity * sizeof *segments);
        if (!segments)
            return -ENOMEM;
        if (is_few)
            memcpy(segments, page->few_segments, sizeof page->few_segments);
        page->segments = segments;
        page->segment_capacity = capacity;
    }
    return 0;
}

/* Without a prefix it does not look at the entry, which is not in the processor's cache. */
static bool begins_with(const struct kv_entry *entry, struct weft_view prefix)
{
    if (prefix.size == 0)
        return true;
    struct weft_view key = kv_entry_key(entry);
    return key.size >= prefix.size && memcmp(key.data, prefix.data, prefix.size) == 0;
}

/* Adds the entries of one segment whose hashes are not below from. */
static void gather_segment(struct page *page, const struct kv_loop *loop, const struct kv_op *op,
                           const struct kv_segment *segment, uint64_t from)
{
    page->looked_at += kv_segment_live(segment);
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        const struct kv_entry *entry =
            kv_segment_entry(atomic_load_explicit(&segment->slots[i], memory_order_acquire));
        if (!entry || !begins_with(entry, op->prefix))
            continue;
        /* The page before may have ended within what is one segment now. */
        uint64_t hash =
            op->exact || from > segment->first ? kv_map_hash(loop, kv_entry_key(entry)) : from;
        if (hash >= from)
            page->entries[page->count++] = (struct hashed){hash, entry};
    }
    page->next = kv_segment_end(segment);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = ((const struct hashed *)a)->hash, y = ((const struct hashed *)b)->hash;
    return (x > y) - (x < y);
}

static bool is_enough(const struct page *page, const struct kv_op *op)
{
    return page->next == 0 || page->looked_at >= GATHER_MAX || page->count >= op->count;
}

/* 0; -EAGAIN: writers were seen; -ENOMEM. */
static int gather_optimistically(struct page *page, const struct kv_map *map,
                                 const struct kv_loop *loop, const struct kv_op *op, uint64_t from)
{
    const struct kv_directory *directory = kv_map_directory(map);
    page->count = page->looked_at = page->segment_count = 0;
    do {
        int err = reserve(page);
        if (err < 0)
            return err;
        struct kv_segment *segment = kv_directory_segment(directory, from);
        uint64_t state = atomic_load_explicit(&segment->state, memory_order_acquire);
        if (kv_segment_is_changing(state))
            return -EAGAIN;
        page->segments[page->segment_count++] = (struct seen){segment, state};
        gather_segment(page, loop, op, segment, from);
        from = page->next;
    } while (!is_enough(page, op));
    for (size_t k = 0; k < page->segment_count; k++) {
        const struct seen *seen = &page->segments[k];
        if (atomic_load_explicit(&seen->segment->state, memory_order_relaxed) != seen->state)
            return -EAGAIN;
    }
    return kv_map_directory(map) == directory ? 0 : -EAGAIN;
}

/* Locks in the order of hashes, as all writers do. 0; -EAGAIN: a segment was replaced; -ENOMEM. */
static int gather_locked(struct page *page, const struct kv_map *map, const struct kv_loop *loop,
                         const struct kv_op *op, uint64_t from)
{
    int err = 0;
    page->count = page->looked_at = page->segment_count = 0;
    do {
        err = reserve(page);
        if (err < 0)
            break;
        struct kv_segment *segment = kv_map_segment(map, from);
        if (!kv_segment_lock(segment, 0)) {
            err = -EAGAIN;
            break;
        }
        page->segments[page->segment_count++] = (struct seen){segment, 0};
        gather_segment(page, loop, op, segment, from);
        from = page->next;
    } while (!is_enough(page, op));
    for (size_t k = 0; k < page->segment_count; k++)
        kv_segment_unlock(page->segments[k].segment, false);
    return err;
}

static int gather(struct page *page, const struct kv_map *map, const struct kv_loop *loop,
                  const struct kv_op *op, uint64_t from)
{
    unsigned steps = 0;
    for (;;) {
        int err = steps < ATTEMPTS ? gather_optimistically(page, map, loop, op, from)
                                   : gather_locked(page, map, loop, op, from);
        if (err != -EAGAIN)
            return err;
        if (kv_map_is_dead(map)) {
            page->count = 0;
            page->next = 0;
            return 0;
        }
        kv_segment_wait(&steps);
    }
}

/* Fills in what is shown of an entry. False: nothing is, because it has expired or is an empty table. */
static bool make_pair(const struct kv_op *op, const struct kv_entry *entry, int64_t now,
                      struct kv_pair *pair)
{
    *pair = (struct kv_pair){.key = kv_entry_key(entry)};
    if (op->kind == KV_TABLES) {
        const struct kv_table *table = kv_entry_reference(entry);
        pair->total = kv_map_count(&table->map);
        return pair->total > 0;
    }
    pair->value = kv_entry_value(entry);
    pair->expires = kv_entry_expires(entry);
    return !kv_has_expired(pair->expires, now);
}

/* A page that is not exact ends with a segment. An exact one can end between any two keys. Two keys
 * with one hash are 64 equal bits under a random seed: should they ever be, and a page end between
 * them, the next page begins with both. */
static void show(const struct page *page, const struct kv_loop *loop, struct kv_op *op)
{
    int64_t now = kv_loop_wall(loop);
    size_t shown = 0;
    for (size_t i = 0; i < page->count; i++) {
        struct kv_pair pair;
        if (!make_pair(op, page->entries[i].entry, now, &pair))
            continue;
        bool fits = !op->exact || shown < op->count;
        shown++;
        if (fits && op->each(op, &pair))
            continue;
        if (op->exact)
            set_cursor(loop, op->cursor, page->entries[i].hash);
        return;
    }
    if (op->exact)
        set_cursor(loop, op->cursor, page->next);
    else
        set_short_cursor(loop, op->cursor, page->next);
}

int kv_walk(const struct kv_map *map, const struct kv_loop *loop, struct kv_op *op)
{
    uint64_t from;
    int err = read_cursor(loop, op->cursor, &from);
    if (err < 0)
        return err;
    op->cursor->size = 0;
    if (!map)
        return 0;
    struct page page;
    page_init(&page);
    err = gather(&page, map, loop, op, from);
    if (err == 0 && op->exact)
        qsort(page.entries, page.count, sizeof *page.entries, compare_hashes);
    if (err == 0)
        show(&page, loop, op);
    page_fini(&page);
    return err;
}
