/* SPDX-License-Identifier: MIT
 *
 * Messages that are published on one of two servers that work on one Redis, through the face of lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kv_fixture.h"
#include "core/base/compiler.h"
#include "lib/fault.h"
#include "lib/redis_stand_in.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/on_redis.h"
#include "services/kv/stores/redis/subscription.h"

enum { HEAD = 25, NUMBER = 17 /* where it lies */, LOG_SIZE = 16 << 10 };

struct server {
    struct kv_fixture kv;
    struct fake_request subscriber;
};

static struct server one, other;
static const struct kv_store *store;

/* The last message that went over the channels. */
static struct {
    struct redis_subscription subscription;
    size_t count;
    char channel[64];
    uint8_t payload[8192];
    size_t size;
} tap;

static void on_tap(struct redis_subscription *subscription, struct weft_view channel,
                   struct weft_view payload)
{
    (void)subscription;
    assert_true(channel.size < sizeof tap.channel && payload.size <= sizeof tap.payload);
    memcpy(tap.channel, channel.data, channel.size);
    tap.channel[channel.size] = '\0';
    memcpy(tap.payload, payload.data, payload.size);
    tap.size = payload.size;
    tap.count++;
}

static void ignore_begin(struct redis_subscription *subscription)
{
    (void)subscription;
}

static void init_server(struct server *server)
{
    static const struct weft_option_set none = {NULL, 0};
    const struct weft_limits limits = weft_limits_default();
    memset(server, 0, sizeof *server);
    kv_fixture_init_service(&server->kv, &weft_kv_line_service, &none, store, &limits);
}

static int begin(void **state)
{
    (void)state;
    redis_stand_in_begin();
    store = redis_stand_in_store(&weft_kv_store_redis_cluster, "4");
    return 0;
}

static int end(void **state)
{
    (void)state;
    redis_stand_in_end();
    return 0;
}

static int setup(void **state)
{
    (void)state;
    init_server(&one);
    init_server(&other);
    memset(&tap, 0, sizeof tap);
    tap.subscription = (struct redis_subscription){.name = weft_view_str("weft:*"),
                                                   .is_pattern = true,
                                                   .message = on_tap,
                                                   .begun = ignore_begin};
    kv_redis_subscribe(NULL, &tap.subscription);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_redis_unsubscribe(NULL, &tap.subscription);
    kv_fixture_fini(&one.kv);
    kv_fixture_fini(&other.kv);
    return 0;
}

static void run(void)
{
    for (int i = 0; i < 2; i++) {
        assert_true(virtual_loop_run_until_idle(one.kv.loop));
        assert_true(virtual_loop_run_until_idle(other.kv.loop));
    }
}

static void subscribe(struct server *server, const char *line)
{
    kv_fixture_send(&server->kv, &server->subscriber, weft_view_str(line));
    assert_true(server->subscriber.detached);
}

/* Leaves the server without its subscriber. */
static void leave(struct server *server)
{
    struct fake_request *subscriber = &server->subscriber;
    subscriber->gone = true;
    subscriber->request.on_cancel(&subscriber->request, WEFT_REASON_PEER_CLOSED);
    fake_request_fini(subscriber);
}

/* Asserts what the subscriber of a server has heard since the last time, as "TOPIC VALUE;" of messages and "-COUNT;" of
 * losses. */
static void assert_heard(struct server *server, const char *expected)
{
    struct fake_request *subscriber = &server->subscriber;
    char log[LOG_SIZE] = "";
    size_t used = 0;
    run();
    for (size_t i = 1; i < subscriber->reply_count; i++) {
        char text[256], kind[16], topic[64], value[64];
        struct weft_bytes *reply = &subscriber->replies[i];
        (void)snprintf(text, sizeof text, "%.*s", (int)reply->size, (const char *)reply->data);
        assert_int_equal(sscanf(text, "%15s\t%63[^\t]\t%63[^\t]", kind, topic, value), 3);
        used += (size_t)(strcmp(kind, "lost") == 0
                             ? snprintf(log + used, sizeof log - used, "-%s;", value)
                             : snprintf(log + used, sizeof log - used, "%s %s;", topic, value));
        assert_true(used < sizeof log);
        weft_bytes_fini(reply);
    }
    if (subscriber->reply_count > 1)
        subscriber->reply_count = 1;
    assert_string_equal(log, expected);
}

