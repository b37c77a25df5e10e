/* SPDX-License-Identifier: MIT
 *
 * SUBSCRIBE and its relatives on requests without connections. test_interop_redis compares their answers with those
 * of Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kv_fixture.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "services/kv/feed_private.h"

static struct kv_fixture fixture;
static struct fake_request subscriber;

static int setup(void **state)
{
    static const struct weft_option_set none = {0};
    const struct weft_limits limits = weft_limits_default();
    (void)state;
    memset(&subscriber, 0, sizeof subscriber);
    kv_fixture_init_service(&fixture, &weft_kv_resp_service, &none, NULL, &limits);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_fixture_fini(&fixture);
    return 0;
}

static void expect(const char *command, const char *reply)
{
    struct weft_bytes got = kv_fixture_ask(&fixture, weft_view_str(command), NULL);
    if (!weft_view_equal(weft_view(got.data, got.size), weft_view_str(reply)))
        fail_msg("%s: got %.*s", command, (int)got.size, (const char *)got.data);
    weft_bytes_fini(&got);
}

static void run(void)
{
    assert_true(virtual_loop_run_until_idle(fixture.loop));
}

/* Sends the first SUBSCRIBE. */
static void begin(const char *command, const char *reply)
{
    kv_fixture_send(&fixture, &subscriber, weft_view_str(command));
    assert_true(subscriber.detached);
    assert_false(subscriber.ended);
    assert_true(weft_view_equal(fake_request_reply(&subscriber), weft_view_str(reply)));
}

static void expect_message(const char *message)
{
    run();
    struct weft_view got = fake_request_reply(&subscriber);
    if (!weft_view_equal(got, weft_view_str(message)))
        fail_msg("got %.*s", (int)got.size, (const char *)got.data);
}

#define SUBSCRIBED_A "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"

static void cancel(enum weft_reason reason)
{
    subscriber.owes_drain = false;
    subscriber.gone = reason != WEFT_REASON_DRAINED;
    subscriber.request.on_cancel(&subscriber.request, reason);
}

