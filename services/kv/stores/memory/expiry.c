/* SPDX-License-Identifier: MIT
 *
 * Each segment, each table and the store has a time at which it is due: some entry in it may have expired
 * a while ago (KV_EXPIRY_GRACE). A write that stores an entry with an expiry makes all three due no later
 * than that entry. When the store is due, one loop makes a tour through all tables (tour.h), a step per
 * millisecond, in which it visits the tables and segments that are due:
 *
 *   1. It reads the entries of the segment without a lock, to count those that have expired. This takes
 *      the most time, because the entries are not in the processor's cache.
 *   2. It locks the segment, takes the expired entries out and retires them.
 *   3. It sets `due` anew: to a time after the next expiry or, if few entries had expired, to PATIENCE
 *      from now if that is later. So a segment is not read again and again for one entry at a time.
 *
 * A step reads at most about STEP_SLOTS slots, so no turn gets long, whatever number of entries expires at
 * once.
 *
 * A tour first sets `due` of a table to KV_UNTIMED, and then lowers it to that of each segment that it
 * passes. A writer lowers `due` of the segment before that of the table, so its time is either seen in the
 * segment or written to the table after it was set. It is the same between tables and the store. A tour may
 * miss tables while the index changes, so another one follows within REVISIT, until two of them have
 * found no entry that expires. */
#include "expiry.h"

#include "core/base/compiler.h"
#include "services/kv/update.h"
#include "segment_lock.h"
#include "watch.h"

enum {
    STEP_SLOTS = 4096,
    LOOK = 8,        /* slots as which the look at a table or segment that is not due counts */
    FEW_PART = 8,    /* less than an eighth of a segment's entries is few */
    PATIENCE = 8000, /* milliseconds */
    REVISIT = 10000, /* milliseconds */
    WAIT_MAX = 1000, /* milliseconds: other loops may have made the store due sooner */
    PREFETCH = 12,
};

static const int64_t millisecond = 1000 * 1000; /* nanoseconds */

void kv_expiry_init(struct kv_expiry *expiry, struct kv_tables *tables, struct kv_shared *shared)
{
    *expiry = (struct kv_expiry){.tables = tables, .shared = shared};
    atomic_init(&expiry->ticking, false);
    atomic_init(&shared->due, KV_UNTIMED);
}

static struct kv_entry *entry_at(const struct kv_segment *segment, uint32_t i)
{
    return kv_segment_entry(atomic_load_explicit(&segment->slots[i], memory_order_acquire));
}

static bool has_expired(const struct kv_entry *entry, int64_t now)
{
    return kv_entry_is_timed(entry) && kv_has_expired(kv__entry_expires(entry), now);
}

static uint32_t count_expired(const struct kv_segment *segment, int64_t now)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        if (i + PREFETCH < segment->slot_count)
            __builtin_prefetch(entry_at(segment, i + PREFETCH));
        const struct kv_entry *entry = entry_at(segment, i);
        count += entry && has_expired(entry, now);
    }
    return count;
}

/* Takes at most `most` expired entries out of a locked segment. Returns the earliest expiry of those that
 * stay, or KV_UNTIMED. */
static int64_t take_expired(struct kv_segment *segment, const struct kv_map *map,
                            struct kv_loop *loop, int64_t now, uint32_t most)
{
    int64_t soonest = KV_UNTIMED, freed = 0;
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        struct kv_entry *entry = entry_at(segment, i);
        if (!entry || !kv_entry_is_timed(entry))
            continue;
        int64_t expires = kv__entry_expires(entry);
        if (!kv_has_expired(expires, now) || most == 0) {
            soonest = expires < soonest ? expires : soonest;
            continue;
        }
        if (kv_is_watched(loop))
            kv__watch_tell_expired(map, loop, entry);
        kv_segment_remove(segment, (struct kv_place){&segment->slots[i], entry});
        freed += (int64_t)kv_entry_heap_size(entry);
        kv_epoch_retire(&loop->epoch, entry, map->drop);
        most--;
    }
    kv_account_give(loop, freed);
    return soonest;
}

static int64_t due_after(int64_t soonest, bool few, int64_t now)
{
    int64_t due = soonest == KV_UNTIMED ? KV_UNTIMED : kv_due_of(soonest);
    return few && due < now + PATIENCE ? now + PATIENCE : due;
}

/* Frees what has expired in a segment that is due. Returns when it is due again. If memory lacks, that is
 * soon. */
