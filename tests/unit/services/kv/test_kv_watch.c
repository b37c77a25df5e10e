/* SPDX-License-Identifier: MIT
 *
 * Watches of kv: what they tell when, over outputs that are full, and how they end. Those over HTTP can be read as text;
 * the messages of proto/abi.proto come from the same code. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kv_fixture.h"
#include "kv_message.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "services/kv/turns.h"

#define WATCH "GET /v1/tables/t/changes HTTP/1.1\r\nHost: a\r\n\r\n"

static const int64_t second = 1000000000;

struct talk {
    struct kv_fixture fixture;
    struct fake_request watch;
    size_t read; /* replies of the watch that were looked at */
    char text[1 << 16];
};

static void open_talk(struct talk *talk, const struct weft_service *service,
                      const struct weft_limits *limits)
{
    const struct weft_option_set none = {0};
    const struct weft_limits usual = weft_limits_default();
    *talk = (struct talk){0};
    kv_fixture_init_service(&talk->fixture, service, &none, NULL, limits ? limits : &usual);
}

static void close_talk(struct talk *talk)
{
    fake_request_fini(&talk->watch);
    kv_fixture_fini(&talk->fixture);
}

/* Makes a watch, which is called later. */
static void make_watch(struct talk *talk, const char *payload)
{
    fake_request_init(&talk->watch, weft_view_str(payload), talk->fixture.limits.decode_bytes);
}

static void start(struct talk *talk, const char *payload)
{
    make_watch(talk, payload);
    kv_fixture_call(&talk->fixture, &talk->watch);
}

static void settle(struct talk *talk)
{
    assert_true(virtual_loop_run_until_idle(talk->fixture.loop));
}

/* Returns what the watch was told since the last call, with N for each number of a change. */
static const char *told(struct talk *talk)
{
    size_t size = 0;
    settle(talk);
    for (; talk->read < talk->watch.reply_count; talk->read++) {
        const struct weft_bytes *reply = &talk->watch.replies[talk->read];
        for (size_t i = 0; i < reply->size && size < sizeof talk->text - 1;) {
            size_t digits = strspn((const char *)reply->data + i, "0123456789");
            digits = digits > reply->size - i ? reply->size - i : digits;
            if (digits >= 13)
                talk->text[size++] = 'N';
            else
                talk->text[size++] = (char)reply->data[i];
            i += digits >= 13 ? digits : 1;
        }
    }
    talk->text[size] = '\0';
    return talk->text;
}

static void ask(struct talk *talk, const char *line, const char *body)
{
    char payload[4096];
    snprintf(payload, sizeof payload, "%s HTTP/1.1\r\nHost: a\r\n\r\n%s", line, body);
    struct weft_bytes reply = kv_fixture_ask(&talk->fixture, weft_view_str(payload), NULL);
    free(reply.data);
}

static void set(struct talk *talk, const char *key, const char *value)
{
    char line[256];
    snprintf(line, sizeof line, "PUT /v1/tables/t/keys/%s", key);
    ask(talk, line, value);
}

/* A batch of so many keys, each of a value of `size` bytes. */
static void set_batch(struct talk *talk, unsigned count, unsigned size)
{
    static char payload[1 << 17];
    size_t at = (size_t)snprintf(payload, sizeof payload,
                                 "POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: "
                                 "application/x-ndjson\r\n\r\n[\"hmset\",\"t\"");
    for (unsigned i = 0; i < count; i++)
        at += (size_t)snprintf(payload + at, sizeof payload - at, ",\"%u\",\"%0*d\"", i, (int)size,
                               0);
    at += (size_t)snprintf(payload + at, sizeof payload - at, "]\n");
    struct weft_bytes reply = kv_fixture_ask(&talk->fixture, weft_view(payload, at), NULL);
    free(reply.data);
}

static void leave(struct talk *talk)
{
    if (talk->watch.ended)
        return;
    talk->watch.gone = true;
    talk->watch.owes_drain = false;
    talk->watch.request.on_cancel(&talk->watch.request, WEFT_REASON_PEER_RESET);
    assert_true(talk->watch.ended);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
}

