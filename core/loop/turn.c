/* SPDX-License-Identifier: MIT */
#include "turn.h"

#include <errno.h>

/* A timer this late was not late because of other work: the process was stopped (SIGSTOP, Ctrl-Z),
 * or the machine slept. */
enum { LATE_NS = 250 * 1000 * 1000 };

void weft__turn_init(struct weft_loop *loop, int64_t (*clock)(struct weft_loop *loop),
                     int64_t (*calendar)(struct weft_loop *loop),
                     void (*wake)(struct weft_loop *loop))
{
    *loop = (struct weft_loop){.clock = clock, .calendar = calendar, .wake = wake};
    loop->now = loop->looked = loop->wall_read_at = clock(loop);
    loop->wall = calendar(loop);
    atomic_init(&loop->posts, NULL);
}

/* Reads the next hook's place after each call, because the call may have added or removed any hook. */
static void call_hooks(struct weft_loop *loop, bool begin)
{
    struct weft_turn_hook **link;

    for (link = &loop->hooks; *link; link = loop->next_hook) {
        struct weft_turn_hook *hook = *link;

        loop->next_hook = &hook->next;
        if (begin)
            hook->begin(hook);
        else
            hook->end(hook);
    }
}

/* True while timers must wait for bytes that lie in the kernel. After a process was stopped, bytes that
 * arrived in time may take several turns to read. So timers that are LATE_NS late wait while
 * descriptors are ready, but for another LATE_NS at most. */
static bool holds_timers_back(struct weft_loop *loop)
{
    int64_t next = weft__timer_queue_next(&loop->timers);

    if (next > loop->looked || loop->looked - next < LATE_NS || !loop->found_ready) {
        loop->held_at = 0;
        return false;
    }
    if (loop->held_at == 0)
        loop->held_at = loop->now;
    return loop->now - loop->held_at < LATE_NS;
}

/* Judges deadlines by the time before the last look at the descriptors, not by the time now. If the
 * process was stopped in between, what a deadline waits for may have come and not been seen. */
static void run_timers(struct weft_loop *loop)
{
    struct weft_timer *timer;

    if (holds_timers_back(loop))
        return;
    while ((timer = weft__timer_queue_expire(&loop->timers, loop->looked, loop->turn_sequence)))
        timer->fire(timer);
}

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* Runs posts in the order in which they came. They are pushed on a stack, which any thread can do
 * without a lock, so the stack is reversed first. */
static void run_posts(struct weft_loop *loop, struct weft_post *newest)
{
    struct weft_post *oldest = NULL;
    uint64_t count = 0;

    while (newest) {
        struct weft_post *post = newest;

        newest = post->next;
        post->next = oldest;
        oldest = post;
    }
    while (oldest) {
        struct weft_post *post = oldest;

        oldest = post->next;
        count++;
        post->run(post);
    }
    add(&loop->posts_run, count);
}

static void take_posts(struct weft_loop *loop)
{
    struct weft_post *newest = atomic_load_explicit(&loop->posts, memory_order_relaxed);

    if (!newest || newest == &loop->closed)
        return;
    run_posts(loop, atomic_exchange_explicit(&loop->posts, NULL, memory_order_acquire));
}

/* Runs the calls that are deferred now. They move to a list whose head is on this stack, so that a call
 * which one of them defers waits for the next turn. The list is doubly linked like the first, so that
 * any of them can still be cancelled. */
static void run_deferred(struct weft_loop *loop)
{
    struct weft_deferred *newest = loop->deferred, *oldest = NULL;

    loop->deferred = NULL;
    while (newest) {
        struct weft_deferred *deferred = newest;

        newest = deferred->next;
        deferred->next = oldest;
        deferred->prev = &oldest;
        if (oldest)
            oldest->prev = &deferred->next;
        oldest = deferred;
    }
    while (oldest) {
        struct weft_deferred *deferred = oldest;

        weft_deferred_cancel(deferred);
        deferred->run(deferred);
    }
}

