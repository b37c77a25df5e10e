/* SPDX-License-Identifier: MIT
 *
 * A loop for tests: core/loop.h and core/task.h over a clock that moves only when told to, without
 * libev, descriptors or waiting. Linked in the place of core/loop/loop_ev.c; timers, posts, deferred calls
 * and hooks are the real ones of core/loop/turn.c. What needs the system, weft_io_* and weft_signal_*, is
 * not here: a test that links it uses script_transport.
 *
 * weft_loop_new makes one and time begins at VIRTUAL_LOOP_BEGIN. weft_loop_run has turns until the
 * loop is stopped, and lets time jump to the next timer when nothing else is left to do; it returns
 * also when nothing is left at all. weft_loop_turn lets time jump likewise. */
#ifndef WEFT_TEST_VIRTUAL_LOOP_H
#define WEFT_TEST_VIRTUAL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/loop.h"

#define VIRTUAL_LOOP_BEGIN      INT64_C(1000000000000)
#define VIRTUAL_LOOP_WALL_BEGIN INT64_C(1700000000000) /* milliseconds since 1970 */

/* A loop that has had this many turns at one moment never comes to rest. */
enum { VIRTUAL_LOOP_RESTLESS = 100000 };

/* One turn, now. */
void virtual_loop_turn(struct weft_loop *loop);

/* Turns for as long as there is something to do now. False: it did not come to rest. */
bool virtual_loop_run_until_idle(struct weft_loop *loop);

/* Time goes on by ns: each timer fires at its moment, and the loop comes to rest before and after.
 * False: at some moment it did not. */
bool virtual_loop_advance(struct weft_loop *loop, int64_t ns);

/* Time goes on by ns within a callback, as if it had worked so long: weft_loop_now does not move
 * before weft_loop_refresh or the next turn. */
void virtual_loop_spend(struct weft_loop *loop, int64_t ns);

/* Somebody sets the calendar, which goes on with the clock from there. As with time that was spent,
 * weft_loop_wall shows it after weft_loop_refresh moved the clock, or in a turn at another time. */
void virtual_loop_set_wall(struct weft_loop *loop, int64_t ms);

/* True if there is something to do now. */
bool virtual_loop_has_work(struct weft_loop *loop);

/* Waits until another thread has posted a call. False: none did for a minute. */
bool virtual_loop_wait_for_post(struct weft_loop *loop);

/* When the earliest timer is due; INT64_MAX where none is armed. */
int64_t virtual_loop_next_timer(const struct weft_loop *loop);

#endif
