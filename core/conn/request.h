/* SPDX-License-Identifier: MIT
 *
 * The core's side of a request. Private to the core.
 *
 *   CALLED --> (PENDING <-> HOLDING --> HEAD) --> ENDED
 *
 * Held replies are what a request said before its turn: blobs, encoded when it becomes the head. */
#ifndef WEFT_REQUEST_H
#define WEFT_REQUEST_H

#include "core/service.h"
#include "worker.h"

struct weft__held {
    struct weft__held *next;
    struct weft_blob *blob; /* counted */
    bool framed;            /* bytes of the codec's own: appended as they are */
    bool lasting;           /* as in weft_body */
};

struct weft__request {
    struct weft_request public;
    struct weft__conn *conn;
    struct weft__request *next; /* in the order, or in the free list */
    struct weft__held *held, *held_last;
    struct weft__held first_held; /* so that the usual single one costs no malloc */
    struct weft_arena arena;      /* its own, once kept */
    bool kept, ended, listed, room_owed;
};

/* From the worker's free list, or the allocator. NULL: no memory. */
WEFT_MUST_USE struct weft__request *weft__request_take(struct weft__worker *worker,
                                                       struct weft__conn *conn);
/* Takes back one that has ended and holds nothing any more. */
void weft__request_give(struct weft__worker *worker, struct weft__request *request);

/* Drops what it holds: nobody will read it. */
void weft__request_drop_held(struct weft__request *request);

/* Behind the order's last. */
void weft__request_list(struct weft__request *request);

/* Holds a reference of blob until its turn. -ENOMEM: nothing changed. */
WEFT_MUST_USE int weft__request_hold(struct weft__request *request, struct weft_blob *blob,
                                     bool framed);

#endif