static void test_events_are_told_as_they_come(void **state)
{
    (void)state;
    static struct talk talk;
    open_talk(&talk, &weft_kv_http_service, NULL);
    start(&talk, WATCH);
    assert_true(talk.watch.endless);
    assert_false(talk.watch.detached);
    const char *text = told(&talk);
    assert_has(text, "HTTP/1.1 200 OK\r\n");
    assert_has(text, "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n");
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\nid: N\n\n");
    set(&talk, "k", "v");
    assert_string_equal(told(&talk),
                        "id: N\ndata: {\"number\":N,\"change\":\"set\",\"table\":\"t\","
                        "\"key\":\"k\",\"value\":\"v\",\"version\":"
                        "\"7b6413250e0f9217b2f3b6bf8f9335bf\"}\n\n");
    ask(&talk, "DELETE /v1/tables/t/keys/k", "");
    assert_string_equal(told(&talk), "id: N\ndata: {\"number\":N,\"change\":\"remove\","
                                     "\"table\":\"t\",\"key\":\"k\"}\n\n");
    set(&talk, "k", "v");
    (void)told(&talk);
    ask(&talk, "DELETE /v1/tables/t", "");
    assert_string_equal(told(&talk),
                        "id: N\ndata: {\"number\":N,\"change\":\"drop\",\"table\":\"t\"}\n\n");
    leave(&talk);
    close_talk(&talk);
}

static void test_key_that_expires_is_told(void **state)
{
    (void)state;
    static struct talk talk;
    open_talk(&talk, &weft_kv_http_service, NULL);
    start(&talk, WATCH);
    ask(&talk, "PUT /v1/tables/t/keys/k", "");
    (void)told(&talk);
    struct weft_bytes reply = kv_fixture_ask(
        &talk.fixture,
        weft_view_str("PUT /v1/tables/t/keys/k HTTP/1.1\r\nHost: a\r\nWeft-Expires-In: 1\r\n\r\n"),
        NULL);
    free(reply.data);
    assert_has(told(&talk), ",\"expires\":N}\n\n");
    assert_true(virtual_loop_advance(talk.fixture.loop, 5 * second));
    assert_has(told(&talk), "{\"number\":N,\"change\":\"expire\",\"table\":\"t\",\"key\":\"k\"}");
    leave(&talk);
    close_talk(&talk);
}

