/* SPDX-License-Identifier: MIT
 *
 * Topics over HTTP: what is published, and the streams of those who have subscribed. */
#include "http_talk.h"

#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "services/kv/feed.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"

static const int64_t second = 1000000000;

struct stream {
    struct fake_request request;
    size_t read; /* replies that were looked at */
    char text[1 << 16];
};

static void make_stream(struct stream *stream, struct http_talk *talk, const char *payload)
{
    stream->read = 0;
    fake_request_init(&stream->request, weft_view_str(payload), talk->fixture.limits.decode_bytes);
}

static void start(struct stream *stream, struct http_talk *talk, const char *payload)
{
    make_stream(stream, talk, payload);
    kv_fixture_call(&talk->fixture, &stream->request);
}

/* Returns what the subscriber was sent since the last call. */
static const char *told(struct stream *stream, struct http_talk *talk)
{
    size_t size = 0;
    assert_true(virtual_loop_run_until_idle(talk->fixture.loop));
    for (; stream->read < stream->request.reply_count; stream->read++) {
        const struct weft_bytes *reply = &stream->request.replies[stream->read];
        assert_true(size + reply->size < sizeof stream->text);
        memcpy(stream->text + size, reply->data, reply->size);
        size += reply->size;
    }
    stream->text[size] = '\0';
    return stream->text;
}

static void leave(struct stream *stream)
{
    if (!stream->request.ended) {
        stream->request.gone = true;
        stream->request.owes_drain = false;
        stream->request.request.on_cancel(&stream->request.request, WEFT_REASON_PEER_RESET);
    }
    assert_true(stream->request.ended);
    fake_request_fini(&stream->request);
}

static void test_messages_come_as_events(void **state)
{
    (void)state;
    static struct stream stream;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    start(&stream, &talk, GET("/v1/topics/a%2Fb"));
    assert_true(stream.request.endless);
    const char *text = told(&stream, &talk);
    assert_has(text, "HTTP/1.1 200 OK\r\n");
    assert_has(text, "Content-Type: text/event-stream\r\n");
    assert_reply(http_ask(&talk, "POST /v1/topics/a%2Fb", "", "one\ntwo"), 200,
                 "{\"receivers\":1}\n");
    assert_string_equal(told(&stream, &talk),
                        "data: {\"topic\":\"a/b\",\"value\":\"one\\ntwo\"}\n\n");
    (void)http_ask(&talk, "POST /v1/topics/a%2Fb", "Content-Type: application/json\r\n", "1.5");
    (void)http_ask_body(&talk, "POST /v1/topics/a%2Fb", "", weft_view("\0\xff", 2));
    assert_string_equal(told(&stream, &talk),
                        "data: {\"topic\":\"a/b\",\"value\":1.5}\n\n"
                        "data: {\"topic\":\"a/b\",\"value\":{\"base64\":\"AP8=\"}}\n\n");
    assert_reply(http_ask(&talk, "POST /v1/topics/other", "", "x"), 200, "{\"receivers\":0}\n");
    leave(&stream);
    http_talk_fini(&talk);
}

static void test_pattern_is_of_all_topics_that_match(void **state)
{
    (void)state;
    static struct stream stream;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    start(&stream, &talk, GET("/v1/topics?match=news-*&slow=skip"));
    (void)told(&stream, &talk);
    (void)http_ask(&talk, "POST /v1/topics/news-1", "", "a");
    (void)http_ask(&talk, "POST /v1/topics/other", "", "b");
    assert_string_equal(told(&stream, &talk), "data: {\"topic\":\"news-1\",\"value\":\"a\"}\n\n");
    leave(&stream);
    http_talk_fini(&talk);
}

static void test_bad_questions_are_refused(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    assert_has(http_ask(&talk, "GET /v1/topics", "", ""), "match=PATTERN is missing");
    assert_has(http_ask(&talk, "GET /v1/topics/t?slow=no", "", ""), "slow is skip or end");
    assert_has(http_ask(&talk, "GET /v1/topics/t?match=x", "", ""),
               "a parameter that is not known: match, of /v1/topics, and slow are");
    assert_has(http_ask(&talk, "GET /v1/topics/%", "", ""), "a percent sign without");
    assert_int_equal(http_status(http_ask(&talk, "GET /v1/topics/a/b", "", "")), 404);
    assert_has(http_ask(&talk, "POST /v1/topics", "", "x"), "match=PATTERN is missing");
    assert_has(http_ask(&talk, "POST /v1/topics?match=x", "", "x"), "Allow: GET, HEAD, OPTIONS");
    assert_has(http_ask(&talk, "PUT /v1/topics/t", "", "x"), "Allow: GET, HEAD, POST, OPTIONS");
    assert_has(http_ask(&talk, "OPTIONS /v1/topics", "", ""), "Allow: GET, HEAD, OPTIONS");
    assert_has(http_ask(&talk, "HEAD /v1/topics/t", "", ""), "Content-Type: text/event-stream");
    assert_int_equal(http_status(http_ask(&talk, "POST /v1/topics/t",
                                          "Content-Type: application/json\r\n", "{")),
                     400);
    assert_has(http_ask(&talk, "POST /v1/topics/t", "Content-Type: text/plain\r\n", "\xff"),
               "The body is not UTF-8: send it as application/octet-stream");
    http_talk_fini(&talk);
}

