/* SPDX-License-Identifier: MIT
 *
 * Subscriptions through the protobuf face, on requests without connections. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "abi.pb-c.h"
#include "kv_fixture.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "services/kv/feed_private.h"

static struct kv_fixture fixture;
static struct fake_request first, second;

static int setup(void **state)
{
    (void)state;
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    kv_fixture_init(&fixture, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_fixture_fini(&fixture);
    return 0;
}

/* Packs a request into a heap copy. */
static struct weft_view pack(const Abi__CommandRequest *request)
{
    static uint8_t space[128 << 10];
    size_t size = abi__command_request__get_packed_size(request);
    assert_true(size <= sizeof space);
    abi__command_request__pack(request, space);
    return weft_view(space, size);
}

static struct weft_view subscribe_payload(const char *topic, bool pattern, bool end_if_slow)
{
    Abi__CommandRequest request;
    Abi__Subscribe subscribe;
    abi__command_request__init(&request);
    abi__subscribe__init(&subscribe);
    subscribe.topic = (char *)(uintptr_t)topic;
    subscribe.pattern = pattern;
    subscribe.end_if_slow = end_if_slow;
    request.request_data_case = ABI__COMMAND_REQUEST__REQUEST_DATA_SUBSCRIBE;
    request.subscribe = &subscribe;
    return pack(&request);
}

static struct weft_view unsubscribe_payload(const char *topic, uint32_t id)
{
    Abi__CommandRequest request;
    Abi__Unsubscribe unsubscribe;
    abi__command_request__init(&request);
    abi__unsubscribe__init(&unsubscribe);
    unsubscribe.topic = (char *)(uintptr_t)topic;
    unsubscribe.id = id;
    request.request_data_case = ABI__COMMAND_REQUEST__REQUEST_DATA_UNSUBSCRIBE;
    request.unsubscribe = &unsubscribe;
    return pack(&request);
}

/* Returns a publish of `count` strings. */
static struct weft_view publish_payload(const char *topic, size_t count, const char *text)
{
    Abi__CommandRequest request;
    Abi__Publish publish;
    abi__command_request__init(&request);
    abi__publish__init(&publish);
    static Abi__Value values[64], *data[64];
    publish.topic = (char *)(uintptr_t)topic;
    publish.n_data = count;
    publish.data = data;
    for (size_t i = 0; i < count; i++) {
        abi__value__init(&values[i]);
        values[i].value_case = ABI__VALUE__VALUE_STRING;
        values[i].string = (char *)(uintptr_t)text;
        data[i] = &values[i];
    }
    request.request_data_case = ABI__COMMAND_REQUEST__REQUEST_DATA_PUBLISH;
    request.publish = &publish;
    return pack(&request);
}

static Abi__CommandResponse *response_of(struct weft_view bytes)
{
    Abi__CommandResponse *response = abi__command_response__unpack(NULL, bytes.size, bytes.data);
    assert_non_null(response);
    return response;
}

/* Sends a request that is answered at once. Returns its one integer, or minus the status if that is not 200. */
static int64_t ask(struct weft_view payload)
{
    struct weft_bytes reply = kv_fixture_ask(&fixture, payload, NULL);
    Abi__CommandResponse *response = response_of(weft_view(reply.data, reply.size));
    int64_t answer = -(int64_t)response->status;
    assert_int_equal(response->published_case, ABI__COMMAND_RESPONSE__PUBLISHED__NOT_SET);
    if (response->status == 200) {
        assert_int_equal(response->n_values, 1);
        assert_int_equal(response->values[0]->value_case, ABI__VALUE__VALUE_INTEGER);
        answer = response->values[0]->integer;
    }
    abi__command_response__free_unpacked(response, NULL);
    weft_bytes_fini(&reply);
    return answer;
}

/* Publishes, and lets the loop serve. */
static int64_t publish(const char *topic, size_t count, const char *text)
{
    int64_t receivers = ask(publish_payload(topic, count, text));
    assert_true(virtual_loop_run_until_idle(fixture.loop));
    return receivers;
}

