/* SPDX-License-Identifier: MIT
 *
 * Tests of length-field's own behaviour: its options, what it writes into a header, and what it refuses.
 * test_length_field_contract holds what every codec must do, and test_vectors_codecs the examples of
 * Netty and tokio-util. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/feed.h"

enum { MAX_FRAME = 200 };

static int try_codec(struct feed_codec *fc, const char *query, uint64_t max_frame,
                     struct weft_error *error)
{
    struct weft_limits limits = weft_limits_default();
    limits.max_frame = limits.max_message = max_frame;
    return feed_codec_init(fc, &weft_codec_length_field, query, &limits, error);
}

static struct feed_codec codec_of(const char *query)
{
    struct feed_codec fc;
    assert_int_equal(try_codec(&fc, query, MAX_FRAME, NULL), 0);
    return fc;
}

static void assert_refused(const char *query, uint64_t max_frame, const char *words)
{
    struct weft_error error;
    struct feed_codec fc;
    if (try_codec(&fc, query, max_frame, &error) != WEFT_ECONFIG)
        fail_msg("%s is taken", query);
    if (!strstr(error.text, words))
        fail_msg("%s: '%s' does not say '%s'", query, error.text, words);
}

static void test_option_that_is_no_such_value_is_refused_with_those_it_takes(void **state)
{
    (void)state;
    static const char *const widths[] = {"width=",   "width=0",  "width=5", "width=9",
                                         "width=44", "width=-1", "width=x"};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        assert_refused(widths[i], MAX_FRAME, "it takes 1, 2, 3, 4 or 8");
    assert_refused("endian=middle", MAX_FRAME, "big or little");
    assert_refused("endian=", MAX_FRAME, "big or little");
    assert_refused("offset=-1", MAX_FRAME, "offset=-1: it takes 0 to 252");
    assert_refused("offset=249&width=8", MAX_FRAME, "0 to 248");
    assert_refused("strip=257", MAX_FRAME, "0 to 256");
    assert_refused("strip=all", MAX_FRAME, "0 to 256");
    assert_refused("adjust=", MAX_FRAME, "adjust=");
    assert_refused("adjust=-", MAX_FRAME, "adjust=");
    assert_refused("adjust=--1", MAX_FRAME, "adjust=");
    assert_refused("adjust=2147483648", MAX_FRAME,
                   "adjust=2147483648: it takes -2147483647 to 2147483647");
    assert_refused("adjust=-2147483648", MAX_FRAME, "2147483647");
}

static void test_max_frame_that_the_width_cannot_say_is_refused_with_the_most_it_can(void **state)
{
    static const struct {
        const char *query;
        uint64_t most;
        const char *words;
    } fits[] = {
        {"width=1", 255, "at most 255 bytes"},
        {"width=2", 65535, "at most 65535 bytes"},
        {"width=3", 16777215, "at most 16777215 bytes"},
        {"width=4", 4294967295, "at most 4294967295 bytes"},
        {"width=1&adjust=-1", 254, "at most 254 bytes"},
        {"width=1&adjust=10", 265, "at most 265 bytes"},
        {"width=1&strip=0", 256, "at most 256 bytes"},
        {"width=1&strip=3", 253, "at most 253 bytes"},
        {"width=2&offset=1&strip=0&adjust=-3", 65535, "at most 65535 bytes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        struct feed_codec fc;
        assert_int_equal(try_codec(&fc, fits[i].query, fits[i].most, NULL), 0);
        feed_codec_fini(&fc);
        assert_refused(fits[i].query, fits[i].most + 1, fits[i].words);
        assert_refused(fits[i].query, fits[i].most + 1, "goes with it, or a larger width");
    }
    struct feed_codec fc;
    assert_int_equal(try_codec(&fc, "width=8", WEFT_LIMIT_BYTES_MAX, NULL), 0);
    feed_codec_fini(&fc);
}

static void test_adjust_that_leaves_no_message_is_refused(void **state)
{
    (void)state;
    assert_refused("adjust=201", MAX_FRAME, "shortest message");
    assert_refused("adjust=200&strip=0", MAX_FRAME, "shortest message");
    assert_refused("width=1&adjust=-300", MAX_FRAME, "no length of that width");
}

static void test_encode_fills_what_is_stripped_with_zeros(void **state)
{
    static const struct {
        const char *query, *frame;
        size_t size;
    } frames[] = {
        {"", "\0\0\0\2ok", 6},
        {"width=1", "\2ok", 3},
        {"width=2&endian=little", "\2\0ok", 4},
        {"width=3", "\0\0\2ok", 5},
        {"width=8&endian=little", "\2\0\0\0\0\0\0\0ok", 10},
        {"width=2&offset=3", "\0\0\0\0\2ok", 7},
        {"width=2&offset=3&adjust=-5", "\0\0\0\0\7ok", 7},
        {"width=1&strip=3", "\4\0\0ok", 5},
        {"width=1&strip=3&adjust=2", "\2\0\0ok", 5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct feed_codec fc = codec_of(frames[i].query);
        struct feed_frame frame = feed_encode_view(&fc, weft_view_str("ok"));
        assert_int_equal(frame.result, 0);
        assert_null(frame.broken_rule);
        if (!weft_view_equal(feed_frame_view(&frame), weft_view(frames[i].frame, frames[i].size)))
            fail_msg("%s: another frame", frames[i].query);
        free(frame.data);
        feed_codec_fini(&fc);
    }
}

/* A service that sees the header also writes it, but for the length, which it cannot know better. */
static void test_encode_sets_the_length_in_a_header_that_the_message_brings(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("offset=1&width=2&strip=0");
    struct feed_frame frame = feed_encode_view(&fc, weft_view("\xca??hello", 8));
    assert_int_equal(frame.result, 0);
    assert_int_equal(frame.size, 8);
    assert_memory_equal(frame.data, "\xca\0\5hello", 8);
    free(frame.data);
    feed_codec_fini(&fc);
}

