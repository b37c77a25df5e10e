/* SPDX-License-Identifier: MIT
 *
 * The feed, on virtual loops and with followers that write down what they are sent. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kv_feed_fixture.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"

/* For as long as somebody follows in a format of one message per run. */
static void test_messages_come_one_by_one_in_a_single_format(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    f->readers[1].follower.format = &single;
    assert_int_equal(follow(f, 0, "news"), 0);
    assert_int_equal(publish(f, "news", "a b"), 1);
    assert_int_equal(follow(f, 1, "news"), 0);
    assert_int_equal(publish(f, "news", "c d"), 2);
    run(f);
    assert_string_equal(f->readers[0].log, "news=a,b news=c news=d ");
    assert_string_equal(f->readers[1].log, "news=c news=d ");
    kv_follower_leave(&f->readers[1].follower);
    assert_int_equal(publish(f, "news", "e f"), 1);
    run(f);
    assert_string_equal(f->readers[0].log, "news=a,b news=c news=d news=e,f ");
    end(f);
}

static void test_follower_gets_what_is_published_from_then_on(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(publish(f, "news", "early"), 0);
    assert_int_equal(follow(f, 0, "news"), 0);
    assert_int_equal(publish(f, "news", "a"), 1);
    assert_int_equal(publish(f, "other", "b"), 0);
    assert_string_equal(f->readers[0].log, "");
    run(f);
    assert_string_equal(f->readers[0].log, "news=a ");
    assert_int_equal(publish(f, "news", ""), 1);
    run(f);
    assert_string_equal(f->readers[0].log, "news=a ");
    assert_int_equal(kv_feed_loop_bytes(f->at[0]), 0);
    assert_ptr_equal(kv_feed_of(f->at[0]), f->feed);
    end(f);
}

static void test_messages_that_wait_together_are_one_run_made_once(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(follow(f, i, "t"), 0);
    assert_int_equal(publish(f, "t", "a b"), 3);
    assert_int_equal(publish(f, "t", "c"), 3);
    run(f);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(f->readers[i].log, "t=a,b,c ");
    assert_int_equal(makes, 1);
    assert_true(f->readers[0].shared);
    assert_true(f->readers[2].shared);
    end(f);
}

static void test_run_ends_where_a_follower_joins_and_at_its_size(void **state)
{
    struct fixture *f = begin(&no_limits);
    char word[KV_FEED_RUN + 1];
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    publish(f, "t", "a");
    assert_int_equal(follow(f, 1, "t"), 0);
    publish(f, "t", "b");
    run(f);
    assert_string_equal(f->readers[0].log, "t=a t=b ");
    assert_string_equal(f->readers[1].log, "t=b ");
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    makes = 0;
    publish(f, "t", word);
    publish(f, "t", "c");
    run(f);
    assert_int_equal(makes, 2);
    end(f);
}

static void test_follower_of_several_gets_all_in_one_order(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "a"), 0);
    assert_int_equal(follow(f, 0, "b"), 0);
    assert_int_equal(follow(f, 0, "?"), 0);
    assert_int_equal(follow(f, 0, "z*"), 0);
    assert_int_equal(publish(f, "b", "1"), 2);
    assert_int_equal(publish(f, "a", "2"), 2);
    assert_int_equal(publish(f, "b", "3"), 2);
    assert_int_equal(publish(f, "c", "4"), 1);
    run(f);
    assert_string_equal(f->readers[0].log, "b=1 ?:b=1 a=2 ?:a=2 b=3 ?:b=3 ?:c=4 ");
    end(f);
}

static void test_message_comes_by_its_topic_before_a_pattern(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "a*"), 0);
    assert_int_equal(follow(f, 0, "ab"), 0);
    assert_int_equal(follow(f, 0, "?b"), 0);
    publish(f, "ab", "1");
    run(f);
    publish(f, "ab", "2");
    run(f);
    assert_string_equal(f->readers[0].log, "ab=1 a*:ab=1 ?b:ab=1 ab=2 a*:ab=2 ?b:ab=2 ");
    end(f);
}