/* The head waits for room behind other replies, and no message comes before it. */
static void test_head_that_waits_comes_first(void **state)
{
    (void)state;
    static struct stream stream;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    make_stream(&stream, &talk, GET("/v1/topics/t"));
    stream.request.refuse = 1;
    kv_fixture_call(&talk.fixture, &stream.request);
    (void)http_ask(&talk, "POST /v1/topics/t", "", "x");
    assert_string_equal(told(&stream, &talk), "");
    stream.request.refuse = 1;
    fake_request_drain(&stream.request);
    const char *text = told(&stream, &talk);
    assert_has(text, "HTTP/1.1 200 OK\r\n");
    assert_has(text, "\r\n\r\n:\n\ndata: {\"topic\":\"t\",\"value\":\"x\"}\n\n");
    leave(&stream);
    http_talk_fini(&talk);
}

static void test_silence_is_broken_by_a_comment(void **state)
{
    (void)state;
    static struct stream stream;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    start(&stream, &talk, GET("/v1/topics/t"));
    (void)told(&stream, &talk);
    assert_true(virtual_loop_advance(talk.fixture.loop, 31 * second));
    assert_string_equal(told(&stream, &talk), ":\n\n:\n\n");
    stream.request.refuse = 1;
    assert_true(virtual_loop_advance(talk.fixture.loop, 60 * second));
    (void)http_ask(&talk, "POST /v1/topics/t", "", "x");
    assert_string_equal(told(&stream, &talk), "");
    fake_request_drain(&stream.request);
    assert_string_equal(told(&stream, &talk), "data: {\"topic\":\"t\",\"value\":\"x\"}\n\n");
    leave(&stream);
    http_talk_fini(&talk);
}

/* Publishes more than the ring of a topic has. */
static void overtake(struct http_talk *talk)
{
    for (unsigned i = 0; i < KV_FEED_RING + 10; i++)
        (void)http_ask(talk, "POST /v1/topics/t", "", "x");
}

static void test_loss_is_told(void **state)
{
    (void)state;
    static struct stream stream;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    start(&stream, &talk, GET("/v1/topics/t"));
    (void)told(&stream, &talk);
    stream.request.refuse = 1;
    overtake(&talk);
    fake_request_drain(&stream.request);
    const char *text = told(&stream, &talk);
    assert_has(text, "event: lost\ndata: {\"topic\":\"t\",\"lost\":");
    assert_has(text, "\"message\":\"Messages were lost: they came faster than they were read\"}\n\n"
                     "data: {\"topic\":\"t\",\"value\":\"x\"}\n\n");
    leave(&stream);
    start(&stream, &talk, GET("/v1/topics/t?slow=end"));
    (void)told(&stream, &talk);
    stream.request.refuse = 1;
    overtake(&talk);
    fake_request_drain(&stream.request);
    assert_has(told(&stream, &talk), "event: end\ndata: {\"status\":503,\"topic\":\"t\",\"lost\":");
    assert_true(stream.request.ended);
    leave(&stream);
    http_talk_fini(&talk);
}

static void test_drain_is_told(void **state)
{
    (void)state;
    for (unsigned refused = 0; refused < 2; refused++) {
        static struct stream stream;
        struct http_talk talk;
        http_talk_init(&talk, NULL, NULL);
        make_stream(&stream, &talk, GET("/v1/topics/t"));
        stream.request.refuse = refused;
        kv_fixture_call(&talk.fixture, &stream.request);
        stream.request.request.on_cancel(&stream.request.request, WEFT_REASON_DRAINED);
        fake_request_drain(&stream.request);
        const char *text = told(&stream, &talk);
        assert_has(text, "HTTP/1.1 200 OK\r\n");
        assert_has(text, "event: end\ndata: {\"status\":503,\"topic\":\"t\",\"lost\":0,\"message\":"
                         "\"The subscription ends: the server is shutting down\"}\n\n");
        leave(&stream);
        http_talk_fini(&talk);
    }
}

/* The rules have changed since it began. */
static void test_end_has_the_status_of_its_reason(void **state)
{
    (void)state;
    static const char layers[1];
    static struct stream stream;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    make_stream(&stream, &talk, GET("/v1/topics/t"));
    stream.request.request.layers = layers;
    kv_fixture_call(&talk.fixture, &stream.request);
    (void)told(&stream, &talk);
    stream.request.denied = true;
    (void)http_ask(&talk, "POST /v1/topics/t", "", "x");
    assert_has(told(&stream, &talk),
               "event: end\ndata: {\"status\":403,\"topic\":\"t\",\"lost\":0,");
    assert_true(stream.request.ended);
    assert_int_equal(stream.request.request.status, 403);
    leave(&stream);
    http_talk_fini(&talk);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    (void)state;
    size_t failed = 1;
    fault_install();
    for (size_t n = 0; failed > 0; n++) {
        static struct stream stream;
        struct http_talk talk;
        http_talk_init(&talk, NULL, NULL);
        make_stream(&stream, &talk, GET("/v1/topics/t"));
        fault_arm(FAULT_ONE, n);
        kv_fixture_call(&talk.fixture, &stream.request);
        struct weft_bytes reply = kv_fixture_ask(
            &talk.fixture, weft_view_str("POST /v1/topics/t HTTP/1.1\r\nHost: a\r\n\r\nx"), NULL);
        bool is_idle = virtual_loop_run_until_idle(talk.fixture.loop);
        failed = fault_failed();
        fault_disarm();
        free(reply.data);
        assert_true(is_idle);
        assert_true(stream.request.reply_count > 0);
        leave(&stream);
        http_talk_fini(&talk);
        assert_int_equal(fault_live(), 0);
    }
    fault_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_come_as_events),
        cmocka_unit_test(test_pattern_is_of_all_topics_that_match),
        cmocka_unit_test(test_bad_questions_are_refused),
        cmocka_unit_test(test_head_that_waits_comes_first),
        cmocka_unit_test(test_silence_is_broken_by_a_comment),
        cmocka_unit_test(test_loss_is_told),
        cmocka_unit_test(test_drain_is_told),
        cmocka_unit_test(test_end_has_the_status_of_its_reason),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
