/* SPDX-License-Identifier: MIT
 *
 * A ring keeps the messages of a source on a loop until all its followers there have been sent them. Private to the
 * files of the feed. */
#ifndef KV_FEED_RING_H
#define KV_FEED_RING_H

#include "core/base/buf.h"
#include "feed_private.h"

/* Counts of a ring's messages count a gap of unknown size as this many, so one difference tells whether messages, gaps or
 * both lie between two counts. 2^48 messages take 9 years at a million per second. */
#define KV__GAP (UINT64_C(1) << 48)

/* Messages of one topic that follow each other in a ring and on the loop. */
struct kv__batch {
    struct kv__link age; /* in loop->batches */
    struct kv__ring *ring;
    uint64_t before;    /* messages of the ring before these (KV__GAP) */
    uint64_t sequence;  /* of the first message */
    size_t count, left; /* messages; followers that have not been sent them */
    size_t bytes;
    bool sealed; /* takes no further message */
    bool shared; /* several followers are sent it */
    size_t topic_size;
    struct weft_buf values; /* behind the topic */
    struct weft_blob *blobs[KV_FEED_SLOTS];
};

/* The messages of a source on a loop. */
struct kv__ring {
    struct kv__name name; /* first */
    struct kv_feed_loop *loop;
    struct kv__link pattern;       /* in loop->patterns */
    struct kv__link link;          /* in loop->behind */
    struct kv__link level, behind; /* of struct kv_followed: those that lack nothing, and others */
    size_t followers;
    size_t singles; /* followers whose format is single */
    /* A circular array of `capacity` batches, a power of two; batch N of the ring's life is at N modulo capacity. */
    struct kv__batch **batches;
    size_t capacity;
    uint64_t first, end;
    uint64_t messages; /* of the ring's life (KV__GAP) */
    size_t waiting;    /* messages in the ring */
    uint64_t bytes;
};

/* Returns the ring of a source, which is made if need be. NULL: no memory. */
struct kv__ring *kv__ring_take(struct kv_feed_loop *self, const struct kv_feed_source *source);
/* Frees a ring without followers. */
void kv__ring_free(struct kv__ring *ring);
/* Adds values to all rings that the topic belongs to, and wakes those behind. */
void kv__rings_add(struct kv_feed_loop *self, struct weft_view topic, struct weft_view values,
                   size_t count);
/* Has a gap of unknown size behind what all rings have. */
void kv__rings_lose(struct kv_feed_loop *self);
/* Returns the bytes of a batch for a format, counted; NULL: no memory. */
struct weft_blob *kv__batch_blob(struct kv__batch *batch, const struct kv_feed_format *format);
/* One follower fewer needs the batches from that one on. */
void kv__ring_pass(struct kv__ring *ring, uint64_t from, uint64_t to);

static inline struct kv__batch *kv__ring_batch(const struct kv__ring *ring, uint64_t number)
{
    return ring->batches[number & (ring->capacity - 1)];
}

#endif
