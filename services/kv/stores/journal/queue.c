/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <errno.h>
#include <stdalign.h>

#include "core/base/mem.h"

struct kv_queue_chunk {
    _Atomic(struct kv_queue_chunk *) next;
    atomic_size_t ready; /* bytes that were published */
    size_t capacity;
    /* For the producer: bytes in use, and the next chunk, which the consumer may not see yet. */
    size_t staged;
    struct kv_queue_chunk *behind;
    alignas(8) uint8_t bytes[];
};

enum { ALIGN = 8 };

/* Returns the bytes that a record takes in a chunk. */
static size_t room_for(size_t size)
{
    return (sizeof(struct kv_queued) + size + ALIGN - 1) / ALIGN * ALIGN;
}

static struct kv_queue_chunk *new_chunk(size_t capacity)
{
    struct kv_queue_chunk *chunk = weft_malloc(sizeof *chunk + capacity);
    if (!chunk)
        return NULL;
    atomic_init(&chunk->next, NULL);
    atomic_init(&chunk->ready, 0);
    chunk->capacity = capacity;
    chunk->staged = 0;
    chunk->behind = NULL;
    return chunk;
}

int kv_queue_init(struct kv_queue *queue)
{
    *queue = (struct kv_queue){0};
    queue->tail = queue->oldest = queue->head = new_chunk(KV_QUEUE_CHUNK);
    return queue->tail ? 0 : -ENOMEM;
}

void kv_queue_fini(struct kv_queue *queue)
{
    while (queue->head) {
        struct kv_queue_chunk *behind = queue->head->behind;
        weft_free(queue->head);
        queue->head = behind;
    }
    weft_free(atomic_load(&queue->spare));
    *queue = (struct kv_queue){0};
}

static struct kv_queue_chunk *next_chunk(struct kv_queue *queue, size_t room)
{
    struct kv_queue_chunk *chunk = NULL;
    if (room <= KV_QUEUE_CHUNK)
        chunk = atomic_exchange_explicit(&queue->spare, NULL, memory_order_acquire);
    if (!chunk)
        return new_chunk(room > KV_QUEUE_CHUNK ? room : KV_QUEUE_CHUNK);
    atomic_store_explicit(&chunk->next, NULL, memory_order_relaxed);
    atomic_store_explicit(&chunk->ready, 0, memory_order_relaxed);
    chunk->staged = 0;
    chunk->behind = NULL;
    return chunk;
}

struct kv_queued *kv_queue_stage(struct kv_queue *queue, size_t size)
{
    size_t room = room_for(size);
    uint64_t waiting =
        queue->produced - atomic_load_explicit(&queue->consumed, memory_order_relaxed);
    if (waiting > KV_QUEUE_MOST)
        return NULL;
    if (queue->tail->capacity - queue->tail->staged < room) {
        struct kv_queue_chunk *chunk = next_chunk(queue, room);
        if (!chunk)
            return NULL;
        queue->tail->behind = chunk;
        queue->tail = chunk;
    }
    struct kv_queued *record = (void *)(queue->tail->bytes + queue->tail->staged);
    record->size = size;
    queue->tail->staged += room;
    queue->produced += room;
    queue->dirty = true;
    return record;
}

/* The consumer may free a chunk once it sees the next one, so that one is linked last. */
void kv_queue_publish(struct kv_queue *queue)
{
    struct kv_queue_chunk *chunk = queue->oldest, *behind;
    while ((behind = chunk->behind)) {
        atomic_store_explicit(&chunk->ready, chunk->staged, memory_order_release);
        atomic_store_explicit(&chunk->next, behind, memory_order_release);
        chunk = behind;
    }
    atomic_store_explicit(&chunk->ready, chunk->staged, memory_order_release);
    queue->oldest = chunk;
    queue->dirty = false;
}

/* The consumer's chunk is empty and has a next one: the producer has left it for good. */
static void leave_chunk(struct kv_queue *queue, struct kv_queue_chunk *next)
{
    struct kv_queue_chunk *empty = queue->head, *none = NULL;
    queue->head = next;
    queue->taken = 0;
    if (empty->capacity != KV_QUEUE_CHUNK ||
        !atomic_compare_exchange_strong_explicit(&queue->spare, &none, empty, memory_order_release,
                                                 memory_order_relaxed))
        weft_free(empty);
}

const struct kv_queued *kv_queue_front(struct kv_queue *queue)
{
    for (;;) {
        struct kv_queue_chunk *head = queue->head;
        struct kv_queue_chunk *next = atomic_load_explicit(&head->next, memory_order_acquire);
        if (queue->taken < atomic_load_explicit(&head->ready, memory_order_acquire))
            return (const void *)(head->bytes + queue->taken);
        if (!next)
            return NULL;
        leave_chunk(queue, next);
    }
}

void kv_queue_take(struct kv_queue *queue)
{
    const struct kv_queued *record = (const void *)(queue->head->bytes + queue->taken);
    size_t room = room_for(record->size);
    queue->taken += room;
    uint64_t consumed = atomic_load_explicit(&queue->consumed, memory_order_relaxed);
    atomic_store_explicit(&queue->consumed, consumed + room, memory_order_relaxed);
}
