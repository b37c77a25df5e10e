/* SPDX-License-Identifier: MIT
 *
 * The codec of examples/codec: lines, however they arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "examples/codec/lines.h"
#include "lib/feed.h"

enum { MAX_LINE = 8 };

static struct feed_codec codec;

static int make_codec(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    limits.max_frame = MAX_LINE;
    return feed_codec_init(&codec, &codec_lines, "", &limits, NULL);
}

static int free_codec(void **state)
{
    (void)state;
    feed_codec_fini(&codec);
    return 0;
}

/* Marks a line that must be refused, in the lists of lines that a text must become. NULL ends a list. */
static const char too_big[] = "too big";

static void expect(const char *text, const char *const *lines)
{
    struct feed whole;
    feed_init(&whole, &codec, WEFT_SERVER);
    feed_pieces(&whole, weft_view_str(text), strlen(text));
    assert_null(whole.broken_rule);
    size_t count = 0;
    for (; lines[count]; count++) {
        const struct feed_message *message = &whole.messages[count];
        assert_true(count < whole.count);
        assert_int_equal(message->status,
                         lines[count] == too_big ? WEFT_MESSAGE_TOO_BIG : WEFT_MESSAGE_OK);
        if (lines[count] != too_big) {
            assert_int_equal(message->size, strlen(lines[count]));
            assert_memory_equal(message->payload, lines[count], message->size);
        }
    }
    assert_int_equal(whole.count, count);

    for (size_t at = 0; at <= strlen(text); at++) {
        struct feed split;
        feed_init(&split, &codec, WEFT_SERVER);
        feed_split(&split, weft_view_str(text), at);
        assert_null(split.broken_rule);
        assert_null(feed_difference(&split, &whole));
        feed_fini(&split);
    }
    for (size_t piece = 1; piece < strlen(text); piece++) {
        struct feed pieces;
        feed_init(&pieces, &codec, WEFT_SERVER);
        feed_pieces(&pieces, weft_view_str(text), piece);
        assert_null(pieces.broken_rule);
        assert_null(feed_difference(&pieces, &whole));
        feed_fini(&pieces);
    }
    feed_fini(&whole);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_lines_end_in_lf_or_cr_lf(void **state)
{
    (void)state;
    expect("one\ntwo\r\n\n\r\nthr\ree\n", LINES("one", "two", "", "", "thr\ree"));
}

static void test_a_line_may_be_as_long_as_the_limit(void **state)
{
    (void)state;
    expect("12345678\n12345678\r\n", LINES("12345678", "12345678"));
}

static void test_a_longer_line_is_refused_alone(void **state)
{
    (void)state;
    expect("a\n123456789\nb\n1234567890abcdef1234567890abcdef\nc\n",
           LINES("a", too_big, "b", too_big, "c"));
}

static void test_a_long_line_is_held_nowhere(void **state)
{
    (void)state;
    static char text[4096];
    struct feed feed;
    memset(text, 'x', sizeof text);
    feed_init(&feed, &codec, WEFT_SERVER);
    for (size_t i = 0; i < sizeof text; i++)
        feed_bytes(&feed, weft_view(&text[i], 1));
    assert_true(feed.most_held <= MAX_LINE + 2);
    assert_true(feed.inside);
    feed_fini(&feed);
}

static void test_an_unended_line_is_no_message(void **state)
{
    (void)state;
    expect("one\ntw", LINES("one"));
}

static void test_encode_ends_the_line(void **state)
{
    (void)state;
    struct feed_frame frame = feed_encode_view(&codec, weft_view_str("12345678"));
    assert_int_equal(frame.result, 0);
    assert_int_equal(frame.size, 9);
    assert_memory_equal(frame.data, "12345678\n", 9);
    free(frame.data);
}

static void test_encode_refuses_what_decode_would(void **state)
{
    (void)state;
    struct feed_frame frame = feed_encode_view(&codec, weft_view_str("123456789"));
    assert_int_equal(frame.result, WEFT_ETOOBIG);
    assert_int_equal(frame.announced, 9);
    assert_int_equal(frame.limit, MAX_LINE);
    assert_string_equal(frame.why, "max-frame");
    free(frame.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_end_in_lf_or_cr_lf),
        cmocka_unit_test(test_a_line_may_be_as_long_as_the_limit),
        cmocka_unit_test(test_a_longer_line_is_refused_alone),
        cmocka_unit_test(test_a_long_line_is_held_nowhere),
        cmocka_unit_test(test_an_unended_line_is_no_message),
        cmocka_unit_test(test_encode_ends_the_line),
        cmocka_unit_test(test_encode_refuses_what_decode_would),
    };
    return cmocka_run_group_tests(tests, make_codec, free_codec);
}
