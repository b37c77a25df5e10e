/* SPDX-License-Identifier: MIT
 *
 * Tests of line's own behaviour: ends, limits, and what may not be sent. test_line_contract holds what
 * every codec must do, and test_vectors_codecs what peers and strangers send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/feed.h"

enum { MAX_FRAME = 20 };

static int try_codec(struct feed_codec *fc, const char *query, struct weft_error *error)
{
    struct weft_limits limits = weft_limits_default();
    limits.max_frame = limits.max_message = MAX_FRAME;
    return feed_codec_init(fc, &weft_codec_line, query, &limits, error);
}

static struct feed_codec codec_of(const char *query)
{
    struct feed_codec fc;
    assert_int_equal(try_codec(&fc, query, NULL), 0);
    return fc;
}

static void feed_text(struct feed *feed, const char *text)
{
    feed_bytes(feed, weft_view_str(text));
}

static void assert_line(const struct feed *feed, size_t i, const char *text)
{
    assert_true(i < feed->count);
    assert_int_equal(feed->messages[i].status, WEFT_MESSAGE_OK);
    assert_int_equal(feed->messages[i].size, strlen(text));
    assert_memory_equal(feed->messages[i].payload, text, strlen(text));
}

static void test_end_is_not_a_part_of_a_line_nor_of_its_limit(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("max-line=4");
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_text(&feed, "four\nfour\r\nfive5\r\nfive5\nfour\r\r\n");
    assert_int_equal(feed.count, 5);
    assert_line(&feed, 0, "four");
    assert_line(&feed, 1, "four");
    for (size_t i = 2; i < 5; i++) {
        assert_int_equal(feed.messages[i].status, WEFT_MESSAGE_TOO_BIG);
        assert_int_equal(feed.messages[i].limit, 4);
        assert_string_equal(feed.messages[i].why, "max-line");
    }
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_line_over_the_limit_is_refused_before_its_end_and_the_next_is_read(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("max-line=4");
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_text(&feed, "sixsix");
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_true(feed.inside);
    for (int i = 0; i < 1000; i++)
        feed_text(&feed, "and so on");
    assert_int_equal(feed.most_held, 0);
    feed_text(&feed, "\nnext\n");
    assert_int_equal(feed.count, 2);
    assert_line(&feed, 1, "next");
    assert_false(feed.inside);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_last_line_needs_no_end(void **state)
{
    static const struct {
        const char *stream, *last;
    } ends[] = {{"a\nlast", "last"}, {"a\nlast\r", "last"}, {"a\nx", "x"}, {"a\n\r\r", "\r"}};
    (void)state;
    struct feed_codec fc = codec_of("");
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_text(&feed, ends[i].stream);
        assert_int_equal(feed.count, 1);
        feed_eof(&feed);
        assert_int_equal(feed.count, 2);
        assert_line(&feed, 1, ends[i].last);
        assert_int_equal(feed.unread_size, 0);
        assert_false(feed.inside);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_stream_that_ends_behind_an_end_has_no_further_line(void **state)
{
    static const char *const streams[] = {"", "\r", "a\n", "a\r\n", "a\n\r"};
    (void)state;
    struct feed_codec fc = codec_of("");
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_text(&feed, streams[i]);
        feed_eof(&feed);
        assert_int_equal(feed.count, *streams[i] == 'a');
        assert_int_equal(feed.unread_size, 0);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_end_within_a_refused_line_is_an_end_within_a_frame(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("max-line=4");
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_text(&feed, "sixsix");
    feed_eof(&feed);
    assert_int_equal(feed.count, 1);
    assert_true(feed.inside);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static struct feed_frame frame_of(const struct feed_codec *fc, const char *text, bool as_blob)
{
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(strlen(text), &data);
    assert_non_null(blob);
    memcpy(data, text, strlen(text));
    struct weft_body body = weft_body_from_blob(blob);
    struct feed_frame frame =
        as_blob ? feed_encode(fc, &body) : feed_encode_view(fc, weft_view_str(text));
    weft_blob_unref(blob);
    assert_null(frame.broken_rule);
    return frame;
}

static void test_line_that_ends_in_cr_is_written_so_that_it_is_read_back(void **state)
{
    static const struct {
        const char *line, *frame;
    } lines[] = {{"", "\n"}, {"a", "a\n"}, {"a\r", "a\r\r\n"}, {"\r", "\r\r\n"}, {"\ra", "\ra\n"}};
    (void)state;
    struct feed_codec fc = codec_of("");
    for (size_t i = 0; i < 2 * (sizeof lines / sizeof *lines); i++) {
        struct feed_frame frame = frame_of(&fc, lines[i / 2].line, i % 2);
        const char *expected = lines[i / 2].frame;
        assert_int_equal(frame.result, 0);
        assert_int_equal(frame.size, strlen(expected));
        assert_memory_equal(frame.data, expected, strlen(expected));
        free(frame.data);
    }
    feed_codec_fini(&fc);
}

static void test_message_with_a_newline_is_refused(void **state)
{
    static const struct {
        const char *message;
        size_t at;
    } messages[] = {{"ok\nhdel t k", 2}, {"\n", 0}, {"ok\n", 2}, {"ok\r\n", 3}, {"\n\n", 0}};
    (void)state;
    struct feed_codec fc = codec_of("");
    for (size_t i = 0; i < 2 * (sizeof messages / sizeof *messages); i++) {
        const char *message = messages[i / 2].message;
        struct feed_frame frame = frame_of(&fc, message, i % 2);
        assert_int_equal(frame.result, WEFT_ETOOBIG);
        assert_int_equal(frame.size, 0);
        assert_int_equal(frame.announced, strlen(message));
        assert_int_equal(frame.limit, messages[i / 2].at);
        assert_string_equal(frame.why, "max-line (a newline ends a line)");
        free(frame.data);
    }
    feed_codec_fini(&fc);
}

/* max-line holds for what a stranger sends; the replies are our own. */
static void test_reply_may_be_longer_than_max_line_and_not_than_max_frame(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("max-line=4");
    struct feed_frame frame = frame_of(&fc, "twenty bytes of text", false);
    assert_int_equal(frame.result, 0);
    free(frame.data);
    frame = frame_of(&fc, "twenty1 bytes of text", true);
    assert_int_equal(frame.result, WEFT_ETOOBIG);
    assert_string_equal(frame.why, "max-frame");
    free(frame.data);
    feed_codec_fini(&fc);
}

