/* SPDX-License-Identifier: MIT
 *
 * The line face of kv: a payload is a line of words, as kvc's prompt takes them, and a reply is a line of
 * fields. */
#include "core/base/compiler.h"
#include "reply.h"
#include "request.h"
#include "services/kv/session.h"
#include "topics.h"

struct task {
    struct kv_task base; /* first: it is cast back */
    struct kv_line_request request;
    struct kv_line_body body;
};

static struct task *task_of(struct kv_task *base)
{
    return weft_container_of(base, struct task, base);
}

static void do_topic(struct task *task)
{
    const struct kv_topic_spec *spec = &task->request.topic;
    task->base.call.command = NULL;
    if (task->request.command->shape == KV_LINE_TOPICS)
        kv_task_subscribe(&task->base, spec, &kv_line_topic_face);
    else if (task->request.command->shape == KV_LINE_ID)
        kv_task_unsubscribe(&task->base, spec);
    else
        kv_task_publish(&task->base, spec);
}

/* Answers ping and help, which touch no store. */
static void answer(struct task *task)
{
    const struct weft_action action = {.name = task->request.command->name,
                                       .flags = WEFT_ACTION_OPEN};
    struct kv_reply reply;
    if (!kv_task_ask(&task->base, &action))
        return;
    kv_reply_text(&reply, KV_OK, task->request.why);
    if (task->request.why[0] == '\0')
        reply.text.count = 0;
    task->base.call.command = NULL;
    kv_task_answer(&task->base, &reply, false);
}

static bool decode(struct kv_task *base)
{
    struct task *task = task_of(base);
    struct kv_line_request *request = &task->request;
    request->arena = weft_request_arena(base->request);
    request->loop = kv_task_loop(base);
    request->limits = kv_task_limits(base);
    request->max_elements = kv_task_kv_limits(base)->decode_elements;
    switch (kv_line_request_read(request, base->request->payload, &base->call)) {
    case KV_LINE_READ:
        return true;
    case KV_LINE_ANSWERED:
        answer(task);
        break;
    case KV_LINE_LOGIN:
        kv_task_log_in(base, request->user, request->secret);
        break;
    case KV_LINE_TOPIC:
        do_topic(task);
        break;
    case KV_LINE_WRONG:
        kv_task_refuse(base, KV_BAD_REQUEST, request->why, false);
        break;
    case KV_LINE_UNKNOWN:
        kv_task_refuse(base, KV_NOT_IMPLEMENTED, request->why, false);
        break;
    case KV_LINE_TOO_BIG:
        kv_task_refuse(base, KV_TOO_BIG, request->why, true);
        break;
    case KV_LINE_NO_MEMORY:
        kv_task_refuse_no_memory(base);
        break;
    }
    return false;
}

static bool asks_for_time(const struct kv_call *call, const struct kv_reply *reply)
{
    return reply->states && call->count > 0;
}

static const struct weft_body *reply(struct kv_task *base, const struct kv_reply *reply)
{
    struct task *task = task_of(base);
    int64_t now = asks_for_time(&base->call, reply) ? weft_loop_wall(kv_task_loop(base)) : 0;
    kv_line_body_init(&task->body, reply, &base->call, &base->pairs, now);
    return &task->body.body;
}

/* The calendar is read only for those who ask for states. */
static int64_t time_of(const struct kv_task *task)
{
    return task->call.states ? weft_loop_wall(kv_task_loop(task)) : 0;
}

static size_t pair_size(const struct kv_task *task, const struct kv_pair *pair)
{
    return kv_line_put_pair(NULL, &task->call, pair, time_of(task));
}

static void put_pair(const struct kv_task *task, uint8_t *dst, const struct kv_pair *pair)
{
    (void)kv_line_put_pair(dst, &task->call, pair, time_of(task));
}

/* An escape takes four bytes at most, and what is too long then is cut. */
static size_t put_text(uint8_t *dst, enum kv_status status, const char *text)
{
    uint8_t line[WEFT_REJECT_MAX + 4 * KV_LINE_MAX];
    struct kv_reply words;
    struct kv_line_body body;
    kv_reply_text(&words, status, text);
    kv_line_body_init(&body, &words, NULL, NULL, 0);
    weft_body_write(&body.body, line);
    size_t size = body.body.size < WEFT_REJECT_MAX ? body.body.size : WEFT_REJECT_MAX;
    memcpy(dst, line, size);
    return size;
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

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state;
    struct task task;
    kv_session_call(conn_state, request, &task.base);
}

const struct weft_service weft_kv_line_service = {
    .name = "kv",
    .speaks = "line",
    .asks = true,
    .config_size = sizeof(struct kv_session_config),
    .loop_size = sizeof(struct kv_session_loop),
    .conn_size = sizeof(struct kv_session),
    .configure = configure,
    .start = kv_session_loop_start,
    .stop = kv_session_loop_stop,
    .open = kv_session_open,
    .close = kv_session_close,
    .call = call,
    .reject = kv_session_reject,
};
