/* SPDX-License-Identifier: MIT
 *
 * The protobuf face of kv: a payload is a CommandRequest, a reply a CommandResponse of
 * proto/abi.proto. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "beside.h"
#include "core/base/compiler.h"
#include "method.h"
#include "reply.h"
#include "request_usual.h"
#include "rust.h"
#include "services/kv/session.h"
#include "topic.h"
#include "watch.h"

/* The state on one loop. */
struct loop {
    struct kv_session_loop base; /* first: the session takes it for its own */
    struct kv_beside beside;
};

struct task {
    struct kv_task base; /* first: it is cast back */
    struct kv_request decoded;
    struct kv_reply_body body;
};

static struct task *task_of(struct kv_task *base)
{
    return weft_container_of(base, struct task, base);
}

/* The text shows the message in the form in which the first server of this protocol printed it. */
static void refuse_without_pair(struct task *task)
{
    struct kv_reply reply;
    kv_reply_text(&reply, KV_BAD_REQUEST, "Command is invalid: `Hset { table: ");
    kv_text_add_formed(&reply.text, task->base.call.table, kv_rust_quote);
    kv_text_add_str(&reply.text, ", pair: None }`");
    kv_task_answer(&task->base, &reply, false);
}

/* Answers a request that is no command, or is a watch. Only one that breaks the format or a limit is bad; a command
 * that does not exist is well formed. */
WEFT_NOINLINE static void refuse(struct task *task, enum kv_decoded why)
{
    char line[KV_LINE_MAX];
    switch (why) {
    case KV_DECODED:
        break;
    case KV_DECODED_WATCH:
        kv_task_watch(&task->base, &task->decoded.watch, &kv__watch_face);
        break;
    case KV_DECODED_SUBSCRIBE:
        kv_task_subscribe(&task->base, &task->decoded.topic, &kv__topic_face);
        break;
    case KV_DECODED_UNSUBSCRIBE:
        kv_task_unsubscribe(&task->base, &task->decoded.topic);
        break;
    case KV_DECODED_PUBLISH:
        kv_task_publish(&task->base, &task->decoded.topic);
        break;
    case KV_DECODED_LOGIN:
        kv_task_log_in(&task->base, task->decoded.user, task->decoded.secret);
        break;
    case KV_DECODED_NO_PAIR:
        refuse_without_pair(task);
        break;
    case KV_DECODED_NO_COMMAND:
        kv_task_refuse(&task->base, KV_BAD_REQUEST, "Command is invalid: `Request has no data`",
                       false);
        break;
    case KV_DECODED_UNKNOWN:
        (void)snprintf(line, sizeof line, "Command is not known: field %" PRIu32,
                       task->decoded.field);
        kv_task_refuse(&task->base, KV_NOT_IMPLEMENTED, line, false);
        break;
    case KV_DECODED_MALFORMED:
        (void)snprintf(line, sizeof line, "Request is malformed: %s", task->decoded.what);
        kv_task_refuse(&task->base, KV_BAD_REQUEST, line, true);
        break;
    case KV_DECODED_ELEMENTS:
        (void)snprintf(line, sizeof line,
                       "Request is too big: over decode-elements, which is %" PRIu64,
                       kv_task_kv_limits(&task->base)->decode_elements);
        kv_task_refuse(&task->base, KV_TOO_BIG, line, true);
        break;
    case KV_DECODED_BYTES:
        (void)snprintf(line, sizeof line,
                       "Request is too big: over decode-bytes, which is %" PRIu64,
                       kv_task_limits(&task->base)->decode_bytes);
        kv_task_refuse(&task->base, KV_TOO_BIG, line, true);
        break;
    case KV_DECODED_NO_MEMORY:
        kv_task_refuse_no_memory(&task->base);
        break;
    }
}

/* Makes the large values of a write the blobs that the store and later replies share. */
static int keep_values(struct kv_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        int err = kv_reply_keep(&call->items[i].value);
        if (err < 0) {
            while (i > 0)
                weft_blob_unref(call->items[--i].value.blob);
            return err;
        }
    }
    return 0;
}

/* The usual requests ask for no time, so the loop is set here alone. */
WEFT_NOINLINE static enum kv_decoded decode_any(struct task *task)
{
    task->decoded.loop = kv_task_loop(&task->base);
    return kv_request_decode_any(&task->decoded, task->base.request->payload, &task->base.call);
}

/* A protocol with targets has codes of its own, so no CommandResponse says that there is no such method. */
static void refuse_method(struct weft_request *request)
{
    enum { UNIMPLEMENTED = 12 }; /* of google.rpc.Code */
    static const char words[] =
        "There is no such method; proto/kv.proto has those of weft.kv.v1.Kv";
    static const struct weft_rejection no_memory = {.cause = WEFT_REJECT_NO_MEMORY};
    if (weft_request_trailer(request, UNIMPLEMENTED, weft_view_str(words), weft_view(NULL, 0)) < 0)
        weft_request_refuse(request, &no_memory);
    else
        (void)!weft_request_end(request, NULL);
}

