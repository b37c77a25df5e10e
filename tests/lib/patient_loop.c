/* SPDX-License-Identifier: MIT
 *
 * The functions of virtual_loop.h over the real loop, for stores that need descriptors: a turn waits until something
 * happens. The calendar stands still, and goes on when a test says so; the clock is the real one. Linked with
 * --wrap=weft_loop_wall, and without virtual_loop.c. */
#include <stdatomic.h>
#include <stddef.h>

#include "core/base/compiler.h"
#include "virtual_loop.h"

static atomic_llong calendar = VIRTUAL_LOOP_WALL_BEGIN;

int64_t __wrap_weft_loop_wall(struct weft_loop *loop);

int64_t __wrap_weft_loop_wall(struct weft_loop *loop)
{
    (void)loop;
    return atomic_load(&calendar);
}

static void nothing(struct weft_deferred *deferred)
{
    (void)deferred;
}

/* A turn with a deferred call does not wait. */
void virtual_loop_turn(struct weft_loop *loop)
{
    struct weft_deferred deferred = {.run = nothing};
    weft_loop_defer(loop, &deferred);
    weft_loop_turn(loop);
    weft_deferred_cancel(&deferred);
}

bool virtual_loop_run_until_idle(struct weft_loop *loop)
{
    virtual_loop_turn(loop);
    return true;
}

bool virtual_loop_advance(struct weft_loop *loop, int64_t ns)
{
    atomic_fetch_add(&calendar, ns / 1000000);
    virtual_loop_turn(loop);
    return true;
}

void virtual_loop_set_wall(struct weft_loop *loop, int64_t ms)
{
    (void)loop;
    atomic_store(&calendar, ms);
}

void virtual_loop_spend(struct weft_loop *loop, int64_t ns)
{
    (void)virtual_loop_advance(loop, ns);
}

/* Nobody knows what happens next before it does. */
bool virtual_loop_has_work(struct weft_loop *loop)
{
    (void)loop;
    return false;
}

bool virtual_loop_wait_for_post(struct weft_loop *loop)
{
    weft_loop_turn(loop);
    return true;
}
