/* SPDX-License-Identifier: MIT
 *
 * A worker: one loop, its thread, and everything that exists once per loop rather than once per
 * connection. Private to the core. */
#ifndef WEFT_WORKER_H
#define WEFT_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/chain.h"
#include "core/codec.h"
#include "core/base/frame_cache.h"
#include "core/base/log.h"
#include "core/loop.h"
#include "core/base/mem.h"
#include "core/server.h"
#include "core/service.h"
#include "core/transport.h"
#include "layers.h"
#include "order.h"

struct weft__conn;
struct weft__worker;

enum {
    WEFT__READ_SIZE = 256 * 1024, /* one read, and the bytes a connection may decode in a turn */
    /* The longest unfinished tail that is put before a read rather than read behind. */
    WEFT__TAIL_SIZE = 16 * 1024,
    WEFT__TURN_FRAMES = 64, /* frames a connection may decode in a turn */
    WEFT__TURN_NS =
        1000000, /* time that decoding them may take; checked once the clock is re-read */
    WEFT__LATE_NS = 5000000 /* a turn of the loop that has taken longer is a long one */
};

/* Written by one thread, read by any: relaxed loads and stores, no read-modify-write. */
struct weft__counts {
    _Atomic uint64_t accepted, open, requests, rejected, bytes_in, bytes_out;
    _Atomic uint64_t closed[WEFT_REASON_COUNT];
};

static inline void weft__count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* An endpoint as one worker sees it: the three plugins and their states on this loop. Endpoints that
 * share an address follow their first one in the worker's array. */
struct weft__binding {
    struct weft__worker *worker;
    const struct weft_transport *transport;
    const struct weft_codec *codec;
    const struct weft_service *service;
    const void *codec_config;
    uint32_t config_id;
    void *codec_loop, *service_loop;
    struct weft__layers layers;
    /* The service's call, or the one that has the layers begin first. */
    void (*call)(void *loop_state, void *conn_state, struct weft_request *request);
    /* Set in the first one of an address: how many share it, and the largest of their connection states. */
    size_t variants, codec_room, service_room;
    struct weft__counts counts;
};

struct weft__worker {
    struct weft_loop *loop;
    const struct weft_limits *limits;
    const struct weft_log *log;
    struct weft__binding *bindings; /* one per endpoint */
    size_t binding_count;

    struct weft_frame_cache *frames; /* the server's, shared by all; NULL: none */
    uint8_t *read_buffer;            /* WEFT__TAIL_SIZE + WEFT__READ_SIZE */
    struct weft_piece_pool pieces;
    struct weft_arena arena; /* scratch of the request whose call() is on the stack */
    struct weft__request_pool requests;
    struct weft_chain codec_bytes; /* what decode wants to send by itself; empty between calls */
    bool refreshed;                /* the clock was re-read since the last check */
    struct weft_turn_hook turn;
    int64_t turn_began;              /* the loop's turn, not one connection's part of it */
    int64_t pump_began;              /* the part of the connection whose pump is on the stack */
    bool others_wait, others_waited; /* a connection was put off in this turn, in the one before */

    /* Every connection that has memory: also the closed ones whose requests have not ended. */
    struct weft__conn *conns;
    size_t conn_count;
    bool draining;
    uint64_t cut;
    /* Called when draining and the last connection is gone. */
    void (*on_empty)(struct weft__worker *worker);

    _Atomic uint64_t living; /* connections placed here: what the acceptor balances */
    uint64_t refusing;       /* connections here that are only being told why not */
    uint64_t log_second, log_lines, log_suppressed;
};

/* Makes the loop and the buffers. The server fills the bindings. On failure nothing is held. */
WEFT_MUST_USE int weft__worker_init(struct weft__worker *worker, const struct weft_limits *limits,
                                    const struct weft_log *log, size_t binding_count, int fd_limit);
/* Called after the worker's last connection has gone. */
void weft__worker_fini(struct weft__worker *worker);

/* Makes every connection drain, also those that come later. Worker's thread. */
void weft__worker_drain(struct weft__worker *worker);
/* Closes every connection at once and counts it in cut. Worker's thread. */
void weft__worker_cut(struct weft__worker *worker);

/* Re-reads the clock. Called after work that may have taken long. */
static inline void weft__worker_refresh(struct weft__worker *worker)
{
    weft_loop_refresh(worker->loop);
    worker->refreshed = true;
}

/* True if this turn of the loop has been long, for all connections together. */
static inline bool weft__worker_is_late(const struct weft__worker *worker)
{
    return weft_loop_now(worker->loop) - worker->turn_began > WEFT__LATE_NS;
}

/* Logs that a connection ended. At most 20 lines per second are written; the rest are counted. */
void weft__worker_log_close(struct weft__worker *worker, enum weft_reason reason, const char *peer,
                            const char *detail, uint64_t conn);

#endif
