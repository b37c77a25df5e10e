/* SPDX-License-Identifier: MIT
 *
 * Clients that begin with HTTP/2 at the codec http, which sends them back to HTTP/1.1. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/fault.h"
#include "lib/feed.h"

enum { ROOM = 4096, SETTINGS = 4, HEADERS = 1, PRIORITY = 2, UPDATE = 8, FRAMES = 100 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static struct feed_codec make_codec(void)
{
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    assert_int_equal(feed_codec_init(&fc, &weft_codec_http, "", &limits, NULL), 0);
    return fc;
}

/* Bytes that a client sends. */
struct bytes {
    uint8_t data[ROOM];
    size_t size;
};

static void put(struct bytes *bytes, const void *data, size_t size)
{
    assert_true(bytes->size + size <= ROOM);
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void put_frame(struct bytes *bytes, uint8_t type, uint8_t flags, uint8_t id, size_t length)
{
    static const uint8_t payload[ROOM];
    const uint8_t header[] = {
        0, (uint8_t)(length >> 8), (uint8_t)length, type, flags, 0, 0, 0, (uint8_t)id};
    put(bytes, header, sizeof header);
    put(bytes, payload, length);
}

/* Begins as curl does: the preface, SETTINGS, WINDOW_UPDATE, a request. */
static void put_request(struct bytes *bytes)
{
    put(bytes, preface, sizeof preface - 1);
    put_frame(bytes, SETTINGS, 0, 0, 18);
    put_frame(bytes, UPDATE, 0, 0, 4);
    put_frame(bytes, HEADERS, 5, 1, 34);
}

/* Our SETTINGS, the answer to the client's, and RST_STREAM with HTTP_1_1_REQUIRED. */
static const uint8_t answer[] = {0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0,
                                 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 13};

static void assert_said(const struct feed *feed, const uint8_t *data, size_t size)
{
    uint8_t *said = feed_chain_copy(&feed->out);
    assert_int_equal(feed->out.bytes, size);
    assert_memory_equal(said, data, size);
    free(said);
}

static void test_request_of_http_2_is_sent_back_to_http_1_at_every_split(void **state)
{
    (void)state;
    struct feed_codec fc = make_codec();
    struct bytes request = {.size = 0};
    put_request(&request);
    for (size_t at = 0; at <= request.size; at++) {
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_bytes(&feed, weft_view(request.data, at));
        feed_bytes(&feed, weft_view(request.data + at, request.size - at));
        assert_null(feed.broken_rule);
        assert_int_equal(feed.count, 0);
        assert_int_equal(feed.ended, 0);
        assert_false(feed.inside);
        assert_said(&feed, answer, sizeof answer);
        feed_eof(&feed);
        assert_int_equal(feed.ended, 0);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

/* The connection stays, because curl takes its end for a failure, and each request is answered alike. */
static void test_connection_stays_for_further_requests(void **state)
{
    (void)state;
    struct feed_codec fc = make_codec();
    struct bytes request = {.size = 0}, next = {.size = 0};
    struct feed feed;
    put_request(&request);
    put_frame(&next, SETTINGS, 1, 0, 0);
    put_frame(&next, HEADERS, 5, 3, 10);
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view(request.data, request.size));
    feed_bytes(&feed, weft_view(next.data, next.size));
    assert_int_equal(feed.ended, 0);
    assert_int_equal(feed.out.bytes, sizeof answer + 13);
    uint8_t *said = feed_chain_copy(&feed.out);
    assert_int_equal(said[sizeof answer + 8], 3);
    free(said);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

/* So frame-timeout ends it. */
static void test_client_that_asks_nothing_stays_inside_a_frame(void **state)
{
    (void)state;
    struct feed_codec fc = make_codec();
    struct bytes bytes = {.size = 0};
    struct feed feed;
    put(&bytes, preface, sizeof preface - 1);
    put_frame(&bytes, PRIORITY, 0, 3, 5);
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view(bytes.data, bytes.size));
    assert_true(feed.inside);
    assert_int_equal(feed.ended, 0);
    assert_int_equal(feed.out.bytes, 9);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void assert_ends(const struct feed *feed)
{
    assert_int_equal(feed->ended, WEFT_EFOREIGN);
    assert_string_equal(feed->detail, "HTTP/2, and only HTTP/1.1 is spoken here");
}

static void test_floods_and_large_frames_end_the_connection(void **state)
{
    (void)state;
    static const uint8_t large[] = {0, 0x40, 1, 0, 0, 0, 0, 0, 1};
    struct feed_codec fc = make_codec();
    struct bytes flood = {.size = 0}, oversize = {.size = 0};
    struct feed feed;
    put(&flood, preface, sizeof preface - 1);
    for (int i = 0; i < FRAMES; i++)
        put_frame(&flood, SETTINGS, 0, 0, 0);
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view(flood.data, flood.size));
    assert_int_equal(feed.ended, 0);
    assert_int_equal(feed.out.bytes, 9 + 9 * FRAMES);
    feed_bytes(&feed, weft_view(flood.data + sizeof preface - 1, 9));
    assert_ends(&feed);
    assert_int_equal(feed.out.bytes, 9 + 9 * FRAMES);
    feed_fini(&feed);
    put_request(&oversize);
    put(&oversize, large, sizeof large);
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view(oversize.data, oversize.size));
    assert_ends(&feed);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_what_only_begins_like_the_preface_is_read_as_http_1(void **state)
{
    (void)state;
    struct feed_codec fc = make_codec();
    static const char *const others[] = {"PUT / HTTP/1.0\r\n\r\n", "POST / HTTP/1.0\r\n\r\n",
                                         "PATCH / HTTP/1.0\r\n\r\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        for (size_t at = 0; at < strlen(others[i]); at++)
            feed_bytes(&feed, weft_view((const uint8_t *)others[i] + at, 1));
        assert_int_equal(feed.count, 1);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_OK);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_preface_behind_a_request_is_no_request(void **state)
{
    (void)state;
    struct feed_codec fc = make_codec();
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view_str("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    feed_bytes(&feed, weft_view_str(preface));
    assert_int_equal(feed.count, 2);
    assert_int_equal(feed.messages[1].status, WEFT_MESSAGE_MALFORMED);
    assert_int_equal(feed.ended, WEFT_ELOST);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void refuse_once(void *arg)
{
    const struct feed_codec *fc = arg;
    struct bytes request = {.size = 0};
    struct feed feed;
    put_request(&request);
    feed_init(&feed, fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view(request.data, request.size));
    assert_true(feed.ended == 0 || feed.ended == -ENOMEM);
    if (fault_failed() == 0)
        assert_int_equal(feed.out.bytes, sizeof answer);
    feed_fini(&feed);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    struct feed_codec fc = make_codec();
    fault_each(refuse_once, &fc);
    feed_codec_fini(&fc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_of_http_2_is_sent_back_to_http_1_at_every_split),
        cmocka_unit_test(test_connection_stays_for_further_requests),
        cmocka_unit_test(test_client_that_asks_nothing_stays_inside_a_frame),
        cmocka_unit_test(test_floods_and_large_frames_end_the_connection),
        cmocka_unit_test(test_what_only_begins_like_the_preface_is_read_as_http_1),
        cmocka_unit_test(test_preface_behind_a_request_is_no_request),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("http, clients of HTTP/2", tests, NULL, NULL);
}
