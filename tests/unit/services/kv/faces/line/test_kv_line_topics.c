/* SPDX-License-Identifier: MIT
 *
 * Topics in lines, on requests without connections: what is answered, and what subscribers are sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kv_fixture.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "services/kv/feed_private.h"

static struct kv_fixture kv;
static struct fake_request subscriber, other;

static int setup(void **state)
{
    static const struct weft_option_set none = {0};
    struct weft_limits limits = weft_limits_default();
    (void)state;
    limits.decode_bytes = limits.max_message = limits.max_frame = WEFT_KIB(32);
    memset(&subscriber, 0, sizeof subscriber);
    kv_fixture_init_service(&kv, &weft_kv_line_service, &none, NULL, &limits);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_fixture_fini(&kv);
    return 0;
}

static bool is_reply(const struct fake_request *request, size_t back, const char *text)
{
    const struct weft_bytes *reply = &request->replies[request->reply_count - 1 - back];
    return weft_view_equal(weft_view(reply->data, reply->size), weft_view_str(text));
}

static void expect(const char *line, const char *answer)
{
    struct weft_bytes got = kv_fixture_ask(&kv, weft_view_str(line), NULL);
    if (!weft_view_equal(weft_view(got.data, got.size), weft_view_str(answer)))
        fail_msg("%s: got %.*s", line, (int)got.size, (const char *)got.data);
    weft_bytes_fini(&got);
}

static void run(void)
{
    assert_true(virtual_loop_run_until_idle(kv.loop));
}

/* Subscribes, and returns the id. */
static unsigned subscribe(struct fake_request *request, const char *line)
{
    unsigned id = 0;
    kv_fixture_send(&kv, request, weft_view_str(line));
    assert_true(request->detached && !request->ended);
    struct weft_view reply = fake_request_reply(request);
    char text[32] = "";
    assert_true(reply.size < sizeof text);
    memcpy(text, reply.data, reply.size);
    assert_int_equal(sscanf(text, "200\t%u", &id), 1);
    return id;
}

static void expect_message(const char *line)
{
    run();
    struct weft_view got = fake_request_reply(&subscriber);
    if (!weft_view_equal(got, weft_view_str(line)))
        fail_msg("got %.*s", (int)got.size, (const char *)got.data);
}

/* The last line is `begin`, the id and `end`. */
static void expect_with_id(const char *begin, unsigned id, const char *end)
{
    char text[128];
    snprintf(text, sizeof text, "%s%u%s", begin, id, end);
    expect_message(text);
}

static void unsubscribe(unsigned id, const char *answer)
{
    char line[64];
    snprintf(line, sizeof line, "unsubscribe %u", id);
    expect(line, answer);
}

static void cancel(struct fake_request *request, enum weft_reason reason)
{
    request->owes_drain = false;
    request->gone = reason != WEFT_REASON_DRAINED;
    request->request.on_cancel(&request->request, reason);
}

static void test_message_is_a_line_of_its_topic_and_value(void **state)
{
    (void)state;
    expect("publish news early", "200\t0");
    unsigned id = subscribe(&subscriber, "subscribe news 'two words' news");
    expect("publish news hello", "200\t1");
    expect_message("message\tnews\thello");
    expect("publish 'two words' \"a\\\\tb\"", "200\t1");
    expect_message("message\ttwo words\ta\\\\tb");
    expect("publish news int:-3", "200\t1");
    expect_message("message\tnews\tint:-3");
    expect("publish news empty:", "200\t1");
    expect_message("message\tnews\t");
    expect("publish other hello", "200\t0");
    expect_message("message\tnews\t");
    unsubscribe(id, "200\t1");
    assert_true(subscriber.ended);
    assert_int_equal(subscriber.reply_count, 5);
    fake_request_fini(&subscriber);
    expect("publish news hello", "200\t0");
}

/* Whatever is published together, and whoever else gets it together, a message is a line. */
static void test_each_value_is_a_line_of_its_own(void **state)
{
    (void)state;
    (void)subscribe(&subscriber, "subscribe news");
    expect("publish news a b 'c\td'", "200\t1");
    run();
    assert_int_equal(subscriber.reply_count, 4);
    assert_true(is_reply(&subscriber, 2, "message\tnews\ta"));
    assert_true(is_reply(&subscriber, 1, "message\tnews\tb"));
    assert_true(is_reply(&subscriber, 0, "message\tnews\tc\\td"));
    cancel(&subscriber, WEFT_REASON_PEER_CLOSED);
    fake_request_fini(&subscriber);
}

