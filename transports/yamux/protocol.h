/* SPDX-License-Identifier: MIT
 *
 * yamux without I/O: the rules of one session. Bytes of the peer go in, what they mean comes out as calls of
 * struct weft__yamux_events, and what is to be sent waits in `out`. It knows no loop, stream or clock. Private to
 * yamux. */
#ifndef WEFT_YAMUX_PROTOCOL_H
#define WEFT_YAMUX_PROTOCOL_H

#include <stdbool.h>

#include "config.h"
#include "core/base/chain.h"
#include "frame.h"
#include "table.h"

/* The rules' knowledge of a stream. It lies in memory of the caller, who may move it with weft__yamux_move. */
struct weft__yamux_flow {
    uint32_t id;
    uint32_t may_send;    /* bytes that the peer still takes */
    uint32_t may_receive; /* bytes that the peer may still send */
    uint32_t read;        /* bytes that were read, and that no update has granted anew */
    uint32_t sent;     /* bytes that were sent, and that no update of the peer has granted anew */
    bool is_ours : 1;  /* we opened it */
    bool answered : 1; /* it was accepted: by the peer if it is ours, else by us */
    bool sent_end : 1; /* FIN was sent */
    bool got_end : 1;  /* FIN has come, and all bytes before it */
    bool got_fin : 1;  /* FIN has come, though bytes of its frame may not have */
    bool reset : 1;    /* RST was sent or has come, so the id is forgotten */
};

struct weft__yamux;

struct weft__yamux_events {
    /* The peer opens a stream. Returns zeroed memory for it; or NULL, and the stream is reset. */
    struct weft__yamux_flow *(*open)(struct weft__yamux *yamux);
    /* Bytes of a stream have come: the view is valid until this returns. It may use every function below that is not
     * weft__yamux_read, and may forget the flow. Returns false if it has ended the whole session, whose memory is gone. */
    bool (*data)(struct weft__yamux *yamux, struct weft__yamux_flow *flow, struct weft_view bytes);
    /* Something about a stream has changed: got_end, reset, answered or may_send. A flow that is reset was forgotten
     * already. It uses none of the functions below. */
    void (*changed)(struct weft__yamux *yamux, struct weft__yamux_flow *flow);
};

/* A session, zeroed before weft__yamux_init. */
struct weft__yamux {
    const struct weft__yamux_config *config;
    const struct weft__yamux_events *events;
    struct weft__yamux_table flows;
    struct weft_chain out;

    uint8_t head[WEFT__YAMUX_HEADER]; /* the beginning of a header that is not complete */
    size_t head_size;
    uint32_t payload;                /* bytes of a data frame that have not come */
    struct weft__yamux_flow *target; /* of the data frame; NULL: its bytes are dropped */

    uint32_t next_id;   /* of the next stream that we open */
    uint32_t latest_id; /* the highest that the peer has opened */
    size_t unanswered;  /* streams of ours that have no answer */
    size_t owed_ends;   /* forgotten streams whose FIN or RST may still come, at most `streams` */
    bool is_server;
    bool begun;         /* the peer's first header was one of yamux */
    bool takes_streams; /* the peer may open some */
    bool said_away;     /* GO_AWAY was sent */
    bool heard_away;    /* GO_AWAY has come: the peer takes no streams */

    uint32_t frames;   /* that were read; the caller may set it back */
    int64_t now;       /* of the bytes that are read */
    int64_t idle_from; /* when the second began that idle_frames counts */
    uint64_t idle_frames;
    int error;       /* the session has failed; nothing more is read */
    const char *why; /* words for the error: static */
};

/* Allocates nothing. config, events and pool outlive the session. */
void weft__yamux_init(struct weft__yamux *yamux, const struct weft__yamux_config *config,
                      const struct weft__yamux_events *events, struct weft_piece_pool *pool,
                      bool is_server);
/* The flows are their owners' to forget before. */
void weft__yamux_fini(struct weft__yamux *yamux);

/* Reads bytes of the peer; now is the time in nanoseconds. Returns 0; or what `error` is set to, and why: -EPROTO,
 * and a GO_AWAY with its code waits to be sent; -ECONNABORTED: the peer has said that we broke a rule; or -ENOMEM.
 * -ECANCELED: the callback `data` has ended the session. */
int weft__yamux_read(struct weft__yamux *yamux, struct weft_view in, int64_t now);

/* True if the bytes so far end between two frames. */
static inline bool weft__yamux_is_between(const struct weft__yamux *yamux)
{
    return yamux->head_size == 0 && yamux->payload == 0;
}

/* Opens a stream of ours in zeroed memory. Returns 0; -EAGAIN: `backlog` are not answered, or there are `streams`;
 * -ECONNREFUSED: the peer takes none; -EADDRNOTAVAIL: all ids are used up; or -ENOMEM. */
WEFT_MUST_USE int weft__yamux_open(struct weft__yamux *yamux, struct weft__yamux_flow *flow);
/* Accepts a stream of the peer. -ENOMEM: nothing was said. */
WEFT_MUST_USE int weft__yamux_answer(struct weft__yamux *yamux, struct weft__yamux_flow *flow);
/* Moves a flow to other memory. */
void weft__yamux_move(struct weft__yamux *yamux, struct weft__yamux_flow *to,
                      struct weft__yamux_flow *from);

/* Sends bytes of a stream, in one frame. Returns how many: at most those of the vectors, of may_send, and what `output`
 * has room for. 0: none can be taken now. -ENOMEM: nothing was taken. */
WEFT_MUST_USE ssize_t weft__yamux_send(struct weft__yamux *yamux, struct weft__yamux_flow *flow,
                                       const struct iovec *vec, int count);
/* Says that bytes of a stream were read, so that the peer may send as many again. */
void weft__yamux_count_read(struct weft__yamux *yamux, struct weft__yamux_flow *flow, size_t size);
/* Ends our direction of a stream. */
void weft__yamux_end(struct weft__yamux *yamux, struct weft__yamux_flow *flow);
/* Forgets a stream. with_reset: the peer is told so. */
void weft__yamux_forget(struct weft__yamux *yamux, struct weft__yamux_flow *flow, bool with_reset);

/* Asks for a sign of life. */
void weft__yamux_ping(struct weft__yamux *yamux);
/* Says GO_AWAY, once: no stream that the peer opens later is taken. */
void weft__yamux_go_away(struct weft__yamux *yamux, enum weft__yamux_code code);

#endif