/* Subscribes; returns the id. */
static uint32_t begin(struct fake_request *request, struct weft_view payload)
{
    kv_fixture_send(&fixture, request, payload);
    assert_false(request->ended);
    assert_true(request->detached);
    assert_int_equal(request->reply_count, 1);
    Abi__CommandResponse *response = response_of(fake_request_reply(request));
    assert_int_equal(response->status, 200);
    assert_int_equal(response->published_case, ABI__COMMAND_RESPONSE__PUBLISHED__NOT_SET);
    assert_int_equal(response->n_values, 1);
    uint32_t id = (uint32_t)response->values[0]->integer;
    abi__command_response__free_unpacked(response, NULL);
    assert_true(id > 0);
    return id;
}

/* Asserts what the last message says. With another status than 200, `count` is the number, and the value the id. */
static void assert_message(const struct fake_request *request, uint32_t status, const char *topic,
                           size_t count, int64_t id)
{
    Abi__CommandResponse *response = response_of(fake_request_reply(request));
    assert_int_equal(response->status, status);
    assert_int_equal(response->published_case, ABI__COMMAND_RESPONSE__PUBLISHED_TOPIC);
    assert_string_equal(response->topic, topic);
    if (status == 200) {
        assert_int_equal(response->n_values, count);
        assert_int_equal(response->values[0]->value_case, ABI__VALUE__VALUE_STRING);
    } else {
        assert_int_equal(response->number, count);
        assert_int_equal(response->n_values, 1);
        assert_int_equal(response->values[0]->integer, id);
        assert_true(strlen(response->message) > 0);
    }
    abi__command_response__free_unpacked(response, NULL);
}

/* Does what the core does once the connection is gone. */
static void hang_up(struct fake_request *request)
{
    request->gone = true;
    request->owes_drain = false;
    request->request.on_cancel(&request->request, WEFT_REASON_PEER_CLOSED);
    assert_true(request->ended);
    fake_request_fini(request);
}

static void begin_once(void *arg)
{
    (void)begin(arg, subscribe_payload("lobby", false, false));
}

/* Returns the bytes of the blocks that a function allocates and leaves. */
static size_t bytes_of(void (*function)(void *arg), void *arg)
{
    fault_install();
    size_t before = fault_bytes();
    function(arg);
    size_t bytes = fault_bytes() - before;
    fault_remove();
    return bytes;
}

/* There may be many thousands that are idle. The topic and its ring belong to the first one. */
static void test_further_subscription_takes_few_bytes(void **state)
{
    (void)state;
    begin_once(&first);
    assert_in_range(bytes_of(begin_once, &second), 1, 176);
    hang_up(&first);
    hang_up(&second);
}

static void test_subscriber_gets_what_is_published(void **state)
{
    (void)state;
    assert_int_equal(publish("news", 1, "early"), 0);
    begin(&first, subscribe_payload("news", false, false));
    begin(&second, subscribe_payload("n*", true, false));
    assert_int_equal(publish("news", 3, "x"), 2);
    assert_int_equal(first.reply_count, 2);
    assert_message(&first, 200, "news", 3, 0);
    assert_message(&second, 200, "news", 3, 0);
    assert_true(first.as_blob);
    assert_int_equal(publish("nothing", 1, "x"), 1);
    assert_int_equal(first.reply_count, 2);
    assert_message(&second, 200, "nothing", 1, 0);
    assert_false(second.lasting);
    hang_up(&first);
    hang_up(&second);
    assert_int_equal(publish("news", 1, "late"), 0);
}

static void test_messages_that_many_get_are_kept_in_their_frames(void **state)
{
    (void)state;
    begin(&first, subscribe_payload("t", false, false));
    begin(&second, subscribe_payload("t", false, false));
    publish("t", 1, "x");
    assert_true(first.lasting && second.lasting);
    hang_up(&first);
    hang_up(&second);
}

