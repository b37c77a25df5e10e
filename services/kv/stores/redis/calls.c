/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <errno.h>

#include "core/base/mem.h"

enum { FIRST_CAPACITY = 64 };

int kv_redis_ring_reserve(struct redis_ring *ring, size_t more)
{
    size_t count = kv_redis_ring_count(ring), capacity = ring->capacity;

    if (capacity >= count + more)
        return 0;
    capacity = capacity ? capacity : FIRST_CAPACITY;
    while (capacity < count + more)
        capacity *= 2;
    struct redis_ring grown = {.capacity = capacity, .head = ring->head, .tail = ring->tail};
    grown.items = weft_calloc(capacity, sizeof *grown.items);
    if (!grown.items)
        return -ENOMEM;
    for (uint64_t i = ring->head; i != ring->tail; i++)
        *kv_redis_ring_at(&grown, i) = *kv_redis_ring_at(ring, i);
    weft_free(ring->items);
    *ring = grown;
    return 0;
}

void kv_redis_ring_add(struct redis_ring *ring, enum redis_expected_kind kind,
                       struct redis_call *call, uint64_t end)
{
    if (call)
        call->own.place = ring->tail;
    *kv_redis_ring_at(ring, ring->tail++) =
        (struct redis_expected){.call = call, .end = end, .kind = kind};
}

void kv_redis_ring_fini(struct redis_ring *ring)
{
    weft_free(ring->items);
    *ring = (struct redis_ring){0};
}
