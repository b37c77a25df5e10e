/* SPDX-License-Identifier: MIT
 *
 * Requests that are streams: a message comes when it is asked for. Where a request has one message, it is given as if it were
 * the first and last of a stream. */
#include "core/base/compiler.h"
#include "private.h"

static void give(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    call->over |= !message;
    if (call->events && call->events->on_message)
        call->events->on_message(call, message);
}

static void on_message(struct weft_request *request, const struct weft_view *bytes)
{
    struct weft_rpc_call *call = request->data;
    enum weft_rpc_code code;
    call->asked = false;
    if (call->ending || call->gone || call->expired)
        return;
    if (!bytes) {
        give(call, NULL);
        return;
    }
    call->message = *bytes;
    const ProtobufCMessage *message =
        call->face->unpack(call, weft_request_scratch(request), &code);
    call->message = weft_view(NULL, 0);
    if (message) {
        give(call, message);
        return;
    }
    call->failed = code;
    call->bad = code == WEFT_RPC_INVALID_ARGUMENT;
    weft__rpc_cancel(call, code);
}

/* Says that nothing follows the only message. */
static void on_next(struct weft_timer *timer)
{
    struct weft_rpc_call *call = weft_container_of(timer, struct weft_rpc_call, ask);
    if (!call->ending && !call->gone && !call->expired && !call->over)
        give(call, NULL);
}

void weft__rpc_messages_begin(struct weft_rpc_call *call)
{
    call->request->on_message = on_message;
    call->ask.fire = on_next;
    call->asked = true;
}

bool weft__rpc_messages_only(struct weft_rpc_call *call)
{
    struct weft__rpc_loop *loop = call->loop;
    /* The call may end within, and nothing of it may be looked at then. */
    loop->calling = call;
    call->asked = false;
    give(call, call->input);
    if (loop->calling != call)
        return false;
    loop->calling = NULL;
    return true;
}

void weft_rpc_next(struct weft_rpc_call *call)
{
    if (!call->method->requests || call->asked || call->over || call->gone || call->expired ||
        call->failed != WEFT_RPC_OK)
        return;
    call->asked = true;
    if (call->face->has_streams)
        weft_request_next(call->request);
    else
        weft_loop_after(call->loop->loop, &call->ask, 0);
}
