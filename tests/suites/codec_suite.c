/* SPDX-License-Identifier: MIT */
#include "codec_suite.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec_suite_fixture.h"
#include "codec_suite_world.h"
#include "lib/fault.h"

static void test_codec_declares_what_is_mandatory(void **state)
{
    const struct weft_codec *codec = ((const struct weft_codec_suite *)*state)->codec;
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
            assert_stands_for(&fc, &frame, content, size);
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

static void test_decode_resumes_at_every_split_and_in_pieces_of_every_size(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    struct stream *stream = stream_of(&fc);
    struct feed whole;
    feed_init(&whole, &fc, WEFT_SERVER);
    feed_pieces(&whole, stream_view(stream), stream->size);
    assert_whole(&whole, stream->count);
    assert_each_split_and_piece(&fc, stream_view(stream), &whole);
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

static void test_eof_inside_a_frame_shows_or_ends_the_frame(void **state)
{
    const bool ends = ((const struct weft_codec_suite *)*state)->ends_at_eof;
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
        assert_int_equal(feed.count, frames + (ends && !boundary));
        assert_int_equal(feed.inside || feed.unread_size > 0, !ends && !boundary);
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
    size_t size = 5000;
    uint8_t *expected = message_of(TEXT, &size);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    struct weft_message msg = {.kind = WEFT_MESSAGE_NONE};
    struct weft_decode_io io = {.out = &feed.out};
    assert_int_equal(fc.codec->decode(&feed.state, feed_frame_view(&frame), &msg, &io), frame.size);
    struct feed_frame reply = good_frame(&fc, TEXT, 8000);
    struct weft_view message = codec_suite_message(msg.payload);
    assert_int_equal(message.size, size);
    assert_memory_equal(message.data, expected, size);
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
        assert_stands_for(&fc, &blob, content, sizes[i]);
        assert_stands_for(&fc, &bytes, content, sizes[i]);
        free(blob.data);
        free(bytes.data);
    }
    feed_codec_fini(&fc);
}

static void test_frame_is_read_by_who_has_seen_no_other(void **state)
{
    static const size_t sizes[] = {3000, 100000, 3000};
    struct feed_codec used = codec_of(*state, ROOM);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct feed_codec fresh = codec_of(*state, ROOM);
        struct feed_frame frame = good_frame(&used, TEXT, sizes[i]);
        assert_stands_for(&fresh, &frame, TEXT, sizes[i]);
        free(frame.data);
        feed_codec_fini(&fresh);
    }
    feed_codec_fini(&used);
}

/* Encodes messages and decodes them on one connection, as far as memory lets it. */
static void exchange(void *arg)
{
    struct feed_codec fc;
    int err = codec_try_init(&fc, arg, ROOM);
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

static void name_of(const struct weft_codec_suite *suite, char *name, size_t room)
{
    (void)snprintf(name, room, "codec %s?%s", suite->codec->name, suite->query ? suite->query : "");
}

int weft_codec_suite_run_streams(const struct weft_codec_suite *suite)
{
    char name[128];
    name_of(suite, name, sizeof name);
    codec_suite_choose(suite);
    int failed = codec_suite__run_streams(name);
    failed += codec_suite__run_streams_hostile(name);
    if (suite->codec->want)
        failed += codec_suite__run_many(name);
    return failed;
}

int weft_codec_suite_run(const struct weft_codec_suite *suite)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_declares_what_is_mandatory),
        cmocka_unit_test(test_decode_gives_back_what_encode_took),
        cmocka_unit_test(test_decode_does_not_depend_on_the_role),
        cmocka_unit_test(test_decode_resumes_at_every_split_and_in_pieces_of_every_size),
        cmocka_unit_test(test_decode_never_needs_more_than_the_frame),
        cmocka_unit_test(test_eof_inside_a_frame_shows_or_ends_the_frame),
        cmocka_unit_test(test_two_connections_of_one_loop_do_not_meet),
        cmocka_unit_test(test_payload_outlives_an_encode_on_the_same_loop),
        cmocka_unit_test(test_encode_of_a_blob_is_encode_of_its_bytes),
        cmocka_unit_test(test_frame_is_read_by_who_has_seen_no_other),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    char name[128];
    name_of(suite, name, sizeof name);
    codec_suite_choose(suite);
    content_is_text(suite->text);
    int failed = cmocka_run_group_tests_name(name, tests, codec_suite_setup, NULL);
    failed += codec_suite__run_limits(suite, name);
    failed += codec_suite__run_frames(name);
    failed += codec_suite__run_isolation(name);
    failed += codec_suite__run_hostile(name);
    failed += codec_suite__run_sharing(suite, name);
    content_is_text(false);
    return failed;
}
