/* SPDX-License-Identifier: MIT
 *
 * The limit on memory is kept in two sums. `used` is the bytes of blocks in use, which a write takes
 * from the account exactly (shared.h). `resident` is what the pool has from the system. A slab is
 * resident as long as one of its blocks is in use, so a client that leaves a few keys in each slab
 * and goes on to the next size of values could make resident many times as large as used. So
 * resident has a limit of its own, a fifth (at least 8 MiB) above that of used, and slabs that are
 * nearly empty are emptied:
 *
 *   1. When resident is over nine tenths of the limit and exceeds used by more than a quarter of that
 *      fifth, the pool picks sparse slabs, the sparsest first, and no block is taken from them any
 *      more. Their blocks sum up to half of what may still become resident, since copies need memory
 *      before the slabs go.
 *   2. The sweep goes through all tables, segment by segment. An entry in such a slab is copied, its
 *      slot gets the copy's address under the segment's lock, and the old one is retired. A reader
 *      sees the one or the other, and they are equal. Values, segments and directories move likewise.
 *   3. Loops give back the free blocks that they have at hand, at the end of a turn that is forced
 *      on them.
 *   4. When epochs have passed the slabs are empty and go back to the system. A slab that is not (its
 *      last block may be in a reply that nobody reads) is used again.
 *
 * Then it begins again, until resident is low enough or nothing can be gained. A sweep need not be
 * complete: what it misses is met by the next.
 *
 * The work is paid for by those who cause it. A loop does some steps after each 64 KiB that it took
 * from the system and after a refusal, and by a timer each millisecond while a sweep is under way. A
 * step looks at STEP_SEGMENTS segments, which is a fraction of a millisecond; the nearer resident is
 * to its limit, the more steps are done at a time, up to STEPS_MAX. The last part of the memory is
 * reserved: writes may use a part of it while used is under 80 % of its limit, for then a sweep is
 * sure to find memory; copies and removals may use another part. So resident never exceeds its limit
 * and two reserves, whatever the sizes of values are. */
#include "sweep.h"

#include <errno.h>

enum {
    SLACK_MIN = 8 << 20, /* of resident over used: each size of blocks may have a slab of its own */
    SLACK_PART = 5,      /* of the limit */
    RESERVE_PART = 64,   /* of the limit: bytes moved at a time, and one level of urgency */
    RESERVE_MIN = 256 << 10,
    STEP_SEGMENTS = 16,
    STEP_DEBT = 64 << 10,
    MOVED_MAX = 256, /* entries moved under one lock */
    STEPS_MAX = 8,
    SETTLE_STEPS = 8,
    REST_STEPS = 64,
    PREFETCH = 8,
};

static const int64_t tick = 1000 * 1000;

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

/* Moves at most MOVED_MAX entries of segment from slot *at on. False: it has come to the end. */
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

/* Moves what has to move out of one segment. It is looked at without the lock first: most have
 * nothing. */
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

/* Goes on in one table; returns how many segments of `budget` are left. 0: key_from says where to
 * go on. */
static unsigned visit_table(struct kv_sweep *sweep, struct kv_loop *loop, struct kv_table *table,
                            unsigned budget)
{
    do {
        struct kv_segment *segment = kv_map_segment(&table->map, sweep->key_from);
        uint64_t next = kv_segment_end(segment);
        visit(&table->map, loop, segment, false);
        sweep->key_from = next;
        budget--;
    } while (sweep->key_from != 0 && budget > 0);
    return budget;
}

/* Goes on with the sweep for STEP_SEGMENTS segments. True: it has come to the end. The index may have
 * changed since the last step; then some tables are met twice or not at all. */
static bool move_on(struct kv_sweep *sweep, struct kv_loop *loop)
{
    struct kv_map *index = &sweep->tables->index;
    unsigned budget = STEP_SEGMENTS;
    do {
        struct kv_segment *segment = kv_map_segment(index, sweep->table_from);
        if (sweep->slot == 0)
            visit(index, loop, segment, true);
        segment = kv_map_segment(index, sweep->table_from);
        if (sweep->slot_count > 0 && sweep->slot_count != segment->slot_count)
            sweep->slot =
                (uint32_t)((uint64_t)sweep->slot * segment->slot_count / sweep->slot_count);
        sweep->slot_count = segment->slot_count;
        while (sweep->slot < segment->slot_count) {
            const struct kv_entry *entry = entry_at(segment, sweep->slot);
            if (entry)
                budget = visit_table(sweep, loop, kv_entry_reference(entry), budget);
            if (sweep->key_from == 0)
                sweep->slot++;
            if (budget == 0)
                return false;
        }
        sweep->slot = 0;
        sweep->slot_count = 0;
        sweep->table_from = kv_segment_end(segment);
    } while (sweep->table_from != 0);
    return true;
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

/* Loops that have no turn would keep free blocks of slabs that are to be emptied. */
static void wake_all(struct kv_shared *shared)
{
    for (struct kv_epoch_loop *loop = shared->epoch.loops; loop; loop = loop->next)
        kv_epoch_wake(loop);
}

static void begin(struct kv_sweep *sweep)
{
    struct kv_pool *pool = &sweep->shared->pool;
    sweep->phase = KV_SWEEP_IDLE;
    if (!is_wasteful(sweep->shared))
        return;
    /* No more is moved at a time than surely has room. */
    int64_t room = (pool->resident_max - resident_of(pool)) / 2;
    if (kv_pool_evacuate(pool, (size_t)(room > pool->reserve ? room : pool->reserve)) == 0) {
        sweep->rest = REST_STEPS;
        return;
    }
    wake_all(sweep->shared);
    sweep->phase = KV_SWEEP_MOVING;
    sweep->table_from = sweep->key_from = 0;
    sweep->slot = sweep->slot_count = 0;
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

/* Returns how many steps are due at a time: the more the nearer the limit is. */
static int64_t steps_due(const struct kv_pool *pool)
{
    int64_t way = pool->resident_max - pool->sweep_from;
    int64_t gone = resident_of(pool) - pool->sweep_from;
    int64_t steps = gone > 0 ? 1 + STEPS_MAX * gone / way : 1;
    return steps < STEPS_MAX ? steps : STEPS_MAX;
}

/* Only one loop sweeps at a time. */
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
    if (goes_on && !self->timer.armed)
        weft_loop_after(self->loop->epoch.loop, &self->timer, tick);
}

void kv__sweep_poll(struct kv_sweep_loop *self)
{
    if (self->loop->cache.debt >= STEP_DEBT || self->loop->cache.refused)
        try_step(self);
    else if (!self->timer.armed)
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

/* The epochs' hook ran before, so what it freed is given back too. */
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
    weft_loop_add_hook(loop->epoch.loop, &self->hook);
}

void kv_sweep_leave(struct kv_sweep_loop *self)
{
    weft_timer_stop(&self->timer);
    weft_loop_remove_hook(self->loop->epoch.loop, &self->hook);
}
