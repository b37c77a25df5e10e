/* SPDX-License-Identifier: MIT
 *
 * Replies as http encodes them: what becomes of them depends on the requests that were decoded. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/fault.h"
#include "lib/feed.h"

#define OK     "HTTP/1.1 200 OK\r\n"
#define LENGTH "Content-Length: 5\r\n"
#define REPLY  OK LENGTH "\r\nhello"

/* A connection whose replies go to `out`. */
struct link {
    struct feed_codec fc;
    struct feed feed;
    struct weft_chain out;
    bool over;
};

static void link_init(struct link *link)
{
    struct weft_limits limits = weft_limits_default();
    *link = (struct link){0};
    assert_int_equal(feed_codec_init(&link->fc, &weft_codec_http, "", &limits, NULL), 0);
    feed_init(&link->feed, &link->fc, WEFT_SERVER);
    weft_chain_init(&link->out, NULL);
}

static void link_fini(struct link *link)
{
    weft_chain_fini(&link->out);
    feed_fini(&link->feed);
    feed_codec_fini(&link->fc);
}

static void ask(struct link *link, const char *request)
{
    feed_bytes(&link->feed, weft_view_str(request));
    assert_null(link->feed.broken_rule);
}

static int say(struct link *link, const char *text, bool last)
{
    struct weft_body_bytes body = weft_body_from_view(weft_view_str(text));
    struct weft_encode_io io = {.out = &link->out, .last = last};
    int err = link->fc.codec->encode(&link->feed.state, &body.body, &io);
    link->over |= io.over;
    return err;
}

static int finish(struct link *link)
{
    struct weft_encode_io io = {.out = &link->out, .last = true};
    int err = link->fc.codec->finish(&link->feed.state, &io);
    link->over |= io.over;
    return err;
}

static void assert_sent(const struct link *link, const char *text)
{
    uint8_t *sent = feed_chain_copy(&link->out);
    assert_int_equal(link->out.bytes, strlen(text));
    assert_memory_equal(sent, text, strlen(text));
    free(sent);
}

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define HEAD "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define OLD  "GET / HTTP/1.0\r\n\r\n"
#define KEEP "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"

static void test_reply_is_sent_as_it_is(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    ask(&link, GET GET);
    assert_int_equal(say(&link, REPLY, true), 0);
    assert_int_equal(say(&link, REPLY, true), 0);
    assert_sent(&link, REPLY REPLY);
    assert_false(link.over);
    link_fini(&link);
}

static void test_reply_to_head_has_no_body_in_its_place_alone(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    ask(&link, GET HEAD GET);
    for (int i = 0; i < 3; i++)
        assert_int_equal(say(&link, REPLY, true), 0);
    assert_sent(&link, REPLY OK LENGTH "\r\n" REPLY);
    assert_false(link.over);
    link_fini(&link);
}

/* More requests wait than there is room for notes at first, and the notes move on. */
static void test_notes_of_many_requests_keep_their_order(void **state)
{
    (void)state;
    enum { REQUESTS = 300 };
    struct link link;
    size_t sent = 0, whole = strlen(REPLY), head = strlen(OK LENGTH "\r\n");
    link_init(&link);
    for (int i = 0, answered = 0; answered < REQUESTS; i++) {
        if (i < REQUESTS)
            ask(&link, i % 3 == 0 ? GET : HEAD);
        for (int n = i % 5 == 0 ? 3 : 1; n > 0 && answered < REQUESTS && answered <= i - 20; n--) {
            assert_int_equal(say(&link, REPLY, true), 0);
            sent += answered++ % 3 == 0 ? whole : head;
            assert_int_equal(link.out.bytes, sent);
        }
    }
    link_fini(&link);
}

static void test_last_reply_says_that_the_connection_closes(void **state)
{
    (void)state;
    static const char *const requests[] = {LAST, OLD};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct link link;
        link_init(&link);
        ask(&link, requests[i]);
        assert_int_equal(say(&link, REPLY, true), 0);
        assert_sent(&link, OK "Connection: close\r\n" LENGTH "\r\nhello");
        assert_true(link.over);
        link_fini(&link);
    }
}

static void test_refusal_of_a_request_whose_end_is_unknown_is_the_last(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    ask(&link, GET "GET /\n");
    assert_int_equal(say(&link, REPLY, true), 0);
    assert_int_equal(say(&link, "HTTP/1.1 400 Bad\r\n" LENGTH "\r\nhello", true), 0);
    assert_sent(&link, REPLY "HTTP/1.1 400 Bad\r\nConnection: close\r\n" LENGTH "\r\nhello");
    assert_true(link.over);
    link_fini(&link);
}

static void test_reply_to_1_0_says_that_the_connection_stays(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    ask(&link, KEEP);
    assert_int_equal(say(&link, REPLY, true), 0);
    assert_sent(&link, OK "Connection: keep-alive\r\n" LENGTH "\r\nhello");
    assert_false(link.over);
    link_fini(&link);
}

static void test_streamed_answer_goes_in_chunks(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    ask(&link, GET GET);
    assert_int_equal(say(&link, OK "\r\n", false), 0);
    assert_int_equal(say(&link, "hello", false), 0);
    assert_int_equal(say(&link, "", false), 0);
    assert_int_equal(say(&link, "0123456789abcdef", true), 0);
    assert_int_equal(say(&link, REPLY, true), 0);
    assert_sent(&link, OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                          "10\r\n0123456789abcdef\r\n0\r\n\r\n" REPLY);
    assert_false(link.over);
    link_fini(&link);
}

