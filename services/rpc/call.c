/* SPDX-License-Identifier: MIT
 *
 * The life of a call, from its request to its end. A call lies in memory of the loop's rather than in the
 * request's arena, so that a call that is answered at once needs no weft_request_keep. */
#include <errno.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "private.h"

enum { MOST_SPARE = 64, TEXT_KEPT = 64 << 10 };

/* --- memory ------------------------------------------------------------------------------------------- */

struct weft_rpc_call *weft__rpc_call_new(struct weft__rpc_loop *loop, struct weft_request *request)
{
    struct weft_rpc_call *call = loop->spare;
    if (call) {
        loop->spare = call->next;
        loop->spare_count--;
    } else {
        call = weft_malloc(sizeof *call);
        if (!call)
            return NULL;
    }
    *call = (struct weft_rpc_call){.loop = loop, .request = request, .deadline = INT64_MAX};
    return call;
}

void weft__rpc_call_drop(struct weft_rpc_call *call)
{
    struct weft__rpc_loop *loop = call->loop;
    weft_timer_stop(&call->timer);
    weft_timer_stop(&call->ask);
    weft_bytes_fini(&call->held);
    weft__rpc_beside_free(call);
    if (loop->calling == call)
        loop->calling = NULL;
    if (loop->spare_count == MOST_SPARE) {
        weft_free(call);
        return;
    }
    call->next = loop->spare;
    loop->spare = call;
    loop->spare_count++;
}

void weft__rpc_call_free_spare(struct weft__rpc_loop *loop)
{
    while (loop->spare) {
        struct weft_rpc_call *call = loop->spare;
        loop->spare = call->next;
        weft_free(call);
    }
    loop->spare_count = 0;
}

/* --- the end ------------------------------------------------------------------------------------------ */

void weft__rpc_set_words(struct weft_rpc_call *call, const char *words)
{
    (void)snprintf(call->words, sizeof call->words, "%s", words ? words : "");
    /* A character that was cut in two would make the reply malformed. */
    struct weft_view text = weft_view_str(call->words);
    while (text.size > 0 && !weft_utf8_valid(text))
        call->words[--text.size] = '\0';
}

static int end_request(struct weft_rpc_call *call, const struct weft_body *body)
{
    call->request->status = weft_rpc_code_http(call->code);
    return call->bad ? weft_request_end_bad(call->request, body)
                     : weft_request_end(call->request, body);
}

void weft__rpc_put_pieces(const struct weft_body *body, uint8_t *dst)
{
    const struct weft__rpc_last *last = (const void *)body;
    for (size_t i = 0; i < last->count; i++) {
        if (last->pieces[i].size > 0)
            memcpy(dst, last->pieces[i].data, last->pieces[i].size);
        dst += last->pieces[i].size;
    }
}

void weft__rpc_end_with_words(struct weft_rpc_call *call)
{
    static const struct weft_rejection no_memory = {.cause = WEFT_REJECT_NO_MEMORY};
    struct weft__rpc_last last;
    call->ending = true;
    if (call->full && !call->gone)
        return; /* on_room comes back */
    last.body = (struct weft_body){.write = weft__rpc_put_pieces};
    last.count = 0;
    const int says = call->gone ? 0 : call->face->end(call, call->code, call->words, &last);
    if (says < 0)
        weft_request_refuse(call->request, &no_memory);
    else if (end_request(call, says > 0 ? &last.body : NULL) < 0)
        return;
    weft__rpc_call_drop(call);
}

static void end_with_held(struct weft_rpc_call *call)
{
    const struct weft_body_bytes body =
        weft_body_from_view(weft_view(call->held.data, call->held.size));
    if (end_request(call, &body.body) == 0)
        weft__rpc_call_drop(call);
}

/* Copies what there is no room for yet, since its message is the function's. */
static int copy(struct weft_rpc_call *call, const struct weft_body *body)
{
    call->held.data = weft_malloc(body->size > 0 ? body->size : 1);
    if (!call->held.data)
        return -ENOMEM;
    call->held.size = body->size;
    weft_body_write(body, call->held.data);
    return 0;
}

/* Keeps an answer until there is room. */
static void hold(struct weft_rpc_call *call, const struct weft_body *body)
{
    call->ending = true;
    if (copy(call, body) == 0)
        return;
    call->code = WEFT_RPC_RESOURCE_EXHAUSTED;
    weft__rpc_set_words(call, "There is no memory for the answer");
}

