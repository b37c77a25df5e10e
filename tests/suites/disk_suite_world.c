/* SPDX-License-Identifier: MIT */
#include "disk_suite_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "lib/scratch.h"

static const struct kv_store *store_under_test;
static const char *sync_of_store = "off";

void disk_suite_choose(const struct kv_store *store)
{
    store_under_test = store;
}

void disk_suite_sync(const char *sync)
{
    sync_of_store = sync;
}

const struct kv_store *disk_suite_store(void)
{
    return store_under_test;
}

int disk_world_try(struct disk_world *world, const struct weft_option_set *set,
                   struct weft_error *error)
{
    const struct weft_option_value sync = {"sync", sync_of_store};
    const struct weft_option_set usual = {&sync, 1};
    const struct kv_store_options options = {
        .where = world->path, .set = set ? set : &usual, .progress = world->progress};
    world->state = calloc(1, store_under_test->store_size);
    assert_non_null(world->state);
    int err = store_under_test->init(world->state, &options, error);
    if (err < 0)
        free(world->state);
    return err;
}

void disk_world_open(struct disk_world *world)
{
    struct weft_error error = {0};
    if (disk_world_try(world, NULL, &error) < 0)
        fail_msg("%s", error.text);
    disk_session_open(&world->first, world->state);
}

void disk_world_close(struct disk_world *world)
{
    disk_session_close(&world->first);
    store_under_test->fini(world->state);
    free(world->state);
}

int disk_world_setup(void **state)
{
    struct disk_world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    scratch_make(world->folder, sizeof world->folder);
    (void)snprintf(world->path, sizeof world->path, "%s/store", world->folder);
    disk_world_open(world);
    *state = world;
    return 0;
}

int disk_world_teardown(void **state)
{
    struct disk_world *world = *state;
    disk_world_close(world);
    scratch_remove(world->folder);
    free(world);
    return 0;
}

void disk_session_open(struct disk_session *session, void *state)
{
    assert_int_equal(weft_loop_new(&session->loop, 0), 0);
    session->loop_state = calloc(1, store_under_test->loop_size);
    session->session = calloc(1, store_under_test->session_size);
    assert_non_null(session->loop_state);
    assert_non_null(session->session);
    assert_int_equal(store_under_test->start(session->loop_state, state, session->loop), 0);
    assert_int_equal(store_under_test->open(session->session, session->loop_state), 0);
}

void disk_session_close(struct disk_session *session)
{
    store_under_test->close(session->session);
    store_under_test->stop(session->loop_state);
    weft_loop_free(session->loop);
    free(session->loop_state);
    free(session->session);
}

static void run_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct disk_run *run = weft_container_of(op, struct disk_run, op);
    run->is_done = true;
    run->outcome = outcome;
    if (run->look)
        run->look(run);
}

struct submission {
    struct weft_deferred deferred;
    struct disk_session *session;
    struct disk_run *runs;
    size_t count;
};

static void submit(struct weft_deferred *deferred)
{
    struct submission *self = weft_container_of(deferred, struct submission, deferred);
    for (size_t i = 0; i < self->count; i++)
        store_under_test->submit(self->session->session, &self->runs[i].op);
}

void disk_submit(struct disk_session *session, struct disk_run *runs, size_t count)
{
    struct submission submission = {
        .deferred.run = submit, .session = session, .runs = runs, .count = count};
    for (size_t i = 0; i < count; i++) {
        runs[i].is_done = false;
        runs[i].op.done = run_done;
    }
    weft_loop_defer(session->loop, &submission.deferred);
    virtual_loop_turn(session->loop);
}

bool disk_await(struct disk_session *session, const struct disk_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        while (!runs[i].is_done) {
            if (!virtual_loop_has_work(session->loop) && !virtual_loop_wait_for_post(session->loop))
                return false;
            virtual_loop_turn(session->loop);
        }
    }
    return true;
}

enum kv_outcome disk_do(struct disk_session *session, struct disk_run *run)
{
    disk_submit(session, run, 1);
    return disk_await(session, run, 1) ? run->outcome : KV_UNKNOWN;
}
