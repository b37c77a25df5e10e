/* SPDX-License-Identifier: MIT
 *
 * A request as the core has it, and the pool that it comes from. Private to the core. */
#ifndef WEFT_REQUEST_H
#define WEFT_REQUEST_H

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

enum weft__watched {
    WEFT__UNWATCHED,
    WEFT__WATCHED, /* by an observer, which need not hear of its end if a tally is like it */
    WEFT__HEARD,   /* its end has to be told: a layer has begun, or the observer times it */
};

/* Used only if the endpoint has layers. `begun` and what stands behind it are 0 in the pool. */
struct weft__layered {
    const struct weft__pass *pass; /* the peer's, with which it came; NULL: it had none */
    uint8_t begun;                 /* layers whose begin was called */
    bool waited;                   /* the last of them has to begin again */
    uint8_t watched;               /* enum weft__watched */
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
    /* Its messages come one by one: so far none was the last; and none was asked for that has not come. */
    bool many : 1, ended_by_peer : 1, wanted : 1;

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

/* The memory of a kept request up to this size stays with it in the pool. */
enum { WEFT__KEPT_SMALL = 4 * 1024 };

/* Returns an unlinked request, or NULL if there is no memory. Its public part is zeroed but for payload and
 * credentials. */
WEFT_MUST_USE struct weft__request *weft__request_take(struct weft__request_pool *pool,
                                                       struct weft__conn *conn);
/* Takes back what was handed out by the arena of a kept request, and frees the arena unless it is small. */
void weft__request_drop_kept(struct weft__request *request);
/* Takes back a request that has ended, is not linked, and neither holds nor keeps anything. */
void weft__request_give(struct weft__request_pool *pool, struct weft__request *request);
void weft__request_pool_fini(struct weft__request_pool *pool);

#endif