void weft__turn_begin(struct weft_loop *loop, int64_t now)
{
    loop->looked = loop->now;
    loop->now = now;
    loop->found_ready = false;
    loop->turn_sequence = loop->timers.sequence;
    add(&loop->turns, 1);
    call_hooks(loop, true);
    loop->turning = true;
}

void weft__turn_end(struct weft_loop *loop)
{
    run_timers(loop);
    take_posts(loop);
    run_deferred(loop);
    call_hooks(loop, false);
    loop->turning = false;
}

void weft__turn_close(struct weft_loop *loop)
{
    struct weft_post *newest =
        atomic_exchange_explicit(&loop->posts, &loop->closed, memory_order_acquire);

    if (newest == &loop->closed)
        return;
    weft__turn_begin(loop, loop->clock(loop));
    run_posts(loop, newest);
    run_deferred(loop);
    call_hooks(loop, false);
    loop->turning = false;
}

void weft_loop_count(const struct weft_loop *loop, struct weft_loop_counts *counts)
{
    counts->turns = atomic_load_explicit(&loop->turns, memory_order_relaxed);
    counts->posts = atomic_load_explicit(&loop->posts_run, memory_order_relaxed);
}

int64_t weft_loop_now(const struct weft_loop *loop)
{
    return loop->now;
}

int64_t weft_loop_wall(struct weft_loop *loop)
{
    if (loop->wall_read_at != loop->now) {
        loop->wall = loop->calendar(loop);
        loop->wall_read_at = loop->now;
    }
    return loop->wall;
}

int64_t weft_loop_refresh(struct weft_loop *loop)
{
    loop->now = loop->clock(loop);
    return loop->now;
}

void weft_loop_stop(struct weft_loop *loop)
{
    loop->stopping = true;
}

int weft_loop_post(struct weft_loop *loop, struct weft_post *post)
{
    struct weft_post *newest = atomic_load_explicit(&loop->posts, memory_order_relaxed);

    do {
        if (newest == &loop->closed)
            return -ESHUTDOWN;
        post->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&loop->posts, &newest, post,
                                                    memory_order_release, memory_order_relaxed));
    /* If the list was not empty, the first post in it has woken the loop. */
    if (!newest)
        loop->wake(loop);
    return 0;
}

void weft_loop_after(struct weft_loop *loop, struct weft_timer *timer, int64_t delay)
{
    int64_t now = loop->turning ? loop->now : weft_loop_refresh(loop);

    if (delay < 0)
        delay = 0;
    timer->loop = loop;
    weft__timer_queue_arm(&loop->timers, timer, delay < INT64_MAX - now ? now + delay : INT64_MAX);
}

void weft_timer_stop(struct weft_timer *timer)
{
    if (weft_timer_is_armed(timer))
        weft__timer_queue_disarm(&timer->loop->timers, timer);
}

void weft_loop_defer(struct weft_loop *loop, struct weft_deferred *deferred)
{
    if (deferred->prev)
        return;
    deferred->next = loop->deferred;
    deferred->prev = &loop->deferred;
    if (deferred->next)
        deferred->next->prev = &deferred->next;
    loop->deferred = deferred;
}

void weft_deferred_cancel(struct weft_deferred *deferred)
{
    if (!deferred->prev)
        return;
    *deferred->prev = deferred->next;
    if (deferred->next)
        deferred->next->prev = deferred->prev;
    deferred->next = NULL;
    deferred->prev = NULL;
}

void weft_loop_add_hook(struct weft_loop *loop, struct weft_turn_hook *hook)
{
    struct weft_turn_hook **last = &loop->hooks;

    while (*last)
        last = &(*last)->next;
    hook->next = NULL;
    *last = hook;
    if (loop->turning)
        hook->begin(hook);
}

void weft_loop_remove_hook(struct weft_loop *loop, struct weft_turn_hook *hook)
{
    struct weft_turn_hook **link = &loop->hooks;

    while (*link && *link != hook)
        link = &(*link)->next;
    if (!*link)
        return;
    *link = hook->next;
    if (loop->next_hook == &hook->next)
        loop->next_hook = link;
}