static void test_empty_topic_is_a_topic(void **state)
{
    (void)state;
    begin(&first, subscribe_payload("", false, false));
    assert_int_equal(publish("", 1, "x"), 1);
    assert_message(&first, 200, "", 1, 0);
    hang_up(&first);
}

static void test_unsubscribe_ends_without_a_word(void **state)
{
    (void)state;
    uint32_t id = begin(&first, subscribe_payload("t", false, false));
    uint32_t other = begin(&second, subscribe_payload("t", false, true));
    assert_int_not_equal(id, other);
    assert_int_equal(ask(unsubscribe_payload("u", id)), -404);
    assert_int_equal(ask(unsubscribe_payload("t", id + other)), -404);
    assert_int_equal(ask(unsubscribe_payload("t", id)), 1);
    assert_true(first.ended);
    assert_int_equal(first.reply_count, 1);
    assert_false(second.ended);
    fake_request_fini(&first);
    begin(&first, subscribe_payload("t", false, false));
    assert_int_equal(ask(unsubscribe_payload("t", 0)), 2);
    assert_true(first.ended && second.ended);
    fake_request_fini(&first);
    fake_request_fini(&second);
    assert_int_equal(ask(unsubscribe_payload("t", 0)), -404);
}

/* More than a ring keeps. The first 64 messages were a run, and those after them come in full ones, of which the ring
 * drops as few as it can. */
enum { LOST = 64 + 2 * KV_FEED_RUN_COUNT };

static void flood(void)
{
    for (int i = 0; i < 20; i++)
        publish("t", 64, "x");
}

static void test_slow_subscriber_is_told_what_it_has_lost_and_goes_on(void **state)
{
    (void)state;
    uint32_t id = begin(&first, subscribe_payload("t", false, false));
    first.refuse = 1;
    flood();
    assert_int_equal(first.reply_count, 1);
    first.refuse = 1;
    fake_request_drain(&first); /* the loss is refused once, too */
    assert_int_equal(first.reply_count,
                     1 + 1 + (20 * 64 - LOST + KV_FEED_RUN_COUNT - 1) / KV_FEED_RUN_COUNT);
    struct weft_bytes last = first.replies[first.reply_count - 1];
    first.replies[first.reply_count - 1] = first.replies[1];
    assert_message(&first, 410, "t", LOST, id);
    first.replies[first.reply_count - 1] = last;
    assert_message(&first, 200, "t", 64, 0);
    hang_up(&first);
}

static void test_slow_subscriber_is_ended_if_it_asked_for_that(void **state)
{
    (void)state;
    uint32_t id = begin(&first, subscribe_payload("t", false, true));
    first.refuse = 1;
    flood();
    fake_request_drain(&first);
    assert_true(first.ended);
    assert_message(&first, 503, "t", LOST, id);
    fake_request_fini(&first);
    /* The last words wait for room, too; meanwhile nothing more comes, and the drain has nothing to add. */
    id = begin(&first, subscribe_payload("t", false, true));
    first.refuse = 1;
    flood();
    first.refuse = 1;
    first.owes_drain = false;
    first.request.on_room(&first.request);
    assert_false(first.ended);
    assert_int_equal(publish("t", 1, "x"), 0);
    first.request.on_cancel(&first.request, WEFT_REASON_DRAINED);
    fake_request_drain(&first);
    assert_true(first.ended);
    assert_message(&first, 503, "t", LOST, id);
    fake_request_fini(&first);
}