static void test_watch_of_a_key_a_prefix_or_all_tables(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *told;
    } rows[] = {
        {"/v1/tables/t/changes?key=ab", "ab"},
        {"/v1/tables/t/changes?prefix=ab", "ab abc"},
        {"/v1/tables/t/changes?prefix=a%62", "ab abc"},
        {"/v1/tables/other/changes", "x"},
        {"/v1/changes", "a ab abc x"},
        {"/v1/changes?key=x", "x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct talk talk;
        char line[128], keys[64] = "";
        open_talk(&talk, &weft_kv_http_service, NULL);
        snprintf(line, sizeof line, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", rows[i].target);
        start(&talk, line);
        set(&talk, "a", "1");
        set(&talk, "ab", "1");
        set(&talk, "abc", "1");
        ask(&talk, "PUT /v1/tables/other/keys/x", "1");
        for (const char *at = told(&talk); (at = strstr(at, "\"key\":\"")); at += 7) {
            if (keys[0])
                strcat(keys, " ");
            strncat(keys, at + 7, strcspn(at + 7, "\""));
        }
        assert_string_equal(keys, rows[i].told);
        leave(&talk);
        close_talk(&talk);
    }
}

static void test_watch_goes_on_from_an_id(void **state)
{
    (void)state;
    static struct talk talk;
    char line[256];
    uint64_t id = 0;
    open_talk(&talk, &weft_kv_http_service, NULL);
    start(&talk, WATCH);
    set(&talk, "a", "1");
    settle(&talk);
    const struct weft_bytes *reply = &talk.watch.replies[talk.watch.reply_count - 1];
    snprintf(line, sizeof line, "%.*s", (int)reply->size, (const char *)reply->data);
    assert_int_equal(sscanf(line, "id: %" SCNu64, &id), 1);
    leave(&talk);
    fake_request_fini(&talk.watch);
    talk.read = 0;
    set(&talk, "b", "1");
    /* The field of a client that comes back counts more than the URL that it began with. */
    snprintf(line, sizeof line,
             "GET /v1/tables/t/changes?from=7 HTTP/1.1\r\nLast-Event-ID: %" PRIu64 "\r\n\r\n", id);
    start(&talk, line);
    const char *text = told(&talk);
    assert_has(text, "\"key\":\"b\"");
    assert_null(strstr(text, "\"key\":\"a\""));
    leave(&talk);
    close_talk(&talk);
}

static void expect_refused(const char *request, unsigned status, const char *text)
{
    static struct talk talk;
    char line[64];
    open_talk(&talk, &weft_kv_http_service, NULL);
    start(&talk, request);
    assert_true(talk.watch.ended);
    snprintf(line, sizeof line, "HTTP/1.1 %u ", status);
    const char *reply = told(&talk);
    assert_has(reply, line);
    assert_has(reply, text);
    close_talk(&talk);
}

static void test_bad_questions_are_refused(void **state)
{
    (void)state;
#define GET(target, fields)                                                                        \
    "GET /v1/tables/t/changes" target " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
    expect_refused(GET("?from=7", ""), 410, "Changes after number 7 are not kept any more");
    expect_refused(GET("", "Last-Event-ID: 7\r\n"), 410, "Changes after number 7");
    expect_refused(GET("?from=0", ""), 400, "from is a number from 1 on");
    expect_refused(GET("?from=x", ""), 400, "from is a number from 1 on");
    expect_refused(GET("?limit=1", ""), 400, "a parameter that is not known: key, prefix and from");
    expect_refused(GET("?key=a&prefix=a", ""), 400, "key and prefix: choose one");
    expect_refused(GET("?key=%", ""), 400, "a percent sign without two hex digits");
    expect_refused(GET("", "Last-Event-ID: x\r\n"), 400, "Last-Event-ID is not one");
    expect_refused("PUT /v1/changes HTTP/1.1\r\nHost: a\r\n\r\n", 405, "Allow: GET, HEAD, OPTIONS");
    expect_refused("GET /v1/tables/t/change HTTP/1.1\r\nHost: a\r\n\r\n", 404, "Nothing is here");
    expect_refused("HEAD /v1/changes HTTP/1.1\r\nHost: a\r\n\r\n", 200, "text/event-stream");
}

static void test_silence_is_broken_by_a_comment(void **state)
{
    (void)state;
    static struct talk talk;
    open_talk(&talk, &weft_kv_http_service, NULL);
    start(&talk, WATCH);
    (void)told(&talk);
    assert_true(virtual_loop_advance(talk.fixture.loop, 14 * second));
    assert_string_equal(told(&talk), "");
    assert_true(virtual_loop_advance(talk.fixture.loop, 31 * second));
    assert_string_equal(told(&talk), ":\n\n:\n\n:\n\n");
    /* One that finds no room waits for it, and no second one comes behind it. */
    talk.watch.refuse = 1;
    assert_true(virtual_loop_advance(talk.fixture.loop, 60 * second));
    assert_string_equal(told(&talk), "");
    fake_request_drain(&talk.watch);
    assert_string_equal(told(&talk), ":\n\n");
    leave(&talk);
    close_talk(&talk);
}

static void test_changes_of_others_are_told_as_a_number(void **state)
{
    (void)state;
    static struct talk talk;
    open_talk(&talk, &weft_kv_http_service, NULL);
    start(&talk, WATCH);
    (void)told(&talk);
    ask(&talk, "PUT /v1/tables/other/keys/x", "1");
    assert_string_equal(told(&talk), "");
    assert_true(virtual_loop_advance(talk.fixture.loop, second));
    assert_string_equal(told(&talk), "id: N\n\n");
    leave(&talk);
    close_talk(&talk);
}

/* The watch waits with one message, and then tells all. */
static void test_slow_reader_is_told_when_there_is_room(void **state)
{
    (void)state;
    static struct talk talk;
    open_talk(&talk, &weft_kv_http_service, NULL);
    start(&talk, WATCH);
    (void)told(&talk);
    talk.watch.refuse = 1;
    set(&talk, "a", "1");
    set(&talk, "b", "1");
    assert_string_equal(told(&talk), "");
    set(&talk, "c", "1");
    fake_request_drain(&talk.watch);
    const char *text = told(&talk);
    assert_has(text, "\"key\":\"a\"");
    assert_has(text, "\"key\":\"b\"");
    assert_has(text, "\"key\":\"c\"");
    leave(&talk);
    close_talk(&talk);
}

/* Messages are about 16 KiB, a batch may be more, and the changes of one have numbers that follow on each other. */
static void test_large_batch_comes_in_several_messages(void **state)
{
    (void)state;
    static struct talk talk;
    uint64_t last = 0, number;
    unsigned count = 0;
    open_talk(&talk, &weft_kv_http_service, NULL);
    start(&talk, WATCH);
    set_batch(&talk, 100, 600);
    settle(&talk);
    assert_true(talk.watch.reply_count > 3);
    for (size_t i = 1; i < talk.watch.reply_count; i++) {
        char *text = calloc(1, talk.watch.replies[i].size + 1);
        memcpy(text, talk.watch.replies[i].data, talk.watch.replies[i].size);
        for (const char *at = text; (at = strstr(at, "\"number\":")); at += 9, count++) {
            number = strtoull(at + 9, NULL, 10);
            assert_true(last == 0 || number == last + 1);
            last = number;
        }
        free(text);
    }
    assert_int_equal(count, 100);
    leave(&talk);
    close_talk(&talk);
}

static void test_change_over_max_message_ends_the_watch(void **state)
{
    (void)state;
    static struct talk talk;
    struct weft_limits limits = weft_limits_default();
    limits.max_message = 500;
    open_talk(&talk, &weft_kv_http_service, &limits);
    start(&talk, WATCH);
    set(&talk, "a", "1");
    set_batch(&talk, 1, 490);
    const char *text = told(&talk);
    assert_has(text, "\"key\":\"a\"");
    assert_has(text,
               "event: end\ndata: {\"status\":413,\"message\":\"A change is over max-message; "
               "the last number was N\"}\n\n");
    assert_true(talk.watch.ended);
    assert_int_equal(talk.watch.request.status, 413);
    close_talk(&talk);
}

static void test_drain_is_told(void **state)
{
    (void)state;
    for (unsigned refused = 0; refused < 2; refused++) {
        static struct talk talk;
        open_talk(&talk, &weft_kv_http_service, NULL);
        start(&talk, WATCH);
        (void)told(&talk);
        talk.watch.refuse = refused;
        talk.watch.request.on_cancel(&talk.watch.request, WEFT_REASON_DRAINED);
        if (refused) {
            talk.watch.request.on_cancel(&talk.watch.request, WEFT_REASON_DRAINED);
            assert_false(talk.watch.ended);
            fake_request_drain(&talk.watch);
        }
        assert_has(told(&talk), "event: end\ndata: {\"status\":503,\"message\":\"The server is "
                                "shutting down; the last number was N\"}\n\n");
        assert_true(talk.watch.ended);
        close_talk(&talk);
    }
}

/* The rules have changed since it began. */
static void test_watch_that_is_not_allowed_any_more_ends(void **state)
{
    (void)state;
    static struct talk talk;
    static const char layers[1];
    open_talk(&talk, &weft_kv_http_service, NULL);
    make_watch(&talk, WATCH);
    talk.watch.request.layers = layers;
    kv_fixture_call(&talk.fixture, &talk.watch);
    assert_string_equal(talk.watch.asked, "watch");
    set(&talk, "a", "1");
    assert_has(told(&talk), "\"key\":\"a\"");
    talk.watch.denied = true;
    set(&talk, "b", "1");
    assert_string_equal(told(&talk), "event: end\ndata: {\"status\":403,\"message\":\"The watch is "
                                     "not allowed any more; the last number was N\"}\n\n");
    assert_true(talk.watch.ended);
    close_talk(&talk);
}

static void test_watch_that_is_not_allowed_does_not_begin(void **state)
{
    (void)state;
    static struct talk talk;
    static const char layers[1];
    open_talk(&talk, &weft_kv_http_service, NULL);
    make_watch(&talk, WATCH);
    talk.watch.request.layers = layers;
    talk.watch.denied = true;
    kv_fixture_call(&talk.fixture, &talk.watch);
    assert_true(talk.watch.refused);
    close_talk(&talk);
}

/* {watch: {table: "t"}}, as proto/abi.proto has it. */
static const char watch_message[] = "\xba\x01\x03\x0a\x01t";

static void test_messages_leave_the_order_of_replies(void **state)
{
    (void)state;
    static struct talk talk;
    open_talk(&talk, &weft_kv_service, NULL);
    start(&talk, watch_message);
    assert_true(talk.watch.detached);
    assert_int_equal(talk.watch.reply_count, 1);
    struct weft_bytes ask = ask_hset("t", "k", (struct weft_view){(const uint8_t *)"\x18\x01", 2});
    struct weft_bytes reply = kv_fixture_ask(&talk.fixture, weft_view(ask.data, ask.size), NULL);
    settle(&talk);
    assert_int_equal(talk.watch.reply_count, 2);
    assert_false(talk.watch.ended);
    talk.watch.request.on_cancel(&talk.watch.request, WEFT_REASON_DRAINED);
    assert_int_equal(told_of(fake_request_reply(&talk.watch)).status, 503);
    free(ask.data);
    free(reply.data);
    close_talk(&talk);
}

/* Sets a key to 1. */
static void set_in(struct talk *talk, const char *table)
{
    struct weft_bytes ask =
        ask_hset(table, "k", (struct weft_view){(const uint8_t *)"\x18\x01", 2});
    struct weft_bytes reply = kv_fixture_ask(&talk->fixture, weft_view(ask.data, ask.size), NULL);
    free(ask.data);
    free(reply.data);
}

/* Calls many watches, whose number is `count`. */
static struct fake_request *start_many(struct talk *talk, size_t count, const char *payload)
{
    struct fake_request *watches = calloc(count, sizeof *watches);
    assert_non_null(watches);
    for (size_t i = 0; i < count; i++) {
        fake_request_init(&watches[i], weft_view_str(payload), talk->fixture.limits.decode_bytes);
        kv_fixture_call(&talk->fixture, &watches[i]);
    }
    settle(talk);
    return watches;
}

static void leave_many(struct fake_request *watches, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        watches[i].gone = true;
        watches[i].request.on_cancel(&watches[i].request, WEFT_REASON_PEER_RESET);
        fake_request_fini(&watches[i]);
    }
    free(watches);
}

