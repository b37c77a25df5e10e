/* SPDX-License-Identifier: MIT
 *
 * The memory store of kv, by the seam that kv uses, on loops without a system beneath. */
#include "store_design.h"
#include "work.h"
#include "core/base/compiler.h"
#include "lib/virtual_loop.h"
#include "services/kv/service.h"
#include "services/kv/stores/stores.h"

struct side {
    struct weft_loop *loop;
    void *store_loop, *session;
    struct weft_deferred deferred;
    void (*run)(void *arg);
    void *arg;
};

static struct weft_kv_context context;
static struct side sides[DESIGN_THREADS];

static void run_deferred(struct weft_deferred *deferred)
{
    struct side *side = weft_container_of(deferred, struct side, deferred);
    side->run(side->arg);
}

static void begin(void)
{
    static const uint8_t seed[16] = "0123456789abcdef";
    struct weft_error error;
    const struct weft_kv_limits limits = weft_kv_limits_default();
    const struct kv_store *store = &weft_kv_store_memory;
    bench_need(weft_kv_context_init(&context, store, &limits, seed, &error) == 0, "a store");
    for (size_t i = 0; i < DESIGN_THREADS; i++) {
        struct side *side = &sides[i];
        bench_need(weft_loop_new(&side->loop, 0) == 0, "a loop");
        side->store_loop = bench_zeroed(store->loop_size);
        side->session = bench_zeroed(store->session_size);
        side->deferred.run = run_deferred;
        bench_need(store->start(side->store_loop, context.state, side->loop) == 0 &&
                       store->open(side->session, side->store_loop) == 0,
                   "a session");
    }
}

/* A loop belongs to nobody between turns. */
static void join_or_leave(size_t thread)
{
    (void)thread;
}

static void turn(size_t thread, void (*run)(void *arg), void *arg)
{
    struct side *side = &sides[thread];
    side->run = run;
    side->arg = arg;
    weft_loop_defer(side->loop, &side->deferred);
    virtual_loop_turn(side->loop);
}

static void done(struct kv_op *op, enum kv_outcome outcome)
{
    (void)op;
    bench_need(outcome == KV_DONE, "an operation");
}

static void submit(size_t thread, enum kv_store_kind kind, struct kv_item *item)
{
    struct kv_op op = {
        .kind = kind, .table = weft_view_str("table1"), .items = item, .count = 1, .done = done};
    context.store->submit(sides[thread].session, &op);
}

static bool get(size_t thread, struct weft_view key)
{
    struct kv_item item = {.key = key};
    submit(thread, KV_MGET, &item);
    return item.present && item.found.bytes.data[0] != 0;
}

static void set(size_t thread, struct weft_view key, struct weft_view value)
{
    struct kv_item item = {.key = key, .value = {value, NULL}};
    submit(thread, KV_MSET, &item);
}

static void del(size_t thread, struct weft_view key)
{
    struct kv_item item = {.key = key};
    submit(thread, KV_MDEL, &item);
}

const struct design design_weft = {
    .name = "weft",
    .begin = begin,
    .join = join_or_leave,
    .turn = turn,
    .leave = join_or_leave,
    .get = get,
    .set = set,
    .del = del,
};
