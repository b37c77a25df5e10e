/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "conn_private.h"
#include "marks.h"
#include "probes.h"
#include "streams.h"
#include "core/base/compiler.h"

/* The first chunk of what a kept request has: its payload, and what a service needs to answer it later. There are
 * two sizes, because the chunk stays with the request in the pool, where the next one has to find enough. */
enum { KEPT_FIRST = 2 * 1024, KEPT_LARGER = WEFT__KEPT_SMALL - 64, KEPT_PADDING = 64 };

static struct weft__request *from_public(struct weft_request *request)
{
    return weft_container_of(request, struct weft__request, public);
}

/* Returns a copy of the body, or a reference if it is a blob already. NULL: no memory. */
static struct weft_blob *body_blob(const struct weft_body *body)
{
    struct weft_blob *blob;
    uint8_t *data;

    if (body->blob)
        return weft_blob_ref(body->blob);
    blob = weft_blob_new(body->size, &data);
    if (blob)
        weft_body_write(body, data);
    return blob;
}

static void hold_behind_head(struct weft__request *request, const struct weft_body *body)
{
    struct weft__conn *conn = request->conn;
    struct weft_blob *blob = body_blob(body);
    int err = blob ? weft__order_hold(&conn->order, request, blob) : -ENOMEM;

    if (err == 0)
        request->held_last->lasting = body->lasting;
    weft_blob_unref(blob);
    if (err < 0)
        weft__conn_give_up(conn, WEFT_REASON_NO_MEMORY);
    weft__conn_check_output(conn);
}

/* True if messages of the request are encoded at once. */
static bool speaks_at_once(const struct weft__request *request)
{
    return request->place == WEFT__LOOSE || weft__order_is_head(&request->conn->order, request);
}

/* True if the request has to wait for room with this message. First small messages never come here; they
 * are always taken. */
static bool must_wait(struct weft__request *request, const struct weft_body *body)
{
    const struct weft__conn *conn = request->conn;
    const struct weft_limits *limits = conn->binding->worker->limits;
    bool pushes = weft__request_pushes(request);
    size_t mark = pushes ? weft__push_mark(limits) : (size_t)limits->output_high;
    size_t waiting = conn->out.bytes;

    if (speaks_at_once(request))
        return waiting >= mark && (request->said || request != conn->order.calling);
    waiting += conn->order.held_bytes;
    request->too_large = waiting + body->size > weft__most_held(limits);
    return waiting >= mark || request->too_large;
}

/* Encodes or holds a message; last: of the answer. -EAGAIN: it is not taken, and on_room will be called.
 */
static int deliver(struct weft__request *request, const struct weft_body *body, bool last)
{
    struct weft__conn *conn = request->conn;

    if ((request->said || body->size > WEFT_REJECT_MAX) && must_wait(request, body)) {
        weft__order_owe_room(&conn->order, request);
        return -EAGAIN;
    }
    request->said = last ? WEFT__SAID_ALL : WEFT__SAID_SOME;
    if (request->layered.watched)
        request->layered.bytes += body->size;
    if (speaks_at_once(request))
        weft__conn_emit(conn, body, last);
    else
        hold_behind_head(request, body);
    return 0;
}

static int deliver_loose(struct weft__request *request, const struct weft_body *body, bool last)
{
    return request->public.stream ? weft__stream_deliver(request, body, last)
                                  : deliver(request, body, last);
}

/* Goes on with the order if the request is its head, unless cancel_all is walking through it. */
static void advance_from(struct weft__conn *conn, const struct weft__request *request)
{
    if (conn->order.first == request && !conn->cancelling)
        weft__conn_advance(conn);
}

/* Notes that the answer has ended without another message. One behind the head may hold messages: the
 * last of those, or weft__conn_advance, tells the codec. */
static void end_in_silence(struct weft__request *request)
{
    if (request->said != WEFT__SAID_ALL && weft__order_is_head(&request->conn->order, request))
        weft__conn_finish(request->conn, request);
}

/* Tells the layers that have begun, the innermost first, and then the observer, if there is one. */
WEFT_NOINLINE static void tell_layers(struct weft__request *request, struct weft__layers *layers)
{
    uint64_t bytes = request->layered.bytes;

    for (size_t i = request->layered.begun; i-- > 0;)
        if (layers->of[i].layer->end)
            layers->of[i].layer->end(layers->of[i].loop_state,
                                     weft__request_state(request, layers->of[i].at),
                                     &request->public, bytes);
    request->layered.begun = 0;
    request->layered.waited = false;
    if (!layers->observer)
        return;
    layers->tally = layers->observer->observe(layers->observer_loop, &request->public, bytes,
                                              request->layered.timed);
    request->layered.timed = 0;
    if (!layers->tally)
        layers->tally = &layers->none;
}

