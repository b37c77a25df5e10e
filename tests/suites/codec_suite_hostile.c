/* SPDX-License-Identifier: MIT
 *
 * Headers that no honest peer sends, made without knowing the codec: the extremes of every width and
 * byte order, varints without end, text. What they decode to is the codec's affair. What they may cost
 * is not: a header buys no more than a frame of the limit, and however it is cut it means the same. */
#include "codec_suite_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fault.h"

enum {
    PATTERN_MAX = 32,
    HEADER_MAX = 16, /* bytes of a hostile header, and more than any codec's own */
    BEHIND = 48,     /* bytes that follow it */
    /* Bytes a codec may allocate beside a frame of the limit: engines and their windows. */
    ENGINES = 1 << 20,
};

/* Repeated to HEADER_MAX bytes. */
static const struct pattern {
    const char *name;
    const char *bytes;
    size_t size;
} patterns[] = {
#define PATTERN(text)                                                                              \
    {                                                                                              \
#text, text, sizeof(text) - 1                                                              \
    }
    PATTERN("\0"),
    PATTERN("\xff"),
    PATTERN("\x80"),
    PATTERN("\x7f"),
    PATTERN("\x01"),
    PATTERN("\x80\0\0\0"),               /* 2^31, big endian */
    PATTERN("\0\0\0\x80"),               /* the same, little endian */
    PATTERN("\x7f\xff\xff\xff"),         /* 2^31 - 1 */
    PATTERN("\xff\xff\xff\x7f"),         /* the same, little endian */
    PATTERN("\xff\xff\xff\xff\0\0\0\0"), /* 2^32 - 1 in four bytes, or in the high half of eight */
    PATTERN("\0\0\0\0\xff\xff\xff\xff"), /* 2^32 - 1 in eight bytes */
    PATTERN("\0\0\0\x01\0\0\0\0"),       /* 2^32 in eight bytes */
    PATTERN("\x80\0\0\0\0\0\0\0"),       /* 2^63 */
    PATTERN("\x7f\xff\xff\xff\xff\xff\xff\xff"),
    PATTERN("\xff\xff"),                                 /* 2^16 - 1 */
    PATTERN("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), /* 2^63 as a varint */
    PATTERN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* 2^64 - 1 as a varint */
    PATTERN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), /* one that overflows 64 bits */
    PATTERN("\xff\xff\xff\xff\x0f"),                     /* 2^32 - 1 as a varint */
    PATTERN("\x81\x80\x80\x80\x80\x80\x80\x80\x80\0"),   /* 1 in ten bytes of a varint */
    PATTERN("*-1\r\n"),
    PATTERN("$2147483647\r\n"),
    PATTERN("9"),
    PATTERN("0"),
    PATTERN("GET / HTTP/1.1\r\n"),
    PATTERN("99999999999999999999\r\n"),
    PATTERN("\x1f\x8b\x08\0"), /* a gzip member */
#undef PATTERN
};

/* `bytes` has room for HEADER_MAX + BEHIND. */
static struct weft_view hostile_bytes(const struct pattern *pattern, uint8_t *bytes)
{
    for (size_t i = 0; i < HEADER_MAX; i++)
        bytes[i] = (uint8_t)pattern->bytes[i % pattern->size];
    for (size_t i = 0; i < BEHIND; i++)
        bytes[HEADER_MAX + i] = (uint8_t)(i * 37);
    return weft_view(bytes, HEADER_MAX + BEHIND);
}

static void assert_kept_rules(const struct feed *feed, const struct pattern *pattern)
{
    if (feed->broken_rule)
        fail_msg("%s: %s", pattern->name, feed->broken_rule);
}

static void test_hostile_header_means_the_same_however_it_is_cut(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        uint8_t bytes[HEADER_MAX + BEHIND];
        struct weft_view view = hostile_bytes(&patterns[i], bytes);
        struct feed whole;
        feed_init(&whole, &fc, WEFT_SERVER);
        feed_pieces(&whole, view, view.size);
        assert_kept_rules(&whole, &patterns[i]);
        assert_each_split_and_piece(&fc, view, &whole);
        feed_fini(&whole);
    }
    feed_codec_fini(&fc);
}

/* A good frame comes first, so that the codec already trusts its peer. */
static void test_hostile_header_harms_no_message_before_it(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        uint8_t bytes[HEADER_MAX + BEHIND];
        struct weft_view view = hostile_bytes(&patterns[i], bytes);
        struct stream *stream = stream_new();
        stream_add_message(stream, &fc, TEXT, 30);
        stream_add(stream, view.data, view.size);
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_pieces(&feed, stream_view(stream), 1);
        assert_kept_rules(&feed, &patterns[i]);
        assert_message(&feed, 0, TEXT, 30);
        feed_fini(&feed);
        free(stream);
    }
    feed_codec_fini(&fc);
}

static void test_hostile_header_asks_for_no_more_than_the_limit(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        uint8_t bytes[HEADER_MAX + BEHIND];
        struct weft_view view = hostile_bytes(&patterns[i], bytes);
        for (size_t size = 0; size <= view.size; size++) {
            struct feed feed;
            feed_init(&feed, &fc, WEFT_SERVER);
            feed_bytes(&feed, weft_view(view.data, size));
            if (feed.need > LIMIT + HEADER_MAX)
                fail_msg("%s: waits for %zu bytes, over max-frame", patterns[i].name, feed.need);
            feed_fini(&feed);
        }
    }
    feed_codec_fini(&fc);
}

/* A pattern that goes on for ever: what waits undecoded is bounded by a frame of the limit. */
static void test_header_without_an_end_is_not_collected(void **state)
{
    enum { PIECE = 512 };
    struct feed_codec fc = codec_of(*state, LIMIT);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        uint8_t piece[PIECE + PATTERN_MAX];
        for (size_t k = 0; k < sizeof piece; k++)
            piece[k] = (uint8_t)patterns[i].bytes[k % patterns[i].size];
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        for (size_t at = 0; at < 3 * LIMIT; at += PIECE)
            feed_bytes(&feed, weft_view(piece + at % patterns[i].size, PIECE));
        assert_kept_rules(&feed, &patterns[i]);
        if (feed.most_held > LIMIT + PIECE)
            fail_msg("%s: %zu bytes wait", patterns[i].name, feed.most_held);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_hostile_header_buys_no_memory(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        uint8_t bytes[HEADER_MAX + BEHIND];
        struct weft_view view = hostile_bytes(&patterns[i], bytes);
        struct feed feed;
        fault_install();
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_pieces(&feed, view, 5);
        size_t most = fault_bytes_most();
        feed_fini(&feed);
        fault_remove();
        if (most > LIMIT + ENGINES)
            fail_msg("%s: allocates %zu bytes", patterns[i].name, most);
    }
    feed_codec_fini(&fc);
}

int codec_suite__run_hostile(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_header_means_the_same_however_it_is_cut),
        cmocka_unit_test(test_hostile_header_harms_no_message_before_it),
        cmocka_unit_test(test_hostile_header_asks_for_no_more_than_the_limit),
        cmocka_unit_test(test_header_without_an_end_is_not_collected),
        cmocka_unit_test(test_hostile_header_buys_no_memory),
    };
    return cmocka_run_group_tests_name(name, tests, codec_suite_setup, NULL);
}
