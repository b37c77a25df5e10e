/* SPDX-License-Identifier: MIT
 *
 * The part of a loop that a plugin may use: it can come back later, from the same thread or from
 * another one, and it can read the time. The rest of the loop (loop.h) belongs to the core and to
 * transports. All structs here are the caller's memory, zeroed before first use.
 *
 * A loop works in turns, on one thread. A turn goes through these steps:
 *
 *   1. Begin hooks.
 *   2. Ready descriptors. The pump of a connection (service.h) reads, decodes, calls the service and
 *      writes here. It also runs in the steps below, if they wake it.
 *   3. Timers that are due.
 *   4. Posts.
 *   5. Deferred calls (loop.h), those that were deferred before this step began.
 *   6. End hooks.
 *
 * Then the loop waits until a descriptor is ready, a timer is due or a post comes. A timer that a
 * callback arms fires in the next turn at the earliest. In these headers "turn" means only this. */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_loop;

/* Returns the time of a monotonic clock in nanoseconds, as the loop last read it; makes no system
 * call. The loop reads the clock when a turn begins, and the core reads it again after work that may
 * have taken long, such as inflating a message. So two calls in one turn may differ. Loop's thread. */
int64_t weft_loop_now(const struct weft_loop *loop);

/* Returns the time of the calendar in milliseconds since 1970, in UTC. The first call after the loop has
 * read its clock reads the calendar too, and further calls return the same time until the loop reads its
 * clock again. So a loop on which nobody asks never reads the calendar. The time goes back if somebody sets
 * the system's clock back. Loop's thread. */
int64_t weft_loop_wall(struct weft_loop *loop);

/* A call from any thread to the loop's thread. */
struct weft_post {
    /* Set by the caller. Called on the loop's thread, within a turn, once per weft_loop_post. */
    void (*run)(struct weft_post *post);
    struct weft_post *next; /* used by the loop from weft_loop_post until run begins */
};

/* Posts a call and wakes the loop. Any thread. Returns 0: run will be called, before the loop ends at the
 * latest, and the loop owns the node until run begins; run may post it again. Returns -ESHUTDOWN if the
 * loop has stopped and takes no more posts: run is not called and the caller keeps the node. Nodes that
 * one thread posts run in the order posted. Allocates nothing. */
WEFT_MUST_USE int weft_loop_post(struct weft_loop *loop, struct weft_post *post);

/* A timer that fires once each time it is armed. Loop's thread only. */
struct weft_timer {
    void (*fire)(struct weft_timer *timer); /* set by the caller */
    struct weft_loop *loop;                 /* this and all below is the loop's */
    int64_t deadline; /* while it is armed: the weft_loop_now at which it is due */
    uint64_t sequence;
    struct weft_timer *child, *sibling, **link; /* link is NULL unless it is armed */
};

static inline bool weft_timer_is_armed(const struct weft_timer *timer)
{
    return timer->link;
}

/* Arms the timer, or moves it if it is armed, to fire delay nanoseconds after weft_loop_now. Outside of a
 * turn this reads the clock first. A delay of 0 or less means the next turn; a delay beyond the clock's
 * range means never. Once the deadline has passed, the loop looks at its descriptors first and fires the
 * timer after them. So bytes that arrived before the deadline are seen before it, even if the process was
 * stopped in between. Cannot fail.
 *
 * The loop uses the timer's memory until fire begins or weft_timer_stop returns; fire may free it or
 * arm it again. */
void weft_loop_after(struct weft_loop *loop, struct weft_timer *timer, int64_t delay);

/* Prevents the timer from firing. Does nothing to a timer that is not armed, or that is zeroed. */
void weft_timer_stop(struct weft_timer *timer);

/* A pair of calls per turn, for what is held or gathered for a whole turn. The loop calls begin before any
 * other callback, and end after all others, before it may wait. From an end to the next begin no plugin
 * code runs on this loop. Both must be set. */
struct weft_turn_hook {
    void (*begin)(struct weft_turn_hook *hook);
    void (*end)(struct weft_turn_hook *hook);
    struct weft_turn_hook *next; /* the loop's while the hook is added */
};

/* Adds a hook, which the loop owns until it is removed. Hooks are called in the order added. If a hook is
 * added within a turn, its begin is called at once. Removing a hook calls neither begin nor end, and does nothing to a hook that
 * is not added. Loop's thread, or before the loop runs. */
void weft_loop_add_hook(struct weft_loop *loop, struct weft_turn_hook *hook);
void weft_loop_remove_hook(struct weft_loop *loop, struct weft_turn_hook *hook);

#ifdef __cplusplus
}
#endif

#endif
