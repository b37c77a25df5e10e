/* SPDX-License-Identifier: MIT
 *
 * reply -> order -> encode -> chain -> stream
 *
 * Messages of the head and of loose requests are encoded into conn->out. The pump writes it after decoding,
 * so that the replies to pipelined requests leave together. Messages of other requests are held in the
 * order (order.h) until their request is the head. */
#include <errno.h>

#include "conn_private.h"
#include "marks.h"
#include "probes.h"
#include "streams.h"

/* A message below this size is not deflated, or so quickly that a look at the clock would cost as much. */
enum { MEASURED_SIZE = 1024 };

size_t weft__conn_word(const struct weft__conn *conn, const struct weft_rejection *rejection,
                       uint8_t *dst)
{
    const struct weft__binding *binding = conn->binding;
    return binding->service->reject
               ? binding->service->reject(binding->service_loop, rejection, dst)
               : 0;
}

static int encode(struct weft__conn *conn, const struct weft_body *body, bool last,
                  struct weft_encode_io *io)
{
    *io = (struct weft_encode_io){
        .out = &conn->out, .frames = conn->binding->worker->frames, .last = last};
    return conn->binding->codec->encode(&conn->codec, body, io);
}

/* Does what a codec asked for beside the frame that it has encoded. */
WEFT_NOINLINE static void after_encode(struct weft__conn *conn, const struct weft_encode_io *io)
{
    if (io->heavy)
        weft__worker_refresh(conn->binding->worker);
    if (io->over)
        weft__conn_give_up(conn, WEFT_REASON_PEER_CLOSED);
}

static void emit_too_big(struct weft__conn *conn, bool last, const struct weft_encode_io *io)
{
    uint8_t text[WEFT_REJECT_MAX];
    struct weft_rejection rejection = {WEFT_REJECT_REPLY_TOO_BIG, io->why, io->size, io->limit};
    struct weft_body_bytes body =
        weft_body_from_view(weft_view(text, weft__conn_word(conn, &rejection, text)));
    struct weft_encode_io again;

    weft__count(&conn->binding->counts.rejected, 1);
    if (body.view.size == 0 || encode(conn, &body.body, last, &again) < 0)
        weft__conn_give_up(conn, WEFT_REASON_UNWORDED);
    else
        after_encode(conn, &again);
}

void weft__conn_check_output(struct weft__conn *conn)
{
    const struct weft_limits *limits = conn->binding->worker->limits;
    size_t waiting = conn->out.bytes + conn->order.held_bytes;

    /* The first small message of each request is always taken, so those of max-pending requests may come
     * on top of output-hard. */
    if (waiting > limits->output_hard &&
        waiting - limits->output_hard > limits->max_pending * WEFT_REJECT_MAX)
        weft__conn_break(conn, WEFT_REASON_OUTPUT_LIMIT);
}

/* Encodes, and counts what was deflated. */
WEFT_NOINLINE static int encode_measured(struct weft__conn *conn, const struct weft_body *body,
                                         bool last, struct weft_encode_io *io)
{
    struct weft__counts *counts = &conn->binding->counts;
    struct weft_loop *loop = conn->binding->worker->loop;
    size_t before = conn->out.bytes;
    int64_t began = weft_loop_refresh(loop);
    int err = encode(conn, body, last, io);

    if (err == 0 && io->heavy) {
        weft__count(&counts->deflated, 1);
        weft__count(&counts->deflated_from, body->size);
        weft__count(&counts->deflated_to, conn->out.bytes - before);
        weft__count(&counts->deflating, (uint64_t)(weft_loop_refresh(loop) - began));
    }
    return err;
}

void weft__conn_emit(struct weft__conn *conn, const struct weft_body *body, bool last)
{
    struct weft_encode_io io;
    bool measured = body->size >= MEASURED_SIZE && conn->binding->worker->measures;
    int err = measured ? encode_measured(conn, body, last, &io) : encode(conn, body, last, &io);

    if (err == WEFT_ETOOBIG)
        emit_too_big(conn, last, &io);
    else if (err < 0)
        weft__conn_give_up(conn, err == -ENOMEM ? WEFT_REASON_NO_MEMORY : WEFT_REASON_INTERNAL);
    else if (io.heavy || io.over)
        after_encode(conn, &io);
    weft__conn_check_output(conn);
}

WEFT_NOINLINE void weft__conn_finish(struct weft__conn *conn, struct weft__request *request)
{
    const struct weft_codec *codec = conn->binding->codec;
    struct weft_encode_io io = {
        .out = &conn->out, .frames = conn->binding->worker->frames, .last = true};
    int err;

    if (request->said == WEFT__SAID_UNWORDED) {
        weft__conn_give_up(conn, WEFT_REASON_UNWORDED);
        return;
    }
    request->said = WEFT__SAID_ALL;
    if (!codec->finish)
        return;
    err = codec->finish(&conn->codec, &io);
    if (err < 0)
        weft__conn_give_up(conn, err == -ENOMEM ? WEFT_REASON_NO_MEMORY : WEFT_REASON_INTERNAL);
    else
        after_encode(conn, &io);
}

