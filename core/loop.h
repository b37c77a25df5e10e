/* SPDX-License-Identifier: MIT
 *
 * The event loop of one thread: turns (task.h says what a turn is), deferred calls, descriptors and
 * signals. This header and task.h are the only way to time and readiness. core/loop/loop_ev.c alone
 * knows libev; the tests have a second implementation with virtual time and no descriptors. All
 * functions are for the loop's thread unless they say otherwise. */
#ifndef WEFT_LOOP_H
#define WEFT_LOOP_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a loop. fd_limit is one more than the highest descriptor that will be watched: all arrays get
 * their size now, because libev aborts the process when it cannot grow one. Returns 0, or -errno, such
 * as -ENOMEM or -EMFILE. The loop belongs to no thread until it runs. */
WEFT_MUST_USE int weft_loop_new(struct weft_loop **loop, int fd_limit);

/* Frees a loop that is not running and from which everything was removed. If weft_loop_run has not
 * closed the queue of posts, this does, and runs those that are in it. Does nothing with NULL. */
void weft_loop_free(struct weft_loop *loop);

/* Runs turns until weft_loop_stop. Then closes the queue of posts, which makes weft_loop_post return
 * -ESHUTDOWN, and runs the posts and the deferred calls that are left as one last turn, which has no
 * timers and no descriptors. */
void weft_loop_run(struct weft_loop *loop);

/* Runs one turn, which first waits if there is nothing to do yet. It is for callers who decide after
 * each turn if there is to be another. Use either this or weft_loop_run on a loop, not both. */
void weft_loop_turn(struct weft_loop *loop);

/* Ends run after this turn. To stop a loop from another thread, post a call that does it. */
void weft_loop_stop(struct weft_loop *loop);

/* Reads the clock, sets weft_loop_now to it and returns it. Call it where a turn has become long, and
 * outside of turns. */
int64_t weft_loop_refresh(struct weft_loop *loop);

/* A deferred call, from the loop's thread to the loop's thread. run is called once, in the next step of
 * deferred calls (step 5 in task.h) to begin: this turn's, or the next turn's if this turn's has begun.
 * The calls of a step run in the order deferred. The loop owns the node until run begins; run may defer
 * it again. Deferring a node that is deferred already changes nothing. */
struct weft_deferred {
    void (*run)(struct weft_deferred *deferred);
    struct weft_deferred *next, **prev; /* prev: NULL when not deferred */
};
void weft_loop_defer(struct weft_loop *loop, struct weft_deferred *deferred);
/* Prevents the call. Does nothing to a node that is not deferred, or zeroed. */
void weft_deferred_cancel(struct weft_deferred *deferred);

/* Readiness of a descriptor, level-triggered. */
struct weft_io {
    /* Reports those wanted events that are ready, WEFT_READABLE and WEFT_WRITABLE (transport.h). An
     * error is reported as every wanted event. */
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
/* Sets the events that are reported; 0 stops the reports, which is necessary before the descriptor is
 * closed. Setting what is set already costs nothing. */
void weft_io_want(struct weft_io *io, unsigned interest);

/* A signal, reported within a turn. At most one loop of a process may watch a given signal. Only
 * programs use these: a library changes no signals of its process. */
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
void weft_signal_stop(struct weft_signal *signal);

#ifdef __cplusplus
}
#endif

#endif
