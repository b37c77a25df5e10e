/* SPDX-License-Identifier: MIT
 *
 * The faces of a set as services (core/service.h): a payload becomes a call of a function. */
#include "service.h"

#include <stdio.h>

#include "private.h"

/* --- calls -------------------------------------------------------------------------------------------- */

/* For calls whose method is not known. */
static const struct weft__rpc_method no_method = {.streams = false};

/* Ends a call with the words that it has. */
static void refuse(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    call->code = code;
    call->bad = code == WEFT_RPC_INVALID_ARGUMENT;
    weft__rpc_end_with_words(call);
}

static bool is_allowed(struct weft_rpc_call *call)
{
    struct weft_request *request = call->request;
    const struct weft_action action = {
        .name = call->method->path,
        .object = call->method->object,
        .flags = call->method->flags,
    };
    struct weft_rejection why;
    if (!request->layers || weft_request_ask(request, &action, &why))
        return true;
    weft__rpc_call_drop(call);
    weft_request_refuse(request, &why);
    return false;
}

/* Finds out what is asked. False: it has been answered. */
static bool understand(struct weft_rpc_call *call)
{
    const struct weft__rpc_served *served = &call->loop->served;
    enum weft_rpc_code code = call->face->read(call);
    if (code != WEFT_RPC_OK) {
        refuse(call, code);
        return false;
    }
    const struct weft__rpc_method *method = weft__rpc_find(served->rpc, call->target);
    if (!method) {
        weft__rpc_set_words(call, "There is no such method");
        refuse(call, WEFT_RPC_UNIMPLEMENTED);
        return false;
    }
    call->method = method;
    if (!is_allowed(call))
        return false;
    if (method->requests && call->face->has_streams)
        return true;
    call->input = call->face->unpack(call, weft_request_arena(call->request), &code);
    if (call->input)
        return true;
    refuse(call, code);
    return false;
}

/* The functions of a service that protoc-c has generated lie behind it, in the order of the methods. */
struct generated {
    ProtobufCService base;
    void (*functions[])(void);
};

static void invoke(struct weft_rpc_call *call)
{
    const struct weft__rpc_method *method = call->method;
    const ProtobufCService *service = method->service;
    if (service->invoke == protobuf_c_service_invoke_internal &&
        !((const struct generated *)(const void *)service)->functions[method->index]) {
        weft_rpc_end(call, WEFT_RPC_UNIMPLEMENTED, "The method has no function");
        return;
    }
    /* protobuf-c takes a service that functions may change; only they know. */
    service->invoke((ProtobufCService *)(uintptr_t)service, method->index,
                    method->requests ? NULL : call->input, weft__rpc_closure, call);
}

static bool streams(void *loop_memory, struct weft_view target)
{
    const struct weft__rpc_loop *loop = loop_memory;
    const struct weft__rpc_method *method = weft__rpc_find(loop->served.rpc, target);
    return method && method->requests;
}

static void call_service(void *loop_memory, void *conn, struct weft_request *request)
{
    struct weft__rpc_loop *loop = loop_memory;
    struct weft_rpc_call *call = weft__rpc_call_new(loop, request);
    (void)conn;
    if (!call) {
        const struct weft_rejection why = {.cause = WEFT_REJECT_NO_MEMORY};
        weft_request_refuse(request, &why);
        return;
    }
    call->method = &no_method;
    /* A protocol with targets has its own place for codes and words; the rest is as in frames. */
    call->face = request->target.size > 0 ? &weft__rpc_grpc : loop->served.face;
    weft__rpc_call_begin(call);
    if (!understand(call))
        return;
    weft__rpc_call_set_deadline(call);
    if (call->method->requests)
        weft__rpc_messages_begin(call);
    loop->calling = call;
    invoke(call);
    if (loop->calling != call)
        return; /* it has ended */
    loop->calling = NULL;
    call->calling = false;
    if ((call->method->streams || call->method->requests) && !call->ending)
        weft_request_endless(request);
    if (call->method->requests && !call->face->has_streams && !call->ending &&
        !weft__rpc_messages_only(call))
        return;
    if (call->go_on && !call->ending && !call->go_on(call))
        return;
    if (call->kept)
        return;
    call->input = NULL;
    call->message = call->metadata = weft_view(NULL, 0);
}

/* --- the rest of a service ---------------------------------------------------------------------------- */

static int configure(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set, (void)limits, (void)error;
    *(struct weft__rpc_served *)config = *(const struct weft__rpc_served *)context;
    return 0;
}

static int start(void *loop_memory, const void *config, struct weft_loop *loop)
{
    struct weft__rpc_loop *self = loop_memory;
    self->served = *(const struct weft__rpc_served *)config;
    self->loop = loop;
    return 0;
}

static void stop(void *loop_memory)
{
    struct weft__rpc_loop *self = loop_memory;
    weft__rpc_call_free_spare(self);
    weft_text_fini(&self->text);
}

static const struct {
    enum weft_rpc_code code;
    const char *words;
} causes[] = {
    [WEFT_REJECT_MALFORMED] = {WEFT_RPC_INVALID_ARGUMENT, "The request is malformed"},
    [WEFT_REJECT_TOO_BIG] = {WEFT_RPC_RESOURCE_EXHAUSTED, "The request is too big"},
    [WEFT_REJECT_NO_MEMORY] = {WEFT_RPC_RESOURCE_EXHAUSTED, "There is no memory for the request"},
    [WEFT_REJECT_DRAINING] = {WEFT_RPC_UNAVAILABLE, "The server shuts down"},
    [WEFT_REJECT_TOO_MANY] = {WEFT_RPC_UNAVAILABLE, "Too many connections are open"},
    [WEFT_REJECT_REPLY_TOO_BIG] = {WEFT_RPC_RESOURCE_EXHAUSTED, "The answer is too big"},
    [WEFT_REJECT_NOT_KNOWN] = {WEFT_RPC_UNAUTHENTICATED, "Log in first"},
    [WEFT_REJECT_DENIED] = {WEFT_RPC_PERMISSION_DENIED, "Not allowed"},
    [WEFT_REJECT_RATE] = {WEFT_RPC_RESOURCE_EXHAUSTED, "Too often"},
};

static size_t reject(void *loop_memory, const struct weft_rejection *rejection, uint8_t *dst)
{
    const struct weft__rpc_loop *self = loop_memory;
    const char *words = causes[rejection->cause].words;
    char text[WEFT_RPC_WORDS_MAX + 1];
    struct weft__rpc_last last;
    if (rejection->limit > 0)
        (void)snprintf(text, sizeof text, "%s: %s%sthe limit is %llu", words,
                       rejection->what ? rejection->what : "", rejection->what ? ", " : "",
                       (unsigned long long)rejection->limit);
    else
        (void)snprintf(text, sizeof text, "%s%s%s", words, rejection->what ? ": " : "",
                       rejection->what ? rejection->what : "");
    last.body.size = last.count = 0;
    /* The fields of an answer need no memory here, since there is no call that could have them. */
    if (self->served.face->end(NULL, causes[rejection->cause].code, text, &last) <= 0)
        return 0;
    weft__rpc_put_pieces(&last.body, dst);
    return last.body.size;
}

const struct weft_service weft__rpc_service = {
    .asks = true,
    .config_size = sizeof(struct weft__rpc_served),
    .loop_size = sizeof(struct weft__rpc_loop),
    .configure = configure,
    .start = start,
    .stop = stop,
    .streams = streams,
    .call = call_service,
    .reject = reject,
};