/* Puts bytes behind the last reply, as a request that has already ended. */
static void place(struct weft__conn *conn, struct weft_view bytes, bool framed)
{
    struct weft__request *request = weft__request_take(&conn->binding->worker->requests, conn);
    struct weft_blob *blob;
    uint8_t *data;
    int err;

    if (!request)
        goto err;
    blob = weft_blob_new(bytes.size, &data);
    if (!blob)
        goto err_after_request;
    memcpy(data, bytes.data, bytes.size);
    err = weft__order_hold(&conn->order, request, blob);
    weft_blob_unref(blob);
    if (err < 0)
        goto err_after_request;
    request->held->framed = framed;
    request->said = WEFT__SAID_ALL;
    request->ended = true;
    weft__order_add(&conn->order, request);
    weft__conn_check_output(conn);
    return;

err_after_request:
    weft__request_give(&conn->binding->worker->requests, request);
err:
    weft__conn_give_up(conn, WEFT_REASON_NO_MEMORY);
}

/* Returns the reason for which a connection ends if the service has no words for a rejection. */
static enum weft_reason silent_reason(enum weft_reject_cause cause)
{
    switch (cause) {
    case WEFT_REJECT_DRAINING:
        return WEFT_REASON_DRAINED;
    case WEFT_REJECT_NO_MEMORY:
        return WEFT_REASON_NO_MEMORY;
    case WEFT_REJECT_TOO_MANY:
        return WEFT_REASON_TOO_MANY;
    default:
        return WEFT_REASON_UNWORDED;
    }
}

void weft__conn_reject(struct weft__conn *conn, const struct weft_rejection *rejection)
{
    uint8_t text[WEFT_REJECT_MAX];
    /* Words of no stream have no place among streams. The codec's goodbye has to do. */
    struct weft_view words =
        weft_view(text, conn->streaming ? 0 : weft__conn_word(conn, rejection, text));

    weft__count(&conn->binding->counts.rejected, 1);
    if (words.size == 0) {
        weft__conn_close_soon(conn, silent_reason(rejection->cause));
        return;
    }
    if (conn->order.first) {
        place(conn, words, false);
    } else {
        struct weft_body_bytes body = weft_body_from_view(words);
        weft__conn_emit(conn, &body.body, true);
    }
}

void weft__conn_codec_bytes(struct weft__conn *conn)
{
    struct weft_chain *bytes = &conn->binding->worker->codec_bytes;

    while (bytes->bytes > 0) {
        struct iovec vec;
        if (!conn->order.first) {
            weft_chain_move(&conn->out, bytes);
            return;
        }
        weft_chain_peek(bytes, &vec, 1); /* finds one: there are bytes */
        place(conn, weft_view(vec.iov_base, vec.iov_len), true);
        weft_chain_consume(bytes, vec.iov_len);
    }
}

static void emit_held(struct weft__conn *conn, struct weft__request *request)
{
    struct weft__held *held;

    while ((held = weft__order_take_held(&conn->order, request))) {
        if (!weft__conn_gone(conn)) {
            struct weft_body body = weft_body_from_blob(held->blob);
            bool last = request->ended && !request->held && request->said != WEFT__SAID_UNWORDED;

            body.lasting = held->lasting;
            if (last)
                request->said = WEFT__SAID_ALL;
            if (!held->framed)
                weft__conn_emit(conn, &body, last);
            else if (weft_chain_append_blob(&conn->out, held->blob) < 0)
                weft__conn_give_up(conn, WEFT_REASON_NO_MEMORY);
        }
        weft__held_free(request, held);
    }
}

void weft__conn_advance(struct weft__conn *conn)
{
    while (conn->order.first) {
        struct weft__request *request = conn->order.first;

        emit_held(conn, request);
        if (!(request->ended || request->detached) || request == conn->order.calling)
            return;
        if (request->ended && request->said != WEFT__SAID_ALL && !weft__conn_gone(conn))
            weft__conn_finish(conn, request);
        weft__order_pop(&conn->order);
        if (request->ended)
            weft__request_give(&conn->binding->worker->requests, request);
    }
}

/* True if a request that was refused may try again. A head that streams waits for the low mark, so that
 * it is called for a good deal of room and not after each write. For the others the held bytes count
 * too. */