static size_t count_told(const struct fake_request *watches, size_t count)
{
    size_t told = 0;
    for (size_t i = 0; i < count; i++)
        told += watches[i].reply_count - 1;
    return told;
}

static void test_64_watches_are_served_in_a_turn(void **state)
{
    (void)state;
    enum { COUNT = 150 };
    static struct talk talk;
    open_talk(&talk, &weft_kv_service, NULL);
    struct fake_request *watches = start_many(&talk, COUNT, watch_message);
    set_in(&talk, "t");
    unsigned turns = 0;
    for (size_t before = 0, now; (now = count_told(watches, COUNT)) < COUNT; before = now) {
        assert_true(now - before <= KV_TURN_COUNT);
        turns += now > before;
        virtual_loop_turn(talk.fixture.loop);
    }
    assert_int_equal(turns, COUNT / KV_TURN_COUNT);
    leave_many(watches, COUNT);
    close_talk(&talk);
}

/* Sets so many keys at once. */
static void set_many_in(struct talk *talk, const char *table, size_t count)
{
    struct ask_pair *pairs = calloc(count, sizeof *pairs);
    char(*keys)[24] = calloc(count, sizeof *keys);
    assert_true(pairs && keys);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%zu", i);
        pairs[i] = (struct ask_pair){weft_view_str(keys[i]), weft_view("\x18\x01", 2)};
    }
    struct weft_bytes ask = ask_pairs(ASK_HMSET, table, pairs, count);
    struct weft_bytes reply = kv_fixture_ask(&talk->fixture, weft_view(ask.data, ask.size), NULL);
    assert_int_equal(told_of(weft_view(reply.data, reply.size)).status, 200);
    free(ask.data);
    free(reply.data);
    free(pairs);
    free(keys);
}

