/* SPDX-License-Identifier: MIT
 *
 * The feed over several loops: counts, order, and what a loop that is behind loses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kv_feed_fixture.h"
#include "lib/sample_text.h"
#include "lib/virtual_loop.h"

static void add_name(void *arg, struct weft_view topic)
{
    strncat(arg, (const char *)topic.data, topic.size);
}

static void unfollow_each(void *arg, const struct kv_feed_source *source)
{
    struct reader *self = arg;
    assert_int_equal(kv_follower_unfollow(&self->follower, source), 0);
}

static void test_counts_are_those_of_all_loops(void **state)
{
    struct fixture *f = begin(&no_limits);
    const struct kv_feed_source t = source_of("t");
    char names[16] = "";
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    assert_int_equal(follow(f, 0, "*"), 0);
    assert_int_equal(kv_follower_follow(&f->readers[1].follower, f->at[1], &t), 0);
    assert_int_equal(kv_feed_followers(f->feed, weft_view_str("t")), 2);
    assert_int_equal(kv_feed_followers(f->feed, weft_view_str("u")), 0);
    assert_int_equal(kv_feed_patterns(f->feed), 1);
    kv_feed_each_topic(f->feed, add_name, names);
    assert_string_equal(names, "t");
    assert_int_equal(publish(f, "t", "a"), 3);
    run(f);
    kv_follower_each(&f->readers[0].follower, unfollow_each, &f->readers[0]);
    assert_int_equal(kv_feed_patterns(f->feed), 0);
    assert_int_equal(kv_feed_followers(f->feed, weft_view_str("t")), 1);
    end(f);
}

static double sample(struct fixture *f, const char *name)
{
    static struct sample_text text;
    const char *const none[] = {NULL};
    sample_text_init(&text);
    kv_feed_collect(f->feed, &text.samples);
    return sample_text_sum(&text, name, none);
}

static void test_collector_tells_what_happened_on_all_loops(void **state)
{
    const struct kv_feed_limits limits = {.ring = 100};
    struct fixture *f = begin(&limits);
    const struct kv_feed_source t = source_of("t");
    (void)state;
    assert_int_equal(publish(f, "t", "a b"), 0);
    assert_true(sample(f, "weft_feed_messages_published") == 2);
    assert_int_equal(follow(f, 0, "t"), 0);
    assert_int_equal(follow(f, 0, "*"), 0);
    assert_int_equal(kv_follower_follow(&f->readers[1].follower, f->at[1], &t), 0);
    assert_true(sample(f, "weft_feed_topics") == 2);
    assert_true(sample(f, "weft_feed_followers") == 3);
    assert_true(sample(f, "weft_feed_memory_bytes") == 0);
    f->readers[0].room = 0;
    publish(f, "t", "c");
    double bytes = (double)kv_feed_loop_bytes(f->at[0]);
    assert_true(sample(f, "weft_feed_memory_bytes") > bytes); /* a parcel goes to the other loop */
    run(f);
    bytes = (double)kv_feed_loop_bytes(f->at[0]);
    assert_true(bytes > 0);
    assert_true(sample(f, "weft_feed_memory_bytes") == bytes);
    publish(f, "t", "d");
    run(f);
    assert_true(sample(f, "weft_feed_messages_published") == 4);
    assert_true(sample(f, "weft_feed_messages_lost") == 0);
    f->readers[0].room = SIZE_MAX;
    assert_int_equal(kv_follower_resume(&f->readers[0].follower), 0);
    assert_int_equal(f->readers[0].got_lost,
                     1); /* "c" by its topic; the pattern's ring has both in one batch */
    assert_true(sample(f, "weft_feed_messages_lost") == 1);
    make_fails = true;
    publish(f, "t", "e");
    run(f);
    assert_true(sample(f, "weft_feed_messages_lost") == 4);
    assert_true(sample(f, "weft_feed_memory_bytes") == 0);
    end(f);
}

