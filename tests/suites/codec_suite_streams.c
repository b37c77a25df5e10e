/* SPDX-License-Identifier: MIT
 *
 * Streams: numbers, answers in any order, resets, backlogs and goodbyes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec_suite_world.h"

enum { LARGE = 3000 };

static struct feed_codec codec;

static struct streams_world *world(void **state, bool shut)
{
    return streams_open(*state, &codec, shut, false);
}

/* One of LARGE letters; valid until the next. */
static const char *large(char letter)
{
    static char text[LARGE + 1];
    memset(text, letter, LARGE);
    return text;
}

static void test_codec_of_streams_declares_what_it_needs(void **state)
{
    const struct weft_codec *declared = ((const struct weft_codec_suite *)*state)->codec;
    assert_non_null(declared->decode);
    assert_non_null(declared->encode);
    assert_non_null(declared->backlog);
    assert_null(declared->finish); /* it would promise an order of answers */
}

static void test_each_request_has_a_number_of_its_own(void **state)
{
    struct streams_world *w = world(state, false);
    const uint32_t a = streams_ask(w, "a"), b = streams_ask(w, "b"), c = streams_ask(w, "c");
    streams_talk(w);
    assert_int_equal(w->unended_count, 3);
    assert_streams_came(w, a, "DATA:a");
    assert_streams_came(w, b, "DATA:b");
    assert_streams_came(w, c, "DATA:c");
    streams_close(w);
}

