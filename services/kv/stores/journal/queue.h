/* SPDX-License-Identifier: MIT
 *
 * A queue of changes from one loop, the producer, to the journal's thread, the consumer. It has no lock. The producer
 * stages a record when a change is about to take effect, under the locks of the store. It publishes all records that
 * it has staged once their changes have taken effect. So the consumer never sees a change that readers cannot see
 * yet. */
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
    /* For the producer. */
    struct kv_queue_chunk *tail;
    struct kv_queue_chunk
        *oldest;       /* the first chunk that may have records which are not published */
    uint64_t produced; /* bytes of all records so far */
    uint64_t last;     /* the number of the record that was staged last */
    bool dirty;        /* something is staged and not published */
    char between[64];  /* padding: the consumer's fields below get a cache line of their own */
    struct kv_queue_chunk *head;
    size_t taken; /* bytes of head that were consumed */
    atomic_ullong consumed;
    _Atomic(struct kv_queue_chunk *) spare; /* one chunk that was emptied */
};

enum {
    KV_QUEUE_CHUNK = 64 << 10, /* bytes; a larger record has a chunk of its own */
    KV_QUEUE_MOST = 64 << 20   /* if more bytes than this wait, nothing more is staged */
};

/* Sets up an empty queue. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int kv_queue_init(struct kv_queue *queue);
/* Drops the records that wait, and frees the memory. */
void kv_queue_fini(struct kv_queue *queue);

/* For the producer. Returns a record with room for `size` bytes. The caller fills it and sets its number. Returns NULL
 * if there is no memory or if too much waits. */
WEFT_MUST_USE struct kv_queued *kv_queue_stage(struct kv_queue *queue, size_t size);
/* For the producer: lets the consumer see all records that are staged. */
void kv_queue_publish(struct kv_queue *queue);

/* For the consumer. Returns the oldest published record, or NULL. It is valid until kv_queue_take removes it. */
const struct kv_queued *kv_queue_front(struct kv_queue *queue);
/* For the consumer: removes the record that kv_queue_front has returned. */
void kv_queue_take(struct kv_queue *queue);

#endif
