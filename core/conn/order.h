/* SPDX-License-Identifier: MIT
 *
 * The order of replies: the requests of one connection that have not left it, oldest first. It is a
 * queue that knows neither the connection nor how a reply is encoded. Private to the core.
 *
 *   first (the head)                            last
 *   +-----------+      +-----------+      +-----------+
 *   | encoded   | ---> | held      | ---> | held      |
 *   | at once   |      | as blobs  |      | as blobs  |
 *   +-----------+      +-----------+      +-----------+
 *
 * The oldest request is the head: its messages are encoded at once. The messages of the others are
 * held as blobs until their request becomes the head. A request that has ended leaves the order
 * once it is the head. One that is detached leaves it then as well, and is loose until it ends: its
 * messages are encoded at once, between the replies of others. A request with a stream is loose from the
 * start. */
#ifndef WEFT_ORDER_H
#define WEFT_ORDER_H

#include "request.h"

/* The part of an order that is made with the first request that is detached or has a stream. Most connections
 * have none. */
struct weft__detached {
    /* Loose requests. Those that were answered -EAGAIN wait in `refused`, the longest first, so that
     * finding whom to tell of room takes no search. */
    struct weft__loose loose, refused;
    struct weft__loose waiting; /* requests with a stream whose call() is still to come */
    size_t bytes;               /* memory of the arenas of all these, which kept_bytes leaves out */
};

/* A zeroed order is empty. */
struct weft__order {
    struct weft__request *first, *last;
    /* The request whose service->call() is on the stack. If the order was empty it is not linked
     * yet, but it is the head all the same. */
    struct weft__request *calling;
    uint32_t pending; /* requests that are linked and not detached, those with a stream included */
    uint32_t room_owed; /* linked requests that were answered -EAGAIN and not told of room since */
    uint32_t detached;  /* detached requests, wherever they are */
    uint32_t streams;   /* requests with a stream that are not detached */
    size_t held_bytes;  /* bytes of all held messages */
    /* Memory of the arenas of kept requests that are not detached, payloads included. */
    size_t kept_bytes;
    struct weft__detached
        *detached_part; /* owned; NULL until a request is detached or has a stream */
};

/* Links a request behind the last one. */
void weft__order_add(struct weft__order *order, struct weft__request *request);
/* Unlinks the head, which has ended or is detached. If it has ended, the caller gives it back to the
 * pool; otherwise it becomes loose. */
void weft__order_pop(struct weft__order *order);

/* Makes a request with a stream loose, and a pending one, in `loose` or in `waiting`. -ENOMEM: nothing changed. */
WEFT_MUST_USE int weft__order_add_stream(struct weft__order *order, struct weft__request *request,
                                         bool waits);
/* Returns the loose request of a stream whose answer is not over, or NULL. */
struct weft__request *weft__order_find_stream(const struct weft__order *order, uint32_t stream);

/* Frees what the order owns. Called when no request is left. */
void weft__order_fini(struct weft__order *order);

/* Marks a request detached, which must not have ended. It keeps its place until it is the head.
 * -ENOMEM: nothing changed. */
WEFT_MUST_USE int weft__order_detach(struct weft__order *order, struct weft__request *request);
/* Unlinks a loose request that has ended. */
void weft__order_remove_loose(struct weft__order *order, struct weft__request *request);
/* Moves a loose request to the end of another list. */
void weft__loose_move(struct weft__request *request, struct weft__loose *list);

/* True if no request is left, in the order or loose. One with a stream that waits for its call counts, too. */
static inline bool weft__order_is_empty(const struct weft__order *order)
{
    return !order->first && (order->detached | order->streams) == 0;
}

/* True if the request is the head. Loose requests never are, though theirs are encoded at once too. */
static inline bool weft__order_is_head(const struct weft__order *order,
                                       const struct weft__request *request)
{
    return request->place == WEFT__ORDERED ? order->first == request : order->calling == request;
}

/* Returns the bytes that a held message counts for in held_bytes. A weft__held that was allocated counts
 * too; without it many small messages would take far more memory than is counted. */
static inline size_t weft__held_size(const struct weft__request *request,
                                     const struct weft__held *held)
{
    return weft_blob_view(held->blob).size + (held == &request->first_held ? 0 : sizeof *held);
}

/* Appends blob to the messages that the request holds, and takes a reference of its own to it. `framed` and
 * `lasting` of the new one, request->held_last, are false, and the caller may set them. -ENOMEM: nothing
 * changed. */
WEFT_MUST_USE int weft__order_hold(struct weft__order *order, struct weft__request *request,
                                   struct weft_blob *blob);
/* Unlinks and returns the oldest message that the request holds, which counts no more in held_bytes.
 * Returns NULL if there is none. */
struct weft__held *weft__order_take_held(struct weft__order *order, struct weft__request *request);
/* Frees what weft__order_take_held returned, before the request holds another. */
void weft__held_free(struct weft__request *request, struct weft__held *held);

/* owe_room notes that the request was answered -EAGAIN; settle_room, that it was told of room or has
 * ended. A repeated call does nothing. */
void weft__order_owe_room(struct weft__order *order, struct weft__request *request);
void weft__order_pay_room(struct weft__order *order, struct weft__request *request);
static inline void weft__order_settle_room(struct weft__order *order, struct weft__request *request)
{
    if (request->room_owed)
        weft__order_pay_room(order, request);
}

#endif
