/* SPDX-License-Identifier: MIT
 *
 * A look through the whole store, for tests. */
#include "memory.h"
#include "memory_private.h"

/* Adds the shape of one map; index tells that its entries show tables. */
static void add_shape(const struct kv_map *map, bool index, struct kv_memory_shape *shape)
{
    const struct kv_directory *directory = kv_map_directory(map);
    uint64_t first = 0;
    shape->directories += (size_t)1 << directory->depth;
    do {
        const struct kv_segment *segment = kv_directory_segment(directory, first);
        shape->segments++;
        shape->slots += segment->slot_count;
        for (uint32_t i = 0; i < segment->slot_count; i++) {
            const struct kv_entry *entry = kv_segment_entry(atomic_load(&segment->slots[i]));
            if (!entry)
                continue;
            if (index)
                add_shape(&((struct kv_table *)kv_entry_reference(entry))->map, false, shape);
            shape->tables += index;
            shape->entries += !index;
        }
        first = kv_segment_end(segment);
    } while (first != 0);
}

void kv_store_memory_shape(const void *store, struct kv_memory_shape *shape)
{
    const struct memory *memory = store;
    *shape = (struct kv_memory_shape){.used = atomic_load(&memory->shared.used)};
    for (const struct kv_epoch_loop *loop = memory->shared.epoch.loops; loop; loop = loop->next)
        shape->used -= ((const struct kv_loop *)loop)->credit;
    add_shape(&memory->tables.index, true, shape);
}
