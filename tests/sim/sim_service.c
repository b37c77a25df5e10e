/* SPDX-License-Identifier: MIT */
#include "sim_service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "lib/virtual_loop.h"

struct config {
    struct sim_record *record;
};

struct loop_state {
    struct sim_record *record;
    struct weft_loop *loop;
};

struct conn_state {
    size_t unended;
    bool open;
};

/* An answer that is not finished within call(). */
struct sim_call {
    struct sim_request plan;
    struct weft_request *request;
    struct loop_state *loop;
    struct conn_state *conn;
    struct weft_timer timer;
    struct weft_post post;
    uint32_t sent;
    bool posted, waits, cancelled, drained;
};

struct reply_body {
    struct weft_body body;
    const struct sim_request *plan;
    uint32_t n;
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static int configure(void *state, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set, (void)limits, (void)error;
    ((struct config *)state)->record = context;
    return 0;
}

static int start(void *state, const void *config, struct weft_loop *loop)
{
    *(struct loop_state *)state =
        (struct loop_state){((const struct config *)config)->record, loop};
    return 0;
}

static int open_conn(void *conn_state, void *loop_state)
{
    struct conn_state *conn = conn_state;

    conn->open = true;
    ((struct loop_state *)loop_state)->record->open++;
    return 0;
}

static void close_conn(void *conn_state, void *loop_state)
{
    struct conn_state *conn = conn_state;

    require(conn->open && conn->unended == 0);
    conn->open = false;
    ((struct loop_state *)loop_state)->record->open--;
}

static void write_reply(const struct weft_body *body, uint8_t *dst)
{
    const struct reply_body *reply = (const struct reply_body *)(const void *)body;
    sim_write_reply(reply->plan, reply->n, dst);
}

static struct reply_body reply_of(const struct sim_request *plan, uint32_t n)
{
    return (struct reply_body){
        .body = {.size = sim_reply_size(plan), .write = write_reply}, .plan = plan, .n = n};
}

static void free_call(struct sim_call *call)
{
    call->conn->unended--;
    call->loop->record->unended--;
    weft_timer_stop(&call->timer);
    if (call->posted)
        call->request = NULL; /* freed when the post has run */
    else
        free(call);
}

/* True: it has ended, and call is gone. */
static bool end(struct sim_call *call, const struct weft_body *body)
{
    int err = weft_request_end(call->request, body);

    require(err == 0 || err == -EAGAIN);
    call->waits = err == -EAGAIN;
    if (err == 0)
        free_call(call);
    return err == 0;
}

/* The next message, and the end with the last. True: call is gone. */
static bool say_one(struct sim_call *call)
{
    struct reply_body reply = reply_of(&call->plan, call->sent);
    int err;

    if (call->sent >= call->plan.replies)
        return end(call, NULL);
    if (call->sent + 1 == call->plan.replies && call->plan.reply_size % 2 == 0)
        return end(call, &reply.body);
    err = weft_request_send(call->request, &reply.body);
    require(err == 0 || err == -EAGAIN || err == -ECANCELED);
    if (err == -ECANCELED)
        return end(call, NULL);
    call->waits = err == -EAGAIN;
    if (err == 0)
        call->sent++;
    return false;
}

static void say_all(struct sim_call *call)
{
    while (!say_one(call))
        if (call->waits)
            return;
}

static void arm(struct sim_call *call)
{
    weft_loop_after(call->loop->loop, &call->timer, (int64_t)call->plan.delay_ms * 1000000);
}

static void on_timer(struct weft_timer *timer)
{
    struct sim_call *call = weft_container_of(timer, struct sim_call, timer);

    if (call->plan.kind != SIM_TICK && call->plan.kind != SIM_LOOSE)
        say_all(call);
    else if (!say_one(call) && !call->waits)
        arm(call);
}

static void on_post(struct weft_post *post)
{
    struct sim_call *call = weft_container_of(post, struct sim_call, post);

    call->posted = false;
    if (call->request)
        say_all(call);
    else
        free(call);
}

static void on_room(struct weft_request *request)
{
    struct sim_call *call = request->data;

    require(call->request == request && call->waits && !call->cancelled);
    call->waits = false;
    say_all(call);
}

/* A detached request that hears of the drain may still speak. */
static void say_the_rest(struct sim_call *call)
{
    require(call->plan.kind == SIM_LOOSE && call->sent > 0 && !call->drained);
    call->drained = true;
    weft_timer_stop(&call->timer);
    if (!call->waits)
        say_all(call);
}

/* Some end at once, others when they would have anyway. */
static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    struct sim_call *call = request->data;
    bool later = weft_timer_is_armed(&call->timer) || call->posted;