static void test_drain_sends_what_is_left_and_says_so(void **state)
{
    (void)state;
    uint32_t id = begin(&first, subscribe_payload("t", false, false));
    assert_int_equal(ask(publish_payload("t", 2, "x")), 1);
    first.request.on_cancel(&first.request, WEFT_REASON_DRAINED);
    assert_true(first.ended);
    assert_int_equal(first.reply_count, 3);
    assert_message(&first, 503, "t", 0, id);
    fake_request_fini(&first);
    /* One that has no room is told once it has. */
    id = begin(&first, subscribe_payload("t", false, false));
    first.refuse = 1;
    publish("t", 2, "x");
    first.request.on_cancel(&first.request, WEFT_REASON_DRAINED);
    assert_false(first.ended);
    fake_request_drain(&first);
    assert_true(first.ended);
    assert_int_equal(first.reply_count, 3);
    assert_message(&first, 503, "t", 0, id);
    fake_request_fini(&first);
    /* So is one that has room for the messages alone. */
    (void)begin(&first, subscribe_payload("t", false, false));
    first.refuse = 1;
    first.request.on_cancel(&first.request, WEFT_REASON_DRAINED);
    assert_false(first.ended);
    hang_up(&first);
}

static void test_subscription_ends_once_the_rules_are_others(void **state)
{
    (void)state;
    uint32_t id = begin(&first, subscribe_payload("t", false, false));
    first.request.layers = &first;
    assert_int_equal(publish("t", 1, "x"), 1);
    assert_false(first.ended);
    first.denied = true;
    assert_int_equal(publish("t", 1, "x"), 1);
    assert_true(first.ended);
    assert_message(&first, 403, "t", 0, id);
    Abi__CommandResponse *response = response_of(fake_request_reply(&first));
    assert_string_equal(response->message, "The subscription is not allowed any more");
    abi__command_response__free_unpacked(response, NULL);
    fake_request_fini(&first);
    assert_int_equal(publish("t", 1, "x"), 0);
    /* Its last words wait for room. */
    first = (struct fake_request){0};
    id = begin(&first, subscribe_payload("t", false, false));
    first.request.layers = &first;
    first.denied = true;
    first.refuse = 1;
    assert_int_equal(publish("t", 1, "x"), 1);
    assert_false(first.ended);
    fake_request_drain(&first);
    assert_true(first.ended);
    assert_message(&first, 403, "t", 0, id);
    fake_request_fini(&first);
}

static void test_connection_that_is_gone_takes_its_subscriptions_along(void **state)
{
    (void)state;
    begin(&first, subscribe_payload("t", false, false));
    first.gone = true;
    assert_int_equal(publish("t", 1, "x"), 1);
    assert_int_equal(publish("t", 1, "x"), 1);
    hang_up(&first);
    assert_int_equal(publish("t", 1, "x"), 0);
}

static void test_message_over_max_message_is_told_as_lost(void **state)
{
    static char text[3000];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    fixture.limits.max_message = 100;
    uint32_t id = begin(&first, subscribe_payload("t", false, false));
    publish("t", 1, text);
    assert_message(&first, 410, "t", 1, id);
    hang_up(&first);
}

static void test_refused_subscriptions(void **state)
{
    static char pattern[200], topic[70000];
    (void)state;
    memset(pattern, 'x', sizeof pattern - 1);
    memset(topic, 'x', sizeof topic - 1);
    assert_int_equal(ask(subscribe_payload(pattern, true, false)), -400);
    assert_int_equal(ask(subscribe_payload(topic, false, false)), -413);
    assert_int_equal(ask(publish_payload(topic, 1, "x")), -413);
    fixture.context.limits.feed_topics = 1;

    fake_request_init(&first, subscribe_payload("t", false, false), SIZE_MAX);
    first.cannot_detach = true;
    kv_fixture_call(&fixture, &first);
    Abi__CommandResponse *response = response_of(fake_request_reply(&first));
    assert_int_equal(response->status, 429);
    assert_string_equal(response->message,
                        "Too many subscriptions on this connection: max-detached is reached");
    abi__command_response__free_unpacked(response, NULL);
    fake_request_fini(&first);

    fake_request_init(&first, subscribe_payload("t", false, false), SIZE_MAX);
    first.no_place = true;
    kv_fixture_call(&fixture, &first);
    response = response_of(fake_request_reply(&first));
    assert_int_equal(response->status, 501);
    assert_string_equal(response->message,
                        "No subscriptions in this protocol: it has no place for messages");
    abi__command_response__free_unpacked(response, NULL);
    fake_request_fini(&first);
    assert_int_equal(publish("t", 1, "x"), 0);
}

