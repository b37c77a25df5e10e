/* SPDX-License-Identifier: MIT */
#include "codec_suite_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct weft_codec_suite *codec_under_test;

void codec_suite_choose(const struct weft_codec_suite *suite)
{
    codec_under_test = suite;
}

int codec_suite_setup(void **state)
{
    /* The tests only read it. */
    *state = (void *)(uintptr_t)codec_under_test;
    return 0;
}

void codec_suite_as_request(struct feed_frame *frame, enum content content, size_t size)
{
    if (!codec_under_test->wrap || frame->result != 0)
        return;
    uint8_t *message = message_of(content, &size);
    assert_int_equal(frame->size, size);
    assert_memory_equal(frame->data, message, size);
    free(frame->data);
    frame->size = codec_under_test->wrap(weft_view(message, size), NULL);
    frame->data = malloc(frame->size);
    assert_non_null(frame->data);
    (void)codec_under_test->wrap(weft_view(message, size), frame->data);
    free(message);
}

struct weft_view codec_suite_message(struct weft_view payload)
{
    return codec_under_test->unwrap ? codec_under_test->unwrap(payload) : payload;
}

size_t codec_suite_header(void)
{
    enum { USUAL_MAX = 16 };
    return codec_under_test->header > 0 ? codec_under_test->header : USUAL_MAX;
}

static int try_init(struct feed_codec *fc, const struct weft_codec_suite *suite, size_t max_frame,
                    size_t max_message)
{
    struct weft_limits limits = weft_limits_default();
    limits.max_frame = max_frame;
    limits.max_message = max_message;
    return feed_codec_init(fc, suite->codec, suite->query ? suite->query : "", &limits, NULL);
}

int codec_try_init(struct feed_codec *fc, const struct weft_codec_suite *suite, size_t limit)
{
    return try_init(fc, suite, limit, limit);
}

struct feed_codec codec_with(const struct weft_codec_suite *suite, size_t max_frame,
                             size_t max_message)
{
    struct feed_codec fc;
    assert_int_equal(try_init(&fc, suite, max_frame, max_message), 0);
    return fc;
}

struct feed_codec codec_of(const struct weft_codec_suite *suite, size_t limit)
{
    return codec_with(suite, limit, limit);
}

uint8_t *message_of(enum content content, size_t *size)
{
    uint8_t *bytes = content_new(content, *size);
    if (!codec_under_test->message)
        return bytes;
    size_t message_size = codec_under_test->message(bytes, *size, NULL);
    uint8_t *message = malloc(message_size);
    assert_non_null(message);
    (void)codec_under_test->message(bytes, *size, message);
    free(bytes);
    *size = message_size;
    return message;
}

struct weft_blob *blob_of(enum content content, size_t size)
{
    uint8_t *data, *message = message_of(content, &size);
    struct weft_blob *blob = weft_blob_new(size, &data);
    if (blob)
        memcpy(data, message, size);
    free(message);
    return blob;
}

struct feed_frame body_frame(const struct feed_codec *fc, enum content content, size_t size,
                             bool as_blob)
{
    struct weft_blob *blob = as_blob ? blob_of(content, size) : NULL;
    uint8_t *message = message_of(content, &size);
    struct weft_body_bytes bytes = weft_body_from_view(weft_view(message, size));
    struct weft_body of_blob;
    if (blob)
        of_blob = weft_body_from_blob(blob);
    struct feed_frame frame = feed_encode(fc, blob ? &of_blob : &bytes.body);
    assert_null(frame.broken_rule);
    weft_blob_unref(blob);
    free(message);
    codec_suite_as_request(&frame, content, size);
    return frame;
}

struct feed_frame good_frame(const struct feed_codec *fc, enum content content, size_t size)
{
    struct feed_frame frame = body_frame(fc, content, size, false);
    assert_int_equal(frame.result, 0);
    return frame;
}

void stream_add_message(struct stream *stream, const struct feed_codec *fc, enum content content,
                        size_t size)
{
    struct feed_frame frame = good_frame(fc, content, size);
    stream_add(stream, frame.data, frame.size);
    free(frame.data);
}

struct stream *stream_of(const struct feed_codec *fc)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 17, 18, 19, 64, 300};
    struct stream *stream = stream_new();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        stream_add_message(stream, fc, (enum content)(i % CONTENTS), sizes[i]);
    stream_add_message(stream, fc, TEXT, 1437);
    stream_add_message(stream, fc, ZEROS, 0);
    return stream;
}

void assert_whole(const struct feed *feed, size_t count)
{
    assert_null(feed->broken_rule);
    assert_int_equal(feed->ended, 0);
    assert_int_equal(feed->unread_size, 0);
    assert_false(feed->inside);
    assert_int_equal(feed->count, count);
}

void assert_message(const struct feed *feed, size_t i, enum content content, size_t size)
{
    assert_true(i < feed->count);
    assert_int_equal(feed->messages[i].status, WEFT_MESSAGE_OK);
    uint8_t *expected = message_of(content, &size);
    struct weft_view message =
        codec_suite_message(weft_view(feed->messages[i].payload, feed->messages[i].size));
    assert_int_equal(message.size, size);
    assert_memory_equal(message.data, expected, size);
    free(expected);
}

void assert_stands_for(const struct feed_codec *fc, const struct feed_frame *frame,
                       enum content content, size_t size)
{
    struct feed feed;
    feed_init(&feed, fc, WEFT_SERVER);
    feed_bytes(&feed, feed_frame_view(frame));
    assert_whole(&feed, 1);
    assert_message(&feed, 0, content, size);
    feed_fini(&feed);
}

void assert_same(const struct feed *a, const struct feed *b)
{
    const char *difference = feed_difference(a, b);
    if (difference)
        fail_msg("differs: %s", difference);
}

void assert_each_split_and_piece(const struct feed_codec *fc, struct weft_view bytes,
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
