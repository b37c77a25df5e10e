/* SPDX-License-Identifier: MIT */
#include "echo.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/units.h"

struct config {
    uint64_t delay; /* milliseconds */
    uint64_t repeat;
};

struct loop_state {
    const struct config *config;
    struct weft_loop *loop;
};

/* An answer that call() does not finish; it lies in its request's arena and so goes with it. */
struct answer {
    struct weft_timer timer;
    struct weft_request *request;
    uint64_t left; /* messages not taken yet; 0: nobody reads them any more */
};

static int take_number(uint64_t *number, const struct weft_option_set *set, const char *name,
                       uint64_t min, uint64_t max, struct weft_error *error)
{
    const char *text = weft_option_get(set, name);
    if (!text || (weft_parse_count(text, number) == 0 && *number >= min && *number <= max))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "%s=%s is not a number from %llu to %llu", name,
                          text, (unsigned long long)min, (unsigned long long)max);
}

static int configure(void *state, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)context, (void)limits;
    struct config *config = state;
    config->repeat = 1;
    int err = take_number(&config->delay, set, "delay", 0, 3600000, error);
    return err < 0 ? err : take_number(&config->repeat, set, "repeat", 1, 1000000, error);
}

static int start(void *state, const void *config, struct weft_loop *loop)
{
    *(struct loop_state *)state = (struct loop_state){config, loop};
    return 0;
}

/* Sends what there is room for. Where there is none, on_room comes back here. */
static void go_on(struct weft_request *request)
{
    struct answer *answer = request->data;
    const struct weft_body_bytes body = weft_body_from_view(request->payload);
    int err = 0;
    while (answer->left > 1 && (err = weft_request_send(request, &body.body)) == 0)
        answer->left--;
    if (err != -EAGAIN)
        err = weft_request_end(request, answer->left > 0 ? &body.body : NULL);
    (void)err; /* 0: the request is gone, and the answer with it */
}

static void fire(struct weft_timer *timer)
{
    go_on(weft_container_of(timer, struct answer, timer)->request);
}

static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    (void)reason;
    struct answer *answer = request->data;
    weft_timer_stop(&answer->timer);
    answer->left = 0;
    go_on(request);
}

static void call(void *state, void *conn_state, struct weft_request *request)
{
    (void)conn_state;
    const struct loop_state *loop = state;
    const bool at_once = loop->config->delay == 0 && loop->config->repeat == 1;
    struct answer *answer = NULL;
    if (!at_once && weft_request_keep(request) == 0)
        answer = weft_arena_alloc(weft_request_arena(request), sizeof *answer);
    if (!answer) {
        /* Without memory to wait in, the answer is an empty message: echo has no words of its own,
         * and a small one is always taken. */
        const struct weft_body_bytes body =
            weft_body_from_view(at_once ? request->payload : weft_view(NULL, 0));
        (void)!weft_request_end(request, &body.body);
        return;
    }
    *answer = (struct answer){.timer.fire = fire, .request = request, .left = loop->config->repeat};
    request->data = answer;
    request->on_room = go_on;
    request->on_cancel = on_cancel;
    if (loop->config->delay > 0)
        weft_loop_after(loop->loop, &answer->timer, (int64_t)loop->config->delay * 1000000);
    else
        go_on(request);
}

static const struct weft_option options[] = {
    {"delay", "0...3600000", "milliseconds before the answer"},
    {"repeat", "1...1000000", "messages in the answer"},
    {.name = NULL},
};

const struct weft_service echo_service = {
    .name = "echo",
    .speaks = "*",
    .options = options,
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct loop_state),
    .configure = configure,
    .start = start,
    .call = call,
};
