/* SPDX-License-Identifier: MIT
 *
 * Maps of the memory store by themselves, used by a thread without a loop. map_check holds the whole of one
 * against what it promises: which hashes a segment has, what the directory shows, and what the segments
 * count. */
#ifndef TEST_MAP_FIXTURE_H
#define TEST_MAP_FIXTURE_H

#include "services/kv/stores/memory/map.h"

/* The state that all maps of a test share. The seed of hashes is always the same. */
struct map_world {
    struct kv_shared shared;
    struct kv_loop loop;
};

/* Installs the allocator of lib/fault.h, and begins a turn. limit: of the account; 0: none. */
void map_world_begin(struct map_world *world, int64_t limit);
void map_world_next_turn(struct map_world *world);
/* end_turns ends the last turn; then the maps may be freed, and finish fails if a block is left. */
void map_world_end_turns(struct map_world *world);
void map_world_finish(struct map_world *world);

/* Returns the bytes that are taken from the account. */
int64_t map_world_used(struct map_world *world);

struct map_found {
    uint64_t entries;
    size_t segments;
    int64_t bytes; /* of its entries, segments and directory, as the account has them */
};

struct map_found map_check(const struct map_world *world, const struct kv_map *map);

#endif
