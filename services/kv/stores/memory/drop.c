/* SPDX-License-Identifier: MIT
 *
 * All segments of the map are locked, so that no write is under way. Then the map gets the directory
 * `nowhere`, whose one segment is dead. With that one store the table is gone for everybody who looks into
 * the directory from then on, as the map is marked dead right after it. A reader that has the old
 * directory still may read an entry after that, but nothing changes there any more, so it
 * reads what was there before the drop. Writers that wait for a segment find it killed.
 *
 * The old directory, its segments and entries become a grave, which is retired as one object. When no
 * reader can hold any of it, the loop frees about STEP_COST entries of it in each turn. */
#include "drop.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "segment_lock.h"
#include "watch.h"

enum {
    STEP_COST = 4096,
    COST_SIZE = 4096, /* bytes of an entry that cost as much as one more entry */
    PREFETCH = 12,
};

struct kv_grave {
    struct kv_drop_loop *loop;
    struct kv_grave *next;
    struct kv_directory *directory;
    uint64_t from; /* the segments up to this hash have been freed, */
    uint32_t slot; /* and in the next the slots up to this one */
    void (*drop)(void *entry, void *cache);
};

static struct kv_entry *entry_at(const struct kv_segment *segment, uint32_t i)
{
    return kv_segment_entry(atomic_load_explicit(&segment->slots[i], memory_order_relaxed));
}

/* Frees entries of a segment. Returns what is left of the budget; below 1: not all entries are freed. */
static int64_t free_entries(struct kv_grave *grave, const struct kv_segment *segment,
                            int64_t budget)
{
    struct kv_loop *loop = grave->loop->loop;
    int64_t freed = 0;
    for (; grave->slot < segment->slot_count && budget > 0; grave->slot++) {
        if (grave->slot + PREFETCH < segment->slot_count)
            __builtin_prefetch(entry_at(segment, grave->slot + PREFETCH));
        struct kv_entry *entry = entry_at(segment, grave->slot);
        if (!entry)
            continue;
        int64_t size = (int64_t)kv_entry_heap_size(entry);
        grave->drop(entry, &loop->cache);
        freed += size;
        budget -= 1 + size / COST_SIZE;
    }
    kv_account_give(loop, freed);
    return budget;
}

/* Frees some of a grave. Returns what is left of the budget; below 1: there is more to free. */
static int64_t free_some(struct kv_grave *grave, int64_t budget)
{
    struct kv_loop *loop = grave->loop->loop;
    do {
        struct kv_segment *segment = kv_directory_segment(grave->directory, grave->from);
        budget = free_entries(grave, segment, budget);
        if (grave->slot < segment->slot_count)
            return 0;
        grave->slot = 0;
        grave->from = kv_segment_end(segment);
        kv_account_give(loop, (int64_t)kv_segment_heap_size_for(segment->slot_count));
        kv_segment_free(segment, &loop->cache);
    } while (grave->from != 0 && budget > 0);
    if (grave->from != 0)
        return 0;
    kv_account_give(loop, kv_directory_heap_size(grave->directory->depth));
    kv_directory_free(grave->directory, &loop->cache);
    return budget > 0 ? budget : 1;
}

static void free_graves(struct kv_drop_loop *self, int64_t budget)
{
    while (self->first && budget > 0) {
        struct kv_grave *grave = self->first;
        budget = free_some(grave, budget);
        if (budget < 1)
            break;
        self->first = grave->next;
        weft_free(grave);
    }
    if (!self->first)
        self->last = &self->first;
}

static void timer_fired(struct weft_timer *timer)
{
    struct kv_drop_loop *self = weft_container_of(timer, struct kv_drop_loop, timer);
    free_graves(self, STEP_COST);
    if (self->first)
        weft_loop_after(timer->loop, timer, 0);
}

/* Called when no reader can hold any of it. A thread without a loop has no turns to spread it over. */
static void bury(void *object, void *cache)
{
    struct kv_grave *grave = object;
    struct kv_drop_loop *self = grave->loop;
    (void)cache;
    grave->next = NULL;
    *self->last = grave;
    self->last = &grave->next;
    if (!self->loop->epoch.loop)
        free_graves(self, INT64_MAX);
    else if (!weft_timer_is_armed(&self->timer))
        weft_loop_after(self->loop->epoch.loop, &self->timer, 0);
}

void kv_drop_join(struct kv_drop_loop *self, struct kv_loop *loop)
{
    *self = (struct kv_drop_loop){.timer.fire = timer_fired, .loop = loop};
    self->last = &self->first;
}

void kv_drop_leave(struct kv_drop_loop *self)
{
    weft_timer_stop(&self->timer);
    free_graves(self, INT64_MAX);
}

/* Locks all segments, frozen, so that readers go on. Returns the number of entries. While this thread holds
 * `growing` nobody else kills a segment of a map that is not dead, so every lock succeeds. */
static uint64_t lock_all(const struct kv_directory *directory)
{
    uint64_t total = 0, first = 0;
    do {
        struct kv_segment *segment = kv_directory_segment(directory, first);
        bool locked = kv_segment_lock(segment, KV_SEGMENT_FROZEN);
        (void)locked;
        total += kv_segment_live(segment);
        first = kv_segment_end(segment);
        if (first != 0)
            __builtin_prefetch(kv_directory_segment(directory, first));
    } while (first != 0);
    return total;
}

static void end_locks(const struct kv_directory *directory, void (*end)(struct kv_segment *segment))
{
    uint64_t first = 0;
    do {
        struct kv_segment *segment = kv_directory_segment(directory, first);
        first = kv_segment_end(segment);
        end(segment);
    } while (first != 0);
}

static void unlock(struct kv_segment *segment)
{
    kv_segment_unlock(segment, false);
}

/* Empties a map and kills it. What it held is in grave->directory then. */
static int kill_map(struct kv_map *map, struct kv_loop *loop, struct kv_tables *tables,
                    struct kv_grave *grave, uint64_t *total)
{
    pthread_mutex_lock(&map->growing);
    grave->directory = kv_map_directory(map);
    *total = lock_all(grave->directory);
    unsigned before = kv__watch_before(loop);
    int err = kv_is_watched(loop) ? kv__watch_ask_drop(map, loop) : 0;
    if (err == 0) {
        atomic_store_explicit(&map->directory, tables->nowhere, memory_order_release);
        atomic_store_explicit(&map->dead, true, memory_order_release);
    }
    end_locks(grave->directory, err == 0 ? kv_segment_kill : unlock);
    pthread_mutex_unlock(&map->growing);
    if (err == 0)
        kv__watch_after(loop, before);
    return err;
}

int kv_drop(struct kv_drop_loop *self, struct kv_tables *tables, struct kv_table *table,
            uint64_t *total)
{
    struct kv_loop *loop = self->loop;
    *total = 0;
    struct kv_grave *grave = weft_malloc(sizeof *grave);
    if (!grave)
        return -ENOMEM;
    *grave = (struct kv_grave){.loop = self, .drop = table->map.drop};
    pthread_mutex_lock(&tables->naming);
    bool dead = kv_map_is_dead(&table->map);
    int err = 0;
    /* There must be room for the grave, the table, and its entry in the index. */
    if (!dead)
        err = kv_epoch_reserve(&loop->epoch, 3);
    if (!dead && err == 0)
        err = kill_map(&table->map, loop, tables, grave, total);
    if (dead || err < 0) {
        weft_free(grave);
    } else {
        kv_epoch_retire(&loop->epoch, grave, bury);
        kv__tables_unlink(tables, loop, table);
    }
    pthread_mutex_unlock(&tables->naming);
    return err;
}
