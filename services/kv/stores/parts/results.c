/* SPDX-License-Identifier: MIT */
#include "results.h"

#include <errno.h>

#include "core/base/mem.h"

enum { CHUNK_MAX = 64 << 10 };

struct kv_results_chunk {
    struct kv_results_chunk *next;
    size_t used, capacity;
    uint8_t bytes[];
};

/* One copy gets a chunk of its size; many share chunks that fit what seems to come. */
static struct kv_results_chunk *add_chunk(struct kv_results *results, size_t size, size_t more)
{
    size_t capacity = size;
    if (more > 0 && size < CHUNK_MAX)
        capacity = more < CHUNK_MAX / (size + 1) ? size * (more + 1) : CHUNK_MAX;
    struct kv_results_chunk *chunk = weft_malloc(sizeof *chunk + capacity);
    if (!chunk)
        return NULL;
    chunk->next = results->chunk;
    chunk->used = 0;
    chunk->capacity = capacity;
    results->chunk = chunk;
    return chunk;
}

void *kv_results_alloc(struct kv_results *results, size_t size, size_t more)
{
    struct kv_results_chunk *chunk = results->chunk;
    size = (size + 7) & ~(size_t)7;
    if (results->room && results->room_size - results->room_used >= size) {
        results->room_used += size;
        return results->room + results->room_used - size;
    }
    if (!chunk || chunk->capacity - chunk->used < size)
        chunk = add_chunk(results, size, more);
    if (!chunk)
        return NULL;
    uint8_t *bytes = chunk->bytes + chunk->used;
    chunk->used += size;
    return bytes;
}

int kv_results_keep(struct kv_results *results, struct weft_view *view, size_t more)
{
    uint8_t *copy = kv_results_alloc(results, view->size, more);
    if (!copy)
        return -ENOMEM;
    if (view->size > 0)
        memcpy(copy, view->data, view->size);
    *view = weft_view(copy, view->size);
    return 0;
}

void kv_results_drop(struct kv_results *results)
{
    results->room_used = 0;
    while (results->chunk) {
        struct kv_results_chunk *chunk = results->chunk;
        results->chunk = chunk->next;
        weft_free(chunk);
    }
}
