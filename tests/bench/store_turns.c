/* SPDX-License-Identifier: MIT
 *
 * Measures how long the memory store holds its loop while it frees what nobody asks for any more: keys that
 * expire at once, and tables that are dropped. Every turn is measured, what it frees at its end included, in
 * CPU time of the thread and by the clock.
 *
 *   store_turns [ENTRIES [EXPIRING [DROPPED]]]        10 million, 1 million within one second, 1 million
 *
 * All entries have an expiry; those that do not expire in that second do so an hour later. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "lib/virtual_loop.h"
#include "services/kv/service.h"
#include "services/kv/stores/memory/memory.h"
#include "store_design.h"
#include "work.h"

enum { ENTRIES = 10000000, EXPIRING = 1000000, DROPPED = 1000000, BATCH = 64 };

static const int64_t millisecond = 1000000, second = 1000, hour = 3600 * 1000;

struct bench {
    void *state, *loop_state, *session;
    struct weft_loop *loop;
    struct weft_deferred deferred;
    struct kv_op *op;
};

struct turns {
    int64_t longest_cpu, longest, all;
    unsigned count;
};

static uint8_t value[64];

static void done(struct kv_op *op, enum kv_outcome outcome)
{
    (void)op;
    bench_need(outcome == KV_DONE, "an operation");
}

static void submit(struct weft_deferred *deferred)
{
    struct bench *bench = weft_container_of(deferred, struct bench, deferred);
    weft_kv_store_memory.submit(bench->session, bench->op);
}

static void turn(struct bench *bench, struct turns *turns)
{
    int64_t cpu = design_now(CLOCK_THREAD_CPUTIME_ID), clock = design_now(CLOCK_MONOTONIC);
    virtual_loop_turn(bench->loop);
    clock = design_now(CLOCK_MONOTONIC) - clock;
    cpu = design_now(CLOCK_THREAD_CPUTIME_ID) - cpu;
    turns->longest_cpu = cpu > turns->longest_cpu ? cpu : turns->longest_cpu;
    turns->longest = clock > turns->longest ? clock : turns->longest;
    turns->all += cpu;
    turns->count++;
}

static void do_op(struct bench *bench, struct kv_op *op, struct turns *turns)
{
    op->done = done;
    bench->op = op;
    weft_loop_defer(bench->loop, &bench->deferred);
    turn(bench, turns);
}

static void begin(struct bench *bench)
{
    static const uint8_t seed[16] = "0123456789abcdef";
    const struct kv_store_options options = {.seed = seed};
    const struct kv_store *store = &weft_kv_store_memory;
    struct weft_error error;
    bench->state = bench_zeroed(store->store_size);
    bench->loop_state = bench_zeroed(store->loop_size);
    bench->session = bench_zeroed(store->session_size);
    bench->deferred.run = submit;
    bench_need(weft_loop_new(&bench->loop, 0) == 0, "a loop");
    bench_need(store->init(bench->state, &options, &error) == 0 &&
                   store->start(bench->loop_state, bench->state, bench->loop) == 0 &&
                   store->open(bench->session, bench->loop_state) == 0,
               "a store");
}

static void end(struct bench *bench)
{
    const struct kv_store *store = &weft_kv_store_memory;
    store->close(bench->session);
    store->stop(bench->loop_state);
    store->fini(bench->state);
    weft_loop_free(bench->loop);
    free(bench->session);
    free(bench->loop_state);
    free(bench->state);
}

/* Every step-th key expires within the second after `from`, the others an hour later. step 0: none does. */
static void fill(struct bench *bench, const char *table, uint64_t entries, uint64_t step,
                 int64_t from)
{
    struct kv_item items[BATCH];
    uint8_t keys[BATCH][DESIGN_KEY_SIZE];
    struct turns turns = {0};
    for (uint64_t i = 0; i < entries;) {
        size_t count = 0;
        for (; count < BATCH && i < entries; count++, i++) {
            items[count] = (struct kv_item){.key = design_key(i, keys[count]),
                                            .value.bytes = weft_view(value, sizeof value)};
            if (step > 0)
                items[count].expires = from + (i % step == 0 ? (int64_t)(i / step) % second
                                                             : hour + (int64_t)i % hour);
        }
        struct kv_op op = {
            .kind = KV_MSET, .table = weft_view_str(table), .items = items, .count = count};
        do_op(bench, &op, &turns);
    }
}

static void print(const char *what, const struct turns *turns)
{
    printf(
        "%s: longest turn %.3f ms of CPU, %.3f ms by the clock; %u turns, %.0f ms of CPU in all\n",
        what, (double)turns->longest_cpu / 1e6, (double)turns->longest / 1e6, turns->count,
        (double)turns->all / 1e6);
}

/* Lets time go on by the millisecond until the memory of those that expire is free. */
static void expire(struct bench *bench, uint64_t entries, uint64_t expiring)
{
    enum { LEAD = 60 * 1000 };
    struct turns turns = {0};
    int64_t from = weft_loop_wall(bench->loop) + LEAD;
    fill(bench, "table1", entries, entries / expiring, from);
    int64_t used = kv_store_memory_used(bench->state);
    /* The slots of those that went stay with their segments. */
    int64_t goal = used - used / (int64_t)entries * (int64_t)expiring * 4 / 5;
    printf("%.0f MB used with %llu entries\n", (double)used / 1e6, (unsigned long long)entries);
    virtual_loop_spend(bench->loop, LEAD * millisecond);
    int64_t waited = 0;
    while (kv_store_memory_used(bench->state) > goal && waited < 120 * second) {
        virtual_loop_spend(bench->loop, millisecond);
        turn(bench, &turns);
        waited++;
    }
    print("expiry", &turns);
    printf("expiry: %.1f s from the first expiry until four fifths of their memory were free\n",
           (double)waited / 1e3);
}

static void drop(struct bench *bench, uint64_t entries)
{
    struct turns turns = {0}, freeing = {0};
    int64_t before = kv_store_memory_used(bench->state);
    fill(bench, "table2", entries, 0, 0);
    printf("%.1f MB used with %llu entries without expiry\n",
           (double)(kv_store_memory_used(bench->state) - before) / 1e6,
           (unsigned long long)entries);
    struct kv_op op = {.kind = KV_DROP, .table = weft_view_str("table2")};
    do_op(bench, &op, &turns);
    bench_need(op.total == entries, "a drop");
    print("drop", &turns);
    while (kv_store_memory_used(bench->state) > before + 1000000)
        turn(bench, &freeing);
    print("drop, freeing", &freeing);
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : ENTRIES;
    uint64_t expiring = argc > 2 ? strtoull(argv[2], NULL, 10) : EXPIRING;
    uint64_t dropped = argc > 3 ? strtoull(argv[3], NULL, 10) : DROPPED;
    bench_need(expiring > 0 && entries >= expiring, "store_turns [ENTRIES [EXPIRING [DROPPED]]]");
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_fill_text(value, sizeof value);
    begin(&bench);
    expire(&bench, entries, expiring);
    drop(&bench, dropped);
    end(&bench);
    return 0;
}
