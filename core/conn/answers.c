/* SPDX-License-Identifier: MIT
 *
 * The answers to requests with a stream. Their messages are encoded at once. What the peer's window has no room
 * for waits in the codec, which is the backlog. Each stream has its own, so a request is refused by that. */
#include <errno.h>

#include "conn_private.h"
#include "marks.h"
#include "streams.h"

void weft__conn_note_backlog(struct weft__conn *conn)
{
    bool is_stuck = conn->state != WEFT__CONN_OPEN && (conn->eof || conn->lost);
    size_t backlog = is_stuck ? 0 : conn->binding->codec->backlog(&conn->codec, 0);

    /* The peer takes something, so its time begins anew at the next weft__conn_flush. */
    if (backlog < conn->backlog)
        conn->write_deadline = 0;
    conn->backlog = backlog;
}

void weft__conn_say_goodbye(struct weft__conn *conn, bool final)
{
    conn->farewell = final;
    if (!conn->binding->codec->goodbye)
        return;
    conn->binding->codec->goodbye(&conn->codec, final, &conn->out);
    weft__conn_note_backlog(conn);
}

/* Breaks the connection if more waits than output-hard and the small first messages that are always taken. */
static void check_output(struct weft__conn *conn)
{
    const struct weft_limits *limits = conn->binding->worker->limits;
    size_t waiting = conn->out.bytes + conn->backlog;

    if (waiting > limits->output_hard &&
        waiting - limits->output_hard > limits->max_pending * WEFT_REJECT_MAX)
        weft__conn_break(conn, WEFT_REASON_OUTPUT_LIMIT);
}

static void after_encode(struct weft__conn *conn, int err, const struct weft_encode_io *io)
{
    if (err < 0)
        weft__conn_give_up(conn, err == -ENOMEM ? WEFT_REASON_NO_MEMORY : WEFT_REASON_INTERNAL);
    else if (io->heavy)
        weft__worker_refresh(conn->binding->worker);
    weft__conn_note_backlog(conn);
    check_output(conn);
}

static struct weft_encode_io encode_io(struct weft__conn *conn, uint32_t stream, bool last,
                                       const struct weft_answer *answer)
{
    return (struct weft_encode_io){
        .out = &conn->out,
        .frames = conn->binding->worker->frames,
        .last = last,
        .stream = stream,
        .answer = answer,
    };
}

void weft__stream_reject(struct weft__conn *conn, uint32_t stream,
                         const struct weft_rejection *rejection)
{
    struct weft_answer answer = {.rejected = rejection};
    struct weft_encode_io io = encode_io(conn, stream, true, rejection ? &answer : NULL);
    int err = conn->binding->codec->encode(&conn->codec, NULL, &io);

    if (rejection)
        weft__count(&conn->binding->counts.rejected, 1);
    after_encode(conn, err, &io);
}

void weft__stream_answer(struct weft__request *request, const struct weft_rejection *rejected)
{
    request->said = WEFT__SAID_ALL;
    request->answered = true;
    weft__stream_reject(request->conn, request->public.stream, rejected);
}

static void emit(struct weft__request *request, const struct weft_body *body, bool last)
{
    struct weft__conn *conn = request->conn;
    struct weft_encode_io io = encode_io(conn, request->public.stream, last,
                                         request->beside ? &request->beside->answer : NULL);
    int err = conn->binding->codec->encode(&conn->codec, body, &io);

    if (err == WEFT_ETOOBIG) {
        struct weft_rejection why = {WEFT_REJECT_REPLY_TOO_BIG, io.why, io.size, io.limit};
        weft__stream_answer(request, &why);
        return;
    }
    request->answered = last;
    after_encode(conn, err, &io);
}

/* Returns the bytes of its stream from which on a request gets -EAGAIN. */
static size_t mark_of(const struct weft__request *request)
{
    const struct weft_limits *limits = request->conn->binding->worker->limits;

    return weft__request_pushes(request) ? weft__push_mark(limits) : (size_t)limits->output_low;
}

static size_t stream_backlog(const struct weft__request *request)
{
    const struct weft__conn *conn = request->conn;

    return conn->backlog > 0 ? conn->binding->codec->backlog(&conn->codec, request->public.stream)
                             : 0;
}

/* True if a message of so many bytes has to wait. */
static bool must_wait(struct weft__request *request, size_t size)
{
    const struct weft__conn *conn = request->conn;
    const struct weft_limits *limits = conn->binding->worker->limits;
    size_t waiting = conn->out.bytes + conn->backlog;
    size_t most_out =
        weft__request_pushes(request) ? weft__push_mark(limits) : (size_t)limits->output_high;

    request->too_large = waiting > 0 && waiting + size > weft__most_held(limits);
    return request->too_large || conn->out.bytes >= most_out ||
           stream_backlog(request) >= mark_of(request);
}

bool weft__stream_has_room(const struct weft__request *request)
{
    const struct weft__conn *conn = request->conn;
    size_t low = mark_of(request) / 2;

    if (request->too_large)
        return conn->out.bytes + conn->backlog == 0;
    return conn->out.bytes <= low && stream_backlog(request) <= low;
}

int weft__stream_deliver(struct weft__request *request, const struct weft_body *body, bool last)
{
    struct weft__conn *conn = request->conn;
    bool is_first = !request->said;
    bool is_taken =
        !body || (is_first && (body->size <= WEFT_REJECT_MAX || request == conn->order.calling));

    if (!is_taken && must_wait(request, body->size)) {
        weft__order_owe_room(&conn->order, request);
        return -EAGAIN;
    }
    request->said = last ? WEFT__SAID_ALL : WEFT__SAID_SOME;
    if (request->layered.watched && body)
        request->layered.bytes += body->size;
    emit(request, body, last);
    return 0;
}

void weft__stream_fini(struct weft__request *request)
{
    weft__stream_stop_deadline(request);
    if (request->beside) {
        weft_free(request->beside->header);
        weft_free(request->beside->trailer);
        weft_free(request->beside);
        request->beside = NULL;
    }
    request->answered = request->expired = false;
    request->public.target = request->public.metadata = weft_view(NULL, 0);
    request->public.on_message = NULL;
}
