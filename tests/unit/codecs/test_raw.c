/* SPDX-License-Identifier: MIT
 *
 * Tests of raw's own behaviour. test_raw_contract holds what every codec must do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/feed.h"

enum { MAX_FRAME = 1000 };

static struct feed_codec codec_of(uint64_t max_frame)
{
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    limits.max_frame = limits.max_message = max_frame;
    assert_int_equal(feed_codec_init(&fc, &weft_codec_raw, "", &limits, NULL), 0);
    return fc;
}

static void feed_length(struct feed *feed, uint32_t length)
{
    uint8_t header[4];
    weft_store_be32(header, length);
    feed_bytes(feed, weft_view(header, sizeof header));
}

static void feed_zeros(struct feed *feed, size_t size)
{
    static const uint8_t zeros[5 * MAX_FRAME];
    feed_bytes(feed, weft_view(zeros, size));
}

static void test_encode_writes_four_bytes_of_length_and_the_payload(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of(MAX_FRAME);
    struct feed_frame frame = feed_encode_view(&fc, weft_view_str("hello"));
    assert_int_equal(frame.result, 0);
    assert_int_equal(frame.size, 9);
    assert_memory_equal(frame.data, "\0\0\0\5hello", 9);
    free(frame.data);
    feed_codec_fini(&fc);
}

static void test_frame_of_four_times_max_frame_is_skipped(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of(MAX_FRAME);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_length(&feed, 4 * MAX_FRAME);
    feed_zeros(&feed, 4 * MAX_FRAME - 1);
    assert_true(feed.inside);
    feed_zeros(&feed, 1);
    assert_false(feed.inside);
    feed_length(&feed, 0);
    assert_int_equal(feed.count, 2);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_string_equal(feed.messages[0].why, "max-frame");
    assert_int_equal(feed.messages[1].status, WEFT_MESSAGE_OK);
    assert_int_equal(feed.ended, 0);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_frame_over_four_times_max_frame_is_refused_then_ends_the_connection(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of(MAX_FRAME);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_length(&feed, 4 * MAX_FRAME + 1);
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_int_equal(feed.messages[0].announced, 4 * MAX_FRAME + 1);
    assert_int_equal(feed.messages[0].limit, MAX_FRAME);
    assert_int_equal(feed.ended, WEFT_ELOST);
    assert_non_null(feed.detail);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_eof_while_an_oversize_frame_is_skipped_is_inside_a_frame(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of(MAX_FRAME);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_length(&feed, 2 * MAX_FRAME);
    feed_zeros(&feed, MAX_FRAME);
    feed_eof(&feed);
    assert_int_equal(feed.ended, 0);
    assert_int_equal(feed.unread_size, 0);
    assert_true(feed.inside);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

/* 2 GiB are within four times the largest max_frame, but a top bit is never a length. */
static void test_compressed_frame_names_the_other_codec_and_ends_the_connection(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of(0x7fffffff);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_length(&feed, 0x80000030);
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_int_equal(feed.messages[0].announced, 0x80000030);
    assert_non_null(strstr(feed.messages[0].why, "max-frame"));
    assert_non_null(strstr(feed.messages[0].why, "length-delimited-gzip"));
    assert_int_equal(feed.ended, WEFT_ELOST);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

/* The first reply that is large enough to be compressed, or the beginning of one. */
static void test_client_names_the_codec_of_a_server_that_compresses(void **state)
{
    static const char frame[] = "\x80\0\0\x3a\x1f\x8b\x08";
    (void)state;
    struct feed_codec fc = codec_of(MAX_FRAME);
    for (size_t size = 4; size < sizeof frame; size++) {
        struct feed feed;
        feed_init(&feed, &fc, WEFT_CLIENT);
        feed_length(&feed, 0);
        feed_bytes(&feed, weft_view(frame, size));
        assert_int_equal(feed.count, 1);
        assert_int_equal(feed.ended, WEFT_EFOREIGN);
        assert_string_equal(feed.detail, "answered in codec 'length-delimited-gzip'");
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_max_frame_must_fit_31_bits(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    struct weft_error error;
    struct feed_codec fc;
    limits.max_frame = limits.max_message = UINT64_C(0x80000000);
    assert_int_equal(feed_codec_init(&fc, &weft_codec_raw, "", &limits, &error), WEFT_ECONFIG);
    assert_non_null(strstr(error.text, "max-frame"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_writes_four_bytes_of_length_and_the_payload),
        cmocka_unit_test(test_frame_of_four_times_max_frame_is_skipped),
        cmocka_unit_test(test_frame_over_four_times_max_frame_is_refused_then_ends_the_connection),
        cmocka_unit_test(test_eof_while_an_oversize_frame_is_skipped_is_inside_a_frame),
        cmocka_unit_test(test_compressed_frame_names_the_other_codec_and_ends_the_connection),
        cmocka_unit_test(test_client_names_the_codec_of_a_server_that_compresses),
        cmocka_unit_test(test_max_frame_must_fit_31_bits),
    };
    return cmocka_run_group_tests_name("raw", tests, NULL, NULL);
}