/* Sends a request and lets it be answered. Returns the answer, which is valid until the next one. */
static const char *ask(struct server *server, const char *line)
{
    static char answer[256];
    struct fake_request request;
    memset(&request, 0, sizeof request);
    kv_fixture_send(&server->kv, &request, weft_view_str(line));
    run();
    assert_true(request.ended);
    struct weft_view reply = fake_request_reply(&request);
    (void)snprintf(answer, sizeof answer, "%.*s", (int)reply.size, (const char *)reply.data);
    fake_request_fini(&request);
    return answer;
}

static void assert_published(struct server *server, const char *line, const char *receivers)
{
    char answer[32];
    (void)snprintf(answer, sizeof answer, "200\t%s", receivers);
    assert_string_equal(ask(server, line), answer);
}

static uint64_t tapped_number(void)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | tap.payload[NUMBER + i];
    return number;
}

static void test_message_comes_once_to_the_subscribers_of_all_servers(void **state)
{
    (void)state;
    subscribe(&one, "subscribe news");
    subscribe(&other, "subscribe n* --pattern");
    assert_published(&one, "publish news a", "1");
    assert_published(&other, "publish news b int:1", "1");
    assert_published(&other, "publish nobody c", "1");
    assert_published(&other, "publish silence d", "0");
    assert_heard(&one, "news a;news b;news int:1;");
    assert_heard(&other, "news a;news b;news int:1;nobody c;");
    leave(&one);
    leave(&other);
}

static void test_channel_and_payload_are_as_written(void **state)
{
    static const uint8_t tail[] = {0, 0, 0, 4, 0x0a, 2, 'h', 'i', 0, 0, 0, 2, 0x18, 7};
    (void)state;
    assert_published(&one, "publish a:b hi int:7", "0");
    assert_string_equal(tap.channel, "weft:0:a:b");
    assert_int_equal(tap.size, HEAD + sizeof tail);
    assert_int_equal(tap.payload[0], 1);
    assert_int_equal(tapped_number(), 1);
    assert_memory_equal(tap.payload + HEAD, tail, sizeof tail);
}

static void test_publishers_have_numbers_and_names_of_their_own(void **state)
{
    uint8_t id[16];
    (void)state;
    assert_published(&one, "publish t a", "0");
    memcpy(id, tap.payload + 1, sizeof id);
    assert_published(&one, "publish u b", "0");
    assert_int_equal(tapped_number(), 2);
    assert_memory_equal(tap.payload + 1, id, sizeof id);
    assert_published(&other, "publish t c", "0");
    assert_int_equal(tapped_number(), 1);
    assert_memory_not_equal(tap.payload + 1, id, sizeof id);
}

/* A message of a publisher that the test makes up. */
static void tell(uint8_t publisher, uint64_t number)
{
    uint8_t payload[HEAD + 7] = {1, publisher};
    for (size_t i = 0; i < 8; i++)
        payload[NUMBER + i] = (uint8_t)(number >> 8 * (7 - i));
    memcpy(payload + HEAD, (const uint8_t[]){0, 0, 0, 3, 0x0a, 1, (uint8_t)('a' + number % 26)}, 7);
    redis_stand_in_tell(weft_view_str("weft:0:t"), weft_view(payload, sizeof payload));
}

static void test_number_that_is_missing_is_a_gap_and_one_that_comes_late_is_dropped(void **state)
{
    (void)state;
    subscribe(&one, "subscribe t");
    tell(9, 5); /* nobody knows what came before */
    tell(9, 6);
    assert_heard(&one, "t f;t g;");
    tell(9, 8);
    assert_heard(&one, "-0;t i;");
    tell(9, 7);
    tell(9, 8);
    tell(8, 1);
    tell(9, 9);
    assert_heard(&one, "t b;t j;");
    leave(&one);
}

/* They are known by their order of silence, so a busy one is not forgotten. */
static void test_many_publishers_do_not_hide_the_gap_of_a_busy_one(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        tell(1, i + 1);
        for (unsigned publisher = 0; publisher < 256; publisher++)
            if (publisher != 1)
                tell((uint8_t)publisher, i + 1);
    }
    subscribe(&one, "subscribe t");
    tell(1, 5);
    assert_heard(&one, "-0;t f;");
    leave(&one);
}