static bool has_room(const struct weft__conn *conn, const struct weft__request *request)
{
    const struct weft_limits *limits = conn->binding->worker->limits;

    if (request == conn->order.first)
        return request->endless ? conn->out.bytes <= weft__push_mark(limits) / 2
                                : conn->out.bytes < limits->output_low;
    if (request->too_large)
        return false;
    if (weft__request_pushes(request))
        return conn->out.bytes + conn->order.held_bytes <= weft__push_mark(limits) / 2;
    return conn->out.bytes + conn->order.held_bytes < limits->output_high;
}

/* Each stream has a backlog of its own, so the first that was refused may have to wait for longer. */
static struct weft__request *find_stream_with_room(const struct weft__conn *conn)
{
    struct weft__request *request = conn->order.detached_part->refused.first;

    while (request && !weft__stream_has_room(request))
        request = request->next;
    return request;
}

/* Returns the next request to be told of room, or NULL. Requests in the order come first, because loose
 * ones could take their room for ever. Loose ones are told when half of their mark is free, so that it is
 * not after each write. */
static struct weft__request *find_room(const struct weft__conn *conn)
{
    const struct weft_limits *limits = conn->binding->worker->limits;
    struct weft__request *request = conn->order.room_owed > 0 ? conn->order.first : NULL;

    if (weft__conn_gone(conn))
        return NULL;
    while (request && !(request->room_owed && has_room(conn, request)))
        request = request->next;
    if (!request && conn->order.detached_part && conn->streaming)
        request = find_stream_with_room(conn);
    else if (!request && conn->order.detached_part &&
             conn->out.bytes <= weft__push_mark(limits) / 2)
        request = conn->order.detached_part->refused.first;
    return request;
}

bool weft__conn_can_notify(const struct weft__conn *conn)
{
    return find_room(conn) != NULL;
}

bool weft__conn_notify_room(struct weft__conn *conn)
{
    /* Each is told at most once: one that is refused again waits behind the others. */
    uint32_t most = conn->order.room_owed + conn->order.detached + conn->order.streams;
    bool called = false;

    if (most == 0)
        return false;
    while (most-- > 0) {
        struct weft__request *request = find_room(conn);
        if (!request)
            break;
        weft__order_settle_room(&conn->order, request);
        called = true;
        if (request->public.on_room)
            request->public.on_room(&request->public);
    }
    return called;
}

/* Extends the write deadline by the time that a slow peer may take for the bytes that have just left. */
static void note_progress(struct weft__conn *conn, size_t sent)
{
    const struct weft__worker *worker = conn->binding->worker;
    int64_t latest = weft_loop_now(worker->loop) + (int64_t)worker->limits->write_timeout;

    conn->write_deadline += (int64_t)WEFT_SECONDS((uint64_t)sent) / WEFT__SLOW_BYTES_PER_SECOND;
    if (conn->write_deadline > latest)
        conn->write_deadline = latest;
}

void weft__conn_flush(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;
    size_t sent = 0;

    while (conn->out.bytes > 0 && !conn->write_blocked && conn->state < WEFT__CONN_BROKEN) {
        struct iovec vec[WEFT_IOV_MAX];
        int count = weft_chain_peek(&conn->out, vec, WEFT_IOV_MAX);
        size_t offered = 0;
        ssize_t taken = conn->stream->ops->writev(conn->stream, vec, count);
        weft__probe_write(conn->id, count, taken);

        if (taken == -EAGAIN) {
            conn->write_blocked = true;
            break;
        }
        if (taken < 0) {
            weft__conn_break(conn, weft_reason_of_stream((int)taken));
            return;
        }
        for (int i = 0; i < count; i++)
            offered += vec[i].iov_len;
        weft_chain_consume(&conn->out, (size_t)taken);
        weft__count(&conn->binding->counts.bytes_out, (uint64_t)taken);
        conn->bytes_out += (uint64_t)taken;
        sent += (size_t)taken;
        conn->write_blocked = (size_t)taken < offered;
    }
    if (conn->stream->ops->unsent)
        conn->unsent = conn->stream->ops->unsent(conn->stream, &sent) > 0;
    if (conn->write_deadline != 0)
        note_progress(conn, sent);
    if (!weft__conn_has_output(conn))
        conn->write_deadline = 0;
    else if ((conn->write_blocked || conn->unsent || conn->backlog > 0) &&
             conn->write_deadline == 0)
        conn->write_deadline = weft_loop_now(worker->loop) + (int64_t)worker->limits->write_timeout;
}

void weft__conn_add_bad(struct weft__conn *conn)
{
    uint64_t most = conn->binding->worker->limits->max_bad_frames;

    conn->bad_frames++;
    if (most > 0 && conn->bad_frames >= most)
        weft__conn_close_soon(conn, WEFT_REASON_BAD_FRAMES);
}
