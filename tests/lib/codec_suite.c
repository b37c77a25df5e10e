/* SPDX-License-Identifier: MIT */
#include "lib/codec_suite.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/codec_suite_frames.h"
#include "lib/fault.h"
#include "lib/feed.h"
#include "lib/stream.h"

enum {
    LIMIT = 8192, /* max_frame and max_message of most tests */
    ROOM = STREAM_ROOM,
    HEADER_MAX = 16 /* no codec needs more to see that a frame is too long */
};

static struct weft_limits limits_of(size_t limit)
{
    struct weft_limits limits = weft_limits_default();
    limits.max_frame = limit;
    limits.max_message = limit;
    return limits;
}

static int try_init(struct feed_codec *fc, const struct codec_suite *suite, size_t limit)
{
    struct weft_limits limits = limits_of(limit);
    return feed_codec_init(fc, suite->codec, suite->query ? suite->query : "", &limits, NULL);
}

static struct feed_codec codec_of(const struct codec_suite *suite, size_t limit)
{
    struct feed_codec fc;
    assert_int_equal(try_init(&fc, suite, limit), 0);
    return fc;
}

/* The frame of a body that is written or, where there is memory for one, a blob. */
static struct feed_frame body_frame(const struct feed_codec *fc, enum content content, size_t size,
                                    bool as_blob)
{
    uint8_t *data, *message = content_new(content, size);
    struct weft_blob *blob = as_blob ? weft_blob_new(size, &data) : NULL;
    struct weft_body_bytes bytes = weft_body_from_view(weft_view(message, size));
    struct weft_body of_blob;
    if (blob) {
        memcpy(data, message, size);
        of_blob = weft_body_from_blob(blob);
    }
    struct feed_frame frame = feed_encode(fc, blob ? &of_blob : &bytes.body);
    assert_null(frame.broken_rule);
    weft_blob_unref(blob);
    free(message);
    return frame;
}

static struct feed_frame frame_of(const struct feed_codec *fc, enum content content, size_t size)
{
    return body_frame(fc, content, size, false);
}

static struct feed_frame good_frame(const struct feed_codec *fc, enum content content, size_t size)
{
    struct feed_frame frame = frame_of(fc, content, size);
    assert_int_equal(frame.result, 0);
    return frame;
}

static void stream_add_message(struct stream *stream, const struct feed_codec *fc,
                               enum content content, size_t size)
{
    struct feed_frame frame = good_frame(fc, content, size);
    stream_add(stream, frame.data, frame.size);
    free(frame.data);
}

/* Messages of all kinds, empty ones at both ends, about 2 KiB on the wire. */
static struct stream *stream_of(const struct feed_codec *fc)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 17, 18, 19, 64, 300};
    struct stream *stream = stream_new();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        stream_add_message(stream, fc, (enum content)(i % CONTENTS), sizes[i]);
    stream_add_message(stream, fc, TEXT, 1437);
    stream_add_message(stream, fc, ZEROS, 0);
    return stream;
}

static void assert_whole(const struct feed *feed, size_t count)
{
    assert_null(feed->broken_rule);
    assert_int_equal(feed->ended, 0);
    assert_int_equal(feed->unread_size, 0);
    assert_false(feed->inside);
    assert_int_equal(feed->count, count);
}

static void assert_message(const struct feed *feed, size_t i, enum content content, size_t size)
{
    assert_true(i < feed->count);
    assert_int_equal(feed->messages[i].status, WEFT_MESSAGE_OK);
    assert_int_equal(feed->messages[i].size, size);
    uint8_t *expected = content_new(content, size);
    assert_memory_equal(feed->messages[i].payload, expected, size);
    free(expected);
}

static void assert_same(const struct feed *a, const struct feed *b)
{
    const char *difference = feed_difference(a, b);
    if (difference)
        fail_msg("differs: %s", difference);
}

static void test_codec_declares_what_is_mandatory(void **state)
{
    const struct weft_codec *codec = ((const struct codec_suite *)*state)->codec;
    assert_non_null(codec->name);
    assert_int_equal(strcspn(codec->name, " ?&=ABCDEFGHIJKLMNOPQRSTUVWXYZ"), strlen(codec->name));
    assert_non_null(codec->speaks);
    assert_non_null(codec->decode);
    assert_non_null(codec->encode);
}