static void test_what_is_none_of_ours_is_ignored(void **state)
{
    (void)state;
    subscribe(&one, "subscribe t");
    assert_published(&other, "publish t abc", "0");
    assert_heard(&one, "t abc;");
    uint8_t payload[64];
    assert_true(tap.size <= sizeof payload);
    for (size_t size = 0; size < tap.size; size++) {
        memcpy(payload, tap.payload, tap.size);
        payload[1]++; /* another publisher */
        redis_stand_in_tell(weft_view_str("weft:0:t"), weft_view(payload, size));
    }
    payload[0] = 2; /* another version */
    redis_stand_in_tell(weft_view_str("weft:0:t"), weft_view(payload, tap.size));
    payload[0] = 1;
    payload[HEAD + 4] = 0xff; /* it is no value */
    redis_stand_in_tell(weft_view_str("weft:0:t"), weft_view(payload, tap.size));
    redis_stand_in_tell(weft_view_str("weft:1:t"), weft_view(tap.payload, tap.size));
    assert_heard(&one, "");
    leave(&one);
}

static void test_values_that_were_published_together_all_come(void **state)
{
    char line[1024] = "publish t", expected[1024] = "";
    size_t used = strlen(line), wanted = 0;
    (void)state;
    for (int i = 0; i < 130; i++) {
        used += (size_t)snprintf(line + used, sizeof line - used, " v%d", i);
        wanted += (size_t)snprintf(expected + wanted, sizeof expected - wanted, "t v%d;", i);
    }
    subscribe(&one, "subscribe t");
    assert_published(&other, line, "0");
    assert_heard(&one, expected);
    assert_int_equal(tap.count, 1);
    leave(&one);
}

static void test_subscription_that_was_made_again_tells_a_gap(void **state)
{
    (void)state;
    subscribe(&one, "subscribe t");
    tell(9, 1);
    redis_stand_in_begin_again();
    tell(9, 7); /* what came before is the gap that was told */
    assert_heard(&one, "t b;-0;t h;");
    leave(&one);
}

static void plan(enum redis_outcome outcome, const char *error)
{
    redis_stand_in_plan(&(struct redis_stand_in_plan){
        .only = "PUBLISH", .count = 1, .outcome = outcome, .error = error});
}

/* Its number would be missed, so the publisher is a new one. */
static void test_message_that_was_not_sent_is_refused_and_leaves_no_gap(void **state)
{
    (void)state;
    subscribe(&one, "subscribe t");
    assert_published(&other, "publish t a", "0");
    plan(REDIS_UNAVAILABLE, NULL);
    assert_string_equal(ask(&other, "publish t b"),
                        "503\tStore has no memory or is away: nothing was published");
    assert_published(&other, "publish t c", "0");
    plan(REDIS_ANSWERED, "NOPERM no");
    assert_string_equal(ask(&other, "publish t d"), "500\tStore failed: nothing was published");
    assert_published(&other, "publish t e", "0");
    assert_heard(&one, "t a;t c;t e;");
    leave(&one);
}

static void test_message_that_may_have_been_sent_is_unknown_and_told_if_it_was_not(void **state)
{
    (void)state;
    subscribe(&one, "subscribe t");
    assert_published(&other, "publish t a", "0");
    plan(REDIS_UNKNOWN, NULL);
    assert_string_equal(ask(&other, "publish t b"),
                        "504\tStore did not answer: the message may have been published");
    assert_published(&other, "publish t c", "0");
    assert_heard(&one, "t a;-0;t c;");
    leave(&one);
}

/* One is on its way, and one has not been sent. */
static void test_session_that_ends_answers_its_messages(void **state)
{
    struct fake_request requests[2];
    (void)state;
    memset(requests, 0, sizeof requests);
    plan(REDIS_ANSWERED, NULL);
    for (size_t i = 0; i < 2; i++)
        kv_fixture_send(&one.kv, &requests[i], weft_view_str("publish t a"));
    kv_fixture_fini(&one.kv);
    for (size_t i = 0; i < 2; i++) {
        struct weft_view reply = fake_request_reply(&requests[i]);
        assert_true(requests[i].ended);
        assert_true(reply.size > 3 && memcmp(reply.data, "504", 3) == 0);
        fake_request_fini(&requests[i]);
    }
    init_server(&one);
}