static void test_pattern_is_an_option(void **state)
{
    (void)state;
    unsigned first = subscribe(&subscriber, "SUBSCRIBE 'news-*' --pattern room-?");
    unsigned second = subscribe(&other, "subscribe news-local -- --pattern");
    assert_true(first != second);
    expect("publish news-local x", "200\t2");
    expect_message("message\tnews-local\tx");
    assert_true(is_reply(&other, 0, "message\tnews-local\tx"));
    expect("publish -- --pattern x", "200\t1");
    expect("publish room-1 y", "200\t1");
    expect_message("message\troom-1\ty");
    expect("publish room y", "200\t0");
    assert_int_equal(other.reply_count, 3);
    unsubscribe(second, "200\t1");
    assert_true(other.ended);
    fake_request_fini(&other);
    unsubscribe(second, "404\tNo such subscription on this connection");
    unsubscribe(first, "200\t1");
    fake_request_fini(&subscriber);
}

static void test_wrong_lines_change_nothing(void **state)
{
    static const char *const lines[][2] = {
        {"subscribe", "400\tusage: subscribe TOPIC..."},
        {"subscribe --pattern", "400\tusage: subscribe TOPIC..."},
        {"subscribe a \xff", "400\ttopic \"\\\\xff\": not valid UTF-8"},
        {"subscribe \xff", "400\ttopic \"\\\\xff\": not valid UTF-8"},
        {"subscribe 'a", "400\tnothing closes the '"},
        {"subscribe a --ttl 5", "400\t--ttl is an option of hset and hmset"},
        {"hget t k --pattern", "400\t--pattern is an option of subscribe"},
        {"publish a", "400\tusage: publish TOPIC VALUE..."},
        {"publish a int:x", "400\tvalue \"int:x\": not an integer"},
        {"publish a --pattern", "400\t--pattern is an option of subscribe"},
        {"unsubscribe", "400\tusage: unsubscribe ID"},
        {"unsubscribe 1 2", "400\tusage: unsubscribe ID"},
        {"unsubscribe 0", "400\tsubscription \"0\": not an id that subscribe answered"},
        {"unsubscribe x", "400\tsubscription \"x\": not an id that subscribe answered"},
        {"unsubscribe ''", "400\tsubscription \"\": not an id that subscribe answered"},
        {"unsubscribe 4294967296",
         "400\tsubscription \"4294967296\": not an id that subscribe answered"},
        {"unsubscribe 12345678901",
         "400\tsubscription \"12345678901\": not an id that subscribe answered"},
        {"unsubscribe 4294967295", "404\tNo such subscription on this connection"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect(lines[i][0], lines[i][1]);
    expect("publish a x", "200\t0");
}

static void test_refused_subscriptions(void **state)
{
    char line[6000] = "";
    (void)state;
    snprintf(line, sizeof line, "subscribe --pattern a %0200d", 1);
    expect(line, "400\tPattern is too long: it may have 128 bytes");
    kv.context.feed->limits.topics = 1;
    expect("subscribe a b",
           "429\tToo many subscriptions: feed-topics or feed-followers is reached, "
           "or 4096 topics of one");
    expect("publish a x", "200\t0");
    memset(line, 0, sizeof line);
    memcpy(line, "subscribe", 9);
    for (size_t i = 9; i + 2 < sizeof line; i += 2)
        memcpy(line + i, " a", 2);
    expect(line, "413\tRequest is too big: over decode-bytes, which is 32768");
    static const char *const denied[] = {"subscribe a b", "publish a x", "unsubscribe 1"};
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++) {
        fake_request_init(&subscriber, weft_view_str(denied[i]), SIZE_MAX);
        subscriber.request.layers = &subscriber;
        subscriber.denied = true;
        kv_fixture_call(&kv, &subscriber);
        assert_true(subscriber.refused);
        fake_request_fini(&subscriber);
    }
}

static void test_subscription_ends_once_the_rules_forbid_it(void **state)
{
    (void)state;
    unsigned id = subscribe(&subscriber, "subscribe a b");
    subscriber.request.layers = &subscriber;
    subscriber.denied = true;
    expect("publish b x", "200\t1");
    expect_with_id("end\t", id, "\t403\tThe subscription is not allowed any more");
    assert_true(subscriber.ended);
    assert_int_equal(subscriber.reply_count, 2);
    fake_request_fini(&subscriber);
}

static void publish_many(int count)
{
    for (int i = 0; i < count; i++)
        expect("publish 'a\tb' x", "200\t1");
    run();
}

static void test_loss_is_a_line_between_the_messages(void **state)
{
    (void)state;
    unsigned id = subscribe(&subscriber, "subscribe other 'a\tb'");
    char lost[64];
    subscriber.refuse = 1;
    publish_many(1);
    publish_many(KV_FEED_RING + 1);
    subscriber.owes_drain = false;
    subscriber.request.on_room(&subscriber.request);
    assert_int_equal(subscriber.reply_count, 2 + KV_FEED_RING);
    snprintf(lost, sizeof lost, "lost\ta\\tb\t2\t%u", id);
    assert_true(is_reply(&subscriber, KV_FEED_RING, lost));
    assert_true(is_reply(&subscriber, 0, "message\ta\\tb\tx"));
    cancel(&subscriber, WEFT_REASON_PEER_CLOSED);
    fake_request_fini(&subscriber);
}

static void test_drain_sends_what_is_left_and_the_end(void **state)
{
    (void)state;
    unsigned id = subscribe(&subscriber, "subscribe a");
    expect("publish a x", "200\t1");
    cancel(&subscriber, WEFT_REASON_DRAINED);
    assert_true(subscriber.ended);
    assert_int_equal(subscriber.reply_count, 3);
    assert_true(is_reply(&subscriber, 1, "message\ta\tx"));
    expect_with_id("end\t", id, "\t503\tThe subscription ends: the server is shutting down");
    fake_request_fini(&subscriber);
}

/* A subscriber is told that a message which does not fit a line is lost. */
static void test_message_over_a_limit_is_lost(void **state)
{
    static char line[WEFT_KIB(24)], control[] = "\x01";
    (void)state;
    unsigned id = subscribe(&subscriber, "subscribe a");
    size_t size = (size_t)snprintf(line, sizeof line, "publish a ");
    while (size + 1 < sizeof line)
        line[size++] = control[0];
    expect(line, "200\t1");
    expect_with_id("lost\ta\t1\t", id, "");
    cancel(&subscriber, WEFT_REASON_PEER_CLOSED);
    fake_request_fini(&subscriber);
}

static void ask_all(void)
{
    static const char *const lines[] = {"subscribe a 'b c'", "publish a x base64:AP8= 'y z'",
                                        "unsubscribe 1"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct fake_request request;
        kv_fixture_send(&kv, &request, weft_view_str(lines[i]));
        run();
        if (!request.ended)
            cancel(&request, WEFT_REASON_PEER_CLOSED);
        fake_request_fini(&request);
    }
}

static void test_every_allocation_may_fail(void **state)
{
    size_t failed = 1;
    (void)state;
    fault_install();
    for (size_t n = 0; failed > 0; n++) {
        (void)subscribe(&subscriber, "subscribe a");
        fault_arm(FAULT_ONE, n);
        ask_all();
        failed = fault_failed();
        fault_disarm();
        if (!subscriber.ended)
            cancel(&subscriber, WEFT_REASON_PEER_CLOSED);
        fake_request_fini(&subscriber);
    }
    fault_remove();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_message_is_a_line_of_its_topic_and_value),
        TEST(test_each_value_is_a_line_of_its_own),
        TEST(test_pattern_is_an_option),
        TEST(test_wrong_lines_change_nothing),
        TEST(test_refused_subscriptions),
        TEST(test_subscription_ends_once_the_rules_forbid_it),
        TEST(test_loss_is_a_line_between_the_messages),
        TEST(test_drain_sends_what_is_left_and_the_end),
        TEST(test_message_over_a_limit_is_lost),
        TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("kv: topics in lines", tests, NULL, NULL);
}