static void test_messages_reach_other_loops_in_order(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "*"), 0);
    publish_at(f, 1, "a", "1 2");
    publish_at(f, 1, "b", "3");
    publish_at(f, 1, "a", "4");
    run(f);
    assert_string_equal(f->readers[0].log, "*:a=1,2 *:b=3 *:a=4 ");
    publish_at(f, 1, "a", "5");
    run(f);
    assert_string_equal(f->readers[0].log, "*:a=1,2 *:b=3 *:a=4 *:a=5 ");
    /* A loop that has ended takes nothing, and what was on its way goes with it. */
    weft_loop_stop(f->loops[0]);
    weft_loop_run(f->loops[0]);
    publish_at(f, 1, "a", "left");
    publish_at(f, 1, "a", "behind");
    assert_true(virtual_loop_run_until_idle(f->loops[1]));
    end(f);
}

/* The loop of the follower has not run since the first one, so that waits in its inbox. */
static void test_message_comes_behind_those_whose_publishers_were_answered(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "*"), 0);
    publish_at(f, 1, "a", "1");
    publish_at(f, 0, "b", "2");
    publish_at(f, 1, "a", "3");
    publish_at(f, 0, "b", "4");
    publish_at(f, 0, "b", "5");
    publish_at(f, 1, "a", "6");
    run(f);
    assert_string_equal(f->readers[0].log, "*:a=1 *:b=2 *:a=3 *:b=4,5 *:a=6 ");
    publish_at(f, 1, "a", "7");
    run(f);
    assert_non_null(strstr(f->readers[0].log, "*:a=6 *:a=7 "));
    /* A loop that has ended takes nothing, also behind what it has taken over before. */
    publish_at(f, 1, "a", "8");
    publish_at(f, 0, "a", "9");
    weft_loop_stop(f->loops[0]);
    weft_loop_run(f->loops[0]);
    publish_at(f, 1, "a", "10");
    publish_at(f, 0, "a", "11");
    publish_at(f, 1, "a", "12");
    end(f);
}

static void test_follower_gets_nothing_that_was_published_before_on_another_loop(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "a"), 0);
    publish_at(f, 1, "a", "1");
    assert_int_equal(follow(f, 1, "a"), 0);
    publish_at(f, 1, "a", "2");
    run(f);
    assert_string_equal(f->readers[0].log, "a=1 a=2 ");
    assert_string_equal(f->readers[1].log, "a=2 ");
    end(f);
}

static void test_follower_that_finishes_gets_what_is_on_its_way(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(kv_follower_finish(&f->readers[0].follower), 0);
    assert_int_equal(follow(f, 0, "a"), 0);
    publish_at(f, 1, "a", "1");
    publish_at(f, 1, "a", "2");
    assert_int_equal(kv_follower_finish(&f->readers[0].follower), 0);
    assert_string_equal(f->readers[0].log, "a=1,2 ");
    run(f);
    assert_string_equal(f->readers[0].log, "a=1,2 ");
    end(f);
}

static void test_loop_that_is_far_behind_refuses_messages(void **state)
{
    struct fixture *f = begin(&no_limits);
    char *large = malloc(KV_FEED_INBOX);
    assert_non_null(large);
    memset(large, 'x', KV_FEED_INBOX);
    const struct weft_view value = weft_view(large, KV_FEED_INBOX), topic = weft_view_str("t");
    uint64_t receivers;
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    assert_int_equal(kv_feed_publish(f->at[1], topic, &value, 1, &receivers), 0);
    assert_int_equal(kv_feed_publish(f->at[1], topic, &value, 1, &receivers), -ENOBUFS);
    /* Its own messages do not go that way. */
    publish(f, "t", "a");
    make_fails = true; /* a message of that size is too large for the log */
    run(f);
    assert_int_equal(f->readers[0].got_lost, 2);
    free(large);
    end(f);
}

/* --- gaps of unknown size ---------------------------------------------------------------------------- */

