/* SPDX-License-Identifier: MIT
 *
 * A store with a limit counts memory in two sums. `used` is the bytes of blocks in use, which a write
 * takes from the account exactly (shared.h). `resident` is the bytes that the pool has from the system.
 * A slab is resident as long as one of its blocks is in use, so a client that leaves a few keys in each
 * slab and goes on to the next size of values could make resident many times as large as used. So
 * resident has a limit of its own: that of used plus a slack, which is a fifth of it but at least
 * 8 MiB. To stay below, the store empties slabs that are nearly empty:
 *
 *   1. A sweep begins when resident is over nine tenths of the limit of used and exceeds used by more
 *      than a quarter of the slack. The pool picks sparse slabs, the sparsest first, and no more blocks
 *      are taken from them. All blocks in them have to be copied before any slab is freed, so they are
 *      picked up to half the bytes by which resident is below its limit, or one reserve (see below).
 *   2. Every loop is woken. At the end of that turn it gives the free blocks that it has at hand back
 *      to the pool, because some may belong to the slabs picked.
 *   3. The sweep goes through all tables, segment by segment. An entry in such a slab is copied, its
 *      slot gets the copy's address under the segment's lock, and the old entry is retired. A reader
 *      sees one or the other, and they are equal. Values, segments and directories are moved too.
 *   4. When epochs have passed, the slabs are empty and go back to the system. The sweep waits
 *      SETTLE_STEPS steps for that. A slab that is not empty by then (its last block may be in a reply
 *      that nobody reads) is used again.
 *
 * Then a new sweep begins, until resident is low enough or no slab is worth emptying. A sweep need not
 * be complete: the next one finds what it missed.
 *
 * The loops that write do the work. Before a write or removal a loop does some steps if it has taken
 * 64 KiB from the system or was refused memory, and a timer does some each millisecond while a sweep is
 * under way. A step visits STEP_SEGMENTS segments, which takes a fraction of a millisecond. The nearer
 * resident is to its limit, the more steps are done at a time, up to STEPS_MAX.
 *
 * Beyond the limit of resident there are two reserves. Writes may use the first while used is under
 * 80 % of its limit, because then a sweep is sure to find memory. Copies and removals may use both,
 * because they give memory back. So resident never exceeds its limit by more than two reserves,
 * whatever the sizes of values are. */
#include "sweep.h"
#include "segment_lock.h"

#include <errno.h>

#include "core/base/compiler.h"

enum {
    SLACK_MIN = 8 << 20,     /* bytes; each size of blocks may need a slab of its own */
    SLACK_PART = 5,          /* the slack is this part of the limit: a fifth */
    RESERVE_PART = 64,       /* a reserve is this part of the limit: a 64th */
    RESERVE_MIN = 256 << 10, /* bytes */
    STEP_SEGMENTS = 16,
    STEP_DEBT = 64 << 10, /* bytes that a loop takes from the system between its steps */
    MOVED_MAX = 256,      /* entries moved under one lock */
    STEPS_MAX = 8,
    SETTLE_STEPS = 8, /* steps to wait for the slabs to become empty */
    REST_STEPS = 64,  /* steps to do nothing after no slab was worth emptying */
    PREFETCH = 8,
};

static const int64_t tick = 1000 * 1000; /* nanoseconds */

int kv_sweep_init(struct kv_sweep *sweep, struct kv_tables *tables, struct kv_shared *shared)
{
    struct kv_pool *pool = &shared->pool;
    int64_t max = shared->max_used;
    *sweep = (struct kv_sweep){.tables = tables, .shared = shared};
    pool->sweep_from = INT64_MAX;
    if (max > 0 && max < INT64_MAX / 2) {
        int64_t slack = max / SLACK_PART > SLACK_MIN ? max / SLACK_PART : SLACK_MIN;
        pool->reserve = max / RESERVE_PART > RESERVE_MIN ? max / RESERVE_PART : RESERVE_MIN;
        pool->resident_max = max + slack;
        pool->sweep_from = max - max / SLACK_PART / 2;
        pool->waste_max = slack / 4;
    }
    return -pthread_mutex_init(&sweep->lock, NULL);
}

void kv_sweep_fini(struct kv_sweep *sweep)
{
    pthread_mutex_destroy(&sweep->lock);
}

static const struct kv_entry *entry_at(const struct kv_segment *segment, uint32_t i)
{
    return kv_segment_entry(atomic_load_explicit(&segment->slots[i], memory_order_acquire));
}

