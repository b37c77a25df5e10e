/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <errno.h>

#include "core/base/mem.h"

enum { FIRST_SLOTS = 16 };

int weft__calls_reserve(struct weft__calls *calls)
{
    if (weft__calls_pending(calls) < calls->capacity)
        return 0;
    size_t capacity = calls->capacity > 0 ? 2 * calls->capacity : FIRST_SLOTS;
    struct weft__client_slot *slots = weft_calloc(capacity, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    for (uint64_t i = calls->head; i != calls->tail; i++)
        slots[i & (capacity - 1)] = *weft__calls_slot(calls, i);
    weft_free(calls->slots);
    calls->slots = slots;
    calls->capacity = capacity;
    return 0;
}

void weft__calls_add(struct weft__calls *calls, struct weft_call *call, uint64_t begin,
                     int64_t deadline)
{
    *weft__calls_slot(calls, calls->tail++) = (struct weft__client_slot){
        .call = call,
        .begin = begin,
        .deadline = deadline,
        .replies_due = call->replies > 0 ? call->replies : 1,
    };
    call->sent = false;
}

void weft__calls_mark_sent(struct weft__calls *calls, uint64_t taken)
{
    while (calls->unsent != calls->tail) {
        struct weft__client_slot *slot = weft__calls_slot(calls, calls->unsent);
        if (slot->begin >= taken)
            return;
        if (slot->call)
            slot->call->sent = true;
        calls->unsent++;
    }
}

void weft__calls_end(struct weft__calls *calls, int status)
{
    while (calls->head != calls->tail) {
        struct weft_call *call = weft__calls_slot(calls, calls->head++)->call;
        if (call)
            call->done(call, status, weft_view(NULL, 0), true);
    }
}

void weft__calls_fini(struct weft__calls *calls)
{
    weft_free(calls->slots);
}