static void test_slow_follower_goes_on_with_the_oldest_and_is_told_the_gap(void **state)
{
    const struct kv_feed_limits limits = {.ring = 4096};
    struct fixture *f = begin(&limits);
    char word[600];
    (void)state;
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_int_equal(follow(f, 0, "t"), 0);
    assert_int_equal(follow(f, 1, "t"), 0);
    f->readers[0].room = 0;
    for (int i = 0; i < 20; i++) {
        publish(f, "t", word);
        run(f);
    }
    assert_string_equal(f->readers[0].log, "");
    assert_true(kv_feed_loop_bytes(f->at[0]) <= 4096 + 1400);
    f->readers[0].room = 1;
    assert_int_equal(kv_follower_resume(&f->readers[0].follower), -EAGAIN);
    char expected[16];
    snprintf(expected, sizeof expected, "t-%u ", (unsigned)f->readers[0].got_lost);
    assert_string_equal(f->readers[0].log, expected);
    f->readers[0].room = SIZE_MAX;
    assert_int_equal(kv_follower_resume(&f->readers[0].follower), 0);
    size_t got = 0;
    for (const char *at = f->readers[0].log; (at = strchr(at, '=')); at++)
        got++;
    assert_int_equal(got + f->readers[0].got_lost, 20);
    assert_true(got > 1);
    publish(f, "t", "last");
    run(f);
    assert_non_null(strstr(f->readers[0].log, "t=last "));
    end(f);
}

static void test_ring_keeps_1024_messages(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    assert_int_equal(follow(f, 0, "other"), 0);
    f->readers[0].room = 0;
    for (int i = 0; i < KV_FEED_RING + 76; i++) {
        publish(f, "t", "a");
        run(f); /* the follower has been refused, so nothing seals a run but the first refusal */
        publish(f, "other", "b");
        run(f);
    }
    f->readers[0].room = SIZE_MAX;
    assert_int_equal(kv_follower_resume(&f->readers[0].follower), 0);
    assert_int_equal(f->readers[0].got_lost, 2 * 76);
    end(f);
}

