/* SPDX-License-Identifier: MIT
 *
 * kv over stores that answer in a later turn, and over outputs that are full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/settings.h"
#include "kv_fixture.h"
#include "kv_message.h"
#include "lib/fault.h"
#include "lib/late_store.h"
#include "lib/virtual_loop.h"

static const struct weft_view value_1 = {(const uint8_t *)"\x18\x01", 2};
static const struct weft_view value_2 = {(const uint8_t *)"\x18\x02", 2};

static void send_bytes(struct kv_fixture *fixture, struct fake_request *request,
                       struct weft_bytes payload)
{
    kv_fixture_send(fixture, request, weft_view(payload.data, payload.size));
    free(payload.data);
}

/* Makes a request that the test changes before the call. */
static void init_request(struct fake_request *request, struct weft_bytes payload)
{
    fake_request_init(request, weft_view(payload.data, payload.size), WEFT_MIB(1));
    free(payload.data);
}

static void assert_value(const struct fake_request *request, struct weft_view value)
{
    assert_true(request->ended);
    struct told told = told_of(fake_request_reply(request));
    assert_int_equal(told.status, 200);
    assert_int_equal(told.value_count, 1);
    assert_true(weft_view_equal(told.values[0], value));
}

static void assert_status(const struct fake_request *request, unsigned status)
{
    assert_true(request->ended);
    struct told told = told_of(fake_request_reply(request));
    assert_int_equal(told.status, status);
}

