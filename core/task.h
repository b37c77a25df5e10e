/* SPDX-License-Identifier: MIT
 *
 * A plugin's view of a loop: it can come back later, from the same thread or another, and know the time.
 * The rest of the loop (loop.h) belongs to the core and to transports. All structs here are the caller's
 * memory, zeroed before first use.
 *
 * A turn of the loop: hooks begin; ready descriptors, timers, posts, then deferred calls; hooks end; wait.
 * A connection's pump (service.h) runs within a turn, whichever of these woke it. */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_loop;

/* Nanoseconds of a monotonic clock, as of this turn's beginning: no system call. Loop's thread. */
int64_t weft_loop_now(const struct weft_loop *loop);

/* A call from any thread to the loop's thread. */
struct weft_post {
    void (*run)(struct weft_post *post); /* set by the caller; on the loop's thread, at a turn,
                                            exactly once a post */
    struct weft_post *next;              /* the loop's, from post until run begins */
};

/* Any thread; wakes the loop. The node is the loop's until run begins, and may be posted again from
 * within run. Nodes of one poster run in the order posted. Cannot fail for memory. -ESHUTDOWN: the
 * loop has closed its queue, run will not be called, the node is the caller's again. What was
 * posted before that is run before the loop ends. */
WEFT_MUST_USE int weft_loop_post(struct weft_loop *loop, struct weft_post *post);

/* A one-shot timer. Loop's thread only. */
struct weft_timer {
    void (*fire)(struct weft_timer *timer); /* set by the caller */
    struct weft_loop *loop;                 /* the loop's from here on */
    bool armed;
    union {
        long long align;
        void *pointer;
        unsigned char bytes[40];
    } opaque;
};

/* (Re)arms timer to fire once, delay nanoseconds after weft_loop_now(), never before this call
 * returns. 0 is the next turn. The timer must be stopped or have fired before its memory goes.
 * Cannot fail. */
void weft_loop_after(struct weft_loop *loop, struct weft_timer *timer, int64_t delay);

/* No fire after this. Fine on one that is not armed, or zeroed. */
void weft_timer_stop(struct weft_timer *timer);

/* Called around every turn of the loop, on its thread: begin when it wakes and before any other
 * callback, end when the turn is over and it may wait. Between end and begin no plugin code runs on
 * this loop. */
struct weft_turn_hook {
    void (*begin)(struct weft_turn_hook *hook);
    void (*end)(struct weft_turn_hook *hook);
    struct weft_turn_hook *next; /* the loop's while added */
};

/* Loop's thread, or before the loop runs. The hook's first call is begin, at once, when a turn is
 * under way. Remove calls nothing. */
void weft_loop_add_hook(struct weft_loop *loop, struct weft_turn_hook *hook);
void weft_loop_remove_hook(struct weft_loop *loop, struct weft_turn_hook *hook);

#ifdef __cplusplus
}
#endif

#endif
