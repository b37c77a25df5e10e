/* SPDX-License-Identifier: MIT
 *
 * Requests as http decodes them. test_http_contract holds what every codec must do, test_hostile_http what must
 * be refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/fault.h"
#include "lib/feed.h"

enum { MAX_FRAME = 1000 };

#define HOST         "Host: a\r\n"
#define GOOD         "GET / HTTP/1.1\r\n" HOST "\r\n"
#define CHUNKED_POST "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

static struct feed_codec codec_with(const char *query)
{
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    limits.max_frame = limits.max_message = MAX_FRAME;
    assert_int_equal(feed_codec_init(&fc, &weft_codec_http, query, &limits, NULL), 0);
    return fc;
}

static void feed_text(struct feed *feed, const char *text)
{
    feed_bytes(feed, weft_view_str(text));
}

/* Feeds text to a new connection. */
static struct feed fed(const struct feed_codec *fc, const char *text)
{
    struct feed feed;
    feed_init(&feed, fc, WEFT_SERVER);
    feed_text(&feed, text);
    assert_null(feed.broken_rule);
    return feed;
}

static void assert_payload(const struct feed *feed, size_t i, const char *text)
{
    assert_true(i < feed->count);
    assert_int_equal(feed->messages[i].status, WEFT_MESSAGE_OK);
    assert_int_equal(feed->messages[i].size, strlen(text));
    assert_memory_equal(feed->messages[i].payload, text, strlen(text));
}

static void assert_said(const struct feed *feed, const char *text)
{
    uint8_t *said = feed_chain_copy(&feed->out);
    assert_int_equal(feed->out.bytes, strlen(text));
    assert_memory_equal(said, text, strlen(text));
    free(said);
}

