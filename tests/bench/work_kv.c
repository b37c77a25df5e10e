/* SPDX-License-Identifier: MIT
 *
 * Requests from end to end, from the transport's bytes to the transport's bytes. */
#include <stdio.h>
#include <stdlib.h>

#include "kv_world.h"
#include "work.h"

enum {
    KEYS = 1024,
    LARGE_KEYS =
        4, /* few, so that a large value is read again, and a compressed frame used again */
    LARGE = 4096,
};

struct kv_state {
    struct kv_world world;
    struct weft_bytes *batches;
    size_t batch_count, depth, next;
    size_t reply_size; /* of a batch */
};

/* Requests that store the keys, or the ones that are measured. */
static struct weft_bytes batch_of(const struct bench_work *work, bool sets, size_t i)
{
    if (!work->command)
        return kv_world_frames(sets, i * work->depth, work->depth, work->size);
    const char *command = work->command;
    if (sets)
        command = command[0] == 'H' ? "HSET" : "SET";
    return kv_world_commands(command, i * work->depth, work->depth, work->size);
}

/* Redis looks for a name among the strings and the hashes, so there is one of each. */
static void begin_names(struct kv_world *world)
{
    static const char *const commands[] = {"SET", "HSET"};
    for (size_t i = 0; i < 2; i++) {
        struct weft_bytes one = kv_world_commands(commands[i], KEYS, 1, 1);
        bench_need(kv_world_exchange(world, weft_view(one.data, one.size)) > 0, commands[i]);
        free(one.data);
    }
}

static void *begin(const struct bench_work *work)
{
    struct kv_state *self = bench_zeroed(sizeof *self);
    const struct kv_world_options options = {
        .variant = work->variant, .rules = work->rules, .measured = work->measured};
    kv_world_init(&self->world, &options);
    self->depth = work->depth;
    if (work->command)
        begin_names(&self->world);
    self->batch_count = (work->size < LARGE ? KEYS : LARGE_KEYS) / work->depth;
    self->batches = bench_zeroed(self->batch_count * sizeof *self->batches);
    for (size_t i = 0; i < self->batch_count; i++) {
        struct weft_bytes sets = batch_of(work, true, i);
        bench_need(kv_world_exchange(&self->world, weft_view(sets.data, sets.size)) > 0, "hset");
        if (work->sets) {
            self->batches[i] = sets;
            continue;
        }
        free(sets.data);
        self->batches[i] = batch_of(work, false, i);
    }
    /* From now on every reply has the same size: hset answers with the old value. */
    self->reply_size =
        kv_world_exchange(&self->world, weft_view(self->batches[0].data, self->batches[0].size));
    return self;
}

static size_t run(void *state, size_t operations)
{
    struct kv_state *self = state;
    size_t done = 0;
    for (; done < operations; done += self->depth) {
        const struct weft_bytes *batch = &self->batches[self->next];
        self->next = (self->next + 1) % self->batch_count;
        bench_need(kv_world_exchange(&self->world, weft_view(batch->data, batch->size)) ==
                       self->reply_size,
                   "an exchange of known size");
    }
    return done;
}

static void end(void *state)
{
    struct kv_state *self = state;
    for (size_t i = 0; i < self->batch_count; i++)
        free(self->batches[i].data);
    free(self->batches);
    kv_world_fini(&self->world);
    free(self);
}

size_t bench_kv_works(struct bench_work *works, size_t count)
{
    static const struct {
        size_t size, depth;
        const char *name, *variant, *rules;
        bool measured;
    } cases[] = {
        {64, 1, "", NULL, NULL, false},
        {64, 16, "", NULL, NULL, false},
        {64, 64, "", NULL, NULL, false},
        {64, 64, "-shared", "?codec=line", NULL, false},
        {64, 64, "-guarded", NULL, "write", false},
        {64, 64, "-guarded-by-globs", NULL, "read:other-* write:table*", false},
        {64, 64, "-measured", NULL, NULL, true},
        {64, 64, "-guarded-measured", NULL, "write", true},
        {1024, 16, "", NULL, NULL, false},
        {16384, 1, "", NULL, NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int sets = 0; sets <= 1; sets++) {
            struct bench_work *work = &works[count++];
            *work = (struct bench_work){
                .size = cases[i].size,
                .depth = cases[i].depth,
                .sets = sets,
                .variant = cases[i].variant,
                .rules = cases[i].rules,
                .measured = cases[i].measured,
                .counted_runs = cases[i].size < LARGE ? KEYS : LARGE_KEYS,
                .begin = begin,
                .run = run,
                .end = end,
            };
            (void)snprintf(work->name, sizeof work->name, "%s-%zu-depth-%zu%s",
                           sets ? "hset" : "hget", work->size, work->depth, cases[i].name);
        }
    return count;
}

size_t bench_resp_works(struct bench_work *works, size_t count)
{
    static const char *const commands[] = {"GET", "SET", "HGET", "HSET"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct bench_work *work = &works[count++];
        *work = (struct bench_work){
            .size = 64,
            .depth = 16,
            .sets = i % 2 == 1,
            .variant = "?codec=resp",
            .command = commands[i],
            .counted_runs = KEYS,
            .begin = begin,
            .run = run,
            .end = end,
        };
        (void)snprintf(work->name, sizeof work->name, "resp-%s-64-depth-16", commands[i]);
    }
    return count;
}
