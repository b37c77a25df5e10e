/* SPDX-License-Identifier: MIT */
#include "touch.h"

void kv_touches_find(struct kv_touch *touches, size_t count, struct kv_segment *segment)
{
    for (size_t i = 0; i < count; i++) {
        struct kv_touch *touch = &touches[i];
        touch->old = kv_touch_is_again(touches, i)
                         ? touch[-1].fresh
                         : kv_segment_find(segment, touch->hash, touch->item->key).entry;
    }
}

int64_t kv_touches_growth(const struct kv_touch *touches, size_t count)
{
    int64_t growth = 0;
    for (size_t i = 0; i < count; i++) {
        if (touches[i].fresh == touches[i].old)
            continue;
        if (touches[i].fresh)
            growth += (int64_t)kv_entry_heap_size(touches[i].fresh);
        if (touches[i].old)
            growth -= (int64_t)kv_entry_heap_size(touches[i].old);
    }
    return growth;
}

void kv_touch_do(const struct kv_touch *touch, struct kv_segment *segment)
{
    if (touch->fresh == touch->old)
        return;
    struct kv_place place = kv_segment_find(segment, touch->hash, touch->item->key);
    if (touch->fresh)
        kv_segment_put(segment, place, touch->hash, touch->fresh);
    else if (place.entry)
        kv_segment_remove(segment, place);
}

void kv_touch_done(const struct kv_touch *touch, const struct kv_map *map, struct kv_loop *loop)
{
    touch->item->scratch.pointer = touch->old;
    if (touch->old && touch->old != touch->fresh)
        kv_epoch_retire(&loop->epoch, touch->old, map->drop);
}
