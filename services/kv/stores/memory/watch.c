/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>

#include "services/kv/update.h"
#include "tables.h"

static struct weft_view name_of(const struct kv_map *map)
{
    return kv_table_name((const struct kv_table *)(const void *)map);
}

void kv_watch_set(struct kv_loop *loop, struct kv_watch *watch)
{
    loop->watch = watch;
    loop->trail.flag_off = true;
    atomic_store(&loop->watched, true);
}

static bool is_followed(const struct kv_loop *loop)
{
    return loop->trail.trail && kv_trail_is_on(loop->trail.trail);
}

static bool has_expired(const struct kv_loop *loop, const struct kv_entry *entry)
{
    return kv_entry_is_timed(entry) && kv_has_expired(kv_entry_expires(entry), kv_loop_wall(loop));
}

static void tell(const struct kv_map *map, struct kv_loop *loop, const struct kv_touch *touch,
                 bool more)
{
    struct kv_change change = {.table = name_of(map), .key = touch->item->key, .more = more};
    if (touch->fresh) {
        change.kind = KV_CHANGE_SET;
        change.part = touch->part;
        change.value = kv_entry_value(touch->fresh).bytes;
        change.expires = kv_entry_expires(touch->fresh);
    } else {
        change.kind = has_expired(loop, touch->old) ? KV_CHANGE_EXPIRED : KV_CHANGE_REMOVED;
    }
    kv_trail_put(loop->trail.trail, &loop->trail, &change);
}

static bool is_changed(const struct kv_touch *touch)
{
    return touch->fresh != touch->old;
}

static void tell_all(const struct kv_map *map, struct kv_loop *loop, const struct kv_touch *touches,
                     size_t count)
{
    while (count > 0 && !is_changed(&touches[count - 1]))
        count--;
    if (count == 0 || !kv_trail_begin(loop->trail.trail))
        return;
    for (size_t i = 0; i < count; i++)
        if (is_changed(&touches[i]))
            tell(map, loop, &touches[i], i < count - 1);
    kv_trail_end(loop->trail.trail, &loop->trail);
}

int kv__watch_ask(const struct kv_map *map, struct kv_loop *loop, const struct kv_touch *touches,
                  size_t count)
{
    if (map->drop == kv_entry_free_index)
        return 0;
    int err =
        loop->watch ? loop->watch->change(loop->watch, loop, name_of(map), touches, count) : 0;
    if (err < 0 || !is_followed(loop))
        return err;
    tell_all(map, loop, touches, count);
    return 0;
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
    const struct kv_change change = {.kind = KV_CHANGE_DROPPED, .table = name_of(map)};
    int err = 0;
    if (loop->watch)
        err = loop->watch->drop ? loop->watch->drop(loop->watch, loop, change.table) : -EIO;
    if (err == 0 && is_followed(loop))
        kv_trail_add(loop->trail.trail, &loop->trail, &change);
    return err;
}

void kv__watch_tell_expired(const struct kv_map *map, struct kv_loop *loop,
                            const struct kv_entry *entry)
{
    const struct kv_change change = {
        .kind = KV_CHANGE_EXPIRED, .table = name_of(map), .key = kv_entry_key(entry)};
    if (is_followed(loop))
        kv_trail_add(loop->trail.trail, &loop->trail, &change);
}

unsigned kv__watch_before(const struct kv_loop *loop)
{
    return kv_trail_turns(&loop->shared->trail);
}

void kv__watch_after(struct kv_loop *loop, unsigned before)
{
    if (kv_trail_came_on(&loop->shared->trail, before))
        kv_trail_lose(&loop->shared->trail);
}
