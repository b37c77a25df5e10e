/* SPDX-License-Identifier: MIT
 *
 * A connection: one stream, its codec state, and the order of its replies. It lives on one worker
 * (worker.h), and everything here is for that worker's thread. Private to the core. Each file calls only
 * into files below it in this list, but for the slots of plugins:
 *
 *   session.c     streams of a multiplexer, each of which is a connection
 *   conn.c        life, and the pump: what a connection does in a turn
 *   input.c       stream -> buf -> decode -> call
 *   variant.c     which of the endpoints that share an address a connection is of
 *   layers.c      the layers before a service
 *   streams.c     requests that come with a stream: how they begin, wait and are cancelled
 *   request.c     what a service sees of a connection
 *   peer.c        what is known of who is at the other end
 *   output.c      reply -> order -> encode -> chain -> stream
 *   answers.c     the answers to requests with a stream
 *   deadlines.c   how long a connection may take
 *   worker.c      what exists once per loop
 *   walk.c        the list of all connections, for services
 *   state.c       the states, and the ways to end
 *   order.c       the order of replies; it knows no connection
 *   request_pool.c  requests for reuse */
#ifndef WEFT_CONN_H
#define WEFT_CONN_H

#include "core/base/buf.h"
#include "order.h"
#include "state.h"
#include "worker.h"
#include "core/peer.h"

/* A struct weft_pass with a copy of its object. */
struct weft__pass {
    const unsigned *stamp;
    unsigned made;
    unsigned denied; /* all flags but those of the pass, and WEFT__PASS_NONE if there is no pass */
    bool any;
    uint8_t size;
    uint8_t object[WEFT_PASS_OBJECT_MAX];
};

#define WEFT__PASS_NONE (1u << 31)

struct weft__peer {
    struct weft_peer public;
    char *user, *label; /* owned; public.user and public.label point to them */
    char *credentials;  /* owned, wiped when freed; public.credentials points to it */
    char *proven;       /* owned: what public.subject and the three behind it point to */
    struct weft__conn *conn;
    void (*release)(void *grant); /* of public.grant */
    struct weft__pass pass;
    bool met; /* the layers' meet was called */
    bool
        announcing; /* the request that begins is not a message but its head: see announce (input.c) */
    bool announced; /* that has happened once */
    /* The request for which a layer waits, or NULL, and what weft_layer_resume said. Nothing is decoded
     * meanwhile. */
    struct weft__request *waiting;
    void (*known)(struct weft_request *request, int result); /* NULL: it waits in begin */
    int result;
    bool resumed; /* the layer waits no more, and the pump has to go on with `waiting` */
};

/* One allocation holds this, the stream, the codec's and the service's states and the address. It is freed
 * once the connection is closed and its last request has ended. */
struct weft__conn {
    struct weft__binding *binding;
    struct weft_stream *stream;
    void *service_conn; /* the service's state of this connection */
    struct weft_codec_state codec;

    /* Undecoded bytes: an unfinished frame, or what fairness or a pause left over. */
    struct weft_buf in;
    struct weft_chain out; /* encoded, in the order of the wire */
    struct weft__order order;

    uint64_t id;
    uint64_t session;    /* the id of the session whose stream it is; 0: it is none */
    uint64_t drain_mark; /* while draining: bytes of input whose frames are still executed */
    /* The codec's backlog of all streams; 0 if nothing can shrink it any more, or the codec has none. */
    size_t backlog;
    struct weft_deferred deferred;          /* runs the pump */
    struct weft_timer timer;                /* for the earliest of the deadlines below */
    int64_t frame_start;                    /* when the unfinished frame began; 0: none */
    int64_t write_deadline;                 /* 0: none */
    int64_t rest_deadline;                  /* the end of idling or of lingering; 0: none */
    int64_t opened, heard;                  /* when it was opened, and when its last byte came */
    uint64_t bytes_in, bytes_out, requests; /* counted since it was opened */
    struct weft__conn *next, *prev;         /* in the worker's list */

