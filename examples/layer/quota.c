/* SPDX-License-Identifier: MIT
 *
 * A layer of one's own: at most `quota` requests per second and thread reach the service. It goes before
 * any service, which words the refusal in its own language. */
#include "quota.h"

#include <stdio.h>
#include <stdlib.h>

struct config {
    unsigned quota;
};

struct loop_state {
    const struct config *config;
    struct weft_loop *loop;
    int64_t second; /* when the second that is counted began */
    unsigned used;
    unsigned long begun, refused, answered;
};

/* The layer's state of each request. */
struct request_state {
    bool refused;
};

static int configure(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)context, (void)limits;
    const char *text = weft_option_get(set, "quota");
    char *end = NULL;
    const unsigned long quota = text ? strtoul(text, &end, 10) : 100;

    if (quota < 1 || quota > 1000000 || (text && *end))
        return weft_error_set(error, WEFT_ECONFIG, "quota: '%s' is not 1...1000000", text);
    ((struct config *)config)->quota = (unsigned)quota;
    return 0;
}

static int start(void *loop_state, const void *config, struct weft_loop *loop)
{
    *(struct loop_state *)loop_state = (struct loop_state){.config = config, .loop = loop};
    return 0;
}

static void stop(void *loop_state)
{
    const struct loop_state *self = loop_state;

    printf("%lu requests, %lu refused, %lu answered\n", self->begun, self->refused, self->answered);
}

static bool begin(void *loop_state, void *state, struct weft_request *request,
                  struct weft_rejection *why)
{
    (void)request;
    struct loop_state *self = loop_state;
    struct request_state *own = state;
    const int64_t now = weft_loop_now(self->loop);

    if (self->begun++ == 0 || now - self->second >= 1000000000) {
        self->second = now;
        self->used = 0;
    }
    if (self->used < self->config->quota) {
        self->used++;
        return true;
    }
    own->refused = true;
    *why = (struct weft_rejection){.cause = WEFT_REJECT_RATE, .limit = self->config->quota};
    return false;
}

/* Each begin has its end, also the one that refused. */
static void end(void *loop_state, void *state, const struct weft_request *request, uint64_t bytes)
{
    (void)request;
    struct loop_state *self = loop_state;
    const struct request_state *own = state;

    self->refused += own->refused;
    self->answered += !own->refused && bytes > 0;
}

static const struct weft_option options[] = {
    {"quota", "1...1000000", "requests per second and thread"},
    {.name = NULL},
};

const struct weft_layer quota_layer = {
    .name = "quota",
    .options = options,
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct loop_state),
    .request_size = sizeof(struct request_state),
    .configure = configure,
    .start = start,
    .stop = stop,
    .begin = begin,
    .end = end,
};
