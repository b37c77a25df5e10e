/* SPDX-License-Identifier: MIT */
#include "order.h"

#include <assert.h>
#include <errno.h>

#include "core/base/compiler.h"

void weft__order_add(struct weft__order *order, struct weft__request *request)
{
    request->next = NULL;
    request->place = WEFT__ORDERED;
    if (order->last)
        order->last->next = request;
    else
        order->first = request;
    order->last = request;
    if (!request->detached)
        order->pending++;
}

static void unlink_loose(struct weft__request *request)
{
    struct weft__loose *list = request->list;
    struct weft__request *next = request->next, *last = list->first->prev;

    if (request == list->first)
        list->first = next;
    else
        request->prev->next = next;
    if (next)
        next->prev = request->prev;
    else
        last = request->prev;
    if (list->first)
        list->first->prev = last;
}

static void link_loose(struct weft__request *request, struct weft__loose *list)
{
    request->list = list;
    request->next = NULL;
    if (list->first) {
        request->prev = list->first->prev;
        request->prev->next = request;
    } else {
        list->first = request;
    }
    list->first->prev = request;
}

void weft__loose_move(struct weft__request *request, struct weft__loose *list)
{
    unlink_loose(request);
    link_loose(request, list);
}

/* A loose request is owed room if it is in `refused`; the order's count is of those in the order. */
WEFT_NOINLINE static void pop_detached(struct weft__order *order, struct weft__request *request)
{
    if (request->ended) {
        order->detached--;
        return;
    }
    if (request->room_owed)
        order->room_owed--;
    request->place = WEFT__LOOSE;
    request->too_large = false;
    link_loose(request,
               request->room_owed ? &order->detached_part->refused : &order->detached_part->loose);
}

void weft__order_pop(struct weft__order *order)
{
    struct weft__request *request = order->first;

    assert(request->ended || request->detached);
    order->first = request->next;
    if (!order->first)
        order->last = NULL;
    if (request->detached)
        pop_detached(order, request);
    else
        order->pending--;
}

void weft__order_fini(struct weft__order *order)
{
    weft_free(order->detached_part);
}

static int make_detached_part(struct weft__order *order)
{
    if (!order->detached_part)
        order->detached_part = weft_calloc(1, sizeof *order->detached_part);
    return order->detached_part ? 0 : -ENOMEM;
}

int weft__order_add_stream(struct weft__order *order, struct weft__request *request, bool waits)
{
    int err = make_detached_part(order);

    if (err < 0)
        return err;
    request->place = WEFT__LOOSE;
    link_loose(request, waits ? &order->detached_part->waiting : &order->detached_part->loose);
    order->streams++;
    order->pending++;
    return 0;
}

static struct weft__request *find_in(const struct weft__loose *list, uint32_t stream)
{
    struct weft__request *request = list->first;

    while (request && (request->public.stream != stream || request->answered))
        request = request->next;
    return request;
}

struct weft__request *weft__order_find_stream(const struct weft__order *order, uint32_t stream)
{
    const struct weft__detached *part = order->detached_part;
    struct weft__request *request = part ? find_in(&part->loose, stream) : NULL;

    if (part && !request)
        request = find_in(&part->refused, stream);
    if (part && !request)
        request = find_in(&part->waiting, stream);
    return request;
}

int weft__order_detach(struct weft__order *order, struct weft__request *request)
{
    int err = make_detached_part(order);

    if (err < 0)
        return err;
    request->detached = true;
    order->detached++;
    if (request->public.stream)
        order->streams--;
    if (request->place == WEFT__ORDERED || request->public.stream)
        order->pending--;
    if (request->kept)
        weft_arena_count(&request->arena, &order->detached_part->bytes);
    return 0;
}

void weft__order_remove_loose(struct weft__order *order, struct weft__request *request)
{
    unlink_loose(request);
    if (request->detached) {
        order->detached--;
        return;
    }
    order->streams--;
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
    if (request->room_owed)
        return;
    request->room_owed = true;
    if (request->place == WEFT__LOOSE)
        weft__loose_move(request, &order->detached_part->refused);
    else
        order->room_owed++;
}

void weft__order_pay_room(struct weft__order *order, struct weft__request *request)
{
    request->room_owed = false;
    if (request->place == WEFT__LOOSE)
        weft__loose_move(request, &order->detached_part->loose);
    else
        order->room_owed--;
}
