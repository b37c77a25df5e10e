/* SPDX-License-Identifier: MIT
 *
 * The feed, on virtual loops and with followers that write down what they are sent. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/loop.h"
#include "lib/fault.h"
#include "lib/sample_text.h"
#include "lib/virtual_loop.h"
#include "services/kv/follower.h"
#include "services/kv/filter.h"

enum { LOG_SIZE = 64 << 10 };

static size_t makes; /* calls of make */
static bool make_fails;

/* A message is "TOPIC=VALUE,VALUE "; one that came by a pattern has "PATTERN:" before that. */
static struct weft_blob *make(const struct kv_feed_run *run)
{
    struct weft_view rest = run->values, value;
    char text[LOG_SIZE];
    size_t size = 0, count = 0;
    uint8_t *data;
    makes++;
    if (make_fails)
        return NULL;
    if (run->source->matches)
        size += (size_t)snprintf(text, sizeof text, "%.*s:", (int)run->source->name.size,
                                 (const char *)run->source->name.data);
    size += (size_t)snprintf(text + size, sizeof text - size, "%.*s", (int)run->topic.size,
                             (const char *)run->topic.data);
    for (; kv_feed_next_value(&rest, &value); count++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%c%.*s", count == 0 ? '=' : ',',
                                 (int)value.size, (const char *)value.data);
    assert_int_equal(count, run->count);
    text[size++] = ' ';
    struct weft_blob *blob = weft_blob_new(size, &data);
    if (blob)
        memcpy(data, text, size);
    return blob;
}

static const struct kv_feed_format format = {.slot = KV_FEED_LINE, .make = make};
static const struct kv_feed_format single = {.slot = KV_FEED_RESP2, .single = true, .make = make};

struct reader {
    struct kv_follower follower;
    size_t room; /* messages that it takes */
    size_t most; /* the largest message that it takes; 0: any */
    bool leaves; /* with the next message */
    int fails;   /* what it says to a message, if below 0 */
    bool shared; /* the last message */
    uint64_t got_lost;
    char log[LOG_SIZE];
};

static int take(struct reader *self, struct weft_view text)
{
    if (self->fails < 0)
        return self->fails;
    if (self->room == 0)
        return -EAGAIN;
    self->room--;
    size_t used = strlen(self->log);
    assert_true(used + text.size < sizeof self->log);
    memcpy(self->log + used, text.data, text.size);
    self->log[used + text.size] = '\0';
    if (!self->leaves)
        return 0;
    kv_follower_leave(&self->follower);
    return KV_FOLLOWER_LEFT;
}

static int send(struct kv_follower *follower, struct weft_blob *blob, bool shared)
{
    struct reader *self = weft_container_of(follower, struct reader, follower);
    struct weft_view text = weft_blob_view(blob);
    if (self->most > 0 && text.size > self->most)
        return WEFT_ETOOBIG;
    self->shared = shared;
    return take(self, text);
}

static int lost(struct kv_follower *follower, const struct kv_feed_source *source, uint64_t count)
{
    struct reader *self = weft_container_of(follower, struct reader, follower);
    char text[256];
    int size = snprintf(text, sizeof text, "%.*s-%u ", (int)source->name.size,
                        (const char *)source->name.data, (unsigned)count);
    int err = take(self, weft_view(text, (size_t)size));
    self->got_lost += err == 0 ? count : 0;
    return err;
}

static const struct kv_follower_ops ops = {.send = send, .lost = lost};

struct fixture {
    struct kv_feed *feed;
    struct weft_loop *loops[2];
    struct kv_feed_loop *at[2];
    struct reader readers[4];
};

static struct fixture *begin(const struct kv_feed_limits *limits)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    makes = 0;
    make_fails = false;
    fixture.feed = kv_feed_new(limits);
    assert_non_null(fixture.feed);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(weft_loop_new(&fixture.loops[i], 8), 0);
        assert_int_equal(kv_feed_loop_take(fixture.feed, fixture.loops[i], &fixture.at[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        fixture.readers[i].follower = (struct kv_follower){.ops = &ops, .format = &format};
        fixture.readers[i].room = SIZE_MAX;
    }
    return &fixture;
}

static void end(struct fixture *f)
{
    for (size_t i = 0; i < 4; i++)
        kv_follower_leave(&f->readers[i].follower);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(kv_feed_loop_bytes(f->at[i]), 0);
        kv_feed_loop_give(f->at[i]);
        weft_loop_free(f->loops[i]);
    }
    kv_feed_free(f->feed);
}

static bool matches(struct weft_view pattern, struct weft_view topic)
{
    size_t steps = 0;
    return kv_pattern_matches(pattern, topic, &steps);
}

static struct kv_feed_source source_of(const char *name)
{
    return (struct kv_feed_source){strpbrk(name, "*?") ? matches : NULL, weft_view_str(name)};
}

static int follow(struct fixture *f, size_t reader, const char *name)
{
    const struct kv_feed_source source = source_of(name);
    return kv_follower_follow(&f->readers[reader].follower, f->at[0], &source);
}

/* Publishes words with spaces between, at once. Returns the number of receivers. */
static uint64_t publish_at(struct fixture *f, size_t loop, const char *topic, const char *words)
{
    struct weft_view values[32];
    size_t count = 0;
    uint64_t receivers = 0;
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t size = strcspn(at, " ");
        values[count++] = weft_view(at, size);
        at += size;
    }
    assert_int_equal(kv_feed_publish(f->at[loop], weft_view_str(topic), values, count, &receivers),
                     0);
    return receivers;
}

static uint64_t publish(struct fixture *f, const char *topic, const char *words)
{
    return publish_at(f, 0, topic, words);
}

static void run(struct fixture *f)
{
    for (int i = 0; i < 2; i++)
        for (size_t loop = 0; loop < 2; loop++)
            assert_true(virtual_loop_run_until_idle(f->loops[loop]));
}

static const struct kv_feed_limits no_limits;

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
        cmocka_unit_test(test_feed_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
