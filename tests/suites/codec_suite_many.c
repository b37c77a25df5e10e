/* SPDX-License-Identifier: MIT
 *
 * Requests with many messages: a message comes when it is asked for, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec_suite_world.h"

static struct feed_codec codec;

static struct streams_world *world(void **state, bool shut)
{
    return streams_open(*state, &codec, shut, true);
}

static uint32_t begin(struct streams_world *w)
{
    const uint32_t stream = w->is->begin(w->peer);
    streams_talk(w);
    return stream;
}

static void say(struct streams_world *w, uint32_t stream, const char *text)
{
    w->is->say(w->peer, stream, weft_view_str(text));
    streams_talk(w);
}

static void end(struct streams_world *w, uint32_t stream)
{
    w->is->end(w->peer, stream);
    streams_talk(w);
}

static void test_messages_come_one_by_one_behind_a_head(void **state)
{
    struct streams_world *w = world(state, false);
    const uint32_t a = begin(w);
    assert_streams_came(w, a, "HEAD");
    say(w, a, "1");
    assert_streams_came(w, a, "HEAD 1");
    const uint32_t b = begin(w);
    say(w, b, "x");
    say(w, a, "");
    say(w, a, "3");
    end(w, b);
    end(w, a);
    assert_streams_came(w, a, "HEAD 1  3 END");
    assert_streams_came(w, b, "HEAD x END");
    assert_int_equal(streams_encode(w, b, "B", true, NULL), 0);
    assert_int_equal(streams_encode(w, a, "A", true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, a, "A", true);
    assert_streams_heard(w, b, "B", true);
    streams_close(w);
}

static void test_answer_and_request_go_on_beside_each_other(void **state)
{
    struct streams_world *w = world(state, false);
    const uint32_t a = begin(w);
    assert_int_equal(streams_encode(w, a, "before", false, NULL), 0);
    say(w, a, "1");
    assert_int_equal(streams_encode(w, a, "between", false, NULL), 0);
    say(w, a, "2");
    assert_streams_heard(w, a, "before,between", false);
    end(w, a);
    assert_int_equal(streams_encode(w, a, "behind", true, NULL), 0);
    streams_talk(w);
    assert_streams_came(w, a, "HEAD 1 2 END");
    assert_streams_heard(w, a, "before,between,behind", true);
    streams_close(w);
}

static void test_request_may_end_without_a_message(void **state)
{
    struct streams_world *w = world(state, false);
    const uint32_t a = begin(w);
    end(w, a);
    assert_streams_came(w, a, "HEAD END");
    streams_close(w);
}

static void test_no_more_comes_than_is_asked_for(void **state)
{
    struct streams_world *w = world(state, false);
    w->feed.lazy = true;
    const uint32_t a = begin(w), b = begin(w);
    say(w, a, "1");
    say(w, a, "2");
    say(w, b, "x");
    end(w, a);
    assert_streams_came(w, a, "HEAD 1");
    assert_streams_came(w, b, "HEAD x");
    /* They have come: asking is enough, without a byte. */
    feed_want(&w->feed, a);
    assert_streams_came(w, a, "HEAD 1 2");
    feed_want(&w->feed, b);
    assert_streams_came(w, b, "HEAD x");
    feed_want(&w->feed, a);
    assert_streams_came(w, a, "HEAD 1 2 END");
    say(w, b, "y");
    assert_streams_came(w, b, "HEAD x y");
    streams_close(w);
}

