/* SPDX-License-Identifier: MIT
 *
 * A loop without its descriptors: time, timers, posts, deferred calls and hooks, and the order they
 * have in a turn. It is what every implementation of loop.h begins with; an implementation adds how
 * to wait, how to be woken and where time comes from. turn.c has the functions of task.h, and those
 * of loop.h that need no more than this. Private to the loops. */
#ifndef WEFT_TURN_H
#define WEFT_TURN_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/loop.h"
#include "timer_queue.h"

struct weft_loop {
    int64_t now; /* what weft_loop_now answers */
    struct weft__timer_queue timers;
    uint64_t turn_sequence;         /* timers armed since this turn began wait for the next */
    struct weft_deferred *deferred; /* the newest first */
    struct weft_turn_hook *hooks;
    struct weft_turn_hook **next_hook; /* where the one to be called after this one stands */
    bool turning, stopping;
    void (*wake)(struct weft_loop *loop); /* any thread: ends the wait, or prevents the next one */
    _Atomic(struct weft_post *) posts;    /* the newest first; &closed once no more are taken */
    struct weft_post closed;
};

void weft__turn_init(struct weft_loop *loop, int64_t now, void (*wake)(struct weft_loop *loop));

/* The loop has woken: takes the time and calls the hooks. Before anything else in the turn. */
void weft__turn_begin(struct weft_loop *loop, int64_t now);

/* What follows the ready descriptors: timers, posts, deferred calls, hooks. */
void weft__turn_end(struct weft_loop *loop);

/* Whether the loop must have its next turn without waiting. */
static inline bool weft__turn_is_due(const struct weft_loop *loop)
{
    return loop->deferred != NULL;
}

/* The last turn: closes the queue of posts, runs what is in it and what that deferred. Nothing
 * happens where it is closed already. */
void weft__turn_close(struct weft_loop *loop, int64_t now);

#endif