static void test_decode_gives_back_what_encode_took(void **state)
{
    static const size_t around[] = {128, 256, 1436, 4096, 16384, 65536, 300000};
    struct feed_codec fc = codec_of(*state, ROOM / 2);
    for (size_t i = 0; i < 70 + 3 * sizeof around / sizeof *around; i++) {
        size_t size = i < 70 ? i : around[(i - 70) / 3] - 1 + (i - 70) % 3;
        for (enum content content = ZEROS; content < CONTENTS; content++) {
            struct feed_frame frame = good_frame(&fc, content, size);
            struct feed feed;
            feed_init(&feed, &fc, WEFT_SERVER);
            feed_bytes(&feed, feed_frame_view(&frame));
            assert_whole(&feed, 1);
            assert_message(&feed, 0, content, size);
            feed_fini(&feed);
            free(frame.data);
        }
    }
    feed_codec_fini(&fc);
}

static void test_decode_does_not_depend_on_the_role(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    struct stream *stream = stream_of(&fc);
    struct feed server, client;
    feed_init(&server, &fc, WEFT_SERVER);
    feed_init(&client, &fc, WEFT_CLIENT);
    feed_pieces(&server, stream_view(stream), stream->size);
    feed_pieces(&client, stream_view(stream), stream->size);
    assert_whole(&server, stream->count);
    assert_same(&server, &client);
    feed_fini(&server);
    feed_fini(&client);
    free(stream);
    feed_codec_fini(&fc);
}

static void each_split_and_piece(const struct feed_codec *fc, struct weft_view bytes,
                                 const struct feed *whole)
{
    for (size_t at = 0; at <= bytes.size; at++) {
        struct feed split;
        feed_init(&split, fc, WEFT_SERVER);
        feed_split(&split, bytes, at);
        assert_same(&split, whole);
        feed_fini(&split);
    }
    for (size_t piece = 1; piece <= bytes.size; piece++) {
        struct feed pieces;
        feed_init(&pieces, fc, WEFT_SERVER);
        feed_pieces(&pieces, bytes, piece);
        assert_same(&pieces, whole);
        feed_fini(&pieces);
    }
}

static void test_decode_resumes_at_every_split_and_in_pieces_of_every_size(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    struct stream *stream = stream_of(&fc);
    struct feed whole;
    feed_init(&whole, &fc, WEFT_SERVER);
    feed_pieces(&whole, stream_view(stream), stream->size);
    assert_whole(&whole, stream->count);
    each_split_and_piece(&fc, stream_view(stream), &whole);
    feed_fini(&whole);
    free(stream);
    feed_codec_fini(&fc);
}

static void test_decode_never_needs_more_than_the_frame(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    struct feed_frame frame = good_frame(&fc, RANDOM, 300);
    for (size_t size = 0; size < frame.size; size++) {
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_bytes(&feed, weft_view(frame.data, size));
        assert_null(feed.broken_rule);
        assert_int_equal(feed.count, 0);
        assert_true(feed.need <= frame.size - feed.consumed);
        feed_fini(&feed);
    }
    free(frame.data);
    feed_codec_fini(&fc);
}

static void test_eof_inside_a_frame_adds_no_message_and_shows(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    struct stream *stream = stream_of(&fc);
    size_t frames = 0;
    for (size_t size = 0; size <= stream->size; size++) {
        bool boundary = size == 0 || (frames < stream->count && size == stream->ends[frames]);
        frames += boundary && size > 0;
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_pieces(&feed, weft_view(stream->data, size), ROOM);
        assert_null(feed.broken_rule);
        assert_int_equal(feed.ended, 0);
        assert_int_equal(feed.count, frames);
        assert_int_equal(feed.inside || feed.unread_size > 0, !boundary);
        feed_fini(&feed);
    }
    free(stream);
    feed_codec_fini(&fc);
}

