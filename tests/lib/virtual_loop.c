/* SPDX-License-Identifier: MIT */
#include "virtual_loop.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/loop/turn.h"

struct virtual_loop {
    struct weft_loop base;
    int64_t clock;
    int64_t wall_ahead; /* milliseconds by which the calendar is ahead of the clock */
    pthread_mutex_t lock;
    pthread_cond_t posted;
};

static struct virtual_loop *virtual_of(struct weft_loop *loop)
{
    return weft_container_of(loop, struct virtual_loop, base);
}

static int64_t read_clock(struct weft_loop *loop)
{
    return virtual_of(loop)->clock;
}

static int64_t read_calendar(struct weft_loop *loop)
{
    return virtual_of(loop)->clock / 1000000 + virtual_of(loop)->wall_ahead;
}

/* The loop may end as soon as it sees the post, but not while the lock is held. */
static void wake(struct weft_loop *loop)
{
    struct virtual_loop *virtual = virtual_of(loop);
    pthread_mutex_lock(&virtual->lock);
    pthread_cond_signal(&virtual->posted);
    pthread_mutex_unlock(&virtual->lock);
}

int weft_loop_new(struct weft_loop **result, int fd_limit)
{
    struct virtual_loop *loop = weft_malloc(sizeof(*loop));

    (void)fd_limit;
    *result = NULL;
    if (!loop)
        return -ENOMEM;
    loop->clock = VIRTUAL_LOOP_BEGIN;
    loop->wall_ahead = VIRTUAL_LOOP_WALL_BEGIN - VIRTUAL_LOOP_BEGIN / 1000000;
    (void)pthread_mutex_init(&loop->lock, NULL);
    (void)pthread_cond_init(&loop->posted, NULL);
    weft__turn_init(&loop->base, read_clock, read_calendar, wake);
    *result = &loop->base;
    return 0;
}

void weft_loop_free(struct weft_loop *loop)
{
    if (!loop)
        return;
    struct virtual_loop *virtual = virtual_of(loop);
    weft__turn_close(loop);
    pthread_mutex_lock(&virtual->lock);
    pthread_mutex_unlock(&virtual->lock);
    pthread_cond_destroy(&virtual->posted);
    pthread_mutex_destroy(&virtual->lock);
    weft_free(virtual);
}

/* Also posts, which the real loop hears of through its descriptor. */
bool virtual_loop_has_work(struct weft_loop *loop)
{
    return weft__turn_is_due(loop) ||
           weft__timer_queue_next(&loop->timers) <= virtual_of(loop)->clock ||
           atomic_load(&loop->posts) != NULL;
}

/* Waits like the real loop: time jumps to the next timer. False: nothing is left to wait for. */
static bool wait_for_work(struct weft_loop *loop)
{
    int64_t next = weft__timer_queue_next(&loop->timers);

    if (virtual_loop_has_work(loop))
        return true;
    if (next == INT64_MAX)
        return false;
    virtual_of(loop)->clock = next;
    return true;
}

void weft_loop_turn(struct weft_loop *loop)
{
    (void)wait_for_work(loop);
    virtual_loop_turn(loop);
}

void weft_loop_run(struct weft_loop *loop)
{
    while (!loop->stopping && wait_for_work(loop))
        virtual_loop_turn(loop);
    weft__turn_close(loop);
}

void virtual_loop_turn(struct weft_loop *loop)
{
    weft__turn_begin(loop, virtual_of(loop)->clock);
    weft__turn_end(loop);
}

bool virtual_loop_run_until_idle(struct weft_loop *loop)
{
    int turns;

    for (turns = 0; virtual_loop_has_work(loop); turns++) {
        if (turns == VIRTUAL_LOOP_RESTLESS)
            return false;
        virtual_loop_turn(loop);
    }
    return true;
}

bool virtual_loop_advance(struct weft_loop *loop, int64_t ns)
{
    struct virtual_loop *virtual = virtual_of(loop);
    int64_t end = virtual->clock + ns;

    for (;;) {
        int64_t next;

        if (!virtual_loop_run_until_idle(loop))
            return false;
        next = weft__timer_queue_next(&loop->timers);
        if (next > end)
            break;
        virtual->clock = next;
    }
    if (virtual->clock < end)
        virtual->clock = end;
    virtual_loop_turn(loop);
    return virtual_loop_run_until_idle(loop);
}

void virtual_loop_spend(struct weft_loop *loop, int64_t ns)
{
    virtual_of(loop)->clock += ns;
}

void virtual_loop_set_wall(struct weft_loop *loop, int64_t ms)
{
    virtual_of(loop)->wall_ahead += ms - read_calendar(loop);
}

bool virtual_loop_wait_for_post(struct weft_loop *loop)
{
    enum { PATIENCE = 60 };
    struct virtual_loop *virtual = virtual_of(loop);
    struct timespec end;
    int err = 0;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE;
    pthread_mutex_lock(&virtual->lock);
    while (err == 0 && !atomic_load(&loop->posts))
        err = pthread_cond_timedwait(&virtual->posted, &virtual->lock, &end);
    pthread_mutex_unlock(&virtual->lock);
    return err == 0;
}

int64_t virtual_loop_next_timer(const struct weft_loop *loop)
{
    return weft__timer_queue_next(&loop->timers);
}
