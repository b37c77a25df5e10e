/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include "core/base/compiler.h"
#include "tables.h"

int kv__watch_ask(const struct kv_map *map, struct kv_loop *loop, enum kv_touch_kind kind,
                  const struct kv_touch *touches, size_t count)
{
    if (map->drop == kv_entry_free_index)
        return 0;
    const struct kv_table *table = weft_container_of(map, const struct kv_table, map);
    return loop->watch->change(loop->watch, loop, kv_table_name(table), kind, touches, count);
}

int kv__watch_ask_one(const struct kv_map *map, struct kv_loop *loop, enum kv_touch_kind kind,
                      uint64_t hash, struct kv_entry *entry)
{
    struct kv_item item = {.key = kv_entry_key(entry), .scratch.pointer = entry};
    const struct kv_touch touch = {.hash = hash, .item = &item, .old = entry};
    return kv__watch_ask(map, loop, kind, &touch, 1);
}