static void trim(struct weft_text *text)
{
    if (text->buf.cap > TEXT_KEPT)
        weft_text_fini(text);
}

static void end_with_message(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    struct weft__rpc_loop *loop = call->loop;
    struct weft__rpc_reply reply = {
        .message = message,
        .last = true,
        .header = weft__rpc_header_of(call),
        .trailer = weft__rpc_trailer_of(call),
    };
    if (call->gone || call->expired || call->failed != WEFT_RPC_OK) {
        weft_rpc_end(call, WEFT_RPC_OK, NULL);
        return;
    }
    if (message->descriptor != call->method->descriptor->output) {
        weft_rpc_end(call, WEFT_RPC_INTERNAL, "The answer is of another type than the method's");
        return;
    }
    if (call->face->write(call, &reply) < 0) {
        trim(&loop->text);
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "There is no memory for the answer");
        return;
    }
    call->code = WEFT_RPC_OK;
    if (end_request(call, &reply.body) == 0)
        weft__rpc_call_drop(call);
    else
        hold(call, &reply.body);
    trim(&loop->text);
}

void weft_rpc_end(struct weft_rpc_call *call, enum weft_rpc_code code, const char *words)
{
    if (call->gone) {
        code = WEFT_RPC_CANCELLED;
    } else if (call->failed != WEFT_RPC_OK) {
        call->code = call->failed;
        weft__rpc_end_with_words(call);
        return;
    } else if (call->expired) {
        code = WEFT_RPC_DEADLINE_EXCEEDED;
        words = "The time that the client had set is over";
    } else if (call->overrun) {
        code = WEFT_RPC_RESOURCE_EXHAUSTED;
        words = "The answer has more messages than may wait for the client to read";
    } else if (code == WEFT_RPC_OK && !call->method->streams) {
        code = WEFT_RPC_INTERNAL;
        words = "The function has ended without an answer";
    }
    call->code = code;
    weft__rpc_set_words(call, words);
    weft__rpc_end_with_words(call);
}

/* --- messages ----------------------------------------------------------------------------------------- */

/* Keeps a message of `step` until there is room. Returns 0 or -ENOMEM. */
static int hold_ahead(struct weft_rpc_call *call, const struct weft_body *body)
{
    call->ahead = copy(call, body) == 0;
    return call->ahead ? 0 : -ENOMEM;
}

/* Sends such a message, if there is one. False: it still waits. */
static bool send_ahead(struct weft_rpc_call *call)
{
    if (!call->ahead)
        return true;
    const struct weft_body_bytes body =
        weft_body_from_view(weft_view(call->held.data, call->held.size));
    const int err = weft_request_send(call->request, &body.body);
    call->full = err == -EAGAIN;
    /* If the connection is gone, on_cancel follows. */
    if (err == -EAGAIN || err == -ECANCELED)
        return false;
    weft_bytes_fini(&call->held);
    call->ahead = false;
    return true;
}

int weft_rpc_send(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    struct weft__rpc_reply reply = {.message = message, .header = weft__rpc_header_of(call)};
    if (!call->method->streams || message->descriptor != call->method->descriptor->output ||
        (call->step && call->stepped))
        return -EINVAL;
    if (call->gone || call->expired || call->failed != WEFT_RPC_OK)
        return -ECANCELED;
    if (call->full)
        return -EAGAIN;
    int err = call->face->write(call, &reply);
    if (err == 0)
        err = weft_request_send(call->request, &reply.body);
    call->full = err == -EAGAIN;
    if (call->full && call->step)
        err = hold_ahead(call, &reply.body);
    call->sent |= err == 0;
    call->stepped |= err == 0;
    trim(&call->loop->text);
    return err;
}

/* True if the message is missing although somebody waits for it. */
static bool is_lost(int sent)
{
    return sent < 0 && sent != -ECANCELED;
}

void weft__rpc_closure(const ProtobufCMessage *message, void *data)
{
    struct weft_rpc_call *call = data;
    if (!call->method->streams && message)
        end_with_message(call, message);
    else if (!message)
        weft_rpc_end(call, call->method->streams ? WEFT_RPC_OK : WEFT_RPC_INTERNAL,
                     call->method->streams ? NULL : "The function has no answer");
    else if (!call->overrun)
        call->overrun = is_lost(weft_rpc_send(call, message));
}

/* --- what a call hears -------------------------------------------------------------------------------- */