static void test_messages_of_resp_2_and_3(void **state)
{
    (void)state;
    begin("SUBSCRIBE a", SUBSCRIBED_A);
    expect("PSUBSCRIBE a*", "*3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:2\r\n");
    expect("PUBLISH b x", "-ERR Can't execute 'publish': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / "
                          "PING / QUIT / RESET are allowed in this context\r\n");
    expect("PUNSUBSCRIBE a*", "*3\r\n$12\r\npunsubscribe\r\n$2\r\na*\r\n:1\r\n");
    expect("PUNSUBSCRIBE a*", "*3\r\n$12\r\npunsubscribe\r\n$2\r\na*\r\n:1\r\n");
    expect("UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
    assert_true(subscriber.ended);
    fake_request_fini(&subscriber);
    expect("PUBLISH a x", ":0\r\n");

    struct weft_bytes hello = kv_fixture_ask(&fixture, weft_view_str("HELLO 3"), NULL);
    weft_bytes_fini(&hello);
    begin("SUBSCRIBE a", ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    expect("PSUBSCRIBE a*", ">3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:2\r\n");
    expect("PUBLISH a x", ":2\r\n");
    expect_message(">4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$1\r\na\r\n$1\r\nx\r\n");
    expect("PUBLISH ab \"\\xff\"", ":1\r\n");
    expect_message(">4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\nab\r\n$1\r\n\xff\r\n");
    expect("PUBSUB CHANNELS", "*1\r\n$1\r\na\r\n");
    expect("PUBSUB CHANNELS b*", "*0\r\n");
    expect("PUBSUB NUMSUB a b", "*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:0\r\n");
    expect("PUBSUB NUMPAT", ":1\r\n");
    hello = kv_fixture_ask(&fixture, weft_view_str("HELLO 2"), NULL);
    weft_bytes_fini(&hello);
    expect("UNSUBSCRIBE nosuch", "*3\r\n$11\r\nunsubscribe\r\n$6\r\nnosuch\r\n:2\r\n");
    expect("PUNSUBSCRIBE", "*3\r\n$12\r\npunsubscribe\r\n$2\r\na*\r\n:1\r\n");
    expect("PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    expect("RESET", "+RESET\r\n");
    assert_true(subscriber.ended);
    fake_request_fini(&subscriber);
    expect("UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
}

static void publish_many(const char *topic, int count)
{
    struct kv_feed_loop *at;
    const struct weft_view value = weft_view_str("\x0a\x01x");
    uint64_t receivers;
    assert_int_equal(kv_feed_loop_take(fixture.context.feed, fixture.loop, &at), 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(kv_feed_publish(at, weft_view_str(topic), &value, 1, &receivers), 0);
    run();
    kv_feed_loop_give(at);
}

static unsigned visit(bool asks)
{
    const struct weft_connection row = {.asks = asks};
    return subscriber.walk->visit(subscriber.walk, &row);
}

static void be_overtaken(void)
{
    begin("SUBSCRIBE a", SUBSCRIBED_A);
    subscriber.refuse = 1;
    publish_many("a", 1);
    publish_many("a", 2 * KV_FEED_RING);
    subscriber.owes_drain = false;
    subscriber.request.on_room(&subscriber.request);
    assert_non_null(subscriber.walk);
    assert_int_equal(visit(false), WEFT_VISIT_NEXT);
    assert_int_equal(visit(true), WEFT_VISIT_END | WEFT_VISIT_STOP);
}

/* Its connection is closed, and the walk may end before or after that. */
static void test_slow_subscriber_is_disconnected(void **state)
{
    (void)state;
    be_overtaken();
    subscriber.walk->done(subscriber.walk);
    assert_true(subscriber.ended); /* a connection that is half closed waits for that alone */
    fake_request_fini(&subscriber);

    be_overtaken();
    subscriber.request.on_room(&subscriber.request); /* one walk is enough */
    expect("UNSUBSCRIBE a", "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
    cancel(WEFT_REASON_DRAINED);
    cancel(WEFT_REASON_KILLED);
    assert_false(subscriber.ended);
    subscriber.walk->done(subscriber.walk);
    assert_true(subscriber.ended);
    fake_request_fini(&subscriber);
}

static void test_drain_sends_what_is_left(void **state)
{
    (void)state;
    begin("SUBSCRIBE a", SUBSCRIBED_A);
    struct kv_feed_loop *at;
    const struct weft_view value = weft_view_str("\x0a\x01x");
    uint64_t receivers;
    assert_int_equal(kv_feed_loop_take(fixture.context.feed, fixture.loop, &at), 0);
    assert_int_equal(kv_feed_publish(at, weft_view_str("a"), &value, 1, &receivers), 0);
    kv_feed_loop_give(at);
    cancel(WEFT_REASON_DRAINED);
    assert_true(subscriber.ended);
    assert_int_equal(subscriber.reply_count, 2);
    fake_request_fini(&subscriber);
    begin("SUBSCRIBE a", SUBSCRIBED_A);
    subscriber.refuse = 1;
    publish_many("a", 1);
    cancel(WEFT_REASON_DRAINED);
    assert_false(subscriber.ended);
    subscriber.owes_drain = false;
    subscriber.request.on_room(&subscriber.request);
    assert_true(subscriber.ended);
    assert_int_equal(subscriber.reply_count, 2);
    fake_request_fini(&subscriber);
}

/* The first reply comes before all messages, however late it has room, and even if nothing is followed any more. */
static void test_first_reply_waits_for_room(void **state)
{
    (void)state;
    fake_request_init(&subscriber, weft_view_str("SUBSCRIBE a"), SIZE_MAX);
    subscriber.refuse = 2;
    kv_fixture_call(&fixture, &subscriber);
    publish_many("a", 1);
    assert_int_equal(subscriber.reply_count, 0);
    fake_request_drain(&subscriber);
    assert_int_equal(subscriber.reply_count, 2);
    cancel(WEFT_REASON_PEER_CLOSED);
    fake_request_fini(&subscriber);

    fake_request_init(&subscriber, weft_view_str("SUBSCRIBE a"), SIZE_MAX);
    subscriber.refuse = 1;
    kv_fixture_call(&fixture, &subscriber);
    expect("UNSUBSCRIBE a", "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
    assert_false(subscriber.ended);
    fake_request_drain(&subscriber);
    assert_true(subscriber.ended);
    assert_int_equal(subscriber.reply_count, 1);
    fake_request_fini(&subscriber);
}

static void test_refused_subscriptions(void **state)
{
    char command[512];
    (void)state;
    snprintf(command, sizeof command, "PSUBSCRIBE a %0200d", 1);
    expect(command, "-ERR pattern is too long: it may have 128 bytes\r\n");
    expect("PUBSUB NUMPAT", ":0\r\n");
    fixture.context.feed->limits.topics = 1;
    expect("SUBSCRIBE a b", "-ERR too many subscriptions: feed-topics or feed-followers is "
                            "reached, or 4096 of a connection\r\n");
    expect("PUBSUB CHANNELS", "*0\r\n");
    fake_request_init(&subscriber, weft_view_str("SUBSCRIBE a"), SIZE_MAX);
    subscriber.cannot_detach = true;
    kv_fixture_call(&fixture, &subscriber);
    assert_true(
        weft_view_equal(fake_request_reply(&subscriber),
                        weft_view_str("-ERR too many subscriptions: max-detached is reached\r\n")));
    fake_request_fini(&subscriber);
    expect("PUBSUB CHANNELS", "*0\r\n");
    static const char *const denied[] = {"SUBSCRIBE a", "PUBLISH a x"};
    for (size_t i = 0; i < 2; i++) {
        fake_request_init(&subscriber, weft_view_str(denied[i]), SIZE_MAX);
        subscriber.request.layers = &subscriber;
        subscriber.denied = true;
        kv_fixture_call(&fixture, &subscriber);
        assert_true(subscriber.refused);
        fake_request_fini(&subscriber);
    }
}

static void ask_all(void *arg)
{
    static const char *const commands[] = {"PSUBSCRIBE a*",   "PUBLISH a x", "PUBSUB CHANNELS",
                                           "PUBSUB NUMSUB a", "UNSUBSCRIBE", "PUNSUBSCRIBE"};
    struct fake_request first;
    (void)arg;
    kv_fixture_send(&fixture, &first, weft_view_str("SUBSCRIBE a"));
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct fake_request request;
        kv_fixture_send(&fixture, &request, weft_view_str(commands[i]));
        run();
        if (!request.ended) { /* it has become the first subscriber */
            request.gone = true;
            request.request.on_cancel(&request.request, WEFT_REASON_PEER_CLOSED);
        }
        assert_int_equal(request.reply_count, 1);
        fake_request_fini(&request);
    }
    if (first.walk)
        first.walk->done(first.walk);
    if (!first.ended) {
        first.gone = true;
        first.owes_drain = false;
        first.request.on_cancel(&first.request, WEFT_REASON_PEER_CLOSED);
    }
    fake_request_fini(&first);
}

static void test_commands_survive_every_failing_allocation(void **state)
{
    (void)state;
    struct weft_bytes hello = kv_fixture_ask(&fixture, weft_view_str("HELLO 3"), NULL);
    weft_bytes_fini(&hello);
    fault_each(ask_all, NULL);
}

#define TOPICS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOPICS_TEST(test_messages_of_resp_2_and_3),
        TOPICS_TEST(test_slow_subscriber_is_disconnected),
        TOPICS_TEST(test_drain_sends_what_is_left),
        TOPICS_TEST(test_first_reply_waits_for_room),
        TOPICS_TEST(test_refused_subscriptions),
        TOPICS_TEST(test_commands_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