static void test_two_connections_of_one_loop_do_not_meet(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    struct stream *stream = stream_of(&fc);
    struct feed alone, a, b;
    feed_init(&alone, &fc, WEFT_SERVER);
    feed_init(&a, &fc, WEFT_SERVER);
    feed_init(&b, &fc, WEFT_SERVER);
    feed_pieces(&alone, stream_view(stream), stream->size);
    for (size_t at = 0; at < stream->size + 100; at++) {
        if (at < stream->size)
            feed_bytes(&a, weft_view(stream->data + at, 1));
        if (at >= 100)
            feed_bytes(&b, weft_view(stream->data + at - 100, 1));
    }
    feed_eof(&a);
    feed_eof(&b);
    assert_same(&a, &alone);
    assert_same(&b, &alone);
    feed_fini(&alone);
    feed_fini(&a);
    feed_fini(&b);
    free(stream);
    feed_codec_fini(&fc);
}

static void test_payload_outlives_an_encode_on_the_same_loop(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    struct feed_frame frame = good_frame(&fc, TEXT, 5000);
    uint8_t *expected = content_new(TEXT, 5000);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    struct weft_message msg = {.kind = WEFT_MESSAGE_NONE};
    struct weft_decode_io io = {.out = &feed.out};
    assert_int_equal(fc.codec->decode(&feed.state, feed_frame_view(&frame), &msg, &io), frame.size);
    struct feed_frame reply = good_frame(&fc, TEXT, 8000);
    assert_int_equal(msg.payload.size, 5000);
    assert_memory_equal(msg.payload.data, expected, 5000);
    feed_fini(&feed);
    free(reply.data);
    free(expected);
    free(frame.data);
    feed_codec_fini(&fc);
}

static void test_encode_of_a_blob_is_encode_of_its_bytes(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 1436, 1437, 40000};
    struct feed_codec fc = codec_of(*state, ROOM / 2);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        enum content content = (enum content)(i % CONTENTS);
        struct feed_frame blob = body_frame(&fc, content, sizes[i], true);
        struct feed_frame bytes = body_frame(&fc, content, sizes[i], false);
        assert_int_equal(blob.result, 0);
        assert_true(weft_view_equal(feed_frame_view(&blob), feed_frame_view(&bytes)));
        free(blob.data);
        free(bytes.data);
    }
    feed_codec_fini(&fc);
}

static void test_encode_depends_on_nothing_but_message_and_options(void **state)
{
    struct feed_codec used = codec_of(*state, ROOM), fresh = codec_of(*state, ROOM);
    struct feed_frame first = good_frame(&used, TEXT, 3000);
    struct feed_frame large = good_frame(&used, TEXT, 100000);
    struct feed_frame again = good_frame(&used, TEXT, 3000);
    struct feed_frame other = good_frame(&fresh, TEXT, 100000);
    assert_true(weft_view_equal(feed_frame_view(&first), feed_frame_view(&again)));
    assert_true(weft_view_equal(feed_frame_view(&large), feed_frame_view(&other)));
    free(first.data);
    free(large.data);
    free(again.data);
    free(other.data);
    feed_codec_fini(&used);
    feed_codec_fini(&fresh);
}

static void test_encode_keeps_the_limits(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    for (enum content content = ZEROS; content < CONTENTS; content++) {
        for (size_t size = LIMIT - 1; size <= LIMIT + 1; size++) {
            struct feed_frame frame = frame_of(&fc, content, size);
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
            assert_int_equal(feed.messages[0].announced, size);
            assert_int_equal(feed.messages[0].limit, LIMIT);
        }
        assert_message(&feed, 1, TEXT, 5);
        feed_fini(&feed);
        free(stream);
    }
    feed_codec_fini(&sender);
    feed_codec_fini(&fc);
}

static void test_oversize_frame_is_refused_from_its_header_and_held_nowhere(void **state)
{
    struct feed_codec sender = codec_of(*state, ROOM), fc = codec_of(*state, LIMIT);
    struct stream *stream = stream_new();
    stream_add_message(stream, &sender, RANDOM, 3 * LIMIT);
    stream_add_message(stream, &sender, TEXT, 5);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view(stream->data, HEADER_MAX));
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_true(feed.inside);
    feed_pieces(&feed, weft_view_skip(stream_view(stream), HEADER_MAX), 10);
    assert_whole(&feed, 2);
    assert_message(&feed, 1, TEXT, 5);
    assert_true(feed.most_held <= 2 * HEADER_MAX);
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
    each_split_and_piece(&fc, stream_view(stream), &whole);
    feed_fini(&whole);
    free(stream);
    feed_codec_fini(&sender);
    feed_codec_fini(&fc);
}

