/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <errno.h>
#include <inttypes.h>

#include "conn.h"
#include "session.h"
#include "core/base/compiler.h"

enum { LOG_LINES_PER_SECOND = 20, FREE_SEGMENTS = 64 };

static void begin_turn(struct weft_turn_hook *hook)
{
    struct weft__worker *worker = weft_container_of(hook, struct weft__worker, turn);

    worker->turn_began = weft_loop_now(worker->loop);
    worker->others_waited = worker->others_wait;
    worker->others_wait = false;
}

static void end_turn(struct weft_turn_hook *hook)
{
    struct weft__worker *worker = weft_container_of(hook, struct weft__worker, turn);

    if (worker->measures)
        weft__measure_turn(worker->measures, worker->turn_began, weft_loop_refresh(worker->loop));
}

int weft__worker_init(struct weft__worker *worker, const struct weft_limits *limits,
                      const struct weft_log *log, int fd_limit)
{
    *worker = (struct weft__worker){.limits = limits, .log = log, .sibling = worker};
    worker->read_buffer = weft_malloc((size_t)WEFT__TAIL_SIZE + WEFT__READ_SIZE);
    if (!worker->read_buffer)
        return -ENOMEM;
    int err = weft_loop_new(&worker->loop, fd_limit);
    if (err < 0) {
        weft_free(worker->read_buffer);
        return err;
    }
    worker->turn.begin = begin_turn;
    worker->turn.end = end_turn;
    weft_loop_add_hook(worker->loop, &worker->turn);
    weft_piece_pool_init(&worker->pieces, FREE_SEGMENTS);
    weft_chain_init(&worker->codec_bytes, &worker->pieces);
    weft_arena_init(&worker->arena, limits->decode_bytes);
    return 0;
}

void weft__worker_fini(struct weft__worker *worker)
{
    weft__request_pool_fini(&worker->requests);
    weft_chain_fini(&worker->codec_bytes);
    weft_piece_pool_fini(&worker->pieces);
    weft_arena_fini(&worker->arena);
    weft_loop_remove_hook(worker->loop, &worker->turn);
    weft_loop_free(worker->loop);
    weft_free(worker->measures);
    weft_free(worker->read_buffer);
}

void weft__worker_drain(struct weft__worker *worker)
{
    struct weft__conn *next;

    worker->draining = true;
    for (struct weft__session *session = worker->sessions; session; session = session->next)
        weft__session_drain(session);
    for (struct weft__conn *conn = worker->conns; conn; conn = next) {
        next = conn->next;
        weft__conn_drain(conn);
    }
    weft__worker_check_empty(worker);
}

void weft__worker_check_empty(struct weft__worker *worker)
{
    if (!worker->conns && !worker->sessions && worker->draining && worker->on_empty)
        worker->on_empty(worker);
}

uint64_t weft__worker_total(const struct weft__worker *worker)
{
    const struct weft__worker *at = worker;
    uint64_t total = 0;

    do {
        total += atomic_load_explicit(&at->living, memory_order_relaxed);
        at = at->sibling;
    } while (at != worker);
    return total;
}

/* Breaks a connection, unless it is broken. Returns true if it was not yet finished. */
static bool cut(struct weft__conn *conn)
{
    bool finished = conn->state == WEFT__CONN_LINGER;

    if (conn->state >= WEFT__CONN_BROKEN)
        return false;
    weft__conn_break(conn, WEFT_REASON_CUT);
    return !finished;
}

void weft__worker_cut(struct weft__worker *worker)
{
    for (struct weft__conn *conn = worker->conns; conn; conn = conn->next)
        worker->cut += cut(conn);
    for (struct weft__session *session = worker->sessions; session; session = session->next)
        weft__session_break(session, WEFT_REASON_CUT);
}

void weft__worker_drain_share(struct weft__worker *worker, struct weft__share *share)
{
    share->draining = true;
    for (struct weft__conn *conn = worker->conns; conn; conn = conn->next)
        if (conn->binding->share == share)
            weft__conn_drain(conn);
    for (struct weft__session *session = worker->sessions; session; session = session->next)
        if (session->binding->share == share)
            weft__session_drain(session);
    if (share->conns == 0)
        share->on_empty(share);
}

void weft__worker_cut_share(struct weft__worker *worker, const struct weft__share *share)
{
    for (struct weft__conn *conn = worker->conns; conn; conn = conn->next)
        if (conn->binding->share == share)
            (void)cut(conn);
    for (struct weft__session *session = worker->sessions; session; session = session->next)
        if (session->binding->share == share)
            weft__session_break(session, WEFT_REASON_CUT);
}

void weft__worker_log_close(struct weft__worker *worker, enum weft_reason reason, const char *peer,
                            const char *detail, uint64_t conn)
{
    bool ordinary = reason == WEFT_REASON_PEER_CLOSED || reason == WEFT_REASON_DRAINED;
    enum weft_log_level level = ordinary ? WEFT_LOG_DEBUG : WEFT_LOG_INFO;
    uint64_t second;

    if (!weft_log_on(worker->log, level))
        return;
    second = (uint64_t)weft_loop_now(worker->loop) / 1000000000u;
    if (second != worker->log_second) {
        if (worker->log_suppressed)
            weft_log_write(worker->log, WEFT_LOG_INFO, "suppressed", "lines=%" PRIu64,
                           worker->log_suppressed);
        worker->log_second = second;
        worker->log_lines = worker->log_suppressed = 0;
    }
    if (worker->log_lines++ >= LOG_LINES_PER_SECOND) {
        worker->log_suppressed++;
        return;
    }
    weft_log_write(worker->log, level, "close", "conn=%" PRIu64 " peer=%s reason=%s%s%s%s", conn,
                   peer, weft_reason_name(reason), detail ? " detail=\"" : "", detail ? detail : "",
                   detail ? "\"" : "");
}
