/* SPDX-License-Identifier: MIT */
#include "delimited_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/random.h"

int try_init(struct feed_codec *fc, const char *query, uint64_t max_frame, uint64_t max_message,
             struct weft_error *error)
{
    struct weft_limits limits = weft_limits_default();
    limits.max_frame = max_frame;
    limits.max_message = max_message;
    return feed_codec_init(fc, &weft_codec_length_delimited_gzip, query, &limits, error);
}

struct feed_codec codec_of(const char *query, uint64_t max_frame, uint64_t max_message)
{
    struct feed_codec fc;
    assert_int_equal(try_init(&fc, query, max_frame, max_message, NULL), 0);
    return fc;
}

uint8_t *text_of(size_t size)
{
    struct test_random random = {.state = 1};
    uint8_t *data = malloc(size + 64);
    assert_non_null(data);
    for (size_t at = 0; at < size;)
        at += (size_t)snprintf((char *)data + at, 64, "{\"key\": \"user%zu\", \"value\": %zu}, ",
                               test_random_below(&random, 1000), test_random_below(&random, 100));
    return data;
}

uint8_t *random_of(size_t size)
{
    struct test_random random = {.state = 2};
    uint8_t *data = malloc(size);
    assert_non_null(data);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)test_random_next(&random);
    return data;
}

struct feed_frame frame_of(const struct feed_codec *fc, size_t size)
{
    uint8_t *message = text_of(size);
    struct feed_frame frame = feed_encode_view(fc, weft_view(message, size));
    assert_null(frame.broken_rule);
    free(message);
    return frame;
}

struct feed_frame random_frame_of(const struct feed_codec *fc, size_t size)
{
    uint8_t *message = random_of(size);
    struct feed_frame frame = feed_encode_view(fc, weft_view(message, size));
    assert_null(frame.broken_rule);
    free(message);
    return frame;
}

void assert_decodes_to_text(const struct feed_codec *fc, struct weft_view frame, size_t size)
{
    uint8_t *expected = text_of(size);
    struct feed feed;
    feed_init(&feed, fc, WEFT_SERVER);
    feed_bytes(&feed, frame);
    assert_int_equal(feed.count, 1);
    assert_true(weft_view_equal(weft_view(feed.messages[0].payload, feed.messages[0].size),
                                weft_view(expected, size)));
    feed_fini(&feed);
    free(expected);
}

void assert_too_big(struct feed_frame frame, size_t size, size_t limit, const char *why)
{
    assert_int_equal(frame.result, WEFT_ETOOBIG);
    assert_int_equal(frame.announced, size);
    assert_int_equal(frame.limit, limit);
    assert_string_equal(frame.why, why);
    free(frame.data);
}