static int64_t visit(struct kv_map *map, struct kv_loop *loop, struct kv_segment *segment,
                     int64_t now)
{
    uint32_t count = count_expired(segment, now), live = kv_segment_live(segment);
    if (kv_epoch_reserve(&loop->epoch, count) < 0)
        return now + KV_EXPIRY_GRACE;
    if (!kv_segment_lock(segment, 0))
        return now; /* it was replaced, by segments that are due as well */
    int64_t soonest = take_expired(segment, map, loop, now, count);
    int64_t due = due_after(soonest, count < live / FEW_PART, now);
    atomic_store_explicit(&segment->due, due, memory_order_relaxed);
    bool sparse = kv_segment_is_sparse(segment);
    kv_segment_unlock(segment, count > 0);
    if (sparse)
        kv_map_shrink(map, loop, segment->first);
    return due;
}

static int visit_table(struct kv_tour *tour, struct kv_table *table, int budget)
{
    struct kv_expiry *self = weft_container_of(tour, struct kv_expiry, tour);
    struct kv_map *map = &table->map;
    budget -= LOOK;
    if (tour->key_from == 0) {
        int64_t due = kv_map_due(map);
        if (due > self->now) {
            self->next = due < self->next ? due : self->next;
            return budget;
        }
        atomic_store(&map->due, KV_UNTIMED);
    }
    do {
        struct kv_segment *segment = kv_map_segment(map, tour->key_from);
        int64_t due = kv_segment_due(segment);
        tour->key_from = kv_segment_end(segment);
        budget -= LOOK;
        if (due <= self->now) {
            budget -= segment->slot_count;
            due = visit(map, self->stepping, segment, self->now);
        }
        kv_note_due(&map->due, due);
    } while (tour->key_from != 0 && budget > 0);
    if (tour->key_from == 0) {
        int64_t due = kv_map_due(map);
        self->next = due < self->next ? due : self->next;
        if (kv_map_is_empty(map))
            kv_tables_drop(self->tables, self->stepping, table);
    }
    return budget;
}

static void begin(struct kv_expiry *self)
{
    self->touring = true;
    self->next = KV_UNTIMED;
    self->tour = (struct kv_tour){.table = visit_table};
    atomic_store(&self->shared->due, KV_UNTIMED);
}

static void end(struct kv_expiry *self)
{
    int64_t due = self->next, latest = self->now + REVISIT;
    bool found_none = due == KV_UNTIMED;
    self->touring = false;
    if (!found_none || !self->found_none)
        kv_note_due(&self->shared->due, due < latest ? due : latest);
    self->found_none = found_none;
}

/* Makes this loop the one that ticks, unless one does already. */
static void tick(struct kv_expiry_loop *self)
{
    struct weft_loop *loop = self->loop->epoch.loop;
    if (loop && !atomic_exchange(&self->expiry->ticking, true))
        weft_loop_after(loop, &self->timer, millisecond);
}

static void stop_ticking(struct kv_expiry_loop *self)
{
    struct kv_expiry *expiry = self->expiry;
    atomic_store(&expiry->ticking, false);
    /* A writer that saw the loop tick relies on it. */
    if (atomic_load(&expiry->shared->due) != KV_UNTIMED)
        tick(self);
}

static void timer_fired(struct weft_timer *timer)
{
    struct kv_expiry_loop *self = weft_container_of(timer, struct kv_expiry_loop, timer);
    struct kv_expiry *expiry = self->expiry;
    int64_t due = atomic_load(&expiry->shared->due), wait = 1;
    expiry->now = kv_loop_wall(self->loop);
    if (!expiry->touring && due == KV_UNTIMED) {
        stop_ticking(self);
        return;
    }
    if (!expiry->touring && due > expiry->now) {
        wait = due - expiry->now < WAIT_MAX ? due - expiry->now : WAIT_MAX;
    } else {
        if (!expiry->touring)
            begin(expiry);
        expiry->stepping = self->loop;
        if (kv_tour_step(&expiry->tour, expiry->tables, self->loop, STEP_SLOTS))
            end(expiry);
    }
    weft_loop_after(timer->loop, timer, wait * millisecond);
}

void kv_expiry_join(struct kv_expiry *expiry, struct kv_expiry_loop *self, struct kv_loop *loop)
{
    *self = (struct kv_expiry_loop){.timer.fire = timer_fired, .expiry = expiry, .loop = loop};
    if (atomic_load(&expiry->shared->due) != KV_UNTIMED)
        tick(self);
}

void kv_expiry_leave(struct kv_expiry_loop *self)
{
    if (!weft_timer_is_armed(&self->timer))
        return;
    weft_timer_stop(&self->timer);
    atomic_store(&self->expiry->ticking, false);
}

void kv_expiry_note(struct kv_expiry_loop *self, int64_t due)
{
    kv_note_due(&self->expiry->shared->due, due);
    tick(self);
}
