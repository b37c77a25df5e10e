/* SPDX-License-Identifier: MIT
 *
 * Timers in the order of their deadlines: a pairing heap (Fredman, Sedgewick, Sleator, Tarjan,
 * 1986). The nodes lie in the timers themselves, so arming one needs no memory and cannot fail. Timers
 * of equal deadlines fire in the order in which they were armed. Private to the loops; one thread. */
#ifndef WEFT_TIMER_QUEUE_H
#define WEFT_TIMER_QUEUE_H

#include "core/task.h"

struct weft__timer_queue {
    struct weft_timer *root;
    uint64_t sequence; /* the number of the next timer to be armed */
};

/* Arms timer, or moves it if this queue has armed it already. */
void weft__timer_queue_arm(struct weft__timer_queue *queue, struct weft_timer *timer,
                           int64_t deadline);

/* Does nothing to a timer that is not armed. */
void weft__timer_queue_disarm(struct weft__timer_queue *queue, struct weft_timer *timer);

/* Returns the earliest deadline, or INT64_MAX if nothing is armed. */
int64_t weft__timer_queue_next(const struct weft__timer_queue *queue);

/* Takes out and returns the earliest timer, if its deadline is not after now and it was armed before
 * queue->sequence reached `before`. Returns NULL otherwise. */
struct weft_timer *weft__timer_queue_expire(struct weft__timer_queue *queue, int64_t now,
                                            uint64_t before);

#endif
