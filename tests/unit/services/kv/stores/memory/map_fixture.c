/* SPDX-License-Identifier: MIT */
#include "map_fixture.h"
#include "services/kv/stores/memory/segment_lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lib/fault.h"

void map_world_begin(struct map_world *world, int64_t limit)
{
    static const uint8_t seed[16] = {5};
    fault_install();
    *world = (struct map_world){.shared.seed = kv_hash_seed_from_bytes(seed)};
    world->loop.shared = &world->shared;
    kv_epoch_init(&world->shared.epoch);
    assert_int_equal(kv_pool_init(&world->shared.pool), 0);
    kv_account_init(&world->shared, limit);
    kv_pool_cache_init(&world->loop.cache, &world->shared.pool);
    kv_epoch_join(&world->shared.epoch, &world->loop.epoch, NULL, &world->loop.cache);
    kv_epoch_begin(&world->loop.epoch);
}

void map_world_next_turn(struct map_world *world)
{
    kv_epoch_end(&world->loop.epoch);
    kv_epoch_begin(&world->loop.epoch);
}

void map_world_end_turns(struct map_world *world)
{
    kv_epoch_end(&world->loop.epoch);
    kv_epoch_leave(&world->loop.epoch);
}

void map_world_finish(struct map_world *world)
{
    kv_pool_cache_empty(&world->loop.cache);
    assert_int_equal(atomic_load(&world->shared.pool.resident), 0);
    kv_pool_fini(&world->shared.pool);
    assert_int_equal(fault_live(), 0);
    fault_remove();
}

int64_t map_world_used(struct map_world *world)
{
    return atomic_load(&world->shared.used) - world->loop.credit;
}

static void look_at_segment(const struct map_world *world, const struct kv_segment *segment,
                            struct map_found *found)
{
    uint32_t live = 0, used = 0;
    assert_false(segment->state & (KV_SEGMENT_LOCKED | KV_SEGMENT_DEAD));
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        const struct kv_entry *entry = kv_segment_entry(segment->slots[i]);
        used += segment->slots[i] != KV_SLOT_EMPTY;
        if (!entry)
            continue;
        live++;
        uint64_t hash = kv_map_hash(&world->loop, kv_entry_key(entry));
        assert_true(kv_segment_covers(segment, hash));
        assert_ptr_equal(kv_segment_get(segment, hash, kv_entry_key(entry)), entry);
        found->bytes += (int64_t)kv_entry_heap_size(entry);
    }
    assert_int_equal(live, kv_segment_live(segment));
    assert_int_equal(used, segment->used);
    assert_true(used * 5 <= segment->slot_count * 4u);
    found->entries += live;
    found->segments++;
    found->bytes += (int64_t)kv_segment_heap_size_for(segment->slot_count);
}

struct map_found map_check(const struct map_world *world, const struct kv_map *map)
{
    struct map_found found = {0};
    const struct kv_directory *directory = kv_map_directory(map);
    uint32_t full = 0;
    uint64_t first = 0;
    do {
        const struct kv_segment *segment = kv_directory_segment(directory, first);
        assert_int_equal(segment->first, first);
        assert_true(segment->depth <= directory->depth);
        look_at_segment(world, segment, &found);
        full += segment->depth == directory->depth;
        first = kv_segment_end(segment);
    } while (first != 0);
    assert_int_equal(directory->full, full);
    for (size_t i = 0; i < (size_t)1 << directory->depth; i++) {
        uint64_t hash = directory->depth == 0 ? 0 : (uint64_t)i << (64 - directory->depth);
        assert_true(kv_segment_covers(directory->segments[i], hash));
    }
    found.bytes += kv_directory_heap_size(directory->depth);
    assert_int_equal(kv_map_count(map), found.entries);
    return found;
}
