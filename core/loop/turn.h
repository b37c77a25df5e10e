/* SPDX-License-Identifier: MIT
 *
 * The part of a loop that needs no descriptors: time, timers, posts, deferred calls, hooks, and
 * their order within a turn. Every implementation of loop.h embeds this struct first and adds how to
 * wait, how to be woken and how to read the clock. turn.c implements task.h and those functions of
 * loop.h that need nothing else; it reaches the implementation through two pointers only. Private to
 * the loops. */
#ifndef WEFT_TURN_H
#define WEFT_TURN_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/loop.h"
#include "timer_queue.h"

struct weft_loop {
    int64_t now;      /* returned by weft_loop_now */
    int64_t looked;   /* a time before this turn's look at the descriptors: deadlines up to it have
                        passed as far as timers are concerned */
    int64_t held_at;  /* when late timers began to be held back; 0 while none are */
    bool found_ready; /* set by the implementation: the look found a ready descriptor */
    struct weft__timer_queue timers;
    uint64_t turn_sequence;         /* timers armed since this turn began wait for the next one */
    struct weft_deferred *deferred; /* newest first */
    struct weft_turn_hook *hooks;
    struct weft_turn_hook **next_hook; /* link of the hook to call after the current one */
    bool turning, stopping;
    int64_t wall;                                /* returned by weft_loop_wall */
    int64_t wall_read_at;                        /* the value of `now` when wall was read */
    int64_t (*clock)(struct weft_loop *loop);    /* reads the time */
    int64_t (*calendar)(struct weft_loop *loop); /* reads the calendar's time */
    void (*wake)(struct weft_loop *loop); /* any thread: ends the wait, or prevents the next one */
    _Atomic(struct weft_post *) posts;    /* newest first; &closed once no more are accepted */
    struct weft_post closed;
    _Atomic uint64_t posts_run, turns; /* counted by the loop's thread */
};

/* Reads the clock and the calendar for the first time. */
void weft__turn_init(struct weft_loop *loop, int64_t (*clock)(struct weft_loop *loop),
                     int64_t (*calendar)(struct weft_loop *loop),
                     void (*wake)(struct weft_loop *loop));

/* Called first when the loop has woken, after it has asked the system which descriptors are ready:
 * sets the time and calls the begin hooks. */
void weft__turn_begin(struct weft_loop *loop, int64_t now);

/* Called once the ready descriptors are served: runs timers, posts, deferred calls, end hooks. */
void weft__turn_end(struct weft_loop *loop);

/* True if the next turn must not wait: a call is deferred, or a deadline has passed and its timer
 * waits for one more look at the descriptors. */
static inline bool weft__turn_is_due(const struct weft_loop *loop)
{
    return loop->deferred || weft__timer_queue_next(&loop->timers) <= loop->now;
}

/* The last turn: closes the queue of posts, runs the posts in it and what they deferred. Does
 * nothing if the queue is closed already. */
void weft__turn_close(struct weft_loop *loop);

#endif
