/* SPDX-License-Identifier: MIT
 *
 * A session on its loop, and its streams. Private to yamux. Each file calls only into those below it:
 *
 *   yamux.c     the transport: a listener's slots, and begin and dial
 *   stream.c    a stream's slots
 *   session.c   what the stream below brings and takes, and how a session ends
 *   keep.c      bytes that nobody has read yet
 *   ready.c     what a stream's owner can do now
 *   lists.c     the lists of a session
 *   protocol.c  the rules, without I/O */
#ifndef WEFT_YAMUX_SESSION_H
#define WEFT_YAMUX_SESSION_H

#include "core/base/buf.h"
#include "core/loop.h"
#include "core/transport.h"
#include "protocol.h"

/* One stream. It lies in the memory of whoever has it; one that was not attached yet is the session's, on the heap. */
struct weft__yamux_stream {
    struct weft_stream stream;
    struct weft__yamux_flow flow;
    struct weft__yamux_session *session; /* NULL: the session is gone */
    struct weft_loop *loop;
    struct weft_deferred again; /* tells the owner of what is ready, once per turn */
    struct weft_buf in;         /* bytes that came and were not read */
    struct weft_view fresh;     /* those of the frame that is being read, behind `in` */
    struct weft__yamux_stream *next, **link;               /* all of the session */
    struct weft__yamux_stream *next_waiting;               /* not accepted yet */
    struct weft__yamux_stream *next_writer, **writer_link; /* wait for room; link is NULL: not */
    int error;       /* the session has failed: the result of reads. 0: it has not */
    const char *why; /* words for it, or NULL */
    uint8_t wanted;
    bool told : 1;   /* the owner has heard of the error */
    bool handed : 1; /* accept gave it away, and nobody has attached it */
};

enum weft__yamux_state {
    WEFT__YAMUX_OPEN,
    WEFT__YAMUX_LEAVING, /* the last words leave, and then what still comes is dropped */
    WEFT__YAMUX_OVER,    /* accept says so */
};

struct weft__yamux_session {
    struct weft_listener listener;
    struct weft__yamux protocol;
    struct weft_loop *loop;
    struct weft_stream *below;
    const char *peer; /* the address, for the log */
    struct weft_deferred again;
    struct weft_timer timer;            /* for the keepalive, and for the time that leaving takes */
    struct weft__yamux_stream *streams; /* attached, handed and waiting */
    struct weft__yamux_stream *waiting, **waiting_end; /* to be accepted, in their order */
    struct weft__yamux_stream *writers, **writers_end; /* by turns */
    size_t waiting_count;
    struct weft__yamux_stream
        *current;    /* whose owner is told of bytes; NULL: it has closed the stream */
    bool *gone;      /* set when the session closes while it is on the stack; NULL: it is not */
    size_t buffered; /* bytes in the buffers of all streams */
    size_t dropped;  /* bytes that came behind our last words */
    int result;      /* what accept says once it is over */
    uint8_t state;
    bool enabled : 1;     /* the owner takes streams */
    bool connected : 1;   /* the stream below is there, and its handshake is over */
    bool reading : 1;     /* the stream below is being read */
    bool quiet : 1;       /* meanwhile no owner is told of bytes */
    bool below_ended : 1; /* the peer has ended its direction */
    bool shut : 1;        /* we have ended ours */
    bool heard : 1;       /* bytes have come since the timer was set */
    bool pinged : 1;      /* a ping was sent, and no byte has come since */
};

/* Begins a session over a stream, which has the session for its owner from now on. */
void weft__yamux_session_begin(struct weft__yamux_session *session, struct weft_loop *loop,
                               struct weft_stream *below, const struct weft_session_setup *setup);
/* Ends it at once: its streams are reset, and the stream below is closed. */
void weft__yamux_session_close(struct weft__yamux_session *session);

/* Reads below and keeps what comes, without telling any owner. */
void weft__yamux_session_pull(struct weft__yamux_session *session);
/* Sees to it that what waits is sent in this turn, together with what else this turn brings. */
void weft__yamux_session_flush_soon(struct weft__yamux_session *session);
/* Ends the session once nothing is left to do. Called when a stream has gone, and when the owner takes no more. */
void weft__yamux_session_settle(struct weft__yamux_session *session);

/* keep.c */

/* Keeps bytes that the owner has not taken. It may reset a stream, this one or that which holds the most. */
void weft__yamux_keep(struct weft__yamux_stream *stream, struct weft_view bytes);
void weft__yamux_drop_input(struct weft__yamux_stream *stream);
/* The stream was reset, and its flow is forgotten: tells its owner, or frees it if nobody has it. */
void weft__yamux_lose(struct weft__yamux_stream *stream);

/* lists.c */

/* Links a stream to its session, and takes it away. */
void weft__yamux_link(struct weft__yamux_session *session, struct weft__yamux_stream *stream);
void weft__yamux_unlink(struct weft__yamux_stream *stream);
/* Puts a stream behind those that wait for room to write, and takes it away. Twice is fine. */
void weft__yamux_queue_writer(struct weft__yamux_stream *stream);
void weft__yamux_unqueue_writer(struct weft__yamux_stream *stream);

/* Puts a stream behind those that wait to be accepted, and takes the first of them; NULL: none waits. */
void weft__yamux_add_waiting(struct weft__yamux_stream *stream);
struct weft__yamux_stream *weft__yamux_take_waiting(struct weft__yamux_session *session);
/* Frees a stream that was not attached; with_reset: the peer is told so. */
void weft__yamux_drop(struct weft__yamux_stream *stream, bool with_reset);
/* Takes one of those that wait out of their list, and frees it. */
void weft__yamux_drop_waiting(struct weft__yamux_stream *stream);

/* stream.c: the slots of an attached stream. */
extern const struct weft_stream_ops weft__yamux_stream_ops;

/* ready.c */

/* Returns the bytes that came and were not read. */
size_t weft__yamux_unread(const struct weft__yamux_stream *stream);
/* True if the stream is at an end at which neither bytes nor FIN can follow, so that every call has an answer. */
bool weft__yamux_is_broken(const struct weft__yamux_stream *stream);
/* True if a read would not return -EAGAIN. */
bool weft__yamux_is_readable(const struct weft__yamux_stream *stream);
/* True if the session takes bytes of streams now. */
bool weft__yamux_has_room(const struct weft__yamux_session *session);
/* True if it takes bytes of this stream; the stream is not broken. */
bool weft__yamux_can_write(const struct weft__yamux_stream *stream);
/* Returns the events that are ready and wanted. */
unsigned weft__yamux_events(const struct weft__yamux_stream *stream);
/* Tells the owner, in this turn or the next, if something is ready to be read. */
void weft__yamux_notify(struct weft__yamux_stream *stream);
/* The run of a stream's `again`. */
void weft__yamux_again(struct weft_deferred *deferred);

#endif
