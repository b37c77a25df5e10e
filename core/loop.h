/* SPDX-License-Identifier: MIT
 *
 * The event loop of one thread: turns (task.h says what a turn is), deferred calls, descriptors and
 * signals. The core and its plugins learn of time and readiness only through this header and task.h, so
 * that tests can replace both: they have a second implementation with virtual time and no descriptors.
 * core/loop/loop_ev.c alone knows libev.
 *
 * All functions are for the loop's thread unless they say otherwise. The structs are the caller's memory,
 * zeroed before first use. */
#ifndef WEFT_LOOP_H
#define WEFT_LOOP_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a loop. fd_limit is one more than the highest descriptor that will be watched: all arrays get
 * their size now, because libev aborts the process when it cannot grow one. Returns 0, or -errno, such
 * as -ENOMEM or -EMFILE, with *loop NULL. The loop belongs to no thread until it runs. */
WEFT_MUST_USE int weft_loop_new(struct weft_loop **loop, int fd_limit);

/* Frees a loop that is not running and from which everything was removed. If weft_loop_run has not
 * closed the queue of posts, this does, and runs those that are in it. Does nothing with NULL. */
void weft_loop_free(struct weft_loop *loop);

/* Runs turns until weft_loop_stop. Then closes the queue of posts, which makes weft_loop_post return
 * -ESHUTDOWN, and runs the posts and the deferred calls that are left as one last turn, which has no
 * timers and no descriptors. The loop cannot be run again. */
void weft_loop_run(struct weft_loop *loop);

/* Runs one turn, which first waits if there is nothing to do yet. It is for callers who decide after
 * each turn if there is to be another. Use either this or weft_loop_run on a loop, not both. */
void weft_loop_turn(struct weft_loop *loop);

/* Makes weft_loop_run end after this turn. To stop a loop from another thread, post a call of this. */
void weft_loop_stop(struct weft_loop *loop);

/* Reads the clock, sets weft_loop_now to it and returns it. Call it after work that may have taken long,
 * and outside of turns, where weft_loop_now is old. */
int64_t weft_loop_refresh(struct weft_loop *loop);

/* Counts of a loop since it was made: turns, and posts that have run. Any thread. */
struct weft_loop_counts {
    uint64_t turns, posts;
};
void weft_loop_count(const struct weft_loop *loop, struct weft_loop_counts *counts);

/* A deferred call, from the loop's thread to the loop's thread. run is called once, in step 5 of a turn
 * (task.h): in this turn, or in the next one if step 5 of this turn has begun. Calls run in the order
 * deferred. The loop owns the node until run begins; run may defer it again. Deferring a node that is
 * deferred already changes nothing. */
struct weft_deferred {
    void (*run)(struct weft_deferred *deferred); /* set by the caller */
    struct weft_deferred *next, **prev; /* the loop's; prev is NULL unless it is deferred */
};
void weft_loop_defer(struct weft_loop *loop, struct weft_deferred *deferred);
/* Prevents the call. Does nothing to a node that is not deferred, or that is zeroed. */
void weft_deferred_cancel(struct weft_deferred *deferred);

/* A watcher of one descriptor, which stays the caller's. It is level-triggered: it reports an event in
 * every turn in which that is ready. */
struct weft_io {
    /* Reports those wanted events that are ready, WEFT_READABLE and WEFT_WRITABLE (transport.h). An
     * error of the descriptor is reported as every wanted event. */
    void (*ready)(struct weft_io *io, unsigned events);
    struct weft_loop *loop;
    union {
        long long align;
        void *pointer;
        unsigned char bytes[56];
    } opaque;
};
/* Sets up a watcher in the caller's memory. It reports nothing before weft_io_want. */
void weft_io_init(struct weft_io *io, struct weft_loop *loop, int fd,
                  void (*ready)(struct weft_io *io, unsigned events));
/* Sets the events that are reported. Set 0, which stops the reports, before the descriptor is closed or the
 * watcher's memory goes. Setting what is set already costs no system call. */
void weft_io_want(struct weft_io *io, unsigned interest);

/* A watcher of a signal, which is reported within a turn. At most one loop of a process may watch a given
 * signal. Only programs use these, because a library must not change the signals of its process. */
struct weft_signal {
    void (*raised)(struct weft_signal *signal);
    struct weft_loop *loop;
    union {
        long long align;
        void *pointer;
        unsigned char bytes[56];
    } opaque;
};
void weft_signal_start(struct weft_signal *signal, struct weft_loop *loop, int number,
                       void (*raised)(struct weft_signal *signal));
/* Ends the reports. Does nothing to a watcher that is not started, or that is zeroed. */
void weft_signal_stop(struct weft_signal *signal);

#ifdef __cplusplus
}
#endif

#endif
