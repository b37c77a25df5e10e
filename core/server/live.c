/* SPDX-License-Identifier: MIT
 *
 * Changes limits while the server runs, and finds out if its loops turn. Each loop has its own copy of the limits, which only its thread reads
 * and writes, so a change is posted to each and costs the connections nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>

#include "core/base/compiler.h"
#include "server_private.h"

/* One loop's share of a change. */
struct share {
    struct weft_post post;
    struct weft__thread *thread;
    struct weft_limits_change *change;
};

struct weft_limits_change {
    struct weft_limits limits;
    _Atomic size_t left; /* shares that have not been applied */
    struct share shares[];
};

/* The others are copied by codecs and services when they are configured, or size what is made once. */
static const size_t fixed[] = {
    offsetof(struct weft_limits, max_frame),
    offsetof(struct weft_limits, max_message),
    offsetof(struct weft_limits, decode_bytes),
    offsetof(struct weft_limits, frame_cache),
};

static bool is_fixed(const struct weft_limit *limit)
{
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (limit->offset == fixed[i])
            return true;
    return false;
}

bool weft_server_limit_is_live(const char *name)
{
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++)
        if (strcmp(limit->name, name) == 0)
            return !is_fixed(limit);
    return false;
}

static uint64_t value_of(const struct weft_limits *limits, size_t offset)
{
    uint64_t value;

    memcpy(&value, (const char *)limits + offset, sizeof value);
    return value;
}

static int check(const struct weft_server *server, const struct weft_limits *limits,
                 struct weft_error *error)
{
    const struct weft_limits *begun = &server->options.limits;

    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++)
        if (is_fixed(limit) && value_of(limits, limit->offset) != value_of(begun, limit->offset))
            return weft_error_set(error, WEFT_ECONFIG,
                                  "%s: cannot change while the server runs; start it anew",
                                  limit->name);
    if (limits->max_connections > begun->max_connections)
        return weft_error_set(error, WEFT_ECONFIG,
                              "max-connections: cannot grow beyond that of the start, %" PRIu64
                              "; start the server anew",
                              begun->max_connections);
    return weft_limits_check(limits, error);
}

int weft_server_prepare_limits(struct weft_server *server, const struct weft_limits *limits,
                               struct weft_limits_change **out, struct weft_error *error)
{
    int err = check(server, limits, error);

    *out = NULL;
    if (err < 0)
        return err;
    struct weft_limits_change *change =
        weft_malloc(sizeof *change + server->thread_count * sizeof change->shares[0]);
    if (!change)
        return weft_error_set(error, -ENOMEM, "out of memory");
    change->limits = *limits;
    *out = change;
    return 0;
}

static void apply(struct weft_post *post)
{
    struct share *share = weft_container_of(post, struct share, post);
    struct weft_limits_change *change = share->change;

    share->thread->limits = change->limits;
    if (atomic_fetch_sub_explicit(&change->left, 1, memory_order_acq_rel) == 1)
        weft_free(change);
}

void weft_server_commit_limits(struct weft_server *server, struct weft_limits_change *change)
{
    size_t count = server->thread_count;

    atomic_init(&change->left, count);
    for (size_t i = count; i-- > 0;) {
        struct weft__thread *thread = &server->threads[i];
        struct share *share = &change->shares[i];
        *share = (struct share){.post.run = apply, .thread = thread, .change = change};
        /* -ESHUTDOWN: that loop has ended, so nobody reads its limits any more. */
        if (i == 0 || !thread->started || weft_loop_post(thread->worker.loop, &share->post) < 0)
            apply(&share->post);
    }
}

void weft_server_abandon_limits(struct weft_limits_change *change)
{
    weft_free(change);
}

const struct weft_limits *weft_server_limits(const struct weft_server *server)
{
    return &server->threads[0].limits;
}

static void visit(struct weft_post *post);

static void go_on(struct weft_tour *tour)
{
    struct weft__thread *thread = tour->at;
    struct weft_server *server = thread->server;
    const size_t i = (size_t)(thread - server->threads) + 1;

    thread = &server->threads[i < server->thread_count ? i : 0];
    tour->at = thread;
    tour->post.run = visit;
    int err = weft_loop_post(thread->worker.loop, &tour->post);
    (void)err; /* -ESHUTDOWN: that loop has drained and ended */
}

static void visit(struct weft_post *post)
{
    struct weft_tour *tour = weft_container_of(post, struct weft_tour, post);
    const struct weft__thread *thread = tour->at;

    if (thread == thread->server->threads)
        tour->done(tour);
    else
        go_on(tour);
}

void weft_server_tour(struct weft_server *server, struct weft_tour *tour)
{
    tour->at = server->threads;
    go_on(tour);
}