/* Nothing is told before the last one, because they are of another table. */
static void test_changes_that_a_turn_looks_at_are_bounded(void **state)
{
    (void)state;
    enum {
        COUNT = 10,
        CHANGES = 8000,
        EACH = 1000, /* that a step looks at */
        TURNS = COUNT * CHANGES / KV_TURN_CHANGES
    };
    static struct talk talk;
    open_talk(&talk, &weft_kv_service, NULL);
    struct fake_request *watches = start_many(&talk, COUNT, watch_message);
    set_many_in(&talk, "other", CHANGES);
    set_in(&talk, "t");
    unsigned turns = 2; /* of these calls */
    for (; count_told(watches, COUNT) < COUNT; turns++)
        virtual_loop_turn(talk.fixture.loop);
    /* A step may begin with one change less than the bound. */
    assert_in_range(turns, TURNS * KV_TURN_CHANGES / (KV_TURN_CHANGES + EACH), 2 * TURNS);
    leave_many(watches, COUNT);
    close_talk(&talk);
}

/* Returns the size of the reply that tells a value. */
static size_t size_of_change(const char *message)
{
    static struct talk talk;
    open_talk(&talk, &weft_kv_service, NULL);
    start(&talk, message);
    struct weft_bytes ask = ask_hset("t", "k", (struct weft_view){(const uint8_t *)"\x18\x01", 2});
    struct weft_bytes reply = kv_fixture_ask(&talk.fixture, weft_view(ask.data, ask.size), NULL);
    settle(&talk);
    assert_int_equal(talk.watch.reply_count, 2);
    size_t size = talk.watch.replies[1].size;
    leave(&talk);
    free(ask.data);
    free(reply.data);
    close_talk(&talk);
    return size;
}