static void on_room(struct weft_request *request)
{
    struct weft_rpc_call *call = request->data;
    call->full = false;
    if (!send_ahead(call))
        return;
    if (call->held.data)
        end_with_held(call);
    else if (call->ending)
        weft__rpc_end_with_words(call);
    else if (call->step)
        (void)call->go_on(call);
    else if (call->events && call->events->on_room)
        call->events->on_room(call);
}

void weft__rpc_cancel(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    if (call->ending)
        return;
    if (call->events && call->events->on_cancel)
        call->events->on_cancel(call, code);
    else if (call->step && code != WEFT_RPC_UNAVAILABLE)
        weft_rpc_end(call, code, NULL);
}

static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    struct weft_rpc_call *call = request->data;
    if (reason == WEFT_REASON_DRAINED) {
        weft__rpc_cancel(call, WEFT_RPC_UNAVAILABLE);
        return;
    }
    /* The core has told the client of a deadline that it knows, so that nobody reads more then either. */
    call->gone = true;
    if (call->ending)
        weft__rpc_end_with_words(call);
    else
        weft__rpc_cancel(call, reason == WEFT_REASON_DEADLINE ? WEFT_RPC_DEADLINE_EXCEEDED
                                                              : WEFT_RPC_CANCELLED);
}

static void on_deadline(struct weft_timer *timer)
{
    struct weft_rpc_call *call = weft_container_of(timer, struct weft_rpc_call, timer);
    if (call->ending || call->gone)
        return;
    call->expired = true;
    weft__rpc_cancel(call, WEFT_RPC_DEADLINE_EXCEEDED);
}

void weft__rpc_call_begin(struct weft_rpc_call *call)
{
    struct weft_request *request = call->request;
    request->data = call;
    request->on_room = on_room;
    request->on_cancel = on_cancel;
    call->calling = true;
}

void weft__rpc_call_set_deadline(struct weft_rpc_call *call)
{
    if (call->timeout == 0)
        return;
    if (call->timeout > WEFT_LIMIT_TIME_MAX)
        call->timeout = WEFT_LIMIT_TIME_MAX;
    call->deadline = weft_loop_now(call->loop->loop) + (int64_t)call->timeout;
    call->timer.fire = on_deadline;
    weft_loop_after(call->loop->loop, &call->timer, (int64_t)call->timeout);
}

/* --- what its function may ask ------------------------------------------------------------------------ */

void weft_rpc_listen(struct weft_rpc_call *call, const struct weft_rpc_events *events, void *data)
{
    call->events = events;
    call->data = data;
}

void *weft_rpc_data(const struct weft_rpc_call *call)
{
    return call->data;
}

const ProtobufCMessage *weft_rpc_keep(struct weft_rpc_call *call)
{
    struct weft_request *request = call->request;
    enum weft_rpc_code code;
    if (call->kept)
        return call->method->requests ? NULL : call->input;
    if (!call->calling || weft_request_keep(request) < 0)
        return NULL;
    call->kept = true;
    /* The first message lies in memory that is taken back when the function returns, as does what it was made of. */
    code = call->face->read(call);
    if (call->method->requests && call->face->has_streams)
        return NULL;
    call->input =
        code == WEFT_RPC_OK ? call->face->unpack(call, weft_request_arena(request), &code) : NULL;
    return call->input;
}

void *weft_rpc_alloc(struct weft_rpc_call *call, size_t size)
{
    if (call->method->requests)
        (void)!weft_rpc_keep(call);
    return call->kept ? weft_arena_alloc(weft_request_arena(call->request), size) : NULL;
}

struct weft_loop *weft_rpc_loop(const struct weft_rpc_call *call)
{
    return call->loop->loop;
}

const char *weft_rpc_method(const struct weft_rpc_call *call)
{
    return call->method->path;
}

struct weft_peer *weft_rpc_peer(struct weft_rpc_call *call)
{
    return weft_request_peer(call->request);
}

int64_t weft_rpc_deadline(const struct weft_rpc_call *call)
{
    const int64_t deadline = weft_request_deadline(call->request);
    return call->deadline < deadline ? call->deadline : deadline;
}

int64_t weft_rpc_time_left(const struct weft_rpc_call *call)
{
    const int64_t deadline = weft_rpc_deadline(call), now = weft_loop_now(call->loop->loop);
    if (call->expired || deadline <= now)
        return 0;
    return deadline == INT64_MAX ? INT64_MAX : deadline - now;
}

bool weft_rpc_is_cancelled(const struct weft_rpc_call *call)
{
    return call->gone || call->expired;
}