    require(call->request == request && !call->cancelled);
    if (reason == WEFT_REASON_DRAINED) {
        say_the_rest(call);
        return;
    }
    call->cancelled = true;
    if (!later || test_random_below(&call->loop->record->random, 2))
        require(end(call, NULL));
}

static void start_loose(struct sim_call *call)
{
    if (say_one(call) || call->waits)
        return;
    require(weft_request_detach(call->request) == 0);
    arm(call);
}

static int start_call(struct sim_call *call)
{
    switch (call->plan.kind) {
    case SIM_KEEP:
        if (weft_request_keep(call->request) < 0)
            return -ENOMEM;
        arm(call);
        break;
    case SIM_POST:
        call->post.run = on_post;
        require(weft_loop_post(call->loop->loop, &call->post) == 0);
        call->posted = true;
        break;
    case SIM_STREAM:
        say_all(call);
        break;
    case SIM_LOOSE:
        start_loose(call);
        break;
    default:
        arm(call);
    }
    return 0;
}

static void end_with_rejection(struct weft_request *request, enum weft_reject_cause cause)
{
    uint8_t words[WEFT_REJECT_MAX];
    struct weft_body_bytes body =
        weft_body_from_view(weft_view(words, sim_write_rejection(cause, words)));

    require(weft_request_end(request, &body.body) == 0);
}

static struct sim_call *new_call(struct loop_state *loop, struct conn_state *conn,
                                 struct weft_request *request, const struct sim_request *plan)
{
    struct sim_call *call = calloc(1, sizeof *call);

    require(call != NULL);
    *call = (struct sim_call){.plan = *plan, .request = request, .loop = loop, .conn = conn};
    call->timer.fire = on_timer;
    request->data = call;
    request->on_room = on_room;
    request->on_cancel = on_cancel;
    conn->unended++;
    loop->record->unended++;
    return call;
}

static void answer_later(struct loop_state *loop, struct conn_state *conn,
                         struct weft_request *request, const struct sim_request *plan)
{
    struct sim_call *call = new_call(loop, conn, request, plan);

    if (start_call(call) < 0) {
        free_call(call);
        end_with_rejection(request, WEFT_REJECT_NO_MEMORY);
    }
}

/* A body that is refused behind others has to wait for them. */
static void answer_now(struct loop_state *loop, struct conn_state *conn,
                       struct weft_request *request, const struct sim_request *plan)
{
    struct reply_body reply = reply_of(plan, 0);
    int err = plan->kind == SIM_BAD ? weft_request_end_bad(request, &reply.body)
                                    : weft_request_end(request, &reply.body);

    require(err == 0 || err == -EAGAIN);
    if (err < 0)
        new_call(loop, conn, request, plan)->waits = true;
}

static void answer_with_blob(struct loop_state *loop, struct conn_state *conn,
                             struct weft_request *request, const struct sim_request *plan)
{
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(sim_reply_size(plan), &data);
    struct weft_body body;
    int err;

    if (!blob) {
        end_with_rejection(request, WEFT_REJECT_NO_MEMORY);
        return;
    }
    sim_write_reply(plan, 0, data);
    body = weft_body_from_blob(blob);
    err = weft_request_end(request, &body);
    weft_blob_unref(blob);
    require(err == 0 || err == -EAGAIN);
    if (err < 0)
        new_call(loop, conn, request, plan)->waits = true;
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    struct loop_state *loop = loop_state;
    struct conn_state *conn = conn_state;
    struct sim_request plan;

    require(conn->open && request->payload.size >= SIM_HEADER && !request->data);
    memcpy(&plan, request->payload.data, SIM_HEADER);
    require(plan.size == request->payload.size && plan.client < SIM_CLIENTS);
    loop->record->called[plan.client]++;
    if (plan.delay_ms == 0)
        virtual_loop_spend(loop->loop, 3000000);
    switch (plan.kind) {
    case SIM_ECHO:
    case SIM_BAD:
    case SIM_HUGE:
        answer_now(loop, conn, request, &plan);
        break;
    case SIM_BLOB:
        answer_with_blob(loop, conn, request, &plan);
        break;
    default:
        answer_later(loop, conn, request, &plan);
    }
}

static size_t reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    (void)loop_state;
    return sim_write_rejection(rejection->cause, dst);
}

const struct weft_service sim_service = {
    .name = "sim",
    .speaks = "*",
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct loop_state),
    .conn_size = sizeof(struct conn_state),
    .configure = configure,
    .start = start,
    .open = open_conn,
    .close = close_conn,
    .call = call,
    .reject = reject,
};
