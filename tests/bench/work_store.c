/* SPDX-License-Identifier: MIT
 *
 * The store alone: reads and writes of one key, 64 a turn. */
#include <stdio.h>
#include <stdlib.h>

#include "work.h"
#include "core/base/compiler.h"
#include "lib/virtual_loop.h"
#include "services/kv/service.h"
#include "services/kv/stores/stores.h"

enum { KEYS = 1024, KEY_SIZE = 14, A_TURN = 64 };

struct store_state {
    const struct kv_store *store;
    struct weft_kv_context context;
    struct weft_loop *loop;
    void *store_loop, *session;
    char keys[KEYS][KEY_SIZE + 2];
    uint8_t *value;
    size_t size, next;
    bool sets;
    size_t completed;
    struct kv_item item;
    struct kv_op op;
    struct weft_deferred turn;
};

static void done(struct kv_op *op, enum kv_outcome outcome)
{
    struct store_state *self = weft_container_of(op, struct store_state, op);
    bench_need(outcome == KV_DONE, "an operation");
    self->completed++;
}

static void submit(struct store_state *self, enum kv_store_kind kind)
{
    self->item.key = weft_view(self->keys[self->next], KEY_SIZE);
    self->item.value = (struct kv_value){.bytes = weft_view(self->value, self->size)};
    self->next = (self->next + 1) % KEYS;
    self->op = (struct kv_op){
        .kind = kind,
        .table = weft_view_str("table1"),
        .items = &self->item,
        .count = 1,
        .done = done,
    };
    self->store->submit(self->session, &self->op);
}

static void run_turn(struct weft_deferred *deferred)
{
    struct store_state *self = weft_container_of(deferred, struct store_state, turn);
    for (int i = 0; i < A_TURN; i++)
        submit(self, self->sets ? KV_MSET : KV_MGET);
}

static size_t run(void *state, size_t operations)
{
    struct store_state *self = state;
    size_t ran = 0;
    for (; ran < operations; ran += A_TURN) {
        weft_loop_defer(self->loop, &self->turn);
        virtual_loop_turn(self->loop);
    }
    bench_need(self->completed >= ran, "every operation completed");
    return ran;
}

static void *begin(const struct bench_work *work)
{
    static const uint8_t seed[16] = "0123456789abcdef";
    struct store_state *self = bench_zeroed(sizeof *self);
    struct weft_error error;
    const struct weft_kv_limits limits = weft_kv_limits_default();
    self->store = &weft_kv_store_memory;
    bench_need(weft_kv_context_init(&self->context, self->store, &limits, seed, &error) == 0,
               "a store");
    bench_need(weft_loop_new(&self->loop, 0) == 0, "a loop");
    self->store_loop = bench_zeroed(self->store->loop_size);
    self->session = bench_zeroed(self->store->session_size);
    bench_need(self->store->start(self->store_loop, self->context.state, self->loop) == 0 &&
                   self->store->open(self->session, self->store_loop) == 0,
               "a session");
    for (int i = 0; i < KEYS; i++)
        (void)snprintf(self->keys[i], sizeof self->keys[i], "key:%010d", i);
    self->size = work->size;
    self->value = bench_zeroed(work->size);
    bench_fill_text(self->value, work->size);
    self->turn.run = run_turn;
    self->sets = true;
    (void)run(self, KEYS);
    self->sets = work->sets;
    return self;
}

static void end(void *state)
{
    struct store_state *self = state;
    self->store->close(self->session);
    self->store->stop(self->store_loop);
    weft_kv_context_fini(&self->context);
    weft_loop_free(self->loop);
    free(self->store_loop);
    free(self->session);
    free(self->value);
    free(self);
}

size_t bench_store_works(struct bench_work *works, size_t count)
{
    for (int sets = 0; sets <= 1; sets++)
        works[count++] = (struct bench_work){
            .name = {0},
            .size = 64,
            .sets = sets,
            .counted_runs = 1024,
            .begin = begin,
            .run = run,
            .end = end,
        };
    (void)snprintf(works[count - 2].name, sizeof works->name, "store-get-64");
    (void)snprintf(works[count - 1].name, sizeof works->name, "store-set-64");
    return count;
}
