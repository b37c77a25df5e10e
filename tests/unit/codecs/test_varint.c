/* SPDX-License-Identifier: MIT
 *
 * Tests of varint's own behaviour. test_varint_contract holds what every codec must do, and
 * test_vectors_codecs what peers and strangers send. */
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
    assert_int_equal(feed_codec_init(&fc, &weft_codec_varint, "", &limits, NULL), 0);
    return fc;
}

static void feed_text(struct feed *feed, const char *bytes, size_t size)
{
    feed_bytes(feed, weft_view(bytes, size));
}

static void test_encode_writes_the_shortest_length(void **state)
{
    static const struct {
        size_t size, header;
        const char *bytes;
    } lengths[] = {
        {0, 1, "\0"},           {1, 1, "\1"},
        {127, 1, "\x7f"},       {128, 2, "\x80\1"},
        {16383, 2, "\xff\x7f"}, {16384, 3, "\x80\x80\1"},
        {300, 2, "\xac\2"},     {2097152, 4, "\x80\x80\x80\1"},
    };
    (void)state;
    struct feed_codec fc = codec_of(WEFT_MIB(8));
    uint8_t *message = calloc(1, 2097152);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct feed_frame frame = feed_encode_view(&fc, weft_view(message, lengths[i].size));
        assert_int_equal(frame.result, 0);
        assert_int_equal(frame.size, lengths[i].header + lengths[i].size);
        assert_memory_equal(frame.data, lengths[i].bytes, lengths[i].header);
        free(frame.data);
    }
    free(message);
    feed_codec_fini(&fc);
}

/* Java and C# would keep the low 32 bits and read 1 byte: the two ends would no longer agree on where a
 * frame ends. */
static void test_length_over_32_bits_is_not_cut_to_its_low_bits(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of(MAX_FRAME);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_text(&feed, "\x81\x80\x80\x80\x10x", 6);
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_int_equal(feed.messages[0].announced, UINT64_C(0x100000001));
    assert_int_equal(feed.ended, WEFT_ELOST);
    assert_string_equal(feed.detail, "a length beyond what is skipped");
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_length_over_64_bits_is_answered_then_ends_the_connection(void **state)
{
    static const char tenths[] = {2, 0x7f, (char)0x80, (char)0xff};
    (void)state;
    struct feed_codec fc = codec_of(MAX_FRAME);
    for (size_t i = 0; i < sizeof tenths; i++) {
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_text(&feed, "\1x\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11);
        feed_text(&feed, &tenths[i], 1);
        assert_int_equal(feed.count, 2);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_OK);
        assert_int_equal(feed.messages[1].status, WEFT_MESSAGE_MALFORMED);
        assert_non_null(feed.messages[1].why);
        assert_int_equal(feed.ended, WEFT_ELOST);
        assert_string_equal(feed.detail, "not a length");
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_frame_of_four_times_max_frame_is_skipped(void **state)
{
    static const char zeros[4 * MAX_FRAME];
    (void)state;
    struct feed_codec fc = codec_of(MAX_FRAME);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_text(&feed, "\xa0\x1f", 2);
    feed_text(&feed, zeros, sizeof zeros - 1);
    assert_true(feed.inside);
    feed_text(&feed, zeros, 1);
    assert_false(feed.inside);
    feed_text(&feed, "\1x", 2);
    assert_int_equal(feed.count, 2);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_int_equal(feed.messages[1].status, WEFT_MESSAGE_OK);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_client_whose_first_reply_is_beyond_skipping_names_another_codec(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of(MAX_FRAME);
    struct feed feed;
    feed_init(&feed, &fc, WEFT_CLIENT);
    feed_text(&feed, "\xff\xff\xff\xff\x07", 5);
    assert_int_equal(feed.count, 0);
    assert_int_equal(feed.ended, WEFT_EFOREIGN);
    assert_string_equal(feed.detail, "answered in another protocol or codec");
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_max_frame_must_fit_31_bits(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    struct weft_error error;
    struct feed_codec fc;
    limits.max_frame = limits.max_message = UINT64_C(0x80000000);
    assert_int_equal(feed_codec_init(&fc, &weft_codec_varint, "", &limits, &error), WEFT_ECONFIG);
    assert_non_null(strstr(error.text, "max-frame"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_writes_the_shortest_length),
        cmocka_unit_test(test_length_over_32_bits_is_not_cut_to_its_low_bits),
        cmocka_unit_test(test_length_over_64_bits_is_answered_then_ends_the_connection),
        cmocka_unit_test(test_frame_of_four_times_max_frame_is_skipped),
        cmocka_unit_test(test_client_whose_first_reply_is_beyond_skipping_names_another_codec),
        cmocka_unit_test(test_max_frame_must_fit_31_bits),
    };
    return cmocka_run_group_tests_name("varint", tests, NULL, NULL);
}
