/* SPDX-License-Identifier: MIT
 *
 * Posts, timers, deferred calls and hooks that note a letter each in a journal, which the tests of a
 * turn compare. Built with the real loop and with the virtual one. */
#ifndef WEFT_TEST_TURN_FIXTURE_H
#define WEFT_TEST_TURN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/loop.h"

enum { FD_LIMIT = 64, MILLISECOND = 1000000 };

/* A letter for each thing that has happened since the test began. */
extern char turn_journal[256];

void turn_note(char letter);

struct note_post {
    struct weft_post post;
    char letter;
    int again;  /* posts itself so often */
    bool stop;  /* stops the loop */
    int result; /* of posting itself */
    struct weft_loop *loop;
};

struct note_timer {
    struct weft_timer timer;
    char letter;
    bool stop;     /* stops the loop, if it is not armed once more */
    int64_t again; /* arms itself once more with this delay; 0: not */
    struct weft_timer *kill;
    int64_t fired_at;
};

struct note_deferred {
    struct weft_deferred deferred;
    struct weft_loop *loop;
    char letter;
    int again;
    bool stop;
    struct weft_deferred *kill;
};

struct note_hook {
    struct weft_turn_hook hook;
    struct weft_loop *loop;
    char begin, end;
    struct weft_turn_hook *add, *remove; /* once, by begin */
    bool leave;                          /* begin removes itself */
};

struct note_post make_post(struct weft_loop *loop, char letter);
struct note_timer make_timer(char letter);
struct note_deferred make_deferred(struct weft_loop *loop, char letter);
struct note_hook make_hook(struct weft_loop *loop, char begin, char end);

/* cmocka's fixtures; the state is a loop. */
int turn_setup(void **state);
int turn_teardown(void **state);

#define TEST(function) cmocka_unit_test_setup_teardown(function, turn_setup, turn_teardown)

#endif
