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

#include "core/base/blob.h"
#include "core/base/mem.h"
#include "core/codec.h"
#include "core/service.h"
#include "core/task.h"

struct weft__conn;
struct weft__pass;
struct weft__request;

#define WEFT__ALIGN_UP(size) (((size) + 15) / 16 * 16)

enum weft__place {
    WEFT__NOWHERE, /* in the pool, or within its call() and not linked yet */
    WEFT__ORDERED,
    WEFT__LOOSE
};

enum weft__said {
    WEFT__SAID_NOTHING,
    WEFT__SAID_SOME, /* a message of it was taken */
    WEFT__SAID_ALL,  /* and its last one was, or the codec has heard that none follows */
    /* It was refused and the service has no words for that. Its answer will never be complete, so none of
     * a later request may be sent. */
    WEFT__SAID_UNWORDED
};

/* A list of loose requests. */
struct weft__loose {
    struct weft__request *first; /* whose `prev` is the last one */
};

/* A message that was sent before its request was the head. */
struct weft__held {
    struct weft__held *next;
    struct weft_blob *blob; /* counted */
    bool framed;            /* the codec's own bytes: they are appended without encoding */
    bool lasting;           /* the body's `lasting` (core/base/body.h) */
};

/* Used only if the endpoint has layers. `begun` and what stands behind it are 0 in the pool. */
struct weft__layered {
    const struct weft__pass *pass; /* the peer's, with which it came; NULL: it had none */
    uint8_t begun;                 /* layers whose begin was called */
    bool waited;                   /* the last of them has to begin again */
    bool watched;                  /* a layer has begun, or an observer waits for its end */
    uint64_t bytes;                /* of all its messages before encoding, if it is watched */
    int64_t timed;                 /* what the observer's `time` returned */
};

/* The core's side of a request. Behind it lie the states that layers have of it. */
struct weft__request {
    struct weft_request public;
    struct weft__conn *conn;
    struct weft__request *next; /* in the order, in a list of loose ones, or in the pool */
    struct weft__loose *list;   /* the list it is in, if it is loose */
    struct weft__held *held, *held_last;
    union {
        struct weft__held first_held; /* a single held message, the usual case, costs no malloc */
        struct weft__request *prev;   /* in a list of loose ones, which hold nothing */
    };
    struct weft_arena arena; /* its own memory, if it is kept; else it is empty or has a chunk */
    struct weft__layered layered;
    uint8_t place; /* enum weft__place */
    uint8_t told;  /* the reason of the last on_cancel, so that no reason comes twice */
    bool kept, ended, room_owed;
    bool detached; /* it is loose, or will be once it is the head */
    uint8_t said;  /* enum weft__said */
    /* Its last message was too large to be held, so room comes only once it is the head. */
    bool too_large : 1;
    bool endless : 1; /* weft_request_endless */

    /* The rest is used only if it has a stream. But for the deadline it is zero in the pool. */
    bool answered; /* the codec has had its last encode, though it has not ended */
    bool expired;  /* its deadline has passed, and the pump has not seen that yet */
    struct weft__said_beside *beside; /* owned; NULL: nothing */
    /* Owned, and stays with the request in the pool; NULL: it never had one. */
    struct weft__deadline *deadline;
};

/* The deadline of a request with a stream. The others, of which there may be many that live for long, have no room for
 * it. */
struct weft__deadline {
    struct weft_timer timer;
    struct weft__request *request;
};

/* Holds what weft_request_header and weft_request_trailer have set, with the bytes of its views. */
struct weft__said_beside {
    struct weft_answer answer;
    uint8_t *header, *trailer; /* owned; the second has the words too */
};

/* Requests for reuse: one pool per worker. A zeroed pool is empty. */
struct weft__request_pool {
    struct weft__request *free;
    size_t count;
    size_t states; /* bytes behind each request; fixed before the first is taken */
};

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

static inline void weft__stream_stop_deadline(struct weft__request *request)
{
    if (request->deadline)
        weft_timer_stop(&request->deadline->timer);
}

/* Returns what lies `at` bytes into the states behind a request. */
static inline void *weft__request_state(struct weft__request *request, size_t at)
{
    return (char *)request + WEFT__ALIGN_UP(sizeof *request) + at;
}

/* Returns an unlinked request, or NULL if there is no memory. Its public part is zeroed but for payload and
 * credentials. */
WEFT_MUST_USE struct weft__request *weft__request_take(struct weft__request_pool *pool,
                                                       struct weft__conn *conn);
/* Takes back what was handed out by the arena of a kept request, and frees the arena unless it is small. */
void weft__request_drop_kept(struct weft__request *request);
/* Takes back a request that has ended, is not linked, and neither holds nor keeps anything. */
void weft__request_give(struct weft__request_pool *pool, struct weft__request *request);
void weft__request_pool_fini(struct weft__request_pool *pool);

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
