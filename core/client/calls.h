/* SPDX-License-Identifier: MIT
 *
 * The calls of one connection, in the order of the wire. This ring knows nothing of the connection:
 * its owner says how many bytes were sent and which reply came.
 *
 * Calls have numbers that are never given out again; the ring holds those from head to tail:
 *
 *      head                 unsent                tail
 *       |  sent, replies due   |  not yet sent      |
 *
 * A call that is done before its last reply came leaves an empty slot behind, so that the replies
 * of the calls behind it still meet their own. */
#ifndef WEFT_CLIENT_CALLS_H
#define WEFT_CLIENT_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "core/client.h"

#define WEFT__NEVER INT64_MAX

struct weft__client_slot {
    struct weft_call *call; /* NULL: it is done already, and its replies are dropped */
    uint64_t begin;         /* bytes that the connection sends before the call's first one */
    int64_t deadline;       /* WEFT__NEVER: none */
    uint32_t replies_due;
};

struct weft__calls {
    struct weft__client_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    uint64_t head, unsent, tail;
};

static inline struct weft__client_slot *weft__calls_slot(const struct weft__calls *calls,
                                                         uint64_t number)
{
    return &calls->slots[number & (calls->capacity - 1)];
}

static inline size_t weft__calls_pending(const struct weft__calls *calls)
{
    return (size_t)(calls->tail - calls->head);
}

/* Makes room for one more call. Returns 0, or -ENOMEM with the ring as it was. */
WEFT_MUST_USE int weft__calls_reserve(struct weft__calls *calls);

/* Adds a call, after weft__calls_reserve. `begin` is as in the slot. */
void weft__calls_add(struct weft__calls *calls, struct weft_call *call, uint64_t begin,
                     int64_t deadline);

/* Marks the calls whose first byte is among the first `taken` bytes of the connection. */
void weft__calls_mark_sent(struct weft__calls *calls, uint64_t taken);

/* Ends every call with status. It is reentrant: if a done closes the client, the calls that are left end
 * in the inner call, and the outer one finds none. */
void weft__calls_end(struct weft__calls *calls, int status);

void weft__calls_fini(struct weft__calls *calls);

#endif
