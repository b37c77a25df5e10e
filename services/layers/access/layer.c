/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "private.h"

struct config {
    struct weft_access *access;
};

struct loop {
    struct weft_access *access;
    struct access_buffer *buffer;
    int64_t time; /* what time_text says; the clock is coarse, so many requests have the same */
    char time_text[ACCESS_TIME_TEXT];
};

/* The state of a request. The object is a copy, since its bytes may be gone at the end. */
struct state {
    int64_t begun;
    const char *command;
    size_t request;
    uint8_t object_size;
    char object[ACCESS_OBJECT];
};

static int64_t read_clock(clockid_t id)
{
    struct timespec now = {0};

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int configure(void *memory, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct config *config = memory;

    (void)set;
    (void)limits;
    config->access = context;
    return context ? 0
                   : weft_error_set(error, WEFT_ECONFIG,
                                    "layer access: this program has no file for it");
}

static int start(void *memory, const void *config_memory, struct weft_loop *weft_loop)
{
    struct loop *loop = memory;
    const struct config *config = config_memory;

    (void)weft_loop;
    loop->access = config->access;
    loop->buffer = access_buffer_new(config->access);
    return loop->buffer ? 0 : -ENOMEM;
}

static void stop(void *memory)
{
    struct loop *loop = memory;

    access_buffer_give(loop->access, loop->buffer);
}

static bool begin(void *memory, void *state_memory, struct weft_request *request,
                  struct weft_rejection *why)
{
    struct state *state = state_memory;

    (void)memory;
    (void)why;
    /* begin comes again after an inner layer has waited. */
    if (state->begun == 0)
        state->begun = read_clock(CLOCK_MONOTONIC);
    state->request = request->payload.size;
    return true;
}

/* The first question says what the request is about; a batch asks once per table. */
static bool ask(void *memory, void *state_memory, struct weft_request *request,
                const struct weft_action *action, struct weft_rejection *why)
{
    struct state *state = state_memory;

    (void)memory;
    (void)request;
    (void)why;
    if (state->command)
        return true;
    state->command = action->name;
    state->object_size =
        (uint8_t)(action->object.size < ACCESS_OBJECT ? action->object.size : ACCESS_OBJECT - 1);
    if (state->object_size > 0)
        memcpy(state->object, action->object.data, state->object_size);
    return true;
}

static void end(void *memory, void *state_memory, const struct weft_request *request,
                uint64_t bytes)
{
    struct loop *loop = memory;
    const struct state *state = state_memory;
    /* The peer is made at the first request that asks for it, and is there until the last one has ended. */
    const struct weft_peer *peer = weft_request_peer((struct weft_request *)(uintptr_t)request);
    const int64_t now = read_clock(CLOCK_REALTIME_COARSE);
    if (now != loop->time)
        access_write_time(loop->time_text, now);
    loop->time = now;
    const struct access_entry entry = {
        .time = loop->time_text,
        .conn = weft_request_connection(request),
        .request = state->request,
        .bytes = bytes,
        .us = (uint64_t)(read_clock(CLOCK_MONOTONIC) - state->begun) / 1000,
        .peer = peer ? peer->address : "-",
        .user = peer && peer->user ? peer->user : "",
        .command = state->command ? state->command : "-",
        .object = weft_view(state->object, state->object_size),
        .status = request->status,
    };
    char line[ACCESS_LINE];

    access_buffer_add(loop->access, loop->buffer, line,
                      access_template_write(&loop->access->template, &entry, line));
}

const struct weft_layer weft_access_layer = {
    .name = "access",
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct loop),
    .request_size = sizeof(struct state),
    .configure = configure,
    .start = start,
    .stop = stop,
    .begin = begin,
    .ask = ask,
    .end = end,
};
