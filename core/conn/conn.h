/* SPDX-License-Identifier: MIT
 *
 * A connection: one stream, its codec state, the order of its replies. It lives and dies on one
 * loop. Private to the core.
 *
 *   conn.c            life: open, the ways to end, close
 *   conn_pump.c       what it does in a turn
 *   conn_input.c      stream -> buf -> decode -> call
 *   conn_output.c     reply -> order -> encode -> chain -> stream
 *   conn_deadlines.c  how long it may take
 *   request.c         what a service sees of it
 *   conn_private.h    what these files share
 *
 *   OPEN -----> CLOSING ----> FLUSHING -----> LINGER -----> CLOSED
 *   reads,      decodes no    answers no      our side      the stream is gone; the memory
 *   decodes     more; what    more; what      is ended;     goes once the last request
 *               is owed is    is encoded      reads and     has ended
 *               answered      still leaves    drops
 *
 * `broken` is the short way to CLOSED from anywhere: it is only marked where it is found, and acted
 * upon by the pump, so that no plugin is entered from within one of its own calls. */
#ifndef WEFT_CONN_H
#define WEFT_CONN_H

#include "core/base/buf.h"
#include "worker.h"

enum weft__conn_state {
    WEFT__CONN_OPEN,
    WEFT__CONN_CLOSING,
    WEFT__CONN_FLUSHING,
    WEFT__CONN_LINGER,
    WEFT__CONN_CLOSED
};

struct weft__conn {
    struct weft__binding *binding;
    struct weft_stream *stream;
    void *service_conn;
    struct weft_codec_state codec;

    /* Undecoded bytes: an unfinished frame, or what fairness or a pause left over. */
    struct weft_buf in;
    struct weft_chain out; /* encoded, in the order of the wire */

    /* The order. `calling` is a request within call(); one that found the list empty is the head
     * without being in it. */
    struct weft__request *first, *last, *calling;
    uint32_t pending; /* in the list */
    uint32_t bad_frames;
    size_t held_bytes;  /* bytes finished behind the head */
    uint32_t room_owed; /* requests that were answered -EAGAIN */

    uint64_t id;
    uint64_t drain_mark; /* bytes of input still executed while draining */
    struct weft_deferred deferred;
    struct weft_timer timer;
    int64_t timer_at;       /* what the timer is armed for; 0: not armed */
    int64_t frame_start;    /* when the unfinished frame began; 0: none */
    uint64_t frame_size;    /* what it has said that it will be; 0: unknown */
    int64_t write_deadline; /* 0: none */
    int64_t rest_deadline;  /* of idling, or of lingering; 0: none */
    int64_t turn_began;
    struct weft__conn *next, *prev;

    uint32_t turn_frames; /* decoded in this turn */
    uint8_t put_off;      /* turns in a row in which others went first */
    uint8_t state, reason;
    uint8_t interest;       /* what the stream was last asked for */
    bool refused : 1;       /* opened only to be told why not */
    bool service_open : 1;  /* the service's close is owed */
    bool pumping : 1;       /* the pump is on the stack */
    bool paused : 1;        /* output or max-pending stopped the decoding */
    bool yielded : 1;       /* the turn's share is used up: the rest is decoded next turn */
    bool eof : 1;           /* the peer ended its side */
    bool inside : 1;        /* consumed bytes end inside a frame (being skipped) */
    bool write_blocked : 1; /* until the stream says writable */
    bool broken : 1;
    bool draining : 1;
    bool drain_marked : 1; /* drain_mark is valid */
    bool cancelling : 1;   /* requests that end are swept later */
    const char *detail;    /* static text for the log, or NULL */
    const char *peer;      /* the peer's address as text, in the same allocation */
};

/* Takes over an accepted handle, also on failure. refuse: 0, or 1 + the cause (enum
 * weft_reject_cause) with which to turn it away. On failure (memory, the system) it is dropped and
 * counted. */
void weft__conn_open(struct weft__binding *binding, const struct weft_accepted *accepted,
                     uint64_t id, int refuse);

/* The pump in this turn or the next; nothing where it is on the stack already. */
void weft__conn_schedule(struct weft__conn *conn);

/* Three ways to end, of which the first reason wins. Each only marks the connection. */

/* No more decoding; what is owed is answered and sent. */
void weft__conn_close_soon(struct weft__conn *conn, enum weft_reason reason);
/* A reply in the order cannot be had, so none after it may be sent: only what is encoded is. */
void weft__conn_give_up(struct weft__conn *conn, enum weft_reason reason);
/* The stream is worth nothing any more: the pump closes it at once. */
void weft__conn_break(struct weft__conn *conn, enum weft_reason reason);

/* Drain: frames that have come by now are executed, later ones refused. */
void weft__conn_drain(struct weft__conn *conn);

/* No reply will be sent any more. */
static inline bool weft__conn_gone(const struct weft__conn *conn)
{
    return conn->broken || conn->state >= WEFT__CONN_FLUSHING;
}

/* The head's reply: encoded at once. */
void weft__conn_emit(struct weft__conn *conn, const struct weft_body *body);
/* Breaks where more output waits than the hard limit allows. */
void weft__conn_check_output(struct weft__conn *conn);
/* Pops what has ended, encodes what was held behind it. */
void weft__conn_advance(struct weft__conn *conn);
/* Of an answered request: whether it was a bad frame. */
void weft__conn_count_bad(struct weft__conn *conn, bool bad);

#endif