    /* The size that the unfinished frame declares, at most UINT32_MAX; 0: unknown. */
    uint32_t frame_size;
    union {
        uint32_t bad_frames; /* bad frames in a row */
        uint32_t dropped;    /* while it lingers: bytes that were read and dropped (input.c) */
    };
    uint16_t turn_frames;  /* frames decoded in this turn */
    uint8_t put_off;       /* turns in a row in which it was put off (input.c) */
    uint8_t state;         /* enum weft__conn_state */
    uint8_t reason : 5;    /* enum weft_reason */
    uint8_t interest : 2;  /* what the stream was last asked for */
    bool farewell : 1;     /* the codec's final goodbye was asked for */
    uint8_t counted : 3;   /* the state that the worker counts it in (enum weft_connection_state) */
    bool refused : 1;      /* opened only to be told why it is turned away */
    bool service_open : 1; /* the service's close is owed */
    bool undecided : 1;    /* its binding is only the first of those that share the address */
    bool unknown : 1;      /* a layer guards the endpoint, and the peer has no user yet */
    bool pumping : 1;      /* the pump is on the stack */
    bool shaking : 1;      /* the handshakes of filters go on; inside is true meanwhile */
    bool paused : 1;       /* output, max-pending or pending-bytes stopped the decoding */
    bool yielded : 1;      /* its share of the turn is used up, or it was put off (input.c) */
    bool eof : 1;          /* the peer has ended its direction */
    bool over : 1;         /* the codec said that by the protocol nothing follows */
    bool inside : 1;       /* the consumed bytes end inside a frame, as while one is skipped */
    bool write_blocked : 1; /* the stream took less than was offered; until it says writable */
    bool unsent : 1;        /* the stream still holds bytes that it took (weft_stream_ops.unsent) */
    bool draining : 1;
    bool drain_marked : 1; /* drain_mark is valid */
    bool drain_told : 1;   /* detached requests have heard of the drain */
    bool cancelling : 1;   /* cancel_all walks the order, so requests that end stay linked */
    bool streaming : 1;    /* the codec gives streams: it has a backlog */
    bool expired : 1;      /* the deadline of a request has passed, and the pump has not seen it */
    bool wanted : 1;       /* a message was asked for that the codec may have already */
    bool lost : 1;         /* decode has ended the connection, and is not called any more */
    const char *detail;    /* for the log, or NULL: static, or the stream's */
    const char *address;   /* the peer's as text, in the same allocation */
    struct weft__peer *peer; /* NULL until it is asked for */
};

/* Makes a connection of an accepted handle, which the connection owns from now on, and runs its pump. On
 * failure, of memory or of the system, the handle is dropped and counted as a closed connection. session is the id of
 * the session whose stream it is, or 0. refuse is 0, or 1 + the cause (enum weft_reject_cause) for which the connection
 * is turned away. */
void weft__conn_open(struct weft__binding *binding, const struct weft_accepted *accepted,
                     uint64_t id, uint64_t session, int refuse);

struct weft__peer *weft__conn_peer(struct weft__conn *conn); /* NULL: no memory */
void weft__peer_free(struct weft__peer *peer);               /* does nothing with NULL */

/* True if a layer waits with a request. */
static inline bool weft__conn_asks(const struct weft__conn *conn)
{
    return conn->peer && conn->peer->waiting;
}

/* True if a layer has waited, and the pump has to go on with the request. */
static inline bool weft__conn_resumed(const struct weft__conn *conn)
{
    return conn->peer && conn->peer->resumed;
}

/* Returns its state as others see it. */
static inline enum weft_connection_state weft__conn_state_of(const struct weft__conn *conn)
{
    if (conn->state == WEFT__CONN_LINGER)
        return WEFT_CONNECTION_ENDED;
    if (conn->state != WEFT__CONN_OPEN)
        return WEFT_CONNECTION_CLOSING;
    if (conn->undecided)
        return WEFT_CONNECTION_UNDECIDED;
    return conn->paused ? WEFT_CONNECTION_PAUSED : WEFT_CONNECTION_OPEN;
}

/* True if no reply will be encoded any more. What is encoded may still leave (state.h). */
static inline bool weft__conn_gone(const struct weft__conn *conn)
{
    return conn->state >= WEFT__CONN_FLUSHING;
}

#endif