static void test_answers_leave_in_any_order(void **state)
{
    struct streams_world *w = world(state, false);
    const uint32_t a = streams_asked(w, "a"), b = streams_asked(w, "b"), c = streams_asked(w, "c");
    assert_int_equal(streams_encode(w, c, "C", true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, c, "C", true);
    assert_streams_heard(w, a, "", false);
    assert_int_equal(streams_encode(w, a, "A", true, NULL), 0);
    assert_int_equal(streams_encode(w, b, "B", true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, a, "A", true);
    assert_streams_heard(w, b, "B", true);
    streams_close(w);
}

static void test_answer_has_any_number_of_messages_and_one_end(void **state)
{
    struct streams_world *w = world(state, false);
    const uint32_t none = streams_asked(w, "a"), three = streams_asked(w, "b"),
                   silent = streams_asked(w, "c");
    assert_int_equal(streams_encode(w, none, NULL, true, NULL), 0);
    assert_int_equal(streams_encode(w, three, "1", false, NULL), 0);
    assert_int_equal(streams_encode(w, silent, "x", false, NULL), 0);
    assert_int_equal(streams_encode(w, three, "", false, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, none, "", true);
    assert_streams_heard(w, three, "1,", false);
    assert_int_equal(streams_encode(w, three, "3", true, NULL), 0);
    assert_int_equal(streams_encode(w, silent, NULL, true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, three, "1,,3", true);
    assert_streams_heard(w, silent, "x", true);
    streams_close(w);
}

static void test_rejected_request_hears_its_end(void **state)
{
    const struct weft_rejection why = {.cause = WEFT_REJECT_DENIED, .what = "told to"};
    const struct weft_answer rejected = {.rejected = &why};
    struct streams_world *w = world(state, false);
    const uint32_t a = streams_asked(w, "a"), b = streams_asked(w, "b");
    assert_int_equal(streams_encode(w, b, "half", false, NULL), 0);
    assert_int_equal(streams_encode(w, a, NULL, true, &rejected), 0);
    assert_int_equal(streams_encode(w, b, NULL, true, &rejected), 0);
    streams_talk(w);
    assert_streams_heard(w, a, "", true);
    assert_streams_heard(w, b, "half", true);
    streams_close(w);
}

static void test_message_over_the_limit_changes_nothing(void **state)
{
    const struct weft_rejection why = {.cause = WEFT_REJECT_REPLY_TOO_BIG};
    const struct weft_answer rejected = {.rejected = &why};
    struct feed_codec small = codec_of(*state, LIMIT);
    struct streams_world *w = streams_open(*state, &small, false, false);
    char *text = malloc(LIMIT + 1);
    assert_non_null(text);
    memset(text, 'x', LIMIT + 1);
    const struct weft_view over = weft_view(text, LIMIT + 1);
    const uint32_t a = streams_asked(w, "a"), b = streams_asked(w, "b");
    assert_int_equal(streams_encode_view(w, a, &over, true, NULL), WEFT_ETOOBIG);
    assert_int_equal(streams_encode_view(w, b, &over, false, NULL), WEFT_ETOOBIG);
    streams_talk(w);
    assert_streams_heard(w, a, "", false);
    assert_int_equal(streams_encode(w, a, NULL, true, &rejected), 0);
    assert_int_equal(streams_encode(w, b, "small", true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, a, "", true);
    assert_streams_heard(w, b, "small", true);
    free(text);
    streams_close(w);
    feed_codec_fini(&small);
}

static void test_views_outlive_the_end_of_their_answer(void **state)
{
    struct streams_world *w = world(state, false);
    w->echoes = true;
    const uint32_t a = streams_ask(w, "a"), b = streams_ask(w, large('b')), c = streams_ask(w, "");
    streams_talk(w);
    assert_streams_heard(w, a, "a,end", true);
    assert_streams_heard(w, c, ",end", true);
    assert_true(w->is->ended(w->peer, b));
    streams_close(w);
}

/* --- resets ------------------------------------------------------------------------------------------- */

static void test_reset_is_told_with_its_number(void **state)
{
    struct streams_world *w = world(state, false);
    const uint32_t a = streams_asked(w, "a"), b = streams_asked(w, "b");
    w->is->reset(w->peer, b);
    streams_talk(w);
    assert_int_equal(streams_resets(w, b), 1);
    assert_int_equal(streams_resets(w, a), 0);
    w->is->reset(w->peer, a);
    streams_talk(w);
    assert_int_equal(streams_resets(w, a), 1);
    streams_close(w);
}

/* The world fails if a number comes again. */
static void test_number_of_a_reset_stream_is_taken_until_its_last_encode(void **state)
{
    enum { MORE = 20 };
    struct streams_world *w = world(state, false);
    uint32_t more[MORE];
    const uint32_t first = streams_asked(w, "a");
    w->is->reset(w->peer, first);
    for (size_t i = 0; i < MORE; i++)
        more[i] = streams_asked(w, "more");
    assert_int_equal(w->unended_count, 1 + MORE);
    for (size_t i = 0; i < MORE; i++)
        assert_int_equal(streams_encode(w, more[i], "x", true, NULL), 0);
    assert_int_equal(streams_encode(w, first, NULL, true, NULL), 0);
    const uint32_t last = streams_asked(w, "last");
    assert_int_equal(streams_encode(w, last, "L", true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, last, "L", true);
    streams_close(w);
}

static void test_encode_for_a_reset_stream_has_no_effect(void **state)
{
    struct streams_world *w = world(state, false);
    const uint32_t a = streams_asked(w, "a"), b = streams_asked(w, "b"), c = streams_asked(w, "c");
    assert_int_equal(streams_encode(w, b, "begun", false, NULL), 0);
    streams_talk(w);
    w->is->reset(w->peer, a);
    w->is->reset(w->peer, b);
    streams_talk(w);
    assert_int_equal(streams_encode(w, a, "1", false, NULL), 0);
    assert_int_equal(streams_encode(w, a, "2", true, NULL), 0);
    assert_int_equal(streams_encode(w, b, large('x'), false, NULL), 0);
    assert_int_equal(streams_encode(w, b, NULL, true, NULL), 0);
    assert_int_equal(w->feed.out.bytes, 0);
    assert_int_equal(streams_backlog(w, 0), 0);
    assert_int_equal(streams_encode(w, c, "C", true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, c, "C", true);
    streams_close(w);
}

static void test_reset_before_a_request_is_whole_leaves_the_others_alone(void **state)
{
    struct streams_world *w = world(state, false);
    const uint32_t half = w->is->begin(w->peer);
    const uint32_t a = streams_asked(w, "a");
    w->is->reset(w->peer, half);
    streams_talk(w);
    assert_false(streams_is_unended(w, half));
    assert_streams_came(w, half, "");
    assert_int_equal(streams_encode(w, a, "A", true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, a, "A", true);
    streams_close(w);
}

/* The peer may not have seen yet that the answer is over. */
static void test_reset_behind_the_end_is_harmless(void **state)
{
    struct streams_world *w = world(state, true);
    const uint32_t a = streams_asked(w, "a"), b = streams_asked(w, "b");
    assert_int_equal(streams_encode(w, a, large('a'), true, NULL), 0);
    w->is->reset(w->peer, a);
    streams_talk(w);
    assert_int_equal(streams_backlog(w, 0), 0);
    w->is->open(w->peer, b, LARGE);
    assert_int_equal(streams_encode(w, b, "B", true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, b, "B", true);
    streams_close(w);
}

/* --- backlogs ----------------------------------------------------------------------------------------- */

static void test_backlog_is_that_of_a_stream_and_the_sum_of_all(void **state)
{
    struct streams_world *w = world(state, true);
    const uint32_t a = streams_asked(w, "a"), b = streams_asked(w, "b"), c = streams_asked(w, "c");
    assert_int_equal(streams_backlog(w, 0), 0);
    assert_int_equal(streams_encode(w, a, large('a'), false, NULL), 0);
    const size_t one = streams_backlog(w, a);
    assert_in_range(one, LARGE / 2, 2 * LARGE);
    assert_int_equal(streams_backlog(w, 0), one);
    assert_int_equal(streams_encode(w, a, large('a'), true, NULL), 0);
    assert_int_equal(streams_encode(w, b, large('b'), true, NULL), 0);
    assert_true(streams_backlog(w, a) >= one + LARGE);
    assert_int_equal(streams_backlog(w, 0), streams_backlog(w, a) + streams_backlog(w, b));
    assert_int_equal(streams_backlog(w, c), 0);
    streams_close(w);
}

static void test_backlog_never_stops_the_decoding(void **state)
{
    struct streams_world *w = world(state, true);
    const uint32_t a = streams_asked(w, "a");
    for (int i = 0; i < 20; i++)
        assert_int_equal(streams_encode(w, a, large('a'), false, NULL), 0);
    streams_talk(w);
    assert_true(streams_backlog(w, a) > 10 * LARGE);
    const uint32_t b = streams_asked(w, "b"), c = streams_asked(w, "c");
    w->is->reset(w->peer, b);
    w->is->open(w->peer, c, LARGE);
    streams_talk(w);
    assert_int_equal(streams_resets(w, b), 1);
    assert_int_equal(streams_encode(w, c, "C", true, NULL), 0);
    streams_talk(w);
    assert_streams_heard(w, c, "C", true);
    streams_close(w);
}

static void test_windows_opened_later_let_the_backlog_leave_in_order(void **state)
{
    enum { STEP = 97 };
    struct streams_world *w = world(state, true);
    const uint32_t a = streams_asked(w, "a"), b = streams_asked(w, "b");
    assert_int_equal(streams_encode(w, a, large('a'), false, NULL), 0);
    assert_int_equal(streams_encode(w, a, "then", false, NULL), 0);
    assert_int_equal(streams_encode(w, b, "B", true, NULL), 0);
    assert_int_equal(streams_encode(w, a, "last", true, NULL), 0);
    for (size_t opened = 0; streams_backlog(w, a) > 0 && opened < 3 * LARGE; opened += STEP) {
        assert_false(w->is->ended(w->peer, a));
        const size_t before = streams_backlog(w, a);
        w->is->open(w->peer, a, STEP);
        streams_talk(w);
        assert_true(streams_backlog(w, a) <= before);
    }
    assert_int_equal(streams_backlog(w, a), 0);
    struct weft_view message;
    assert_true(w->is->message(w->peer, a, 0, &message));
    assert_true(weft_view_equal(message, weft_view_str(large('a'))));
    assert_true(w->is->message(w->peer, a, 1, &message));
    assert_true(weft_view_equal(message, weft_view_str("then")));
    assert_true(w->is->message(w->peer, a, 2, &message));
    assert_true(weft_view_equal(message, weft_view_str("last")));
    assert_true(w->is->ended(w->peer, a));
    assert_false(w->is->ended(w->peer, b));
    w->is->open(w->peer, b, STEP);
    streams_talk(w);
    assert_streams_heard(w, b, "B", true);
    streams_close(w);
}

static void test_reset_drops_the_backlog_of_its_stream_alone(void **state)
{
    struct streams_world *w = world(state, true);
    const uint32_t a = streams_asked(w, "a"), b = streams_asked(w, "b");
    assert_int_equal(streams_encode(w, a, large('a'), false, NULL), 0);
    assert_int_equal(streams_encode(w, b, large('b'), true, NULL), 0);
    const size_t other = streams_backlog(w, b);
    w->is->reset(w->peer, a);
    streams_talk(w);
    assert_int_equal(streams_backlog(w, a), 0);
    assert_int_equal(streams_backlog(w, b), other);
    assert_int_equal(streams_backlog(w, 0), other);
    assert_int_equal(streams_encode(w, a, large('a'), true, NULL), 0);
    assert_int_equal(streams_backlog(w, 0), other);
    w->is->open(w->peer, b, 2 * LARGE);
    streams_talk(w);
    struct weft_view message;
    assert_true(w->is->message(w->peer, b, 0, &message));
    assert_true(weft_view_equal(message, weft_view_str(large('b'))));
    assert_true(w->is->ended(w->peer, b));
    streams_close(w);
}

/* --- goodbyes ----------------------------------------------------------------------------------------- */

static void goodbye(struct streams_world *w, bool final)
{
    if (w->feed.codec->goodbye)
        w->feed.codec->goodbye(&w->feed.state, final, &w->feed.out);
}

static void test_requests_still_count_behind_the_first_goodbye(void **state)
{
    struct streams_world *w = world(state, false);
    const uint32_t a = streams_asked(w, "a"), b = streams_ask(w, "b");
    /* The peer has sent b before it hears of the drain. */
    const struct weft_view bytes = w->is->take(w->peer);
    uint8_t *sent = malloc(bytes.size);
    assert_non_null(sent);
    memcpy(sent, bytes.data, bytes.size);
    goodbye(w, false);
    streams_hear(w);
    feed_bytes(&w->feed, weft_view(sent, bytes.size));
    free(sent);
    streams_talk(w);
    assert_int_equal(streams_backlog(w, 0), 0); /* the peer has answered, if it was asked */
    assert_streams_came(w, b, "DATA:b");
    assert_int_equal(streams_encode(w, b, "B", true, NULL), 0);
    assert_int_equal(streams_encode(w, a, "A", true, NULL), 0);
    goodbye(w, true);
    streams_hear(w);
    assert_streams_heard(w, a, "A", true);
    assert_streams_heard(w, b, "B", true);
    streams_close(w);
}

static void test_last_words_are_heard(void **state)
{
    struct streams_world *w = world(state, false);
    if (!w->feed.codec->goodbye) {
        streams_close(w);
        return;
    }
    const uint32_t a = streams_asked(w, "a");
    assert_int_equal(w->is->goodbyes(w->peer), 0);
    assert_int_equal(streams_encode(w, a, "A", true, NULL), 0);
    goodbye(w, true);
    assert_true(w->feed.out.bytes > 0);
    streams_hear(w);
    assert_int_equal(w->is->goodbyes(w->peer), 1);
    assert_streams_heard(w, a, "A", true);
    streams_close(w);
    /* A connection that is turned away. */
    w = world(state, false);
    goodbye(w, true);
    (void)w->is->take(w->peer);
    streams_hear(w);
    assert_int_equal(w->is->goodbyes(w->peer), 1);
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

int codec_suite__run_streams(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_of_streams_declares_what_it_needs),
        cmocka_unit_test(test_each_request_has_a_number_of_its_own),
        cmocka_unit_test(test_answers_leave_in_any_order),
        cmocka_unit_test(test_answer_has_any_number_of_messages_and_one_end),
        cmocka_unit_test(test_rejected_request_hears_its_end),
        cmocka_unit_test(test_message_over_the_limit_changes_nothing),
        cmocka_unit_test(test_views_outlive_the_end_of_their_answer),
        cmocka_unit_test(test_reset_is_told_with_its_number),
        cmocka_unit_test(test_number_of_a_reset_stream_is_taken_until_its_last_encode),
        cmocka_unit_test(test_encode_for_a_reset_stream_has_no_effect),
        cmocka_unit_test(test_reset_before_a_request_is_whole_leaves_the_others_alone),
        cmocka_unit_test(test_reset_behind_the_end_is_harmless),
        cmocka_unit_test(test_backlog_is_that_of_a_stream_and_the_sum_of_all),
        cmocka_unit_test(test_backlog_never_stops_the_decoding),
        cmocka_unit_test(test_windows_opened_later_let_the_backlog_leave_in_order),
        cmocka_unit_test(test_reset_drops_the_backlog_of_its_stream_alone),
        cmocka_unit_test(test_requests_still_count_behind_the_first_goodbye),
        cmocka_unit_test(test_last_words_are_heard),
    };
    return cmocka_run_group_tests_name(name, tests, setup, teardown);
}