/* Hands a request for another service to the one beside kv, or answers that there is no such method. */
static void pass_on(struct task *task, int method)
{
    const struct loop *loop = weft_container_of(task->base.session->loop, struct loop, base);
    const struct kv_beside *beside = &loop->beside;
    if (method == KV_METHOD_BESIDE && beside->service)
        beside->service->call(beside->state, NULL, task->base.request);
    else
        refuse_method(task->base.request);
}

/* Decodes what has come for a method. Returns false if kv has no such method; the request is then answered, or another
 * service's. */
WEFT_NOINLINE static bool decode_method(struct task *task, enum kv_decoded *result)
{
    struct weft_request *request = task->base.request;
    struct kv_request *decoded = &task->decoded;
    struct kv_call *call = &task->base.call;
    int method = kv__method_of(request->target);
    if (method < 0) {
        pass_on(task, method);
        return false;
    }
    decoded->loop = kv_task_loop(&task->base);
    *result = method == KV_METHOD_EXECUTE
                  ? kv_request_decode(decoded, request->payload, call)
                  : kv_request_decode_alone(decoded, (uint32_t)method, request->payload, call);
    return true;
}

static bool decode(struct kv_task *base)
{
    struct task *task = task_of(base);
    task->decoded.request = base->request;
    task->decoded.max_elements = kv_session_limits(base->session)->decode_elements;
    enum kv_decoded decoded = KV_DECODED;
    if (base->request->target.size > 0) {
        if (!decode_method(task, &decoded))
            return false;
    } else if (!kv_request_decode_usual(&task->decoded, base->request->payload, &base->call)) {
        decoded = decode_any(task);
    }
    if (decoded == KV_DECODED && kv_takes_values(base->call.command) && !base->looking &&
        keep_values(&base->call) < 0)
        decoded = KV_DECODED_NO_MEMORY;
    if (decoded == KV_DECODED)
        return true;
    refuse(task, decoded);
    return false;
}

static const struct weft_body *reply(struct kv_task *base, const struct kv_reply *reply)
{
    struct task *task = task_of(base);
    kv_reply_body_init(&task->body, reply, &base->call, &base->pairs,
                       kv_session_event_loop(base->session));
    return &task->body.body;
}

/* The calendar is read only for those who ask for states. */
static int64_t time_of(const struct kv_task *task)
{
    return task->call.command->takes == KV_TAKES_PAGE && task->call.states
               ? weft_loop_wall(kv_task_loop(task))
               : 0;
}

static size_t pair_size(const struct kv_task *task, const struct kv_pair *pair)
{
    return kv_reply_pair_size(&task->call, pair, time_of(task));
}

static void put_pair(const struct kv_task *task, uint8_t *dst, const struct kv_pair *pair)
{
    kv_reply_put_pair(dst, &task->call, pair, time_of(task));
}

static size_t put_text(uint8_t *dst, enum kv_status status, const char *text)
{
    struct kv_reply words;
    struct kv_reply_body body;
    kv_reply_text(&words, status, text);
    kv_reply_body_init(&body, &words, NULL, NULL, NULL);
    weft_body_write(&body.body, dst);
    return body.body.size;
}

static const struct kv_face face = {
    .task_size = sizeof(struct task),
    .decode = decode,
    .reply = reply,
    .pair_size = pair_size,
    .put_pair = put_pair,
    .put_text = put_text,
};

static int configure(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set, (void)error;
    return kv_session_configure(config, context, limits, &face);
}

static int start(void *loop_state, const void *config, struct weft_loop *loop)
{
    struct loop *self = loop_state;
    int err = kv_session_loop_start(&self->base, config, loop);
    if (err < 0)
        return err;
    err = kv__beside_start(&self->beside, config, loop);
    if (err < 0)
        kv_session_loop_stop(&self->base);
    return err;
}

static void stop(void *loop_state)
{
    struct loop *self = loop_state;
    kv__beside_stop(&self->beside);
    kv_session_loop_stop(&self->base);
}

/* kv's own requests have one message each. */
static bool streams(void *loop_state, struct weft_view target)
{
    const struct kv_beside *beside = &((const struct loop *)loop_state)->beside;
    return beside->service && beside->service->streams &&
           kv__method_of(target) == KV_METHOD_BESIDE &&
           beside->service->streams(beside->state, target);
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state;
    struct task task;
    kv_session_call(conn_state, request, &task.base);
}

const struct weft_service weft_kv_service = {
    .name = "kv",
    .speaks = "protobuf:abi",
    .asks = true,
    .config_size = sizeof(struct kv_session_config),
    .loop_size = sizeof(struct loop),
    .conn_size = sizeof(struct kv_session),
    .configure = configure,
    .start = start,
    .stop = stop,
    .open = kv_session_open,
    .close = kv_session_close,
    .streams = streams,
    .call = call,
    .reject = kv_session_reject,
};