static void test_request_that_nobody_asks_comes_whole(void **state)
{
    struct streams_world *w = world(state, false);
    w->feed.many = false;
    const uint32_t a = streams_ask(w, "one");
    streams_talk(w);
    assert_streams_came(w, a, "HEAD DATA:one");
    const uint32_t b = begin(w);
    say(w, b, "later");
    end(w, b);
    assert_streams_came(w, b, "HEAD DATA:later");
    assert_int_equal(streams_encode(w, a, "A", true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, a, "A", true);
    streams_close(w);
}

static void test_head_may_be_answered_at_once(void **state)
{
    const struct weft_rejection why = {.cause = WEFT_REJECT_DENIED};
    const struct weft_answer rejected = {.rejected = &why};
    struct streams_world *w = world(state, false);
    w->feed.many = false;
    const uint32_t a = begin(w);
    assert_int_equal(streams_encode(w, a, NULL, true, &rejected), 0);
    say(w, a, "in vain");
    end(w, a);
    assert_streams_came(w, a, "HEAD");
    assert_true(w->is->ended(w->peer, a));
    streams_close(w);
}

static void test_nothing_comes_behind_the_end_of_the_answer(void **state)
{
    struct streams_world *w = world(state, true);
    w->feed.lazy = true;
    const uint32_t asked = begin(w), unasked = begin(w), quiet = begin(w), whole = begin(w);
    say(w, asked, "1");
    say(w, unasked, "1");
    say(w, unasked, "2");
    say(w, whole, "1");
    end(w, whole);
    /* An answer that its window holds up is over all the same. */
    w->feed.codec->want(&w->feed.state, asked, &w->feed.out);
    w->feed.codec->want(&w->feed.state, unasked, &w->feed.out);
    w->feed.codec->want(&w->feed.state, whole, &w->feed.out);
    assert_int_equal(streams_encode(w, asked, "enough", true, NULL), 0);
    assert_int_equal(streams_encode(w, unasked, "enough", true, NULL), 0);
    assert_int_equal(streams_encode(w, quiet, "enough", true, NULL), 0);
    assert_int_equal(streams_encode(w, whole, "enough", true, NULL), 0);
    say(w, asked, "2");
    say(w, quiet, "1");
    end(w, asked);
    feed_want(&w->feed, unasked);
    feed_want(&w->feed, quiet);
    feed_want(&w->feed, 77);
    assert_streams_came(w, asked, "HEAD 1");
    assert_streams_came(w, unasked, "HEAD 1");
    assert_streams_came(w, quiet, "HEAD");
    assert_streams_came(w, whole, "HEAD 1");
    w->is->open(w->peer, asked, LIMIT);
    streams_talk(w);
    assert_streams_heard(w, asked, "enough", true);
    streams_close(w);
}

static void test_reset_ends_the_messages(void **state)
{
    struct streams_world *w = world(state, false);
    w->feed.lazy = true;
    const uint32_t a = begin(w), b = begin(w);
    say(w, a, "1");
    say(w, a, "2");
    say(w, b, "x");
    w->is->reset(w->peer, a);
    streams_talk(w);
    assert_int_equal(streams_resets(w, a), 1);
    feed_want(&w->feed, a);
    assert_streams_came(w, a, "HEAD 1");
    assert_int_equal(streams_encode(w, a, NULL, true, NULL), 0);
    feed_want(&w->feed, b);
    say(w, b, "y");
    assert_streams_came(w, b, "HEAD x y");
    streams_close(w);
}

static void test_messages_outlive_the_end_of_their_answer(void **state)
{
    struct streams_world *w = world(state, false);
    w->echoes = true;
    w->feed.many = true;
    const uint32_t a = streams_ask(w, "only");
    streams_talk(w);
    assert_streams_came(w, a, "HEAD only END");
    assert_streams_heard(w, a, ",end", true);
    streams_close(w);
}

/* --- windows ------------------------------------------------------------------------------------------ */

/* Much more than any codec should take of what nobody asks for. */
enum { PART = 20000, PARTS = 250 };

static void say_much(struct streams_world *w, uint32_t stream, size_t parts)
{
    char text[PART];
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < parts; i++)
        w->is->say(w->peer, stream, weft_view(text, sizeof text));
    streams_talk(w);
}

static void test_peer_may_not_send_all_that_nobody_asks_for(void **state)
{
    struct streams_world *w = world(state, false);
    w->feed.lazy = true;
    const uint32_t a = begin(w);
    say_much(w, a, PARTS);
    assert_true(w->is->held(w->peer, a) > 0);
    /* Another stream does not wait. */
    const uint32_t b = begin(w);
    say(w, b, "quick");
    assert_streams_came(w, b, "HEAD quick");
    /* All comes as it is asked for. */
    for (size_t i = 1; i < PARTS; i++) {
        feed_want(&w->feed, a);
        streams_talk(w);
    }
    assert_int_equal(w->is->held(w->peer, a), 0);
    assert_int_equal(w->feed.count, 1 + PARTS + 2);
    streams_close(w);
}

static void test_ends_give_back_what_streams_held(void **state)
{
    enum { ROUNDS = 40 };
    struct streams_world *w = world(state, true);
    w->feed.lazy = true;
    for (size_t i = 0; i < ROUNDS; i++) {
        const uint32_t a = begin(w);
        say_much(w, a, 10);
        if (i % 2 == 0) {
            w->is->reset(w->peer, a);
            streams_talk(w);
        }
        /* Half of the answers end, and wait for their windows for good. */
        assert_int_equal(streams_encode(w, a, "enough", true, NULL), 0);
        streams_talk(w);
    }
    const uint32_t last = begin(w);
    say(w, last, "quick");
    assert_streams_came(w, last, "HEAD quick");
    streams_close(w);
}

static int setup(void **state)
{
    (void)codec_suite_setup(state);
    codec = streams_codec(*state);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    feed_codec_fini(&codec);
    return 0;
}

int codec_suite__run_many(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_come_one_by_one_behind_a_head),
        cmocka_unit_test(test_answer_and_request_go_on_beside_each_other),
        cmocka_unit_test(test_request_may_end_without_a_message),
        cmocka_unit_test(test_no_more_comes_than_is_asked_for),
        cmocka_unit_test(test_request_that_nobody_asks_comes_whole),
        cmocka_unit_test(test_head_may_be_answered_at_once),
        cmocka_unit_test(test_nothing_comes_behind_the_end_of_the_answer),
        cmocka_unit_test(test_reset_ends_the_messages),
        cmocka_unit_test(test_messages_outlive_the_end_of_their_answer),
        cmocka_unit_test(test_peer_may_not_send_all_that_nobody_asks_for),
        cmocka_unit_test(test_ends_give_back_what_streams_held),
    };
    return cmocka_run_group_tests_name(name, tests, setup, teardown);
}