static void test_encode_sets_the_length_in_a_copy_of_a_blob(void **state)
{
    (void)state;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(8, &data);
    assert_non_null(blob);
    memcpy(data, "????hihi", 8);
    struct feed_codec fc = codec_of("strip=0");
    struct weft_body body = weft_body_from_blob(blob);
    struct feed_frame frame = feed_encode(&fc, &body);
    assert_int_equal(frame.result, 0);
    assert_memory_equal(frame.data, "\0\0\0\4hihi", 8);
    assert_memory_equal(data, "????hihi", 8);
    free(frame.data);
    feed_codec_fini(&fc);
    weft_blob_unref(blob);
}

static void test_message_shorter_than_a_frame_can_say_is_filled_up_with_zeros(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("width=1&adjust=3");
    struct feed_frame frame = feed_encode_view(&fc, weft_view_str("x"));
    assert_int_equal(frame.result, 0);
    assert_int_equal(frame.size, 4);
    assert_memory_equal(frame.data, "\0x\0\0", 4);
    free(frame.data);
    feed_codec_fini(&fc);

    fc = codec_of("offset=2&width=2&strip=1");
    frame = feed_encode_view(&fc, weft_view_str(""));
    assert_int_equal(frame.result, 0);
    assert_int_equal(frame.size, 4);
    assert_memory_equal(frame.data, "\0\0\0\0", 4);
    free(frame.data);
    feed_codec_fini(&fc);
}

static void test_frame_without_all_that_is_stripped_says_so(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("width=1&strip=4");
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view("\1x\3...", 6));
    assert_int_equal(feed.count, 2);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_MALFORMED);
    assert_string_equal(feed.messages[0].why, "a frame that is shorter than strip");
    assert_int_equal(feed.messages[1].status, WEFT_MESSAGE_OK);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_first_frame_that_is_another_protocol_is_named(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("endian=little");
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view_str("GET / HTTP/1.1\r\n"));
    assert_int_equal(feed.count, 0);
    assert_int_equal(feed.ended, WEFT_EFOREIGN);
    assert_string_equal(feed.detail, "looks like HTTP");
    uint8_t *said = feed_chain_copy(&feed.out);
    assert_true(feed.out.bytes > 0);
    assert_memory_equal(said, "HTTP/1.0 400", 12);
    free(said);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_length_of_64_bits_is_over_every_limit(void **state)
{
    static const char *const queries[] = {"width=8", "width=8&adjust=100", "width=8&strip=0",
                                          "width=8&strip=256", "width=8&adjust=-3&offset=9"};
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct feed_codec fc = codec_of(queries[i]);
        struct feed feed;
        uint8_t ones[32];
        memset(ones, 0xff, sizeof ones);
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_bytes(&feed, weft_view(ones, sizeof ones));
        assert_null(feed.broken_rule);
        assert_int_equal(feed.count, 1);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
        assert_int_equal(feed.ended, WEFT_ELOST);
        feed_fini(&feed);
        feed_codec_fini(&fc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_option_that_is_no_such_value_is_refused_with_those_it_takes),
        cmocka_unit_test(test_max_frame_that_the_width_cannot_say_is_refused_with_the_most_it_can),
        cmocka_unit_test(test_adjust_that_leaves_no_message_is_refused),
        cmocka_unit_test(test_encode_fills_what_is_stripped_with_zeros),
        cmocka_unit_test(test_encode_sets_the_length_in_a_header_that_the_message_brings),
        cmocka_unit_test(test_encode_sets_the_length_in_a_copy_of_a_blob),
        cmocka_unit_test(test_message_shorter_than_a_frame_can_say_is_filled_up_with_zeros),
        cmocka_unit_test(test_frame_without_all_that_is_stripped_says_so),
        cmocka_unit_test(test_first_frame_that_is_another_protocol_is_named),
        cmocka_unit_test(test_length_of_64_bits_is_over_every_limit),
    };
    return cmocka_run_group_tests_name("length-field", tests, NULL, NULL);
}