static void test_message_of_more_than_16_mib_is_refused(void **state)
{
    static const char begin_of_line[] = "publish t ";
    const size_t size = (16 << 20) + sizeof begin_of_line;
    struct fake_request request;
    char *line = malloc(size);
    (void)state;
    assert_non_null(line);
    memset(line, 'x', size);
    memcpy(line, begin_of_line, sizeof begin_of_line - 1);
    memset(&request, 0, sizeof request);
    kv_fixture_send(&one.kv, &request, weft_view(line, size));
    assert_true(request.ended);
    assert_memory_equal(fake_request_reply(&request).data, "413", 3);
    fake_request_fini(&request);
    free(line);
    assert_int_equal(tap.count, 0);
}

/* A message that was answered 200 comes. */
static void publish_without_memory(void *arg)
{
    struct fake_request request;
    (void)arg;
    memset(&request, 0, sizeof request);
    memset(&one.subscriber, 0, sizeof one.subscriber);
    kv_fixture_send(&one.kv, &one.subscriber, weft_view_str("subscribe t"));
    bool follows = one.subscriber.detached;
    assert_true(follows || fault_failed() > 0);
    kv_fixture_send(&other.kv, &request, weft_view_str("publish t a"));
    run();
    assert_true(request.ended);
    struct weft_view reply = fake_request_reply(&request);
    assert_true(reply.size > 3);
    bool is_done = memcmp(reply.data, "200", 3) == 0;
    assert_true(is_done || memcmp(reply.data, "503", 3) == 0);
    assert_true(is_done || fault_failed() > 0);
    assert_int_equal(one.subscriber.reply_count, is_done && follows ? 2 : 1);
    fake_request_fini(&request);
    if (follows)
        leave(&one);
    else
        fake_request_fini(&one.subscriber);
}

static void test_publishing_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(publish_without_memory, NULL);
}

/* A server that cannot hear the others does not start. */
static void start_without_memory(void *arg)
{
    static const struct weft_option_set none = {NULL, 0};
    const struct weft_kv_limits limits = weft_kv_limits_default();
    const struct weft_limits core = weft_limits_default();
    const struct weft_service *service = &weft_kv_line_service;
    struct weft_kv_context context;
    struct weft_loop *loop;
    struct weft_error error;
    (void)arg;
    if (weft_loop_new(&loop, 0) < 0)
        return;
    if (weft_kv_context_init(&context, store, &limits, NULL, &error) == 0) {
        void *config = calloc(1, service->config_size), *state = calloc(1, service->loop_size);
        assert_true(config && state);
        assert_int_equal(service->configure(config, &context, &none, &core, &error), 0);
        int err = service->start(state, config, loop);
        assert_true(err == 0 || (err == -ENOMEM && fault_failed() > 0));
        if (err == 0)
            service->stop(state);
        free(config);
        free(state);
    }
    weft_kv_context_fini(&context);
    weft_loop_free(loop);
}

static void test_starting_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(start_without_memory, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_message_comes_once_to_the_subscribers_of_all_servers),
        TEST(test_channel_and_payload_are_as_written),
        TEST(test_publishers_have_numbers_and_names_of_their_own),
        TEST(test_number_that_is_missing_is_a_gap_and_one_that_comes_late_is_dropped),
        TEST(test_many_publishers_do_not_hide_the_gap_of_a_busy_one),
        TEST(test_what_is_none_of_ours_is_ignored),
        TEST(test_values_that_were_published_together_all_come),
        TEST(test_subscription_that_was_made_again_tells_a_gap),
        TEST(test_message_that_was_not_sent_is_refused_and_leaves_no_gap),
        TEST(test_message_that_may_have_been_sent_is_unknown_and_told_if_it_was_not),
        TEST(test_session_that_ends_answers_its_messages),
        TEST(test_message_of_more_than_16_mib_is_refused),
        TEST(test_publishing_survives_every_failing_allocation),
        TEST(test_starting_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