static WEFT_INLINE void end_layers(const struct weft__conn *conn, struct weft__request *request)
{
    const struct weft_request *public = &request->public;
    struct weft__layers *layers = &conn->binding->layers;
    struct weft_tally *tally = layers->tally;

    if (request->layered.watched == WEFT__WATCHED && tally->action == public->action &&
        tally->status == public->status)
        weft_tally_count(tally, public->payload.size, request->layered.bytes);
    else
        tell_layers(request, layers);
    request->layered.watched = WEFT__UNWATCHED;
    request->layered.bytes = 0;
}

/* Sends the end of a request that is in no order. False: it is refused with -EAGAIN. */
WEFT_NOINLINE static bool end_answer_of_loose(struct weft__request *request,
                                              const struct weft_body *body, bool bad)
{
    if (weft__conn_gone(request->conn) || request->answered)
        return true;
    if ((body || request->public.stream) && deliver_loose(request, body, true) == -EAGAIN)
        return false;
    weft__conn_count_bad(request->conn, bad);
    return true;
}

/* Forgets a request that is in no order and has ended. */
WEFT_NOINLINE static void drop_loose(struct weft__request *request)
{
    struct weft__conn *conn = request->conn;

    if (request->public.stream)
        weft__stream_fini(request);
    weft__order_remove_loose(&conn->order, request);
    weft__request_give(&conn->binding->worker->requests, request);
}

/* Notes that a request has ended, whose answer has been sent. */
static WEFT_INLINE void note_end(struct weft__conn *conn, struct weft__request *request)
{
    weft__order_settle_room(&conn->order, request);
    weft__probe_end(conn->id, request, request->public.status);
    request->ended = true;
    if (request->layered.watched)
        end_layers(conn, request);
    if (request->kept)
        weft__request_drop_kept(request);
}

/* Does what end_request does, for a request that is in no order. */
WEFT_NOINLINE static int end_loose(struct weft__request *request, const struct weft_body *body,
                                   bool bad)
{
    struct weft__conn *conn = request->conn;

    if (!end_answer_of_loose(request, body, bad))
        return -EAGAIN;
    note_end(conn, request);
    drop_loose(request);
    if (!conn->pumping)
        weft__conn_schedule(conn);
    return 0;
}

static int end_request(struct weft__request *request, const struct weft_body *body, bool bad)
{
    struct weft__conn *conn = request->conn;

    if (request->place == WEFT__LOOSE)
        return end_loose(request, body, bad);
    if (!weft__conn_gone(conn)) {
        if (!body)
            end_in_silence(request);
        else if (deliver(request, body, true) == -EAGAIN)
            return -EAGAIN;
        weft__conn_count_bad(conn, bad);
    }
    note_end(conn, request);
    advance_from(conn, request);
    if (!conn->pumping)
        weft__conn_schedule(conn);
    return 0;
}

int weft_request_send(struct weft_request *public, const struct weft_body *body)
{
    struct weft__request *request = from_public(public);
    int err;

    if (weft__conn_gone(request->conn) || request->answered)
        return -ECANCELED;
    err = request->place == WEFT__LOOSE ? deliver_loose(request, body, false)
                                        : deliver(request, body, false);
    if (err == 0)
        weft__conn_schedule(request->conn);
    return err;
}

int weft_request_end(struct weft_request *request, const struct weft_body *body)
{
    return end_request(from_public(request), body, false);
}

int weft_request_end_bad(struct weft_request *request, const struct weft_body *body)
{
    return end_request(from_public(request), body, true);
}

/* Refuses a request with a stream, whose codec words that. */
static void refuse_stream(struct weft__request *request, const struct weft_rejection *why)
{
    if (!weft__conn_gone(request->conn) && !request->answered)
        weft__stream_answer(request, why);
    (void)!end_request(request, NULL, false);
}

void weft_request_refuse(struct weft_request *public, const struct weft_rejection *why)
{
    struct weft__request *request = from_public(public);
    struct weft__conn *conn = request->conn;
    uint8_t text[WEFT_REJECT_MAX];

    weft__count(&conn->binding->counts.rejected, 1);
    if (public->stream) {
        refuse_stream(request, why);
        return;
    }
    size_t size = weft__conn_word(conn, why, text);
    struct weft_body_bytes body = weft_body_from_view(weft_view(text, size));
    if (size == 0) {
        request->said = WEFT__SAID_UNWORDED; /* weft__conn_finish gives up at its turn */
        weft__conn_close_soon(conn, WEFT_REASON_UNWORDED);
    }
    /* A refusal never waits. If the request has sent something before, its words may get -EAGAIN, and
     * then it ends without them. */
    if (size == 0 || end_request(request, &body.body, false) < 0)
        (void)!end_request(request, NULL, false);
}

/* True if a detached request may keep `size` bytes more. Detached requests may live for ever, so what
 * they keep has a sum of its own, which never stops the decoding. */
