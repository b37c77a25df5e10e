/* SPDX-License-Identifier: MIT
 *
 * A worker: one loop, and everything that exists once per loop rather than once per connection. Private to
 * the core. Everything here is for the worker's thread, but `living` and other atomic members, and but for
 * weft__worker_init and _fini, which are called while no thread runs the loop. */
#ifndef WEFT_WORKER_H
#define WEFT_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/chain.h"
#include "core/connections.h"
#include "core/base/frame_cache.h"
#include "core/base/log.h"
#include "core/loop.h"
#include "core/base/mem.h"
#include "core/server.h"
#include "core/transport.h"
#include "binding.h"
#include "measures.h"
#include "request.h"

struct weft_walk;
struct weft__conn;
struct weft__session;

enum {
    WEFT__READ_SIZE = 256 * 1024, /* the most bytes of one read */
    /* An unfinished frame below this size is copied in front of the next read, in read_buffer. A longer
     * one stays in the connection's own buffer, and the next read goes behind it. */
    WEFT__TAIL_SIZE = 16 * 1024,
    WEFT__TURN_FRAMES = 64, /* frames that a connection may decode in a turn */
    /* Time that decoding them may take, 1 ms. It is compared only if the clock was re-read. */
    WEFT__TURN_NS = 1000000,
    WEFT__LATE_NS = 5000000, /* a turn of the loop that has taken longer, 5 ms, is a long one */
    /* The most connections at one time that are told in words why they are turned away. Further ones are
     * dropped without a word. */
    WEFT__MAX_REFUSING = 256
};

struct weft__worker {
    struct weft_loop *loop;
    const struct weft_limits *limits;
    const struct weft_log *log;

    struct weft_frame_cache *frames; /* the server's, shared by all; NULL: none */
    uint8_t *read_buffer;            /* WEFT__TAIL_SIZE + WEFT__READ_SIZE */
    struct weft_piece_pool pieces;
    struct weft_arena arena; /* scratch of the request whose call() is on the stack */
    struct weft__request_pool requests;
    struct weft_chain codec_bytes; /* what decode wants to send by itself; empty between calls */
    bool refreshed;                /* the clock was re-read since WEFT__TURN_NS was last compared */
    struct weft_turn_hook turn;
    int64_t turn_began;              /* when the loop's turn began */
    int64_t pump_began;              /* when the pump began that is on the stack */
    bool others_wait, others_waited; /* a connection was put off in this turn; in the one before */

    /* Every connection that has memory: also the closed ones whose requests have not ended. */
    struct weft__conn *conns;
    size_t conn_count;
    struct weft__session *sessions; /* whose streams are connections here (session.h) */
    _Atomic uint64_t
        *latest_id; /* the server's: the number of the connection that was opened last */
    _Atomic uint64_t
        states[WEFT_CONNECTION_STATES]; /* connections in each state, as of their last pump */
    struct weft__measures *measures;    /* NULL: nothing is measured */
    struct weft__worker *sibling;       /* the server's next worker; they form a ring */
    struct weft_walk *walks;            /* that have connections here left to visit (walk.c) */
    bool draining;
    uint64_t cut; /* connections that were cut */
    /* Called when the worker is draining and its last connection and session are gone. */
    void (*on_empty)(struct weft__worker *worker);

    /* Connections and sessions placed here, by which the acceptor chooses a worker. It adds one, on the first worker's
     * thread, and the worker subtracts it; a session adds its streams. */
    _Atomic uint64_t living;
    uint64_t refusing; /* connections here that are only told why they are turned away */
    uint64_t log_second, log_lines, log_suppressed; /* for weft__worker_log_close */
};

/* Makes the loop and the buffers. Returns 0, or -errno: nothing is held. The server then sets
 * requests.states and makes the bindings. */
WEFT_MUST_USE int weft__worker_init(struct weft__worker *worker, const struct weft_limits *limits,
                                    const struct weft_log *log, int fd_limit);
/* Frees the worker's memory and its loop. Called after its last connection has gone. */
void weft__worker_fini(struct weft__worker *worker);

/* Makes every connection drain, also those that come later. */
void weft__worker_drain(struct weft__worker *worker);
/* Breaks every connection, so that its pump closes it at once. Counts in cut those that were not yet
 * finished; a connection that lingers (state.h) is. */
void weft__worker_cut(struct weft__worker *worker);

/* Returns the number of a connection that is opened now: one more than that of the one before. */
static inline uint64_t weft__worker_next_id(struct weft__worker *worker)
{
    return atomic_fetch_add_explicit(worker->latest_id, 1, memory_order_relaxed) + 1;
}

/* Calls on_empty if the worker is draining and nothing is left. */
void weft__worker_check_empty(struct weft__worker *worker);

/* Returns the sum of `living` over all workers of the server. */
uint64_t weft__worker_total(const struct weft__worker *worker);

/* Makes the connections of one address drain, also those that come later, and calls its on_empty at once if there
 * are none. */
void weft__worker_drain_share(struct weft__worker *worker, struct weft__share *share);
/* Breaks the connections of one address. They do not count in the worker's cut, which is about its own drain. */
void weft__worker_cut_share(struct weft__worker *worker, const struct weft__share *share);

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

/* Logs that a connection ended. detail is text without quotes, or NULL. At most 20 lines per second are written.
 * The rest are counted, and a later line tells their number. */
void weft__worker_log_close(struct weft__worker *worker, enum weft_reason reason, const char *peer,
                            const char *detail, uint64_t conn);

#endif
