/* SPDX-License-Identifier: MIT
 *
 * A real loop whose system calls can be made to fail, descriptors that count how often they are
 * told of, and timers. */
#ifndef WEFT_TEST_LOOP_FIXTURE_H
#define WEFT_TEST_LOOP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/loop.h"
#include "core/transport.h"
#include "lib/syscall_fault.h"

enum { FD_LIMIT = 256, MILLISECOND = 1000000 };

/* cmocka's fixtures; the state is a loop. */
int loop_setup(void **state);
int loop_teardown(void **state);

#define TEST(function) cmocka_unit_test_setup_teardown(function, loop_setup, loop_teardown)

struct counted_io {
    struct weft_io io;
    int fd, calls;
    unsigned events;    /* of the last call */
    int stop_at;        /* stops the loop with that call; 0: never */
    unsigned then_want; /* set with each call */
    struct counted_io *silence;
};

void on_io(struct weft_io *io, unsigned events);
/* An eventfd: writable always, readable while its count is not 0. */
struct counted_io make_io(struct weft_loop *loop, unsigned count);
void close_io(struct counted_io *io);

struct counted_timer {
    struct weft_timer timer;
    int64_t refreshed; /* what refresh answered in fire */
    bool stop;
};

/* Asserts that the turn's time stands still but for refresh. */
void on_timer(struct weft_timer *timer);

#endif