static void test_max_line_that_is_no_size_or_over_max_frame_is_refused(void **state)
{
    static const struct {
        const char *query, *words;
    } wrong[] = {
        {"max-line=", "it takes BYTES"},
        {"max-line=0", "it takes BYTES"},
        {"max-line=-1", "it takes BYTES"},
        {"max-line=4KB", "it takes BYTES"},
        {"max-line=21", "max-line=21 is over max-frame, which is 20"},
        {"max-line=1g", "max-line=1g is over max-frame, which is 20"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weft_error error;
        struct feed_codec fc;
        assert_int_equal(try_codec(&fc, wrong[i].query, &error), WEFT_ECONFIG);
        assert_non_null(strstr(error.text, wrong[i].words));
    }
    struct feed_codec fc = codec_of("max-line=20");
    feed_codec_fini(&fc);
}

static enum weft_probe probe(const char *text)
{
    return weft_codec_line.probe(NULL, weft_view_str(text));
}

static void test_probe_tells_text_from_headers_and_from_http(void **state)
{
    static const char *const lines[] = {"hget", "hget t k\n", "ping",  "a\n",
                                        "\n",   "\r\n",       "PUT\n", "* a\n"};
    static const char *const others[] = {"GET / HTTP/1.1", "POST /", "PRI * HTTP/2.0",
                                         "*1\r\n$4",       "$5\r\n", "\x16\x03\x01\x02",
                                         "a\x01",          "\x80",   "PING\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_int_equal(probe(lines[i]), WEFT_PROBE_YES);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(probe(others[i]), WEFT_PROBE_NO);
    assert_int_equal(weft_codec_line.probe(NULL, weft_view("\0\0\0\5", 4)), WEFT_PROBE_NO);
    assert_int_equal(probe("GET"), WEFT_PROBE_MORE);
    assert_int_equal(probe("PING"), WEFT_PROBE_MORE);
    assert_int_equal(probe("PING\n"), WEFT_PROBE_YES);
    assert_int_equal(probe("h"), WEFT_PROBE_MORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end_is_not_a_part_of_a_line_nor_of_its_limit),
        cmocka_unit_test(test_line_over_the_limit_is_refused_before_its_end_and_the_next_is_read),
        cmocka_unit_test(test_last_line_needs_no_end),
        cmocka_unit_test(test_stream_that_ends_behind_an_end_has_no_further_line),
        cmocka_unit_test(test_end_within_a_refused_line_is_an_end_within_a_frame),
        cmocka_unit_test(test_line_that_ends_in_cr_is_written_so_that_it_is_read_back),
        cmocka_unit_test(test_message_with_a_newline_is_refused),
        cmocka_unit_test(test_reply_may_be_longer_than_max_line_and_not_than_max_frame),
        cmocka_unit_test(test_max_line_that_is_no_size_or_over_max_frame_is_refused),
        cmocka_unit_test(test_probe_tells_text_from_headers_and_from_http),
    };
    return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