/* Moves entry, which lies in this slot of a locked segment. False: there is no memory. */
static bool move_entry(const struct kv_map *map, struct kv_loop *loop, _Atomic uint64_t *slot,
                       struct kv_entry *entry, bool index)
{
    struct kv_entry *copy = kv_entry_copy(entry, &loop->cache, index);
    if (!copy)
        return false;
    kv_slot_move(slot, copy);
    if (index) {
        struct kv_table *table = kv_entry_reference(copy);
        atomic_store_explicit(&table->name, copy, memory_order_release);
    }
    kv_epoch_retire(&loop->epoch, entry, map->drop);
    return true;
}

/* Moves at most MOVED_MAX entries of segment, from slot *at on. Returns false if nothing more can be done
 * in this segment: it is at its end, the segment is dead, or memory lacks. */
static bool move_some(const struct kv_map *map, struct kv_loop *loop, struct kv_segment *segment,
                      bool index, uint32_t *at)
{
    unsigned moved = 0;
    if (kv_epoch_reserve(&loop->epoch, MOVED_MAX) < 0 || !kv_segment_lock(segment, 0))
        return false;
    for (; *at < segment->slot_count && moved < MOVED_MAX; ++*at) {
        struct kv_entry *entry = (struct kv_entry *)(uintptr_t)entry_at(segment, *at);
        if (!entry || !kv_entry_must_move(entry, loop->cache.pool, index))
            continue;
        if (!move_entry(map, loop, &segment->slots[*at], entry, index)) {
            *at = segment->slot_count;
            break;
        }
        moved++;
    }
    kv_segment_unlock(segment, false);
    return *at < segment->slot_count;
}

/* Moves the entries of one segment that lie in slabs to be emptied, and then the segment itself. It looks
 * without the lock first, because most segments have no such entry. */
static void visit(struct kv_map *map, struct kv_loop *loop, struct kv_segment *segment, bool index)
{
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        if (i + PREFETCH < segment->slot_count)
            __builtin_prefetch(entry_at(segment, i + PREFETCH));
        const struct kv_entry *entry = entry_at(segment, i);
        if (!entry || !kv_entry_must_move(entry, loop->cache.pool, index))
            continue;
        while (move_some(map, loop, segment, index, &i))
            continue;
        break;
    }
    kv_map_move(map, loop, segment->first);
}

static struct kv_sweep *sweep_of(struct kv_tour *tour)
{
    return weft_container_of(tour, struct kv_sweep, tour);
}

static void visit_index(struct kv_tour *tour, struct kv_segment *segment)
{
    struct kv_sweep *sweep = sweep_of(tour);
    visit(&sweep->tables->index, sweep->stepping, segment, true);
}

static int visit_table(struct kv_tour *tour, struct kv_table *table, int budget)
{
    do {
        struct kv_segment *segment = kv_map_segment(&table->map, tour->key_from);
        uint64_t next = kv_segment_end(segment);
        visit(&table->map, sweep_of(tour)->stepping, segment, false);
        tour->key_from = next;
        budget--;
    } while (tour->key_from != 0 && budget > 0);
    return budget;
}

/* Goes on with the sweep for STEP_SEGMENTS segments. True: the sweep has come to its end. */
static bool move_on(struct kv_sweep *sweep, struct kv_loop *loop)
{
    sweep->stepping = loop;
    return kv_tour_step(&sweep->tour, sweep->tables, loop, STEP_SEGMENTS);
}

static int64_t resident_of(const struct kv_pool *pool)
{
    return atomic_load_explicit(&pool->resident, memory_order_relaxed);
}

static bool is_wasteful(const struct kv_shared *shared)
{
    const struct kv_pool *pool = &shared->pool;
    int64_t resident = resident_of(pool);
    int64_t used = atomic_load_explicit(&shared->used, memory_order_relaxed);
    return resident > pool->sweep_from && resident - used > pool->waste_max;
}

/* Makes every loop have a turn. A loop without one would keep free blocks of slabs to be emptied. */
static void wake_all(struct kv_shared *shared)
{
    for (struct kv_epoch_loop *loop = shared->epoch.loops; loop; loop = loop->next)
        kv_epoch_wake(loop);
}

