/* SPDX-License-Identifier: MIT
 *
 * A connection: one stream, its codec state, and the order of its replies. It lives and dies on one
 * loop. Private to the core. Each file calls only into files below it in this list:
 *
 *   conn.c        life, and the pump: what a connection does in a turn
 *   input.c       stream -> buf -> decode -> call
 *   variant.c     which of the endpoints that share an address a connection is of
 *   request.c     what a service sees of a connection
 *   output.c      reply -> order -> encode -> chain -> stream
 *   deadlines.c   how long a connection may take
 *   state.c       the states, and the ways to end
 *   order.c       the order of replies; it knows no connection */
#ifndef WEFT_CONN_H
#define WEFT_CONN_H

#include "core/base/buf.h"
#include "order.h"
#include "state.h"
#include "worker.h"
#include "core/peer.h"

struct weft__peer {
    struct weft_peer public;
    char *user, *label; /* owned; what public shows */
};

struct weft__conn {
    struct weft__binding *binding;
    struct weft_stream *stream;
    void *service_conn;
    struct weft_codec_state codec;

    /* Undecoded bytes: an unfinished frame, or what fairness or a pause left over. */
    struct weft_buf in;
    struct weft_chain out; /* encoded, in the order of the wire */
    struct weft__order order;

    uint64_t id;
    uint64_t drain_mark; /* while draining: bytes of input that are still to be executed */
    struct weft_deferred deferred;
    struct weft_timer timer;
    int64_t frame_start;    /* when the unfinished frame began; 0: none */
    int64_t write_deadline; /* 0: none */
    int64_t rest_deadline;  /* the end of idling or of lingering; 0: none */
    struct weft__conn *next, *prev;

    uint32_t frame_size;  /* that the unfinished frame declares, at most UINT32_MAX; 0: unknown */
    uint32_t bad_frames;  /* in a row */
    uint16_t turn_frames; /* decoded in this turn */
    uint8_t put_off;      /* turns in a row in which it was deferred (input.c) */
    uint8_t state, reason;
    uint8_t interest;       /* what the stream was last asked for */
    bool refused : 1;       /* opened only to be told why not */
    bool service_open : 1;  /* the service's close is owed */
    bool undecided : 1;     /* its binding is only the first of those that share the address */
    bool pumping : 1;       /* the pump is on the stack */
    bool paused : 1;        /* output or max-pending stopped the decoding */
    bool yielded : 1;       /* the turn's share is used up: the rest is decoded next turn */
    bool eof : 1;           /* the peer ended its side */
    bool over : 1;          /* by the protocol nothing follows what was decoded */
    bool inside : 1;        /* the consumed bytes end inside a frame, as while one is skipped */
    bool write_blocked : 1; /* the stream took less than was offered; until it says writable */
    bool draining : 1;
    bool drain_marked : 1;   /* drain_mark is valid */
    bool drain_told : 1;     /* detached requests have heard of the drain */
    bool cancelling : 1;     /* the order is being walked: requests that end stay linked */
    const char *detail;      /* static text for the log, or NULL */
    const char *address;     /* the peer's as text, in the same allocation */
    struct weft__peer *peer; /* NULL until it is asked for */
};

/* Takes over an accepted handle, also on failure. refuse: 0, or 1 + the cause (enum
 * weft_reject_cause) with which the connection is turned away. On failure (memory, the system) the
 * handle is dropped and counted. */
void weft__conn_open(struct weft__binding *binding, const struct weft_accepted *accepted,
                     uint64_t id, int refuse);

void weft__peer_free(struct weft__peer *peer); /* NULL is fine */

/* True if no reply will be sent any more. */
static inline bool weft__conn_gone(const struct weft__conn *conn)
{
    return conn->state >= WEFT__CONN_FLUSHING;
}

#endif
