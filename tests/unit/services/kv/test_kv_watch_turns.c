/* SPDX-License-Identifier: MIT
 *
 * Many watches of kv at once, as messages of proto/abi.proto: what a turn does for them, and what they cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kv_message.h"
#include "kv_watch_fixture.h"
#include "lib/virtual_loop.h"
#include "services/kv/turns.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_leave_the_order_of_replies),
        cmocka_unit_test(test_64_watches_are_served_in_a_turn),
        cmocka_unit_test(test_changes_that_a_turn_looks_at_are_bounded),
        cmocka_unit_test(test_versions_are_made_only_where_they_are_asked_for),
        cmocka_unit_test(test_too_many_watches_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