/* Begins a sweep if one is worth it; otherwise the sweep is idle. */
static void begin(struct kv_sweep *sweep)
{
    struct kv_pool *pool = &sweep->shared->pool;
    sweep->phase = KV_SWEEP_IDLE;
    if (!is_wasteful(sweep->shared))
        return;
    /* No more is moved at a time than surely has room, because the copies lie beside the originals. */
    int64_t room = (pool->resident_max - resident_of(pool)) / 2;
    if (kv_pool_evacuate(pool, (size_t)(room > pool->reserve ? room : pool->reserve)) == 0) {
        sweep->rest = REST_STEPS;
        return;
    }
    wake_all(sweep->shared);
    sweep->phase = KV_SWEEP_MOVING;
    sweep->tour = (struct kv_tour){.index = visit_index, .table = visit_table};
}

static void step(struct kv_sweep *sweep, struct kv_loop *loop)
{
    struct kv_pool *pool = &sweep->shared->pool;
    switch (sweep->phase) {
    case KV_SWEEP_IDLE:
        if (sweep->rest > 0)
            sweep->rest--;
        else
            begin(sweep);
        break;
    case KV_SWEEP_MOVING:
        if (move_on(sweep, loop)) {
            sweep->phase = KV_SWEEP_SETTLING;
            sweep->rest = SETTLE_STEPS;
        }
        break;
    case KV_SWEEP_SETTLING:
        if (sweep->rest > 0 && !kv_pool_is_evacuated(pool)) {
            sweep->rest--;
            break;
        }
        sweep->rest = 0;
        kv_pool_evacuate_end(pool);
        begin(sweep);
        break;
    }
}

/* Returns the number of steps to do at a time. It grows as resident approaches its limit. */
static int64_t steps_due(const struct kv_pool *pool)
{
    int64_t way = pool->resident_max - pool->sweep_from;
    int64_t gone = resident_of(pool) - pool->sweep_from;
    int64_t steps = gone > 0 ? 1 + STEPS_MAX * gone / way : 1;
    return steps < STEPS_MAX ? steps : STEPS_MAX;
}

/* Does the steps that are due, unless another loop is doing so. */
static void try_step(struct kv_sweep_loop *self)
{
    struct kv_sweep *sweep = self->sweep;
    struct kv_pool_cache *cache = &self->loop->cache;
    if (pthread_mutex_trylock(&sweep->lock) != 0)
        return;
    int urgency = cache->urgency;
    cache->urgency = 2;
    for (int64_t steps = steps_due(cache->pool); steps > 0; steps--) {
        step(sweep, self->loop);
        if (sweep->phase != KV_SWEEP_MOVING)
            break;
    }
    cache->urgency = urgency;
    cache->debt = 0;
    bool goes_on = sweep->phase != KV_SWEEP_IDLE || is_wasteful(sweep->shared);
    pthread_mutex_unlock(&sweep->lock);
    if (goes_on && self->loop->epoch.loop && !weft_timer_is_armed(&self->timer))
        weft_loop_after(self->loop->epoch.loop, &self->timer, tick);
}

void kv__sweep_poll(struct kv_sweep_loop *self)
{
    if (self->loop->cache.debt >= STEP_DEBT || self->loop->cache.refused)
        try_step(self);
    else if (self->loop->epoch.loop && !weft_timer_is_armed(&self->timer))
        weft_loop_after(self->loop->epoch.loop, &self->timer, tick);
}

static void timer_fired(struct weft_timer *timer)
{
    try_step(weft_container_of(timer, struct kv_sweep_loop, timer));
}

static void turn_begins(struct weft_turn_hook *hook)
{
    (void)hook;
}

/* Gives the free blocks at hand back once for each begin and end of a sweep. The epochs' hook has run
 * before this one, so the blocks that it freed are given back too. */
static void turn_ends(struct weft_turn_hook *hook)
{
    struct kv_sweep_loop *self = weft_container_of(hook, struct kv_sweep_loop, hook);
    struct kv_pool_cache *cache = &self->loop->cache;
    unsigned now = atomic_load_explicit(&cache->pool->evacuation, memory_order_relaxed);
    if (now == cache->evacuation)
        return;
    cache->evacuation = now;
    kv_pool_cache_empty(cache);
}

void kv_sweep_join(struct kv_sweep *sweep, struct kv_sweep_loop *self, struct kv_loop *loop)
{
    self->sweep = sweep;
    self->loop = loop;
    self->timer.fire = timer_fired;
    self->hook = (struct weft_turn_hook){.begin = turn_begins, .end = turn_ends};
    if (loop->epoch.loop)
        weft_loop_add_hook(loop->epoch.loop, &self->hook);
}

void kv_sweep_leave(struct kv_sweep_loop *self)
{
    weft_timer_stop(&self->timer);
    if (self->loop->epoch.loop)
        weft_loop_remove_hook(self->loop->epoch.loop, &self->hook);
}