static void test_memory_of_a_loop_is_bounded_over_all_topics(void **state)
{
    const struct kv_feed_limits limits = {.memory = 16 << 10};
    struct fixture *f = begin(&limits);
    char topic[16], word[2000];
    (void)state;
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    f->readers[0].room = 0;
    for (int i = 0; i < 20; i++) {
        snprintf(topic, sizeof topic, "t%d", i);
        assert_int_equal(follow(f, 0, topic), 0);
        publish(f, topic, word);
        run(f);
        assert_true(kv_feed_loop_bytes(f->at[0]) <= (16 << 10) + 2200);
    }
    f->readers[0].room = SIZE_MAX;
    assert_int_equal(kv_follower_resume(&f->readers[0].follower), 0);
    size_t got = 0;
    for (const char *at = f->readers[0].log; (at = strchr(at, '=')); at++)
        got++;
    assert_int_equal(got + f->readers[0].got_lost, 20);
    /* A message that is larger than all of it is kept alone. */
    char huge[20000];
    memset(huge, 'y', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    f->readers[0].log[0] = '\0';
    publish(f, "t1", huge);
    run(f);
    assert_int_equal(strlen(f->readers[0].log), sizeof huge - 1 + strlen("t1= "));
    end(f);
}

static void test_64_followers_are_served_in_a_turn(void **state)
{
    enum { MANY = 150 };
    struct fixture *f = begin(&no_limits);
    static struct reader many[MANY];
    const struct kv_feed_source source = source_of("t");
    (void)state;
    memset(many, 0, sizeof many);
    for (size_t i = 0; i < MANY; i++) {
        many[i].follower = (struct kv_follower){.ops = &ops, .format = &format};
        many[i].room = SIZE_MAX;
        assert_int_equal(kv_follower_follow(&many[i].follower, f->at[0], &source), 0);
    }
    assert_int_equal(follow(f, 0, "u"), 0);
    publish(f, "t", "a");
    publish(f, "u", "b");
    for (size_t turn = 0; turn < 4; turn++) {
        size_t got = 0;
        for (size_t i = 0; i < MANY; i++)
            got += strlen(many[i].log) > 0;
        got += strlen(f->readers[0].log) > 0;
        assert_int_equal(got, turn * KV_FEED_TURN < MANY + 1 ? turn * KV_FEED_TURN : MANY + 1);
        /* The other topic does not wait for all of them. */
        if (turn == 2)
            assert_string_equal(f->readers[0].log, "u=b ");
        virtual_loop_turn(f->loops[0]);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_string_equal(many[i].log, "t=a ");
        kv_follower_leave(&many[i].follower);
    }
    assert_int_equal(makes, 2);
    end(f);
}

static void test_follower_may_leave_within_a_callback(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    assert_int_equal(follow(f, 0, "*"), 0);
    f->readers[0].leaves = true;
    publish(f, "t", "a");
    run(f);
    assert_string_equal(f->readers[0].log, "t=a ");
    assert_int_equal(publish(f, "t", "b"), 0);
    end(f);
}

static void test_follower_that_fails_is_left_alone(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    assert_int_equal(follow(f, 1, "t"), 0);
    f->readers[0].fails = -ECANCELED;
    publish(f, "t", "a");
    run(f);
    publish(f, "t", "b");
    run(f);
    assert_string_equal(f->readers[1].log, "t=a t=b ");
    assert_true(f->readers[0].follower.waits);
    end(f);
}

static void test_message_that_cannot_be_sent_or_made_is_lost_and_told(void **state)
{
    struct fixture *f = begin(&no_limits);
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    f->readers[0].most = 6;
    publish(f, "t", "a");
    run(f);
    publish(f, "t", "large larger");
    run(f);
    publish(f, "t", "b");
    run(f);
    make_fails = true;
    publish(f, "t", "c");
    run(f);
    assert_string_equal(f->readers[0].log, "t=a t-2 t=b t-1 ");
    end(f);
}

static void test_unfollow_drops_what_was_not_sent(void **state)
{
    struct fixture *f = begin(&no_limits);
    const struct kv_feed_source t = source_of("t"), u = source_of("u");
    (void)state;
    assert_int_equal(follow(f, 0, "t"), 0);
    assert_int_equal(follow(f, 0, "u"), 0);
    assert_int_equal(follow(f, 1, "t"), 0);
    assert_int_equal(follow(f, 0, "t"), -EEXIST);
    publish(f, "t", "a");
    publish(f, "u", "b");
    assert_int_equal(kv_follower_unfollow(&f->readers[0].follower, &t), 0);
    assert_int_equal(kv_follower_unfollow(&f->readers[0].follower, &t), -ENOENT);
    run(f);
    assert_string_equal(f->readers[0].log, "u=b ");
    assert_string_equal(f->readers[1].log, "t=a ");
    assert_int_equal(kv_follower_unfollow(&f->readers[0].follower, &u), 0);
    end(f);
}

static void test_limits_of_topics_followers_and_patterns(void **state)
{
    const struct kv_feed_limits limits = {.topics = 3, .followers = 4};
    struct fixture *f = begin(&limits);
    char pattern[KV_FEED_PATTERN_MAX + 2];
    (void)state;
    memset(pattern, '*', sizeof pattern - 1);
    pattern[sizeof pattern - 1] = '\0';
    assert_int_equal(follow(f, 0, pattern), -EINVAL);
    assert_int_equal(follow(f, 0, pattern + 1), 0);
    assert_int_equal(follow(f, 0, "a"), 0);
    assert_int_equal(follow(f, 0, "b"), 0);
    assert_int_equal(follow(f, 0, "c"), -ENOSPC);
    assert_int_equal(follow(f, 1, "a"), 0);
    assert_int_equal(follow(f, 2, "a"), -ENOSPC);
    kv_follower_leave(&f->readers[0].follower);
    assert_int_equal(follow(f, 2, "c"), 0);
    end(f);
}

static void test_follower_has_at_most_4096(void **state)
{
    struct fixture *f = begin(&no_limits);
    char topic[16];
    (void)state;
    for (int i = 0; i < KV_FEED_FOLLOWED_MAX; i++) {
        snprintf(topic, sizeof topic, "t%d", i);
        assert_int_equal(follow(f, 0, topic), 0);
    }
    assert_int_equal(follow(f, 0, "t"), -ENOSPC);
    publish(f, "t4000", "a");
    publish(f, "t7", "b");
    run(f);
    assert_string_equal(f->readers[0].log, "t4000=a t7=b ");
    end(f);
}

/* However allocations fail, what was published is received or told. */
static void publish_and_count(void *arg)
{
    struct weft_loop *loops[2];
    if (weft_loop_new(&loops[0], 8) < 0)
        return;
    if (weft_loop_new(&loops[1], 8) < 0) {
        weft_loop_free(loops[0]);
        return;
    }
    struct kv_feed *feed = kv_feed_new(&no_limits);
    struct kv_feed_loop *at[2] = {NULL, NULL};
    static struct reader reader;
    const struct kv_feed_source t = source_of("t"), all = source_of("*");
    const struct weft_view values[] = {weft_view_str("a"), weft_view_str("b")};
    uint64_t published = 0, receivers, seen = 0;
    (void)arg;
    memset(&reader, 0, sizeof reader);
    reader.follower = (struct kv_follower){.ops = &ops, .format = &format};
    reader.room = SIZE_MAX;
    for (size_t i = 0; feed && i < 2; i++)
        if (kv_feed_loop_take(feed, loops[i], &at[i]) < 0)
            assert_true(fault_failed() > 0);
    if (at[0] && at[1]) {
        bool follows = kv_follower_follow(&reader.follower, at[0], &t) == 0;
        follows |= kv_follower_follow(&reader.follower, at[0], &all) == 0;
        for (size_t i = 0; i < 6; i++) {
            bool done = kv_feed_publish(at[i % 2], weft_view_str("t"), values, 2, &receivers) == 0;
            published += done ? 2 * receivers : 0;
            assert_true(done || fault_failed() > 0);
            if (i % 3 == 2)
                assert_true(virtual_loop_run_until_idle(loops[0]));
        }
        for (const char *c = reader.log; *c; c++)
            seen += *c == '=' || *c == ',';
        assert_int_equal(seen + reader.got_lost, published);
        assert_true(follows || fault_failed() > 0);
    }
    kv_follower_leave(&reader.follower);
    for (size_t i = 0; i < 2; i++) {
        weft_loop_stop(loops[i]);
        weft_loop_run(loops[i]);
        if (at[i])
            kv_feed_loop_give(at[i]);
        weft_loop_free(loops[i]);
    }
    kv_feed_free(feed);
}

static void test_feed_survives_every_failing_allocation(void **state)
{
    (void)state;
    makes = 0;
    make_fails = false;
    fault_each(publish_and_count, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follower_gets_what_is_published_from_then_on),
        cmocka_unit_test(test_messages_come_one_by_one_in_a_single_format),
        cmocka_unit_test(test_messages_that_wait_together_are_one_run_made_once),
        cmocka_unit_test(test_run_ends_where_a_follower_joins_and_at_its_size),
        cmocka_unit_test(test_follower_of_several_gets_all_in_one_order),
        cmocka_unit_test(test_message_comes_by_its_topic_before_a_pattern),
        cmocka_unit_test(test_slow_follower_goes_on_with_the_oldest_and_is_told_the_gap),
        cmocka_unit_test(test_ring_keeps_1024_messages),
        cmocka_unit_test(test_memory_of_a_loop_is_bounded_over_all_topics),
        cmocka_unit_test(test_64_followers_are_served_in_a_turn),
        cmocka_unit_test(test_follower_may_leave_within_a_callback),
        cmocka_unit_test(test_follower_that_fails_is_left_alone),
        cmocka_unit_test(test_message_that_cannot_be_sent_or_made_is_lost_and_told),
        cmocka_unit_test(test_unfollow_drops_what_was_not_sent),
        cmocka_unit_test(test_limits_of_topics_followers_and_patterns),
        cmocka_unit_test(test_follower_has_at_most_4096),
        cmocka_unit_test(test_feed_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