static void test_layers_are_asked(void **state)
{
    static const char *const names[] = {"subscribe", "unsubscribe", "publish"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct weft_view payload = i == 0   ? subscribe_payload("t", false, false)
                                   : i == 1 ? unsubscribe_payload("t", 0)
                                            : publish_payload("t", 1, "x");
        fake_request_init(&first, payload, SIZE_MAX);
        first.request.layers = &first;
        first.denied = true;
        kv_fixture_call(&fixture, &first);
        assert_true(first.refused);
        assert_string_equal(first.asked, names[i]);
        fake_request_fini(&first);
    }
}

static void test_limit_of_topics_is_told(void **state)
{
    (void)state;
    fixture.context.feed->limits.topics = 1;
    begin(&first, subscribe_payload("t", false, false));
    assert_int_equal(ask(subscribe_payload("u", false, false)), -429);
    fixture.context.feed->limits.followers = 1;
    assert_int_equal(ask(subscribe_payload("t", false, false)), -429);
    hang_up(&first);
}

/* A request and an answer, whatever allocation fails. */
static void subscribe_and_publish(void *arg)
{
    struct fake_request request, publishing;
    (void)arg;
    kv_fixture_send(&fixture, &request, subscribe_payload("t", false, false));
    kv_fixture_send(&fixture, &publishing, publish_payload("t", 9, "x"));
    assert_true(virtual_loop_run_until_idle(fixture.loop));
    assert_true(publishing.ended);
    Abi__CommandResponse *response = response_of(fake_request_reply(&publishing));
    bool published = response->status == 200;
    assert_true(published || (response->status == 503 && fault_failed() > 0));
    abi__command_response__free_unpacked(response, NULL);
    uint64_t heard = 0;
    for (size_t i = 0; i < request.reply_count; i++) {
        response = response_of(weft_view(request.replies[i].data, request.replies[i].size));
        if (response->published_case != ABI__COMMAND_RESPONSE__PUBLISHED__NOT_SET)
            heard += response->status == 200 ? response->n_values : response->number;
        abi__command_response__free_unpacked(response, NULL);
    }
    assert_int_equal(heard, published && !request.ended ? 9 : 0);
    assert_true(!request.ended || fault_failed() > 0);
    if (!request.ended) {
        request.gone = true;
        request.owes_drain = false;
        request.request.on_cancel(&request.request, WEFT_REASON_PEER_CLOSED);
    }
    fake_request_fini(&request);
    fake_request_fini(&publishing);
}

static void test_subscriptions_survive_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(subscribe_and_publish, NULL);
}

#define SUBSCRIPTION_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUBSCRIPTION_TEST(test_further_subscription_takes_few_bytes),
        SUBSCRIPTION_TEST(test_subscriber_gets_what_is_published),
        SUBSCRIPTION_TEST(test_messages_that_many_get_are_kept_in_their_frames),
        SUBSCRIPTION_TEST(test_empty_topic_is_a_topic),
        SUBSCRIPTION_TEST(test_unsubscribe_ends_without_a_word),
        SUBSCRIPTION_TEST(test_slow_subscriber_is_told_what_it_has_lost_and_goes_on),
        SUBSCRIPTION_TEST(test_slow_subscriber_is_ended_if_it_asked_for_that),
        SUBSCRIPTION_TEST(test_drain_sends_what_is_left_and_says_so),
        SUBSCRIPTION_TEST(test_subscription_ends_once_the_rules_are_others),
        SUBSCRIPTION_TEST(test_connection_that_is_gone_takes_its_subscriptions_along),
        SUBSCRIPTION_TEST(test_message_over_max_message_is_told_as_lost),
        SUBSCRIPTION_TEST(test_refused_subscriptions),
        SUBSCRIPTION_TEST(test_layers_are_asked),
        SUBSCRIPTION_TEST(test_limit_of_topics_is_told),
        SUBSCRIPTION_TEST(test_subscriptions_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
