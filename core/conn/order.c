/* SPDX-License-Identifier: MIT */
#include "order.h"

#include <assert.h>
#include <errno.h>

enum { FREE_REQUESTS = 256 };

struct weft__request *weft__request_take(struct weft__request_pool *pool, struct weft__conn *conn)
{
    struct weft__request *request = pool->free;

    if (request) {
        pool->free = request->next;
        pool->count--;
    } else {
        request = weft_calloc(1, sizeof *request);
        if (!request)
            return NULL;
    }
    request->conn = conn;
    return request;
}

void weft__request_drop_kept(struct weft__request *request)
{
    weft_arena_fini(&request->arena);
    request->kept = false;
}

void weft__request_give(struct weft__request_pool *pool, struct weft__request *request)
{
    assert(!request->held && !request->kept);
    request->public = (struct weft_request){0};
    request->ended = request->listed = request->room_owed = false;
    request->said = request->too_large = false;
    if (pool->count >= FREE_REQUESTS) {
        weft_free(request);
        return;
    }
    request->next = pool->free;
    pool->free = request;
    pool->count++;
}

void weft__request_pool_fini(struct weft__request_pool *pool)
{
    while (pool->free) {
        struct weft__request *request = pool->free;
        pool->free = request->next;
        weft_free(request);
    }
    pool->count = 0;
}

void weft__order_add(struct weft__order *order, struct weft__request *request)
{
    request->next = NULL;
    request->listed = true;
    if (order->last)
        order->last->next = request;
    else
        order->first = request;
    order->last = request;
    order->pending++;
}

void weft__order_pop(struct weft__order *order)
{
    assert(order->first->ended);
    order->first = order->first->next;
    if (!order->first)
        order->last = NULL;
    order->pending--;
}

int weft__order_hold(struct weft__order *order, struct weft__request *request,
                     struct weft_blob *blob)
{
    struct weft__held *held = &request->first_held;

    if (request->held) {
        held = weft_malloc(sizeof *held);
        if (!held)
            return -ENOMEM;
    }
    *held = (struct weft__held){.blob = weft_blob_ref(blob)};
    if (request->held)
        request->held_last->next = held;
    else
        request->held = held;
    request->held_last = held;
    order->held_bytes += weft__held_size(request, held);
    return 0;
}

struct weft__held *weft__order_take_held(struct weft__order *order, struct weft__request *request)
{
    struct weft__held *held = request->held;

    if (held) {
        order->held_bytes -= weft__held_size(request, held);
        request->held = held->next;
    }
    return held;
}

void weft__held_free(struct weft__request *request, struct weft__held *held)
{
    weft_blob_unref(held->blob);
    if (held != &request->first_held)
        weft_free(held);
}

void weft__order_owe_room(struct weft__order *order, struct weft__request *request)
{
    if (!request->room_owed)
        order->room_owed++;
    request->room_owed = true;
}

void weft__order_settle_room(struct weft__order *order, struct weft__request *request)
{
    if (request->room_owed)
        order->room_owed--;
    request->room_owed = false;
}