static void test_bad_frame_stays_alone_at_every_split(void **state)
{
    const struct codec_suite *suite = *state;
    struct feed_codec fc = codec_of(suite, LIMIT);
    for (size_t i = 0; i < suite->bad_count; i++) {
        const struct codec_suite_frame *bad = &suite->bad[i];
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
        each_split_and_piece(&fc, stream_view(stream), &whole);
        feed_fini(&whole);
        free(stream);
    }
    feed_codec_fini(&fc);
}

/* Encodes messages and decodes them on one connection, as far as memory lets it. */
static void exchange(void *arg)
{
    struct feed_codec fc;
    int err = try_init(&fc, arg, ROOM);
    if (err < 0) {
        assert_int_equal(err, -ENOMEM);
        assert_true(fault_failed() > 0);
        return;
    }
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    size_t sent = 0;
    for (int i = 0; i < 4; i++) {
        struct feed_frame frame = body_frame(&fc, TEXT, 3000, i % 2);
        assert_true(frame.result == 0 || (frame.result == -ENOMEM && fault_failed() > 0));
        sent += frame.result == 0;
        if (frame.result == 0)
            feed_bytes(&feed, feed_frame_view(&frame));
        free(frame.data);
    }
    assert_null(feed.broken_rule);
    assert_true(feed.ended == 0 || (feed.ended == -ENOMEM && fault_failed() > 0));
    if (feed.ended == 0)
        assert_int_equal(feed.count, sent);
    for (size_t i = 0; i < feed.count; i++)
        assert_message(&feed, i, TEXT, 3000);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_every_allocation_may_fail(void **state)
{
    fault_each(exchange, *state);
}

int codec_suite_run(const struct codec_suite *suite)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_declares_what_is_mandatory),
        cmocka_unit_test(test_decode_gives_back_what_encode_took),
        cmocka_unit_test(test_decode_does_not_depend_on_the_role),
        cmocka_unit_test(test_decode_resumes_at_every_split_and_in_pieces_of_every_size),
        cmocka_unit_test(test_decode_never_needs_more_than_the_frame),
        cmocka_unit_test(test_eof_inside_a_frame_adds_no_message_and_shows),
        cmocka_unit_test(test_two_connections_of_one_loop_do_not_meet),
        cmocka_unit_test(test_payload_outlives_an_encode_on_the_same_loop),
        cmocka_unit_test(test_encode_of_a_blob_is_encode_of_its_bytes),
        cmocka_unit_test(test_encode_depends_on_nothing_but_message_and_options),
        cmocka_unit_test(test_encode_keeps_the_limits),
        cmocka_unit_test(test_decode_keeps_the_limits_and_goes_on),
        cmocka_unit_test(test_oversize_frame_is_refused_from_its_header_and_held_nowhere),
        cmocka_unit_test(test_oversize_frame_stays_alone_at_every_split),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(codec_suite__test_kept_frame_is_the_frame_that_encode_makes),
        cmocka_unit_test(codec_suite__test_encode_with_a_pool_keeps_the_limits),
        cmocka_unit_test(codec_suite__test_every_allocation_beside_a_pool_may_fail),
        cmocka_unit_test(test_bad_frame_stays_alone_at_every_split),
    };
    enum { COUNT = sizeof tests / sizeof *tests };
    struct codec_suite own = *suite;
    for (size_t i = 0; i < COUNT; i++)
        tests[i].initial_state = &own;
    if (suite->bad_count == 0) /* cmocka passes over an empty entry */
        tests[COUNT - 1] = (struct CMUnitTest){0};
    char name[128];
    snprintf(name, sizeof name, "codec %s?%s", suite->codec->name,
             suite->query ? suite->query : "");
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