static void test_first_piece_of_a_stream_may_stand_behind_its_head(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    ask(&link, GET);
    assert_int_equal(say(&link, OK "\r\nhello", false), 0);
    assert_int_equal(finish(&link), 0);
    assert_sent(&link, OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    link_fini(&link);
}

static void test_streamed_answer_that_says_its_length_has_no_chunks(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    ask(&link, GET);
    assert_int_equal(say(&link, OK "content-length: 5\r\n\r\n", false), 0);
    assert_int_equal(say(&link, "hel", false), 0);
    assert_int_equal(say(&link, "lo", true), 0);
    assert_sent(&link, OK "content-length: 5\r\n\r\nhello");
    assert_false(link.over);
    link_fini(&link);
}

static void test_streamed_answer_to_1_0_ends_with_the_connection(void **state)
{
    (void)state;
    static const char *const requests[] = {OLD, KEEP};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct link link;
        link_init(&link);
        ask(&link, requests[i]);
        assert_int_equal(say(&link, OK "\r\n", false), 0);
        assert_int_equal(say(&link, "hello", false), 0);
        assert_false(link.over);
        assert_int_equal(finish(&link), 0);
        assert_sent(&link, OK "Connection: close\r\n\r\nhello");
        assert_true(link.over);
        link_fini(&link);
    }
}

static void test_streamed_answer_to_head_is_its_head(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    ask(&link, HEAD);
    assert_int_equal(say(&link, OK "\r\n", false), 0);
    assert_int_equal(say(&link, "hello", false), 0);
    assert_int_equal(say(&link, "hello", true), 0);
    assert_sent(&link, OK "Transfer-Encoding: chunked\r\n\r\n");
    link_fini(&link);
}

static void test_answer_without_a_message_is_204(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    ask(&link, GET LAST);
    assert_int_equal(finish(&link), 0);
    assert_false(link.over);
    assert_int_equal(finish(&link), 0);
    assert_true(link.over);
    assert_sent(&link, "HTTP/1.1 204 No Content\r\n\r\n"
                       "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    link_fini(&link);
}

/* One who is turned away has asked nothing yet. */
static void test_refusal_before_any_request_is_sent_as_it_is(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    assert_int_equal(say(&link, REPLY, true), 0);
    assert_sent(&link, REPLY);
    link_fini(&link);
}

static void test_blob_is_referred_to_within_a_stream(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    struct link link;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(SIZE, &data);
    assert_non_null(blob);
    memset(data, 'x', SIZE);
    link_init(&link);
    ask(&link, GET);
    assert_int_equal(say(&link, OK "\r\n", false), 0);
    size_t before = link.out.bytes;
    struct weft_body body = weft_body_from_blob(blob);
    struct weft_encode_io io = {.out = &link.out, .last = true};
    assert_int_equal(link.fc.codec->encode(&link.feed.state, &body, &io), 0);
    assert_int_equal(link.out.bytes - before, strlen("186a0\r\n\r\n0\r\n\r\n") + SIZE);
    bool refers = false;
    for (const struct weft_piece *piece = link.out.head; piece; piece = piece->next)
        refers |= piece->blob == blob;
    assert_true(refers);
    weft_blob_unref(blob);
    link_fini(&link);
}

static void exchange(void *arg)
{
    struct link link;
    (void)arg;
    link_init(&link);
    ask(&link, HEAD GET LAST);
    bool asked = link.feed.count == 3;
    int err = asked ? say(&link, REPLY, true) : -ENOMEM;
    if (err == 0)
        err = say(&link, OK "\r\n", false);
    if (err == 0)
        err = say(&link, "hello", false);
    if (err == 0)
        err = finish(&link);
    if (err == 0)
        err = say(&link, REPLY, true);
    assert_true(err == 0 || (err == -ENOMEM && fault_failed() > 0));
    if (err == 0)
        assert_true(link.over);
    link_fini(&link);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    fault_each(exchange, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_is_sent_as_it_is),
        cmocka_unit_test(test_reply_to_head_has_no_body_in_its_place_alone),
        cmocka_unit_test(test_notes_of_many_requests_keep_their_order),
        cmocka_unit_test(test_last_reply_says_that_the_connection_closes),
        cmocka_unit_test(test_refusal_of_a_request_whose_end_is_unknown_is_the_last),
        cmocka_unit_test(test_reply_to_1_0_says_that_the_connection_stays),
        cmocka_unit_test(test_streamed_answer_goes_in_chunks),
        cmocka_unit_test(test_first_piece_of_a_stream_may_stand_behind_its_head),
        cmocka_unit_test(test_streamed_answer_that_says_its_length_has_no_chunks),
        cmocka_unit_test(test_streamed_answer_to_1_0_ends_with_the_connection),
        cmocka_unit_test(test_streamed_answer_to_head_is_its_head),
        cmocka_unit_test(test_answer_without_a_message_is_204),
        cmocka_unit_test(test_refusal_before_any_request_is_sent_as_it_is),
        cmocka_unit_test(test_blob_is_referred_to_within_a_stream),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("http, replies", tests, NULL, NULL);
}
