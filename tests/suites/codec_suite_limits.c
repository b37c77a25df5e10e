/* SPDX-License-Identifier: MIT
 *
 * Limits both ways, and frames that are bad by themselves. */
#include "codec_suite_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_encode_keeps_the_limits(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    for (enum content content = ZEROS; content < CONTENTS; content++) {
        for (size_t size = LIMIT - 1; size <= LIMIT + 1; size++) {
            struct feed_frame frame = body_frame(&fc, content, size, false);
            if (size <= LIMIT) {
                assert_int_equal(frame.result, 0);
            } else {
                assert_int_equal(frame.result, WEFT_ETOOBIG);
                assert_int_equal(frame.announced, size);
                assert_int_equal(frame.limit, LIMIT);
                assert_non_null(frame.why);
            }
            free(frame.data);
        }
    }
    feed_codec_fini(&fc);
}

/* Without a header only that the limit was passed is known. */
static void assert_announced(const struct weft_codec_suite *suite,
                             const struct feed_message *message, size_t size)
{
    if (suite->delimited)
        assert_true(message->announced > LIMIT && message->announced <= size);
    else
        assert_int_equal(message->announced, size);
}

static void test_decode_keeps_the_limits_and_goes_on(void **state)
{
    struct feed_codec sender = codec_of(*state, ROOM), fc = codec_of(*state, LIMIT);
    for (size_t i = 0; i < 3 * CONTENTS; i++) {
        enum content content = (enum content)(i / 3);
        size_t size = LIMIT - 1 + i % 3;
        struct stream *stream = stream_new();
        stream_add_message(stream, &sender, content, size);
        stream_add_message(stream, &sender, TEXT, 5);
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_pieces(&feed, stream_view(stream), 1000);
        assert_whole(&feed, 2);
        if (size <= LIMIT) {
            assert_message(&feed, 0, content, size);
        } else {
            assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
            assert_announced(*state, &feed.messages[0], size);
            assert_int_equal(feed.messages[0].limit, LIMIT);
        }
        assert_message(&feed, 1, TEXT, 5);
        feed_fini(&feed);
        free(stream);
    }
    feed_codec_fini(&sender);
    feed_codec_fini(&fc);
}

/* Whoever is refused is told the option that would let it pass. A hint may follow the name. */
static void assert_names(const char *why, uint64_t limit)
{
    const char *name = limit == LIMIT ? "max-frame" : "max-message";
    assert_non_null(why);
    if (strncmp(why, name, strlen(name)) != 0)
        fail_msg("'%s' does not name %s", why, name);
}

/* max_frame bounds what is on the wire, max_message what it inflates to; which of the two was passed
 * must not depend on their being equal. */
static void test_encode_tells_the_two_limits_apart(void **state)
{
    struct feed_codec fc = codec_with(*state, LIMIT, 4 * LIMIT);
    struct feed_frame random = body_frame(&fc, RANDOM, 2 * LIMIT, false);
    assert_int_equal(random.result, WEFT_ETOOBIG);
    assert_int_equal(random.limit, LIMIT);
    assert_names(random.why, random.limit);
    struct feed_frame zeros = body_frame(&fc, ZEROS, 4 * LIMIT + 1, false);
    assert_int_equal(zeros.result, WEFT_ETOOBIG);
    assert_true(zeros.limit == LIMIT || zeros.limit == 4 * LIMIT);
    assert_names(zeros.why, zeros.limit);
    free(random.data);
    free(zeros.data);
    feed_codec_fini(&fc);
}

static void test_decode_tells_the_two_limits_apart(void **state)
{
    struct feed_codec sender = codec_of(*state, ROOM), fc = codec_with(*state, LIMIT, 4 * LIMIT);
    const struct {
        enum content content;
        size_t size;
    } over[] = {{RANDOM, 2 * LIMIT}, {ZEROS, 4 * LIMIT + 1}};
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        struct stream *stream = stream_new();
        stream_add_message(stream, &sender, over[i].content, over[i].size);
        stream_add_message(stream, &sender, TEXT, 5);
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_pieces(&feed, stream_view(stream), 1000);
        assert_true(feed.count > 0);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
        if (over[i].content == RANDOM)
            assert_int_equal(feed.messages[0].limit, LIMIT);
        assert_names(feed.messages[0].why, feed.messages[0].limit);
        feed_fini(&feed);
        free(stream);
    }
    feed_codec_fini(&sender);
    feed_codec_fini(&fc);
}

