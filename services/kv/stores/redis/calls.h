/* SPDX-License-Identifier: MIT
 *
 * Calls on their way: in lists while they wait, and in the ring of a connection while an answer is due. */
#ifndef KV_REDIS_CALLS_H
#define KV_REDIS_CALLS_H

#include "redis.h"

struct redis_list {
    struct redis_call *head, **tail; /* tail: where the next one is linked; NULL until the first */
    size_t count;
};

static inline void kv_redis_list_add(struct redis_list *list, struct redis_call *call)
{
    if (!list->head)
        list->tail = &list->head;
    call->own.next = NULL;
    call->own.link = list->tail;
    call->own.list = list;
    *list->tail = call;
    list->tail = &call->own.next;
    list->count++;
}

/* Removes a call from the list that has it. */
static inline void kv_redis_list_remove(struct redis_call *call)
{
    struct redis_list *list = call->own.list;

    *call->own.link = call->own.next;
    if (call->own.next)
        call->own.next->own.link = call->own.link;
    else
        list->tail = call->own.link;
    call->own.list = NULL;
    list->count--;
}

static inline struct redis_call *kv_redis_list_take(struct redis_list *list)
{
    struct redis_call *call = list->head;

    if (call)
        kv_redis_list_remove(call);
    return call;
}

enum redis_expected_kind {
    REDIS_EXPECTED_CALL, /* of the call, or of one that has ended if it is NULL */
    REDIS_EXPECTED_OK,   /* of ASKING */
    REDIS_EXPECTED_ACK,  /* of WAIT or WAITAOF, for the calls that are held */
};

/* A reply that is due. */
struct redis_expected {
    struct redis_call *call;
    uint64_t end; /* bytes of the connection up to the end of the command */
    enum redis_expected_kind kind;
};

/* Places have numbers that are not given out again; the ring holds those from head to tail. */
struct redis_ring {
    struct redis_expected *items;
    size_t capacity; /* a power of two, or 0 */
    uint64_t head, tail;
};

static inline size_t kv_redis_ring_count(const struct redis_ring *ring)
{
    return (size_t)(ring->tail - ring->head);
}

static inline struct redis_expected *kv_redis_ring_at(const struct redis_ring *ring, uint64_t place)
{
    return &ring->items[place & (ring->capacity - 1)];
}

/* Makes room for `more` replies. Returns 0, or -ENOMEM. */
WEFT_MUST_USE int kv_redis_ring_reserve(struct redis_ring *ring, size_t more);
/* Adds one, after a reserve. */
void kv_redis_ring_add(struct redis_ring *ring, enum redis_expected_kind kind,
                       struct redis_call *call, uint64_t end);
void kv_redis_ring_fini(struct redis_ring *ring);

#endif