static bool may_keep_detached(const struct weft__request *request, size_t size)
{
    const struct weft__conn *conn = request->conn;
    const struct weft__detached *detached = conn->order.detached_part;
    size_t kept = detached ? detached->bytes : 0;

    return kept + size <= conn->binding->worker->limits->pending_bytes;
}

int weft_request_detach(struct weft_request *public)
{
    struct weft__request *request = from_public(public);
    struct weft__conn *conn = request->conn;

    if (request->detached)
        return 0;
    if (conn->binding->codec->finish && !public->stream)
        return -ENOTSUP;
    if (conn->order.detached >= conn->binding->worker->limits->max_detached ||
        (request->kept && !may_keep_detached(request, weft_arena_memory(&request->arena))))
        return -ENOSPC;
    int err = weft__order_detach(&conn->order, request);
    if (err < 0)
        return err;
    advance_from(conn, request);
    weft__conn_schedule(conn); /* fewer requests are pending */
    return 0;
}

void weft_request_endless(struct weft_request *public)
{
    struct weft__request *request = from_public(public);

    request->endless = true;
    /* It cannot fail: the part of the order exists since the request came. */
    if (public->stream && !request->detached)
        (void)!weft__order_detach(&request->conn->order, request);
}

/* Copies the bytes of a view to dst, where it shows them from now on. Returns the byte behind the copy. */
static uint8_t *move_view(struct weft_view *view, uint8_t *dst)
{
    if (view->size > 0)
        memcpy(dst, view->data, view->size);
    view->data = dst;
    return dst + view->size;
}

int weft_request_keep(struct weft_request *public)
{
    return weft_request_keep_with_room(public, 0);
}

int weft_request_keep_with_room(struct weft_request *public, size_t room)
{
    struct weft__request *request = from_public(public);
    struct weft__order *order = &request->conn->order;
    bool is_apart = request->detached || public->stream;
    size_t size = public->payload.size + public->credentials.size + public->target.size +
                  public->metadata.size;
    uint8_t *copy;

    if (request->kept)
        return 0;
    if (is_apart && !may_keep_detached(request, size))
        return -ENOMEM;
    request->arena.budget = request->conn->binding->worker->limits->decode_bytes + size;
    request->arena.first = size + room + KEPT_PADDING > KEPT_FIRST ? KEPT_LARGER : KEPT_FIRST;
    copy = weft_arena_alloc(&request->arena, size);
    if (!copy) {
        weft_arena_fini(&request->arena);
        return -ENOMEM;
    }
    copy = move_view(&public->payload, copy);
    copy = move_view(&public->credentials, copy);
    copy = move_view(&public->target, copy);
    (void)move_view(&public->metadata, copy);
    weft_arena_count(&request->arena, is_apart ? &order->detached_part->bytes : &order->kept_bytes);
    request->kept = true;
    return 0;
}

struct weft_arena *weft_request_arena(struct weft_request *public)
{
    struct weft__request *request = from_public(public);
    return request->kept ? &request->arena : &request->conn->binding->worker->arena;
}

uint64_t weft_request_connection(const struct weft_request *public)
{
    return ((const struct weft__request *)(const void *)public)->conn->id;
}

/* Returns what the request says beside its messages, to be changed, or NULL: no memory. */
static struct weft__said_beside *beside_of(struct weft__request *request)
{
    if (!request->beside)
        request->beside = weft_calloc(1, sizeof *request->beside);
    return request->beside;
}

/* Copies one view behind the other to memory of their own. NULL: no memory. */
static uint8_t *copy_views(struct weft_view *first, struct weft_view *second)
{
    uint8_t *copy = weft_malloc(first->size + second->size + 1); /* never 0 bytes */

    if (copy)
        (void)move_view(second, move_view(first, copy));
    return copy;
}

int weft_request_header(struct weft_request *public, struct weft_view header)
{
    struct weft__request *request = from_public(public);
    struct weft__said_beside *beside;
    struct weft_view none = weft_view(NULL, 0);
    uint8_t *copy;

    if (!public->stream)
        return 0;
    beside = beside_of(request);
    copy = beside ? copy_views(&header, &none) : NULL;
    if (!copy)
        return -ENOMEM;
    weft_free(beside->header);
    beside->header = copy;
    beside->answer.header = header;
    return 0;
}

int weft_request_trailer(struct weft_request *public, uint32_t code, struct weft_view words,
                         struct weft_view trailer)
{
    struct weft__request *request = from_public(public);
    struct weft__said_beside *beside;
    uint8_t *copy;

    if (!public->stream)
        return 0;
    if (words.size > WEFT_REJECT_MAX)
        words.size = WEFT_REJECT_MAX;
    beside = beside_of(request);
    copy = beside ? copy_views(&words, &trailer) : NULL;
    if (!copy)
        return -ENOMEM;
    weft_free(beside->trailer);
    beside->trailer = copy;
    beside->answer.code = code;
    beside->answer.words = words;
    beside->answer.trailer = trailer;
    return 0;
}
