/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "sim_service.h"

struct layer_config {
    struct sim_record *record;
};

struct layer_loop {
    struct sim_record *record;
};

/* A layer's state of a request. */
struct layer_state {
    const struct weft_request *request;
    uint8_t rest[40];
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static int configure(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set, (void)limits, (void)error;
    ((struct layer_config *)config)->record = context;
    return 0;
}

static int start(void *loop_state, const void *config, struct weft_loop *loop)
{
    (void)loop;
    ((struct layer_loop *)loop_state)->record = ((const struct layer_config *)config)->record;
    return 0;
}

static bool begin(void *loop_state, void *state, struct weft_request *request,
                  struct weft_rejection *why)
{
    static const struct layer_state zeros;
    struct layer_state *own = state;

    (void)why;
    require(memcmp(own, &zeros, sizeof zeros) == 0);
    own->request = request;
    memset(own->rest, (int)request->payload.size, sizeof own->rest);
    ((struct layer_loop *)loop_state)->record->layered++;
    return true;
}

static void end(void *loop_state, void *state, const struct weft_request *request, uint64_t bytes)
{
    struct layer_state *own = state;

    (void)bytes;
    require(own->request == request && own->rest[0] == (uint8_t)request->payload.size &&
            own->rest[39] == own->rest[0]);
    own->request = NULL;
    ((struct layer_loop *)loop_state)->record->layered--;
}

const struct weft_layer sim_watch_layer = {
    .name = "watch",
    .config_size = sizeof(struct layer_config),
    .loop_size = sizeof(struct layer_loop),
    .request_size = sizeof(struct layer_state),
    .configure = configure,
    .start = start,
    .begin = begin,
    .end = end,
};

const struct weft_layer sim_guard_layer = {
    .name = "guard",
    .config_size = sizeof(struct layer_config),
    .loop_size = sizeof(struct layer_loop),
    .request_size = sizeof(struct layer_state),
    .configure = configure,
    .start = start,
    .begin = begin,
    .end = end,
};

/* Each request is timed, so that one that begins is known. */
static int64_t time_each(void *loop_state, uint32_t *next)
{
    *next = 1;
    ((struct layer_loop *)loop_state)->record->layered++;
    return 1;
}

static struct weft_tally *observe(void *loop_state, const struct weft_request *request,
                                  uint64_t bytes, int64_t begun)
{
    (void)bytes;
    require(begun == 1 && request->payload.size >= SIM_HEADER);
    ((struct layer_loop *)loop_state)->record->layered--;
    return NULL;
}

const struct weft_layer sim_observer_layer = {
    .name = "observer",
    .config_size = sizeof(struct layer_config),
    .loop_size = sizeof(struct layer_loop),
    .configure = configure,
    .start = start,
    .observe = observe,
    .time = time_each,
};