static void test_unordered_store_gets_the_next_command_when_the_last_is_done(void **state)
{
    struct kv_fixture fixture;
    struct fake_request set, get;
    (void)state;
    kv_fixture_init(&fixture, &late_store_unordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    plan->delays[0] = 1000;
    send_bytes(&fixture, &set, ask_hset("t", "k", value_1));
    send_bytes(&fixture, &get, ask_key(ASK_HGET, "t", "k"));
    assert_int_equal(plan->submitted, 1);
    assert_false(get.ended);

    assert_true(virtual_loop_advance(fixture.loop, 1000));
    assert_value(&set, weft_view(NULL, 0));
    assert_value(&get, value_1);
    assert_int_equal(plan->most_in_flight, 1);
    fake_request_fini(&set);
    fake_request_fini(&get);
    kv_fixture_fini(&fixture);
}

static void test_ordered_store_gets_commands_at_once(void **state)
{
    struct kv_fixture fixture;
    struct fake_request requests[3];
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    for (int i = 0; i < 3; i++) {
        plan->delays[i] = 1000;
        send_bytes(&fixture, &requests[i], ask_key(ASK_HEXIST, "t", "k"));
    }
    assert_int_equal(plan->most_in_flight, 3);
    assert_true(virtual_loop_advance(fixture.loop, 1000));
    for (int i = 0; i < 3; i++) {
        assert_status(&requests[i], 200);
        fake_request_fini(&requests[i]);
    }
    kv_fixture_fini(&fixture);
}

static void test_line_of_waiting_commands_is_done_in_order(void **state)
{
    enum { COUNT = 20 };
    struct kv_fixture fixture;
    struct fake_request requests[COUNT];
    (void)state;
    kv_fixture_init(&fixture, &late_store_unordered);
    for (int i = 0; i < COUNT; i++)
        send_bytes(&fixture, &requests[i], ask_hset("t", "k", i % 2 ? value_2 : value_1));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    for (int i = 0; i < COUNT; i++) {
        struct weft_view old = i % 2 ? value_1 : value_2;
        assert_value(&requests[i], i == 0 ? weft_view(NULL, 0) : old);
        fake_request_fini(&requests[i]);
    }
    kv_fixture_fini(&fixture);
}

static void test_reads_are_answered_at_once_where_only_writes_are_late(void **state)
{
    struct kv_fixture fixture;
    struct fake_request set, get, all;
    (void)state;
    kv_fixture_init(&fixture, &late_store_reads_inline);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    send_bytes(&fixture, &set, ask_hset("t", "k", value_1));
    assert_false(set.ended);
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_status(&set, 200);

    send_bytes(&fixture, &get, ask_key(ASK_HGET, "t", "k"));
    assert_value(&get, value_1);
    send_bytes(&fixture, &all, ask_hscan("t", weft_view(NULL, 0), 10));
    assert_status(&all, 200);
    assert_int_equal(plan->submitted, 1);
    fake_request_fini(&set);
    fake_request_fini(&get);
    fake_request_fini(&all);
    kv_fixture_fini(&fixture);
}

static void test_read_behind_a_late_write_is_answered_after_it(void **state)
{
    struct kv_fixture fixture;
    struct fake_request set, get, again;
    (void)state;
    kv_fixture_init(&fixture, &late_store_reads_inline);
    late_store_plan(fixture.context.state)->delays[0] = 1000;
    late_store_plan(fixture.context.state)->delays[1] = 1000;
    send_bytes(&fixture, &set, ask_hset("t", "k", value_1));
    send_bytes(&fixture, &get, ask_key(ASK_HGET, "t", "k"));
    assert_false(get.ended);
    assert_true(virtual_loop_advance(fixture.loop, 1000));
    assert_status(&set, 200);
    assert_value(&get, value_1);

    send_bytes(&fixture, &again, ask_key(ASK_HGET, "t", "k"));
    assert_value(&again, value_1);
    fake_request_fini(&set);
    fake_request_fini(&get);
    fake_request_fini(&again);
    kv_fixture_fini(&fixture);
}

static void assert_outcome(enum kv_outcome outcome, unsigned status, const char *message)
{
    struct kv_fixture fixture;
    struct fake_request request;
    kv_fixture_init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    plan->forced = true;
    plan->outcome = outcome;
    send_bytes(&fixture, &request, ask_hset("t", "k", value_1));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    struct told told = told_of(fake_request_reply(&request));
    assert_int_equal(told.status, status);
    assert_true(weft_view_equal(told.message, weft_view_str(message)));
    assert_int_equal(told.value_count, 0);
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

static void test_store_outcomes_have_statuses(void **state)
{
    (void)state;
    assert_outcome(KV_FAILED, 500, "Store failed: nothing was changed");
    assert_outcome(KV_UNAVAILABLE, 503, "Store has no memory or is away: nothing was changed");
    assert_outcome(KV_UNKNOWN, 504, "Store did not answer: the command may have taken effect");
    assert_outcome(KV_FULL, 507, "Store is full: there is no room on its disk");
}

static void test_walk_that_fails_answers_no_pairs(void **state)
{
    struct kv_fixture fixture;
    struct fake_request request;
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    plan->forced = true;
    plan->outcome = KV_UNKNOWN;
    send_bytes(&fixture, &request, ask_key(ASK_HGETALL, "t", ""));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    struct told told = told_of(fake_request_reply(&request));
    assert_int_equal(told.status, 504);
    assert_true(weft_view_equal(told.message, weft_view_str("Store did not answer")));
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

static void test_store_without_walks_answers_hgetall_501(void **state)
{
    struct kv_fixture fixture;
    struct fake_request request;
    (void)state;
    kv_fixture_init(&fixture, &late_store_unordered);
    send_bytes(&fixture, &request, ask_key(ASK_HGETALL, "t", ""));
    assert_status(&request, 501);
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

/* Enough pairs for pages, through a store that does each in a turn of its own. */
static void test_hgetall_asks_for_page_after_page(void **state)
{
    enum { COUNT = 3000 };
    static char keys[COUNT][16];
    static struct ask_pair pairs[COUNT];
    struct kv_fixture fixture;
    struct fake_request set, all;
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "key %d", i);
        pairs[i] = (struct ask_pair){weft_view_str(keys[i]), value_1};
    }
    send_bytes(&fixture, &set, ask_pairs(ASK_HMSET, "t", pairs, COUNT));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    send_bytes(&fixture, &all, ask_key(ASK_HGETALL, "t", ""));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    struct told told = told_of(fake_request_reply(&all));
    assert_int_equal(told.pair_count, COUNT);
    assert_true(plan->submitted > 2);
    fake_request_fini(&set);
    fake_request_fini(&all);
    kv_fixture_fini(&fixture);
}

static void test_malformed_request_is_answered_without_waiting_in_line(void **state)
{
    struct kv_fixture fixture;
    struct fake_request set, bad;
    (void)state;
    kv_fixture_init(&fixture, &late_store_unordered);
    late_store_plan(fixture.context.state)->delays[0] = 1000;
    send_bytes(&fixture, &set, ask_hset("t", "k", value_1));
    kv_fixture_send(&fixture, &bad, weft_view("\x0A", 1));
    assert_false(set.ended);
    assert_status(&bad, 400);
    assert_true(bad.bad);
    assert_true(virtual_loop_advance(fixture.loop, 1000));
    fake_request_fini(&set);
    fake_request_fini(&bad);
    kv_fixture_fini(&fixture);
}

static void test_reply_that_has_to_wait_is_what_was_found_then(void **state)
{
    struct kv_fixture fixture;
    struct fake_request set, get, other;
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    plan->delays[1] = 1000;
    plan->delays[2] = 2000;
    send_bytes(&fixture, &set, ask_hset("t", "k", value_1));
    init_request(&get, ask_key(ASK_HGET, "t", "k"));
    get.refuse = 2;
    kv_fixture_call(&fixture, &get);
    send_bytes(&fixture, &other, ask_hset("t", "k", value_2));
    assert_true(virtual_loop_advance(fixture.loop, 2000));
    assert_false(get.ended);

    fake_request_drain(&get);
    assert_value(&get, value_1);
    fake_request_fini(&set);
    fake_request_fini(&get);
    fake_request_fini(&other);
    kv_fixture_fini(&fixture);
}

static void test_blob_that_has_to_wait_is_held_and_not_copied(void **state)
{
    struct kv_fixture fixture;
    struct fake_request set, get, del;
    struct weft_bytes value = string_value(5000, 'x');
    struct weft_view view = weft_view(value.data, value.size);
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    plan->delays[1] = 1000;
    plan->delays[2] = 2000;
    send_bytes(&fixture, &set, ask_hset("t", "k", view));
    init_request(&get, ask_key(ASK_HGET, "t", "k"));
    get.refuse = 1;
    kv_fixture_call(&fixture, &get);
    send_bytes(&fixture, &del, ask_key(ASK_HDEL, "t", "k"));
    assert_true(virtual_loop_advance(fixture.loop, 2000));
    virtual_loop_turn(fixture.loop);

    fake_request_drain(&get);
    assert_value(&get, view);
    assert_true(get.as_blob);
    fake_request_fini(&set);
    fake_request_fini(&get);
    fake_request_fini(&del);
    free(value.data);
    kv_fixture_fini(&fixture);
}

/* Sends a request whose reply is refused once, and advances until it waits for room. */
static void send_refused(struct kv_fixture *fixture, struct fake_request *request,
                         struct weft_bytes payload)
{
    init_request(request, payload);
    request->refuse = 1;
    kv_fixture_call(fixture, request);
    assert_true(virtual_loop_advance(fixture->loop, 0));
}

static void test_bad_request_that_has_to_wait_still_ends_as_bad(void **state)
{
    struct kv_fixture fixture;
    struct fake_request request;
    struct weft_bytes payload = {malloc(1), 1};
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    assert_non_null(payload.data);
    payload.data[0] = 0x0A;
    send_refused(&fixture, &request, payload);
    fake_request_drain(&request);
    assert_status(&request, 400);
    assert_true(request.bad);
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

static void test_reply_over_max_message_is_not_held_but_answered_413(void **state)
{
    struct kv_fixture fixture;
    struct fake_request set, get;
    struct weft_bytes value = string_value(1000, 'x');
    struct weft_view keys[] = {weft_view_str("k"), weft_view_str("k")};
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    send_bytes(&fixture, &set, ask_hset("t", "k", weft_view(value.data, value.size)));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    fixture.limits.max_message = 1500;
    send_refused(&fixture, &get, ask_keys(ASK_HMGET, "t", keys, 2));
    fake_request_drain(&get);
    struct told told = told_of(fake_request_reply(&get));
    assert_int_equal(told.status, 413);
    assert_true(weft_view_equal(
        told.message, weft_view_str("Reply is too big: 2015 bytes, max-message is 1500")));
    fake_request_fini(&set);
    fake_request_fini(&get);
    free(value.data);
    kv_fixture_fini(&fixture);
}

static void test_reply_that_cannot_be_held_for_memory_is_answered_503(void **state)
{
    struct kv_fixture fixture;
    struct fake_request request;
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    init_request(&request, ask_key(ASK_HEXIST, "t", "k"));
    request.refuse = 1;
    kv_fixture_call(&fixture, &request);
    fault_install();
    fault_arm(FAULT_FROM, 0);
    assert_true(virtual_loop_advance(fixture.loop, 0));
    fault_remove();
    fake_request_drain(&request);
    assert_status(&request, 503);
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

static void test_request_that_cannot_be_kept_is_answered_503_at_once(void **state)
{
    struct kv_fixture fixture;
    struct fake_request request;
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    init_request(&request, ask_key(ASK_HEXIST, "t", "k"));
    request.keep_fails = true;
    kv_fixture_call(&fixture, &request);
    assert_status(&request, 503);
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

static void test_request_of_a_connection_that_is_gone_still_ends(void **state)
{
    struct kv_fixture fixture;
    struct fake_request request;
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    send_bytes(&fixture, &request, ask_key(ASK_HEXIST, "t", "k"));
    request.gone = true;
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_true(request.ended);
    assert_int_equal(request.reply_count, 0);
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

/* Nothing is stored, nothing is left of the value, and the next command has its turn. */
static void test_command_that_a_layer_denies_is_not_done(void **state)
{
    static const struct kv_store *const stores[] = {NULL, &late_store_ordered,
                                                    &late_store_unordered};
    (void)state;
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        struct kv_fixture fixture;
        struct fake_request set, get;
        kv_fixture_init(&fixture, stores[i]);
        init_request(&set, ask_hset("t", "k", value_1));
        set.request.layers = &fixture;
        set.denied = true;
        kv_fixture_call(&fixture, &set);
        assert_true(set.ended && set.refused);
        assert_int_equal(set.why.cause, WEFT_REJECT_DENIED);
        assert_string_equal(set.asked, "hset");
        assert_int_equal(set.request.status, 403);
        init_request(&get, ask_key(ASK_HGET, "t", "k"));
        get.request.layers = &fixture;
        kv_fixture_call(&fixture, &get);
        while (!get.ended)
            assert_true(virtual_loop_advance(fixture.loop, 1000000000));
        assert_string_equal(get.asked, "hget");
        assert_int_equal(get.request.status, 404);
        assert_status(&get, 404);
        fake_request_fini(&set);
        fake_request_fini(&get);
        kv_fixture_fini(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unordered_store_gets_the_next_command_when_the_last_is_done),
        cmocka_unit_test(test_command_that_a_layer_denies_is_not_done),
        cmocka_unit_test(test_ordered_store_gets_commands_at_once),
        cmocka_unit_test(test_line_of_waiting_commands_is_done_in_order),
        cmocka_unit_test(test_reads_are_answered_at_once_where_only_writes_are_late),
        cmocka_unit_test(test_read_behind_a_late_write_is_answered_after_it),
        cmocka_unit_test(test_store_outcomes_have_statuses),
        cmocka_unit_test(test_walk_that_fails_answers_no_pairs),
        cmocka_unit_test(test_store_without_walks_answers_hgetall_501),
        cmocka_unit_test(test_hgetall_asks_for_page_after_page),
        cmocka_unit_test(test_malformed_request_is_answered_without_waiting_in_line),
        cmocka_unit_test(test_reply_that_has_to_wait_is_what_was_found_then),
        cmocka_unit_test(test_blob_that_has_to_wait_is_held_and_not_copied),
        cmocka_unit_test(test_bad_request_that_has_to_wait_still_ends_as_bad),
        cmocka_unit_test(test_reply_over_max_message_is_not_held_but_answered_413),
        cmocka_unit_test(test_reply_that_cannot_be_held_for_memory_is_answered_503),
        cmocka_unit_test(test_request_that_cannot_be_kept_is_answered_503_at_once),
        cmocka_unit_test(test_request_of_a_connection_that_is_gone_still_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