static void test_versions_are_made_only_where_they_are_asked_for(void **state)
{
    (void)state;
    /* The tag of a field, its length and 16 bytes. */
    assert_int_equal(size_of_change("\xba\x01\x05\x0a\x01t\x38\x01"),
                     size_of_change(watch_message) + 18);
}

static void test_too_many_watches_are_refused(void **state)
{
    (void)state;
    static struct talk talk;
    open_talk(&talk, &weft_kv_service, NULL);
    make_watch(&talk, watch_message);
    talk.watch.cannot_detach = true;
    kv_fixture_call(&talk.fixture, &talk.watch);
    assert_int_equal(told_of(fake_request_reply(&talk.watch)).status, 429);
    close_talk(&talk);
}

/* Each allocation fails once: the watch is refused, or ends and says so, and nothing is left. */
static void test_every_failing_allocation_is_survived(void **state)
{
    (void)state;
    size_t failed = 1;
    fault_install();
    for (size_t n = 0; failed > 0; n++) {
        static struct talk talk;
        open_talk(&talk, &weft_kv_http_service, NULL);
        make_watch(&talk, WATCH);
        fault_arm(FAULT_ONE, n);
        kv_fixture_call(&talk.fixture, &talk.watch);
        set_batch(&talk, 60, 600);
        set(&talk, "other", "1");
        bool is_idle = virtual_loop_run_until_idle(talk.fixture.loop);
        failed = fault_failed();
        fault_disarm();
        assert_true(is_idle);
        assert_true(talk.watch.reply_count > 0);
        assert_true(failed > 0 || !talk.watch.ended);
        leave(&talk);
        close_talk(&talk);
        assert_int_equal(fault_live(), 0);
    }
    fault_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_told_as_they_come),
        cmocka_unit_test(test_key_that_expires_is_told),
        cmocka_unit_test(test_watch_of_a_key_a_prefix_or_all_tables),
        cmocka_unit_test(test_watch_goes_on_from_an_id),
        cmocka_unit_test(test_bad_questions_are_refused),
        cmocka_unit_test(test_silence_is_broken_by_a_comment),
        cmocka_unit_test(test_changes_of_others_are_told_as_a_number),
        cmocka_unit_test(test_slow_reader_is_told_when_there_is_room),
        cmocka_unit_test(test_large_batch_comes_in_several_messages),
        cmocka_unit_test(test_change_over_max_message_ends_the_watch),
        cmocka_unit_test(test_drain_is_told),
        cmocka_unit_test(test_watch_that_is_not_allowed_any_more_ends),
        cmocka_unit_test(test_watch_that_is_not_allowed_does_not_begin),
        cmocka_unit_test(test_messages_leave_the_order_of_replies),
        cmocka_unit_test(test_64_watches_are_served_in_a_turn),
        cmocka_unit_test(test_changes_that_a_turn_looks_at_are_bounded),
        cmocka_unit_test(test_versions_are_made_only_where_they_are_asked_for),
        cmocka_unit_test(test_too_many_watches_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
