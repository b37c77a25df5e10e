/* SPDX-License-Identifier: MIT
 *
 * The changes that one loop hands to the writer's thread: a queue with one producer and one consumer,
 * without a lock. The producer stages a record when the change is about to take effect, under the locks of
 * the store, and publishes all that it staged once they have taken effect. So the consumer never sees a
 * change that readers cannot see yet. */
#ifndef KV_JOURNAL_QUEUE_H
#define KV_JOURNAL_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

struct kv_queue_chunk;

/* A record that waits: its number, and the bytes that will stand after its head. */
struct kv_queued {
    uint64_t number;
    size_t size;
    uint8_t bytes[];
};

struct kv_queue {
    /* The producer's. */
    struct kv_queue_chunk *tail;
    size_t staged;     /* bytes of tail that are taken */
    uint64_t produced; /* bytes of all records */
    uint64_t last;     /* the number of the record that was staged last */
    bool dirty;        /* something is staged and not published */
    char between[64];  /* the consumer's fields have a cache line of their own */
    struct kv_queue_chunk *head;
    size_t taken; /* bytes of head that were consumed */
    atomic_ullong consumed;
    _Atomic(struct kv_queue_chunk *) spare; /* one chunk that was emptied */
};

enum {
    KV_QUEUE_CHUNK = 64 << 10, /* bytes; a larger record has a chunk of its own */
    KV_QUEUE_MOST = 64 << 20   /* bytes that wait at most, beyond the record that exceeds it */
};

/* -ENOMEM. */
WEFT_MUST_USE int kv_queue_init(struct kv_queue *queue);
/* Drops what waits. */
void kv_queue_fini(struct kv_queue *queue);

/* The producer's. Returns a record with room for size bytes, which the producer fills, or NULL: no memory, or
 * too much waits. Its number is the caller's to set. */
WEFT_MUST_USE struct kv_queued *kv_queue_stage(struct kv_queue *queue, size_t size);
/* Lets the consumer see all that is staged. */
void kv_queue_publish(struct kv_queue *queue);

/* The consumer's. Returns the oldest record that was published, or NULL. It is valid until it is taken. */
const struct kv_queued *kv_queue_front(struct kv_queue *queue);
void kv_queue_take(struct kv_queue *queue);

#endif