static void test_gap_is_told_to_all_on_every_loop_in_its_place(void **state)
{
    struct fixture *f = begin(&no_limits);
    const struct kv_feed_source t = source_of("t"), keys = source_of("__keyevent@0__:set");
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    assert_int_equal(follow(f, 1, "*"), 0);
    assert_int_equal(kv_follower_follow(&f->readers[2].follower, f->at[1], &t), 0);
    assert_int_equal(kv_follower_follow(&f->readers[3].follower, f->at[1], &keys), 0);
    publish(f, "t", "a b");
    kv_feed_lose(f->at[0]);
    publish(f, "t", "c");
    run(f);
    assert_string_equal(f->readers[0].log, "t=a,b t-0 t=c ");
    assert_string_equal(f->readers[1].log, "*:t=a,b *-0 *:t=c ");
    assert_string_equal(f->readers[2].log, "t=a,b t-0 t=c ");
    assert_string_equal(f->readers[3].log, "__keyevent@0__:set-0 ");
    end(f);
}

/* Its size is not known, so that of the whole is not. */
static void test_gap_among_counted_losses_makes_their_number_unknown(void **state)
{
    const struct kv_feed_limits one_run = {.ring = 1};
    struct fixture *f = begin(&one_run);
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    assert_int_equal(follow(f, 0, "u"), 0);
    f->readers[0].room = 0;
    publish(f, "t", "a");
    run(f);
    publish(f, "t", "b");
    kv_feed_lose(f->at[0]);
    publish(f, "t", "c");
    f->readers[0].room = SIZE_MAX;
    assert_int_equal(kv_follower_resume(&f->readers[0].follower), 0);
    assert_string_equal(f->readers[0].log, "t-0 u-0 t=c ");
    publish(f, "t", "d");
    run(f);
    assert_string_equal(f->readers[0].log, "t-0 u-0 t=c t=d ");
    end(f);
}

static void test_follower_that_joins_behind_a_gap_is_not_told_of_it(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    kv_feed_lose(f->at[1]);
    assert_int_equal(follow(f, 1, "t"), 0);
    publish(f, "t", "a");
    run(f);
    assert_string_equal(f->readers[0].log, "t-0 t=a ");
    assert_string_equal(f->readers[1].log, "t=a ");
    end(f);
}

/* No memory is needed for that, so the second one waits for the end of what the loop takes over. */
static void test_gaps_that_come_faster_than_a_loop_takes_over_are_told(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    for (int i = 0; i < 3; i++) {
        kv_feed_lose(f->at[1]);
        publish_at(f, 1, "t", "a");
    }
    run(f);
    assert_string_equal(f->readers[0].log, "t-0 t=a,a,a t-0 ");
    kv_feed_lose(f->at[1]);
    run(f);
    assert_string_equal(f->readers[0].log, "t-0 t=a,a,a t-0 t-0 ");
    kv_feed_lose(f->at[1]); /* nobody takes it over */
    for (size_t i = 0; i < 2; i++) {
        weft_loop_stop(f->loops[i]);
        weft_loop_run(f->loops[i]);
    }
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_those_of_all_loops),
        cmocka_unit_test(test_collector_tells_what_happened_on_all_loops),
        cmocka_unit_test(test_messages_reach_other_loops_in_order),
        cmocka_unit_test(test_message_comes_behind_those_whose_publishers_were_answered),
        cmocka_unit_test(test_follower_gets_nothing_that_was_published_before_on_another_loop),
        cmocka_unit_test(test_follower_that_finishes_gets_what_is_on_its_way),
        cmocka_unit_test(test_loop_that_is_far_behind_refuses_messages),
        cmocka_unit_test(test_gap_is_told_to_all_on_every_loop_in_its_place),
        cmocka_unit_test(test_gap_among_counted_losses_makes_their_number_unknown),
        cmocka_unit_test(test_follower_that_joins_behind_a_gap_is_not_told_of_it),
        cmocka_unit_test(test_gaps_that_come_faster_than_a_loop_takes_over_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
