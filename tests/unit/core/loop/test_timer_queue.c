/* SPDX-License-Identifier: MIT */
#include "core/loop/timer_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/random.h"

enum { MANY = 2000 };

static struct weft_timer timers[MANY];

static int setup(void **state)
{
    (void)state;
    memset(timers, 0, sizeof(timers));
    return 0;
}

static struct weft_timer *expire(struct weft__timer_queue *queue, int64_t now)
{
    return weft__timer_queue_expire(queue, now, UINT64_MAX);
}

static void test_empty_queue_has_no_deadline(void **state)
{
    struct weft__timer_queue queue = {0};

    (void)state;
    assert_int_equal(weft__timer_queue_next(&queue), INT64_MAX);
    assert_null(expire(&queue, INT64_MAX));
}

static void test_earliest_deadline_comes_first(void **state)
{
    struct weft__timer_queue queue = {0};

    (void)state;
    weft__timer_queue_arm(&queue, &timers[0], 30);
    weft__timer_queue_arm(&queue, &timers[1], 10);
    weft__timer_queue_arm(&queue, &timers[2], 20);
    assert_int_equal(weft__timer_queue_next(&queue), 10);
    assert_ptr_equal(expire(&queue, 100), &timers[1]);
    assert_ptr_equal(expire(&queue, 100), &timers[2]);
    assert_ptr_equal(expire(&queue, 100), &timers[0]);
    assert_null(expire(&queue, 100));
}

static void test_equal_deadlines_keep_the_order_of_arming(void **state)
{
    struct weft__timer_queue queue = {0};
    size_t i;

    (void)state;
    for (i = 0; i < MANY; i++)
        weft__timer_queue_arm(&queue, &timers[i], 5);
    for (i = 0; i < MANY; i++)
        assert_ptr_equal(expire(&queue, 5), &timers[i]);
}

static void test_deadline_in_the_future_stays(void **state)
{
    struct weft__timer_queue queue = {0};

    (void)state;
    weft__timer_queue_arm(&queue, &timers[0], 10);
    assert_null(expire(&queue, 9));
    assert_true(weft_timer_is_armed(&timers[0]));
    assert_ptr_equal(expire(&queue, 10), &timers[0]);
    assert_false(weft_timer_is_armed(&timers[0]));
}

static void test_timer_armed_since_then_stays(void **state)
{
    struct weft__timer_queue queue = {0};
    uint64_t before;

    (void)state;
    weft__timer_queue_arm(&queue, &timers[0], 10);
    before = queue.sequence;
    weft__timer_queue_arm(&queue, &timers[1], 10);
    assert_ptr_equal(weft__timer_queue_expire(&queue, 10, before), &timers[0]);
    assert_null(weft__timer_queue_expire(&queue, 10, before));
    assert_true(weft_timer_is_armed(&timers[1]));
}

static void test_arming_again_moves_the_timer(void **state)
{
    struct weft__timer_queue queue = {0};

    (void)state;
    weft__timer_queue_arm(&queue, &timers[0], 10);
    weft__timer_queue_arm(&queue, &timers[1], 20);
    weft__timer_queue_arm(&queue, &timers[0], 30);
    assert_ptr_equal(expire(&queue, 100), &timers[1]);
    assert_ptr_equal(expire(&queue, 100), &timers[0]);
    assert_null(expire(&queue, 100));
}

static void test_disarming_an_idle_timer_changes_nothing(void **state)
{
    struct weft__timer_queue queue = {0};

    (void)state;
    weft__timer_queue_arm(&queue, &timers[0], 10);
    weft__timer_queue_disarm(&queue, &timers[1]);
    assert_ptr_equal(expire(&queue, 10), &timers[0]);
}

/* The next of those armed, by looking at each: what the heap must agree with. */
static size_t earliest(const int64_t deadlines[MANY], const uint64_t sequences[MANY])
{
    size_t best = MANY, i;

    for (i = 0; i < MANY; i++) {
        if (!weft_timer_is_armed(&timers[i]))
            continue;
        if (best == MANY || deadlines[i] < deadlines[best] ||
            (deadlines[i] == deadlines[best] && sequences[i] < sequences[best]))
            best = i;
    }
    return best;
}

static void test_any_mix_of_calls_keeps_the_order(void **state)
{
    static int64_t deadlines[MANY];
    static uint64_t sequences[MANY];
    struct test_random random = test_random_start(7);
    struct weft__timer_queue queue = {0};
    int i;

    (void)state;
    for (i = 0; i < 10 * MANY; i++) {
        size_t which = test_random_below(&random, MANY), expected;

        switch (test_random_below(&random, 4)) {
        case 0:
            weft__timer_queue_disarm(&queue, &timers[which]);
            break;
        case 1:
            expected = earliest(deadlines, sequences);
            assert_ptr_equal(expire(&queue, INT64_MAX),
                             expected == MANY ? NULL : &timers[expected]);
            break;
        default:
            deadlines[which] = (int64_t)test_random_below(&random, 500);
            sequences[which] = queue.sequence;
            weft__timer_queue_arm(&queue, &timers[which], deadlines[which]);
        }
    }
    while ((i = (int)earliest(deadlines, sequences)) < MANY)
        assert_ptr_equal(expire(&queue, INT64_MAX), &timers[i]);
    assert_null(queue.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_empty_queue_has_no_deadline, setup),
        cmocka_unit_test_setup(test_earliest_deadline_comes_first, setup),
        cmocka_unit_test_setup(test_equal_deadlines_keep_the_order_of_arming, setup),
        cmocka_unit_test_setup(test_deadline_in_the_future_stays, setup),
        cmocka_unit_test_setup(test_timer_armed_since_then_stays, setup),
        cmocka_unit_test_setup(test_arming_again_moves_the_timer, setup),
        cmocka_unit_test_setup(test_disarming_an_idle_timer_changes_nothing, setup),
        cmocka_unit_test_setup(test_any_mix_of_calls_keeps_the_order, setup),
    };

    return cmocka_run_group_tests_name("timer_queue", tests, NULL, NULL);
}