static void test_oversize_frame_is_refused_as_soon_as_it_shows_and_held_nowhere(void **state)
{
    const struct weft_codec_suite *suite = *state;
    size_t header = codec_suite_header();
    size_t seen = header + (suite->delimited ? LIMIT : 0); /* enough to refuse it */
    struct feed_codec sender = codec_of(*state, ROOM), fc = codec_of(*state, LIMIT);
    struct stream *stream = stream_new();
    stream_add_message(stream, &sender, RANDOM, 3 * LIMIT);
    stream_add_message(stream, &sender, TEXT, 5);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view(stream->data, seen));
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_true(feed.inside);
    feed_pieces(&feed, weft_view_skip(stream_view(stream), seen), 10);
    assert_whole(&feed, 2);
    assert_message(&feed, 1, TEXT, 5);
    assert_true(feed.most_held <= seen + header);
    feed_fini(&feed);
    free(stream);
    feed_codec_fini(&sender);
    feed_codec_fini(&fc);
}

static void test_oversize_frame_stays_alone_at_every_split(void **state)
{
    enum { SMALL = 100 };
    struct feed_codec sender = codec_of(*state, LIMIT), fc = codec_of(*state, SMALL);
    struct stream *stream = stream_new();
    stream_add_message(stream, &sender, TEXT, 30);
    stream_add_message(stream, &sender, RANDOM, 2 * SMALL);
    stream_add_message(stream, &sender, TEXT, 40);
    struct feed whole;
    feed_init(&whole, &fc, WEFT_SERVER);
    feed_pieces(&whole, stream_view(stream), stream->size);
    assert_whole(&whole, 3);
    assert_int_equal(whole.messages[1].status, WEFT_MESSAGE_TOO_BIG);
    assert_message(&whole, 2, TEXT, 40);
    assert_each_split_and_piece(&fc, stream_view(stream), &whole);
    feed_fini(&whole);
    free(stream);
    feed_codec_fini(&sender);
    feed_codec_fini(&fc);
}

static void test_bad_frame_stays_alone_at_every_split(void **state)
{
    const struct weft_codec_suite *suite = *state;
    struct feed_codec fc = codec_of(suite, LIMIT);
    for (size_t i = 0; i < suite->bad_count; i++) {
        const struct weft_codec_suite_frame *bad = &suite->bad[i];
        struct stream *stream = stream_new();
        stream_add_message(stream, &fc, TEXT, 30);
        stream_add(stream, bad->data, bad->size);
        stream_add_message(stream, &fc, TEXT, 40);
        struct feed whole;
        feed_init(&whole, &fc, WEFT_SERVER);
        feed_pieces(&whole, stream_view(stream), stream->size);
        assert_whole(&whole, 3);
        assert_message(&whole, 0, TEXT, 30);
        if (whole.messages[1].status != bad->status)
            fail_msg("%s: status %d, not %d", bad->name, whole.messages[1].status, bad->status);
        assert_message(&whole, 2, TEXT, 40);
        assert_each_split_and_piece(&fc, stream_view(stream), &whole);
        feed_fini(&whole);
        free(stream);
    }
    feed_codec_fini(&fc);
}

int codec_suite__run_limits(const struct weft_codec_suite *suite, const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_keeps_the_limits),
        cmocka_unit_test(test_decode_keeps_the_limits_and_goes_on),
        cmocka_unit_test(test_encode_tells_the_two_limits_apart),
        cmocka_unit_test(test_decode_tells_the_two_limits_apart),
        cmocka_unit_test(test_oversize_frame_is_refused_as_soon_as_it_shows_and_held_nowhere),
        cmocka_unit_test(test_oversize_frame_stays_alone_at_every_split),
    };
    const struct CMUnitTest bad_frames[] = {
        cmocka_unit_test(test_bad_frame_stays_alone_at_every_split),
    };
    int failed = cmocka_run_group_tests_name(name, tests, codec_suite_setup, NULL);
    if (suite->bad_count > 0)
        failed += cmocka_run_group_tests_name(name, bad_frames, codec_suite_setup, NULL);
    return failed;
}
