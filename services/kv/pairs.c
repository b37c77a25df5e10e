/* SPDX-License-Identifier: MIT */
#include "pairs.h"

#include "core/base/mem.h"

enum { CHUNK_FIRST = 4 * 1024, CHUNK_MAX = 256 * 1024 };

struct kv_pairs_chunk {
    struct kv_pairs_chunk *next;
    size_t size, capacity;
    uint8_t data[];
};

static bool add_chunk(struct kv_pairs *pairs, size_t size)
{
    size_t capacity = pairs->last ? 2 * pairs->last->capacity : CHUNK_FIRST;
    if (capacity > CHUNK_MAX)
        capacity = CHUNK_MAX;
    if (capacity < size)
        capacity = size;
    struct kv_pairs_chunk *chunk = weft_malloc(sizeof *chunk + capacity);
    if (!chunk)
        return false;
    chunk->next = NULL;
    chunk->size = 0;
    chunk->capacity = capacity;
    pairs->memory += sizeof *chunk + capacity;
    if (pairs->last)
        pairs->last->next = chunk;
    else
        pairs->first = chunk;
    pairs->last = chunk;
    return true;
}

uint8_t *kv_pairs_add(struct kv_pairs *pairs, size_t size)
{
    if ((!pairs->last || size > pairs->last->capacity - pairs->last->size) &&
        !add_chunk(pairs, size))
        return NULL;
    struct kv_pairs_chunk *chunk = pairs->last;
    uint8_t *dst = chunk->data + chunk->size;
    chunk->size += size;
    pairs->size += size;
    pairs->count++;
    return dst;
}

uint8_t *kv_pairs_write(const struct kv_pairs *pairs, uint8_t *dst)
{
    for (const struct kv_pairs_chunk *chunk = pairs->first; chunk; chunk = chunk->next) {
        memcpy(dst, chunk->data, chunk->size);
        dst += chunk->size;
    }
    return dst;
}

void kv_pairs_free(struct kv_pairs_chunk *first)
{
    while (first) {
        struct kv_pairs_chunk *next = first->next;
        weft_free(first);
        first = next;
    }
}
