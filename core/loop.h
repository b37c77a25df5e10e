/* SPDX-License-Identifier: MIT
 *
 * The event loop: one thread's descriptors, timers, posts and turns. Together with task.h this is
 * the only way to time and readiness; loop.c is the only file that knows libev, and the tests have
 * a second implementation with virtual time and no descriptors. Everything is the loop's thread's
 * unless it says otherwise.
 *
 * A turn: hooks begin; ready descriptors, timers, posts, then deferred calls (those present when
 * they begin); hooks end; wait. */
#ifndef WEFT_LOOP_H
#define WEFT_LOOP_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* fd_limit: one over the highest descriptor that will be watched; arrays are sized now, because
 * libev aborts where it cannot grow one. -ENOMEM, -EMFILE. Not thread-bound until run. */
WEFT_MUST_USE int weft_loop_new(struct weft_loop **loop, int fd_limit);

/* After run has returned, and after everything added to it was removed. Runs what was still posted.
 * NULL is fine. */
void weft_loop_free(struct weft_loop *loop);

/* Turns until weft_loop_stop, then closes the post queue after running what is in it. */
void weft_loop_run(struct weft_loop *loop);

/* One turn, which may wait for something to come, for a caller who decides after each whether there
 * is to be another. Instead of run, and not after it. */
void weft_loop_turn(struct weft_loop *loop);

/* Ends run after this turn. Loop's thread; from another, post a call that stops. */
void weft_loop_stop(struct weft_loop *loop);

/* Reads the clock and moves weft_loop_now on to it, within a turn that has become long. Returns it.
 */
int64_t weft_loop_refresh(struct weft_loop *loop);

/* A call on this thread in the next turn: without a descriptor, without a lock. The node is the
 * loop's until run begins. Deferring an armed one changes nothing. */
struct weft_deferred {
    void (*run)(struct weft_deferred *deferred);
    struct weft_deferred *next, **prev; /* prev: NULL when not deferred */
};
void weft_loop_defer(struct weft_loop *loop, struct weft_deferred *deferred);
/* Fine on one that is not deferred, or zeroed. */
void weft_deferred_cancel(struct weft_deferred *deferred);

/* Readiness of a descriptor, level-triggered. */
struct weft_io {
    void (*ready)(struct weft_io *io,
                  unsigned events); /* WEFT_READABLE | WEFT_WRITABLE, errors as both */
    struct weft_loop *loop;
    union {
        long long align;
        void *pointer;
        unsigned char bytes[56];
    } opaque;
};
void weft_io_init(struct weft_io *io, struct weft_loop *loop, int fd,
                  void (*ready)(struct weft_io *io, unsigned events));
/* 0 stops it; a descriptor must be stopped before it is closed. Changing to what is set already
 * costs nothing. */
void weft_io_want(struct weft_io *io, unsigned interest);

/* A signal, delivered in a turn. At most one loop of a process may watch a given one. Only main()
 * uses these: a library changes no process signals. */
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
