/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>

#include "tables.h"

static struct weft_view name_of(const struct kv_map *map)
{
    return kv_table_name((const struct kv_table *)(const void *)map);
}

int kv__watch_ask(const struct kv_map *map, struct kv_loop *loop, const struct kv_touch *touches,
                  size_t count)
{
    if (map->drop == kv_entry_free_index)
        return 0;
    return loop->watch->change(loop->watch, loop, name_of(map), touches, count);
}

int kv__watch_ask_one(const struct kv_map *map, struct kv_loop *loop, uint64_t hash,
                      struct kv_entry *fresh, struct kv_entry *old)
{
    struct kv_item item = {.key = kv_entry_key(fresh ? fresh : old)};
    const struct kv_touch touch = {.hash = hash, .item = &item, .fresh = fresh, .old = old};
    return kv__watch_ask(map, loop, &touch, 1);
}

int kv__watch_ask_drop(const struct kv_map *map, struct kv_loop *loop)
{
    if (!loop->watch->drop)
        return -EIO;
    return loop->watch->drop(loop->watch, loop, name_of(map));
}
