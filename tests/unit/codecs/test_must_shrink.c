/* SPDX-License-Identifier: MIT
 *
 * Messages too large for a plain frame that every peer takes: length-delimited-gzip tries hard to make
 * them smaller, so that what it took comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "delimited_fixture.h"

/* The sender takes frames of 32 MiB, and its peer may not. */
static void test_message_over_the_default_max_frame_is_compressed_whatever_ours_is(void **state)
{
    static const char *const queries[] = {"", "threshold=1GiB", "level=1"};
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct feed_codec fc = codec_of(queries[i], 32 * MIB, 128 * MIB);
        struct feed_frame frame = frame_of(&fc, 8 * MIB + 1);
        assert_int_equal(frame.result, 0);
        assert_true(frame.size < 8 * MIB);
        free(frame.data);
        frame = random_frame_of(&fc, 8 * MIB + 1);
        assert_int_equal(frame.size, 4 + 8 * MIB + 1);
        free(frame.data);
        feed_codec_fini(&fc);
    }
    struct feed_codec off = codec_of("threshold=off", 32 * MIB, 128 * MIB);
    struct feed_frame frame = frame_of(&off, 8 * MIB + 1);
    assert_int_equal(frame.size, 4 + 8 * MIB + 1);
    free(frame.data);
    feed_codec_fini(&off);
}

static size_t size_at(const char *query, size_t size)
{
    struct feed_codec fc = codec_of(query, 8 * MIB, 32 * MIB);
    struct feed_frame frame = frame_of(&fc, size);
    assert_int_equal(frame.result, 0);
    assert_true(frame.data[0] & 0x80);
    free(frame.data);
    feed_codec_fini(&fc);
    return frame.size - 4;
}

/* The limit is below what the fast level makes of it. */
static void test_message_that_must_shrink_is_tried_harder(void **state)
{
    (void)state;
    size_t fast = size_at("level=1", 2 * MIB), hard = size_at("level=6", 2 * MIB);
    assert_true(hard < fast && fast < hard + hard / 2);
    for (size_t limit = hard; limit < fast; limit += (fast - hard) / 2 + 1) {
        struct feed_codec fc = codec_of("", limit, 2 * MIB);
        struct feed_frame frame = frame_of(&fc, 2 * MIB);
        assert_int_equal(frame.result, 0);
        assert_true(frame.size <= 4 + limit);
        assert_decodes_to_text(&fc, feed_frame_view(&frame), 2 * MIB);
        free(frame.data);
        feed_codec_fini(&fc);
    }
    struct feed_codec fc = codec_of("", hard / 2, 2 * MIB);
    assert_too_big(frame_of(&fc, 2 * MIB), 2 * MIB, hard / 2, "max-frame");
    feed_codec_fini(&fc);
}

/* Takes a message with kvc's limits, and gives it back with kvs's, to kvc's. */
static void round_trip(const struct feed_codec *client, const struct feed_codec *server,
                       struct weft_view message)
{
    struct feed_frame there = feed_encode_view(client, message);
    struct feed feed;
    assert_int_equal(there.result, 0);
    feed_init(&feed, server, WEFT_SERVER);
    feed_bytes(&feed, feed_frame_view(&there));
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_OK);
    free(there.data);
    struct feed_frame back =
        feed_encode_view(server, weft_view(feed.messages[0].payload, feed.messages[0].size));
    feed_fini(&feed);
    assert_int_equal(back.result, 0);
    feed_init(&feed, client, WEFT_CLIENT);
    feed_bytes(&feed, feed_frame_view(&back));
    assert_int_equal(feed.count, 1);
    assert_true(
        weft_view_equal(weft_view(feed.messages[0].payload, feed.messages[0].size), message));
    feed_fini(&feed);
    free(back.data);
}

static void test_what_gzip_brings_under_the_default_max_frame_comes_back(void **state)
{
    static const size_t sizes[] = {8, 32};
    (void)state;
    struct feed_codec client = codec_of("", 32 * MIB, 128 * MIB);
    struct feed_codec server = codec_of("", 8 * MIB, 32 * MIB);
    uint8_t *text = text_of(32 * MIB), *zeros = calloc(32, MIB), *random = random_of(8 * MIB);
    assert_non_null(zeros);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        round_trip(&client, &server, weft_view(text, sizes[i] * MIB));
        round_trip(&client, &server, weft_view(zeros, sizes[i] * MIB));
    }
    round_trip(&client, &server, weft_view(random, 8 * MIB));
    /* Half of it does not shrink. */
    memcpy(text, random, 7 * MIB);
    round_trip(&client, &server, weft_view(text, 10 * MIB));
    free(text);
    free(zeros);
    free(random);
    feed_codec_fini(&client);
    feed_codec_fini(&server);
}

/* A sender that compresses nothing learns what helps. */
static void test_plain_frame_over_max_frame_is_told_of_gzip(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("", MIB, 4 * MIB);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view("\0\x10\0\1", 4));
    assert_int_equal(feed.count, 1);
    assert_string_equal(feed.messages[0].why, "max-frame (not compressed; gzip may make it fit)");
    feed_fini(&feed);
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view("\x80\x10\0\1", 4));
    assert_int_equal(feed.count, 1);
    assert_string_equal(feed.messages[0].why, "max-frame");
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_over_the_default_max_frame_is_compressed_whatever_ours_is),
        cmocka_unit_test(test_message_that_must_shrink_is_tried_harder),
        cmocka_unit_test(test_what_gzip_brings_under_the_default_max_frame_comes_back),
        cmocka_unit_test(test_plain_frame_over_max_frame_is_told_of_gzip),
    };
    return cmocka_run_group_tests_name("must shrink", tests, NULL, NULL);
}
