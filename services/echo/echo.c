/* SPDX-License-Identifier: MIT
 *
 * A whole service in one file, from the bottom up: options are read by configure(), a request comes to
 * call(), and an answer that takes time or several messages goes through go_on() until it has ended.
 * docs/service.md walks through it. */
#include "echo.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "core/base/units.h"

/* One per distinct set of options. Read-only once configure() has returned, so all loops share it. */
struct config {
    uint64_t delay; /* milliseconds */
    uint64_t repeat;
};

/* One per configuration and loop. Only the loop's thread uses it, so it needs no lock. */
struct loop_state {
    const struct config *config;
    struct weft_loop *loop;
};

/* An answer that call() does not finish. It lies in the arena of its request, which frees it. */
struct answer {
    struct weft_timer timer;
    struct weft_request *request;
    uint64_t left; /* messages that the core has not taken yet; 0: nobody reads them any more */
};

/* Sets *number to the value of an option. Leaves it as it is if the option was not given. */
static int take_number(uint64_t *number, const struct weft_option_set *set, const char *name,
                       uint64_t min, uint64_t max, struct weft_error *error)
{
    const char *text = weft_option_get(set, name);
    if (!text || (weft_parse_count(text, number) == 0 && *number >= min && *number <= max))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "%s=%s is not a number from %llu to %llu", name,
                          text, (unsigned long long)min, (unsigned long long)max);
}

/* Reads `?service=echo&delay=MS&repeat=N`. The config comes zeroed, so only repeat needs a default. */
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

/* Sends as many messages as there is room for; the last one ends the request. -EAGAIN means that too
 * much output waits: on_room calls this function again when there is room. The answer must not be used
 * after an end that returned 0, for it went with the request. */
static void go_on(struct weft_request *request)
{
    struct answer *answer = request->data;
    const struct weft_body_bytes body = weft_body_from_view(request->payload);
    int err = 0;
    while (answer->left > 1 && (err = weft_request_send(request, &body.body)) == 0)
        answer->left--;
    if (err != -EAGAIN)
        err = weft_request_end(request, answer->left > 0 ? &body.body : NULL);
    (void)err;
}

static void fire(struct weft_timer *timer)
{
    go_on(weft_container_of(timer, struct answer, timer)->request);
}

/* Nobody will read the answer, but the end is still owed: it is sent at once and without a message. */
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
        /* It is to be answered at once, or there is no memory to wait in. Then the answer is an empty
         * message, because echo has no texts of its own, and a small message is always taken. */
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

/* Echo has no language, so no words for a frame that it cannot read. What a layer refuses was read. */
static size_t reject(void *state, const struct weft_rejection *rejection, uint8_t *dst)
{
    (void)state;
    const char *word = rejection->cause == WEFT_REJECT_NOT_KNOWN ? "not known"
                       : rejection->cause == WEFT_REJECT_DENIED  ? "denied"
                       : rejection->cause == WEFT_REJECT_RATE    ? "too often"
                                                                 : NULL;
    if (!word)
        return 0;
    int size = snprintf((char *)dst, WEFT_REJECT_MAX, "%s%s%s", word, rejection->what ? ": " : "",
                        rejection->what ? rejection->what : "");
    return size < WEFT_REJECT_MAX ? (size_t)size : WEFT_REJECT_MAX - 1;
}

static const struct weft_option options[] = {
    {"delay", "0...3600000", "milliseconds before the answer"},
    {"repeat", "1...1000000", "messages in the answer"},
    {.name = NULL},
};

/* The states that a service does not need have no size, and the slots that it does not need are NULL:
 * echo keeps nothing per connection, has nothing to stop, and no texts for a rejection. */
const struct weft_service echo_service = {
    .name = "echo",
    .speaks = "*",
    .options = options,
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct loop_state),
    .configure = configure,
    .start = start,
    .call = call,
    .reject = reject,
};
