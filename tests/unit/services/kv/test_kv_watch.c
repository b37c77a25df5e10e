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

#include "kv_message.h"
#include "kv_watch_fixture.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/stores.h"

#define WATCH "GET /v1/tables/t/changes HTTP/1.1\r\nHost: a\r\n\r\n"

static const int64_t second = 1000000000;

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
    command(&talk, "DELETE /v1/tables/t/keys/k", "");
    assert_string_equal(told(&talk), "id: N\ndata: {\"number\":N,\"change\":\"remove\","
                                     "\"table\":\"t\",\"key\":\"k\"}\n\n");
    set(&talk, "k", "v");
    (void)told(&talk);
    command(&talk, "DELETE /v1/tables/t", "");
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
    command(&talk, "PUT /v1/tables/t/keys/k", "");
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
        command(&talk, "PUT /v1/tables/other/keys/x", "1");
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
    command(&talk, "PUT /v1/tables/other/keys/x", "1");
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

/* The drain overtakes what the watch would be told in its next turn, or what waits for room. */
static void test_drain_comes_after_changes_that_were_made_before_it(void **state)
{
    (void)state;
    for (unsigned refused = 0; refused < 3; refused++) {
        static struct talk talk;
        open_talk(&talk, &weft_kv_http_service, NULL);
        start(&talk, WATCH);
        (void)told(&talk);
        talk.watch.refuse = refused;
        set(&talk, "a", "1");
        if (refused)
            settle(&talk);
        set(&talk, "b", "2");
        talk.watch.request.on_cancel(&talk.watch.request, WEFT_REASON_DRAINED);
        settle(&talk);
        fake_request_drain(&talk.watch);
        const char *text = told(&talk);
        assert_has(text, "\"key\":\"a\"");
        assert_has(strstr(text, "\"key\":\"a\""), "\"key\":\"b\"");
        assert_has(strstr(text, "\"key\":\"b\""), "event: end\ndata: {\"status\":503");
        assert_true(talk.watch.ended);
        close_talk(&talk);
    }
}

static struct kv_follow *follows; /* the watch's */
static bool hides;

/* A store whose changes are not seen on this loop yet, while `hides` is set. */
static int next_seen(void *session, struct kv_follow *follow, struct kv_change *change)
{
    follows = follow;
    return hides ? 0 : weft_kv_store_memory.next_change(session, follow, change);
}

static void test_drain_waits_for_changes_that_another_loop_has_answered(void **state)
{
    (void)state;
    static const struct weft_option_set none = {0};
    static struct talk talk;
    const struct weft_limits limits = weft_limits_default();
    struct kv_store store = weft_kv_store_memory;
    store.next_change = next_seen;
    hides = false;
    talk = (struct talk){0};
    kv_fixture_init_service(&talk.fixture, &weft_kv_http_service, &none, &store, &limits);
    start(&talk, WATCH);
    (void)told(&talk);
    hides = true;
    set(&talk, "a", "1");
    settle(&talk);
    talk.watch.request.on_cancel(&talk.watch.request, WEFT_REASON_DRAINED);
    assert_string_equal(told(&talk), "");
    assert_false(talk.watch.ended);
    hides = false;
    follows->ready(follows);
    const char *text = told(&talk);
    assert_has(text, "\"key\":\"a\"");
    assert_has(text, "event: end\ndata: {\"status\":503");
    assert_true(talk.watch.ended);
    close_talk(&talk);
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
        cmocka_unit_test(test_drain_comes_after_changes_that_were_made_before_it),
        cmocka_unit_test(test_drain_waits_for_changes_that_another_loop_has_answered),
        cmocka_unit_test(test_watch_that_is_not_allowed_any_more_ends),
        cmocka_unit_test(test_watch_that_is_not_allowed_does_not_begin),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
