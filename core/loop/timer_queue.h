/* SPDX-License-Identifier: MIT
 *
 * Timers in the order of their deadlines: a pairing heap (Fredman, Sedgewick, Sleator, Tarjan,
 * 1986) whose nodes lie in the timers themselves, so that arming one needs no memory and cannot
 * fail. Timers of equal deadlines fire in the order in which they were armed. Private to the loops;
 * one thread. */
#ifndef WEFT_TIMER_QUEUE_H
#define WEFT_TIMER_QUEUE_H

#include "core/task.h"

struct weft__timer_node;

struct weft__timer_queue {
    struct weft__timer_node *root;
    uint64_t sequence; /* of the next timer that is armed */
};

/* Arms timer, or moves it if it is armed already, in this queue. */
void weft__timer_queue_arm(struct weft__timer_queue *queue, struct weft_timer *timer,
                           int64_t deadline);

/* Fine on one that is not armed. */
void weft__timer_queue_disarm(struct weft__timer_queue *queue, struct weft_timer *timer);

/* The earliest deadline; INT64_MAX where nothing is armed. */
int64_t weft__timer_queue_next(const struct weft__timer_queue *queue);

/* Takes the earliest timer out, if its deadline is not after now and it was armed before
 * queue->sequence was `before`; else NULL. */
struct weft_timer *weft__timer_queue_expire(struct weft__timer_queue *queue, int64_t now,
                                            uint64_t before);

#endif
