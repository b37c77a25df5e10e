/* SPDX-License-Identifier: MIT
 *
 * Answers that come out of one function, a message for each time that it is called. */
#include <errno.h>

#include "private.h"

static void end_with_error(struct weft_rpc_call *call, int err)
{
    if (err == -ENOMEM)
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "There is no memory for the answer");
    else if (err == -ECANCELED)
        weft_rpc_end(call, WEFT_RPC_CANCELLED, NULL);
    else if (err == -EINVAL)
        weft_rpc_end(call, WEFT_RPC_INTERNAL,
                     "A message is of another type than the method's, or was sent behind another");
    else
        weft_rpc_end(call, WEFT_RPC_INTERNAL, weft_strerror(err));
}

/* Calls `step` while there is room. False: the call has ended. */
static bool go_on(struct weft_rpc_call *call)
{
    struct weft__rpc_loop *loop = call->loop;
    int err = 0;
    /* The call may end within, and nothing of it may be looked at then. */
    loop->calling = call;
    while (err == 0 && !call->full && !call->ending) {
        call->stepped = false;
        err = call->step(call, call->input, call->data);
        if (loop->calling != call)
            return false;
        if (err == 0 && !call->stepped && !call->ending) {
            weft_rpc_end(call, WEFT_RPC_INTERNAL, "The function has neither sent nor ended");
            return false;
        }
    }
    loop->calling = NULL;
    if (err == 0 || call->ending)
        return true;
    end_with_error(call, err);
    return false;
}

void *weft_rpc_generate(struct weft_rpc_call *call,
                        int (*next)(struct weft_rpc_call *call, const ProtobufCMessage *request,
                                    void *state),
                        size_t size)
{
    const char *trouble = NULL;
    if (!call->method->streams)
        trouble = "The server has not named this method as one that streams its answers";
    else if (call->method->requests)
        trouble = "The server answers a stream of requests as if it were one request";
    if (trouble) {
        weft_rpc_end(call, WEFT_RPC_INTERNAL, trouble);
        return NULL;
    }
    void *state = weft_rpc_keep(call) ? weft_rpc_alloc(call, size > 0 ? size : 1) : NULL;
    if (!state) {
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "There is no memory to answer from");
        return NULL;
    }
    memset(state, 0, size);
    call->step = next;
    call->go_on = go_on;
    call->data = state;
    return state;
}