static void test_payload_is_the_request_where_it_lies(void **state)
{
    (void)state;
    static const char text[] = "PUT /k HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET";
    struct feed_codec fc = codec_with("");
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    struct weft_message msg = {.kind = WEFT_MESSAGE_NONE};
    struct weft_decode_io io = {.out = &feed.out};
    struct weft_view in = weft_view(text, sizeof text - 1);
    assert_int_equal(fc.codec->decode(&feed.state, in, &msg, &io), in.size - 3);
    assert_ptr_equal(msg.payload.data, in.data);
    assert_int_equal(msg.payload.size, in.size - 3);
    assert_int_equal(msg.credentials.size, 0);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_chunks_are_put_together_at_every_split(void **state)
{
    (void)state;
    static const char text[] = CHUNKED_POST "5;name=value\r\nhello\r\n1\r\n \r\n"
                                            "00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n"
                                            "GET / HTTP/1.1\r\n" HOST "\r\n";
    struct feed_codec fc = codec_with("");
    for (size_t at = 0; at < sizeof text; at++) {
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_split(&feed, weft_view(text, sizeof text - 1), at);
        assert_null(feed.broken_rule);
        assert_int_equal(feed.count, 2);
        assert_payload(&feed, 0, CHUNKED_POST "hello 0123456789");
        assert_payload(&feed, 1, "GET / HTTP/1.1\r\n" HOST "\r\n");
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_continue_is_said_once_when_the_head_has_come(void **state)
{
    (void)state;
    struct feed_codec fc = codec_with("");
    struct feed feed =
        fed(&fc, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: 100-Continue\r\n\r");
    assert_said(&feed, "");
    feed_text(&feed, "\n");
    assert_said(&feed, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(feed.count, 0);
    feed_text(&feed, "a");
    feed_text(&feed, "b");
    assert_said(&feed, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(feed.count, 1);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_continue_is_not_said_if_nobody_waits_for_it(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "PUT / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
        "PUT / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n",
        "PUT / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: something\r\n\r\n",
        "PUT / HTTP/1.1\r\n" HOST "Content-Length: 2000\r\nExpect: 100-continue\r\n\r\n",
    };
    struct feed_codec fc = codec_with("");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct feed feed = fed(&fc, requests[i]);
        assert_said(&feed, "");
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_credentials_are_the_value_of_authorization(void **state)
{
    (void)state;
    static const char text[] =
        "GET / HTTP/1.1\r\n" HOST "authorization: \t Bearer abc= \t\r\nAccept: */*\r\n\r\n";
    struct feed_codec fc = codec_with("");
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    struct weft_message msg = {.kind = WEFT_MESSAGE_NONE};
    struct weft_decode_io io = {.out = &feed.out};
    assert_true(fc.codec->decode(&feed.state, weft_view_str(text), &msg, &io) > 0);
    assert_int_equal(msg.credentials.size, strlen("Bearer abc="));
    assert_memory_equal(msg.credentials.data, "Bearer abc=", msg.credentials.size);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_connection_is_over_behind_a_request_that_says_so(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    };
    struct feed_codec fc = codec_with("");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct feed feed = fed(&fc, requests[i]);
        assert_int_equal(feed.count, 1);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_OK);
        assert_int_equal(feed.ended, WEFT_EOVER);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_body_of_four_times_max_frame_is_skipped(void **state)
{
    (void)state;
    struct feed_codec fc = codec_with("");
    struct feed feed = fed(&fc, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 4000\r\n\r\n");
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_int_equal(feed.messages[0].announced, 4000);
    assert_string_equal(feed.messages[0].why, "max-frame");
    for (int i = 0; i < 40; i++) {
        char part[101];
        memset(part, 'x', 100);
        part[100] = '\0';
        assert_true(feed.inside);
        feed_text(&feed, part);
    }
    feed_text(&feed, "GET / HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(feed.ended, 0);
    assert_int_equal(feed.count, 2);
    assert_true(feed.most_held <= 100);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_larger_body_or_one_behind_continue_ends_the_connection(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "Content-Length: 4001\r\n",
        "Content-Length: 1001\r\nExpect: 100-continue\r\n",
        "Content-Length: 18446744073709551615\r\n",
    };
    struct feed_codec fc = codec_with("");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char text[200];
        snprintf(text, sizeof text, "PUT / HTTP/1.1\r\n" HOST "%s\r\n", fields[i]);
        struct feed feed = fed(&fc, text);
        assert_int_equal(feed.count, 1);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
        assert_int_equal(feed.ended, WEFT_ELOST);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_chunks_over_max_frame_in_all_are_refused_from_their_heads(void **state)
{
    (void)state;
    char first[700 + 1];
    struct feed_codec fc = codec_with("");
    struct feed feed = fed(&fc, CHUNKED_POST "2bc\r\n");
    memset(first, 'x', 700);
    first[700] = '\0';
    feed_text(&feed, first);
    feed_text(&feed, "\r\n12d\r\n"); /* 700 + 301 */
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_int_equal(feed.messages[0].announced, 1001);
    assert_int_equal(feed.messages[0].limit, MAX_FRAME);
    assert_int_equal(feed.ended, WEFT_ELOST);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

/* A body that waits for its end takes memory, so its framing is bounded as well. */
static void test_endless_small_chunks_take_bounded_memory(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    assert_int_equal(feed_codec_init(&fc, &weft_codec_http, "max-head=1KiB", &limits, NULL), 0);
    struct feed feed = fed(&fc, CHUNKED_POST);
    for (int i = 0; i < 100000 && feed.ended == 0; i++)
        feed_text(&feed, "1;extension\r\na\r\n");
    assert_int_equal(feed.ended, WEFT_ELOST);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_MALFORMED);
    assert_true(feed.most_held < 2500);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_endless_fields_take_bounded_memory(void **state)
{
    (void)state;
    struct feed_codec fc = codec_with("");
    struct feed few_large = fed(&fc, "GET / HTTP/1.1\r\n"),
                many_small = fed(&fc, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 1000000 && many_small.ended == 0; i++)
        feed_text(&many_small, "X:\r\n");
    for (int i = 0; i < 1000000 && few_large.ended == 0; i++)
        feed_text(&few_large, i % 100 == 99  ? "\r\n"
                              : i % 100 == 0 ? "X:"
                                             : "0123456789012345678901");
    assert_string_equal(many_small.messages[0].why, "max-fields");
    assert_string_equal(few_large.messages[0].why, "max-head");
    assert_true(many_small.most_held < 1000);
    assert_true(few_large.most_held <= (16 << 10) + 22);
    feed_fini(&many_small);
    feed_fini(&few_large);
    feed_codec_fini(&fc);
}

static void test_trailers_are_bounded(void **state)
{
    (void)state;
    struct feed_codec fc = codec_with("max-fields=3");
    struct feed good = fed(&fc, CHUNKED_POST "0\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n");
    struct feed bad = fed(&fc, CHUNKED_POST "0\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n");
    assert_payload(&good, 0, CHUNKED_POST);
    assert_int_equal(bad.messages[0].status, WEFT_MESSAGE_MALFORMED);
    feed_fini(&good);
    feed_fini(&bad);
    feed_codec_fini(&fc);
}

/* Bytes are refused for the same reason however they are cut. */
static void test_limit_that_is_reached_first_is_named_at_every_split(void **state)
{
    (void)state;
    struct feed_codec fc = codec_with("max-line=200&max-head=400");
    char text[700] = "GET / HTTP/1.1\r\n" HOST;
    for (int i = 0; i < 2; i++)
        strcat(text, "X: 0123456789012345678901234567890123456789012345678901234567890123456789"
                     "012345678901234567890123456789012345678901234567890123456789\r\n");
    memset(text + strlen(text), 'y', 300);
    strcat(text, "\r\n\r\n");
    struct feed whole;
    feed_init(&whole, &fc, WEFT_SERVER);
    feed_pieces(&whole, weft_view_str(text), sizeof text);
    assert_string_equal(whole.messages[0].why, "max-head");
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct feed pieces;
        feed_init(&pieces, &fc, WEFT_SERVER);
        feed_pieces(&pieces, weft_view_str(text), piece);
        assert_null(feed_difference(&pieces, &whole));
        feed_fini(&pieces);
    }
    feed_fini(&whole);
    feed_codec_fini(&fc);
}

static void test_foreign_peer_is_known_by_its_first_bytes(void **state)
{
    (void)state;
    struct feed_codec fc = codec_with("");
    struct feed tls = fed(&fc, "\x16\x03\x01\x02"), resp = fed(&fc, "*1\r\n$4\r\nPING\r\n");
    assert_int_equal(tls.ended, WEFT_EFOREIGN);
    assert_string_equal(tls.detail, "looks like TLS");
    assert_said(&tls, "");
    assert_int_equal(resp.ended, WEFT_EFOREIGN);
    assert_said(&resp, "-ERR this is a weft server (http), not RESP\r\n");
    feed_fini(&tls);
    feed_fini(&resp);
    feed_codec_fini(&fc);
}

static void test_other_bytes_are_refused_in_http_at_once(void **state)
{
    (void)state;
    struct feed_codec fc = codec_with("");
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view("\0\0\0\5", 4));
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_MALFORMED);
    assert_int_equal(feed.ended, WEFT_ELOST);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

/* One CR LF before a request is dropped (RFC 9112, 2.2). */
static void test_empty_line_that_ends_no_head_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {GOOD "\r\n\r\n" GOOD, "not a request line"},
        {GOOD "GET / HTTP/1.1\r\n" HOST "\n", "a line that does not end with CR LF"},
        {GOOD "GET / HTTP/1.1\r\n\n", "a line that does not end with CR LF"},
    };
    struct feed_codec fc = codec_with("");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct feed feed = fed(&fc, rows[i].text);
        assert_int_equal(feed.count, 2);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_OK);
        assert_int_equal(feed.messages[1].status, WEFT_MESSAGE_MALFORMED);
        assert_string_equal(feed.messages[1].why, rows[i].why);
        assert_int_equal(feed.ended, WEFT_ELOST);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_options_out_of_range_are_refused(void **state)
{
    (void)state;
    /* Each text begins with its option. */
    static const char *const texts[] = {
        "max-line=127: it takes 128 bytes to 1MiB",  "max-line=2MiB: it takes 128 bytes to 1MiB",
        "max-line=x: it takes 128 bytes to 1MiB",    "max-head=0: it takes 128 bytes to 1MiB",
        "max-head=2MiB: it takes 128 bytes to 1MiB", "max-fields=0: it takes 1 to 10000",
        "max-fields=-1: it takes 1 to 10000",        "max-fields=10001: it takes 1 to 10000",
    };
    struct weft_limits limits = weft_limits_default();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct weft_error error;
        struct feed_codec fc;
        char query[40];
        snprintf(query, sizeof query, "%.*s", (int)strcspn(texts[i], ":"), texts[i]);
        assert_int_equal(feed_codec_init(&fc, &weft_codec_http, query, &limits, &error),
                         WEFT_ECONFIG);
        assert_string_equal(error.text, texts[i]);
    }
}

/* A HEAD is noted, a body in chunks takes scratch, and 100 Continue takes output. */
static void exchange(void *arg)
{
    struct feed_codec fc = codec_with("");
    struct feed feed;
    (void)arg;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_text(&feed, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
    feed_text(&feed, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
                     "Expect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    feed_text(&feed, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 9999\r\n\r\n");
    assert_null(feed.broken_rule);
    if (feed.ended == -ENOMEM)
        assert_true(fault_failed() > 0);
    else
        assert_int_equal(feed.count, 3);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    fault_each(exchange, NULL);
}

static void test_probe_claims_methods_and_targets_alone(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        enum weft_probe answer;
    } rows[] = {
        {"G", WEFT_PROBE_MORE},         {"GET", WEFT_PROBE_MORE},
        {"GET ", WEFT_PROBE_MORE},      {"GET /", WEFT_PROBE_YES},
        {"GET key\r\n", WEFT_PROBE_NO}, {"PUT /v1", WEFT_PROBE_YES},
        {"P", WEFT_PROBE_MORE},         {"PING\r\n", WEFT_PROBE_NO},
        {"get /", WEFT_PROBE_NO},       {"*1\r\n", WEFT_PROBE_NO},
        {"OPTIONS *", WEFT_PROBE_YES},  {"PRI * HTTP/2.0", WEFT_PROBE_NO},
    };
    struct feed_codec fc = codec_with("");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(fc.codec->probe(fc.config, weft_view_str(rows[i].first)), rows[i].answer);
    feed_codec_fini(&fc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload_is_the_request_where_it_lies),
        cmocka_unit_test(test_chunks_are_put_together_at_every_split),
        cmocka_unit_test(test_continue_is_said_once_when_the_head_has_come),
        cmocka_unit_test(test_continue_is_not_said_if_nobody_waits_for_it),
        cmocka_unit_test(test_credentials_are_the_value_of_authorization),
        cmocka_unit_test(test_connection_is_over_behind_a_request_that_says_so),
        cmocka_unit_test(test_body_of_four_times_max_frame_is_skipped),
        cmocka_unit_test(test_larger_body_or_one_behind_continue_ends_the_connection),
        cmocka_unit_test(test_chunks_over_max_frame_in_all_are_refused_from_their_heads),
        cmocka_unit_test(test_endless_small_chunks_take_bounded_memory),
        cmocka_unit_test(test_endless_fields_take_bounded_memory),
        cmocka_unit_test(test_trailers_are_bounded),
        cmocka_unit_test(test_limit_that_is_reached_first_is_named_at_every_split),
        cmocka_unit_test(test_foreign_peer_is_known_by_its_first_bytes),
        cmocka_unit_test(test_other_bytes_are_refused_in_http_at_once),
        cmocka_unit_test(test_empty_line_that_ends_no_head_is_refused),
        cmocka_unit_test(test_options_out_of_range_are_refused),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_probe_claims_methods_and_targets_alone),
    };
    return cmocka_run_group_tests_name("http, requests", tests, NULL, NULL);
}
