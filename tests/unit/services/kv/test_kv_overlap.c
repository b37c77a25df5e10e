/* SPDX-License-Identifier: MIT
 *
 * Commands of one connection that are under way together, over a store that does them in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/settings.h"
#include "kv_fixture.h"
#include "kv_message.h"
#include "lib/late_store.h"
#include "lib/virtual_loop.h"
#include "services/kv/session.h"

static const struct weft_view value_1 = {(const uint8_t *)"\x18\x01", 2};
static const struct weft_view value_2 = {(const uint8_t *)"\x18\x02", 2};

enum { MANY = 200, DELAY = 1000 };

static struct fake_request requests[MANY];
static size_t request_count;

static struct late_plan *begin(struct kv_fixture *fixture)
{
    kv_fixture_init(fixture, &late_store_overlapping);
    request_count = 0;
    struct late_plan *plan = late_store_plan(fixture->context.state);
    for (size_t i = 0; i < LATE_DELAYS; i++)
        plan->delays[i] = DELAY;
    plan->later_delay = DELAY;
    return plan;
}

/* Lets all that were asked be done. */
static void finish(struct kv_fixture *fixture)
{
    while (!requests[request_count - 1].ended)
        assert_true(virtual_loop_advance(fixture->loop, DELAY));
}

static void end(struct kv_fixture *fixture)
{
    while (request_count > 0)
        fake_request_fini(&requests[--request_count]);
    kv_fixture_fini(fixture);
}

static void ask(struct kv_fixture *fixture, struct weft_bytes payload)
{
    kv_fixture_send(fixture, &requests[request_count++], weft_view(payload.data, payload.size));
    free(payload.data);
}

static const char *key_of(size_t i)
{
    static char text[24];
    (void)snprintf(text, sizeof text, "key %zu", i);
    return text;
}

/* Says that request i is answered with that value; one without data: with none. */
static void expect(size_t i, struct weft_view value)
{
    assert_true(requests[i].ended);
    struct told told = told_of(fake_request_reply(&requests[i]));
    assert_int_equal(told.status, 200);
    assert_int_equal(told.value_count, 1);
    assert_true(weft_view_equal(told.values[0], value));
}

static void test_writes_of_different_keys_are_under_way_together(void **state)
{
    struct kv_fixture fixture;
    (void)state;
    const struct late_plan *plan = begin(&fixture);
    for (size_t i = 0; i < 16; i++)
        ask(&fixture, ask_hset("t", key_of(i), value_1));
    ask(&fixture, ask_hset("u", key_of(0), value_1));
    assert_int_equal(plan->in_flight, 17);
    finish(&fixture);
    for (size_t i = 0; i < 17; i++)
        expect(i, weft_view(NULL, 0));
    end(&fixture);
}

static void test_commands_of_one_key_are_done_in_their_order(void **state)
{
    struct kv_fixture fixture;
    (void)state;
    struct late_plan *plan = begin(&fixture);
    plan->delays[0] = 3 * DELAY;
    plan->delays[1] = 2 * DELAY;
    ask(&fixture, ask_hset("t", "k", value_1));
    ask(&fixture, ask_key(ASK_HGET, "t", "k"));
    ask(&fixture, ask_hset("t", "k", value_2));
    ask(&fixture, ask_key(ASK_HGET, "t", "k"));
    assert_int_equal(plan->submitted, 1);
    finish(&fixture);
    expect(0, weft_view(NULL, 0));
    expect(1, value_1);
    expect(2, value_1);
    expect(3, value_2);
    assert_int_equal(plan->most_in_flight, 1);
    end(&fixture);
}

static void test_reads_of_one_key_are_under_way_together(void **state)
{
    struct kv_fixture fixture;
    const struct weft_view keys[] = {weft_view_str("k"), weft_view_str("l")};
    (void)state;
    const struct late_plan *plan = begin(&fixture);
    ask(&fixture, ask_key(ASK_HGET, "t", "k"));
    ask(&fixture, ask_key(ASK_HEXIST, "t", "k"));
    ask(&fixture, ask_keys(ASK_HMGET, "t", keys, 2));
    assert_int_equal(plan->in_flight, 3);
    ask(&fixture, ask_hset("t", "k", value_1));
    assert_int_equal(plan->in_flight, 3);
    finish(&fixture);
    assert_true(requests[3].ended);
    end(&fixture);
}

/* A batch is not compared key by key. */
static void test_write_of_several_keys_is_alone(void **state)
{
    struct kv_fixture fixture;
    const struct ask_pair pairs[] = {{weft_view_str("a"), value_1}, {weft_view_str("b"), value_1}};
    (void)state;
    const struct late_plan *plan = begin(&fixture);
    ask(&fixture, ask_hset("t", "k", value_1));
    ask(&fixture, ask_pairs(ASK_HMSET, "t", pairs, 2));
    ask(&fixture, ask_hset("t", "l", value_1));
    assert_int_equal(plan->submitted, 1);
    assert_true(virtual_loop_advance(fixture.loop, DELAY));
    assert_int_equal(plan->submitted, 2);
    finish(&fixture);
    assert_int_equal(plan->most_in_flight, 1);
    end(&fixture);
}

static void test_walk_sees_what_was_written_before_it_and_nothing_later(void **state)
{
    struct kv_fixture fixture;
    (void)state;
    const struct late_plan *plan = begin(&fixture);
    ask(&fixture, ask_hset("t", "a", value_1));
    ask(&fixture, ask_hset("t", "b", value_1));
    ask(&fixture, ask_key(ASK_HGETALL, "t", ""));
    ask(&fixture, ask_hset("t", "c", value_1));
    assert_int_equal(plan->submitted, 2);
    finish(&fixture);
    struct told told = told_of(fake_request_reply(&requests[2]));
    assert_int_equal(told.pair_count, 2);
    assert_true(requests[3].ended);
    end(&fixture);
}

static void test_no_more_than_the_limit_are_under_way_together(void **state)
{
    struct kv_fixture fixture;
    (void)state;
    const struct late_plan *plan = begin(&fixture);
    for (size_t i = 0; i < MANY; i++)
        ask(&fixture, ask_hset("t", key_of(i), value_1));
    assert_int_equal(plan->in_flight, KV_SESSION_TOGETHER);
    finish(&fixture);
    for (size_t i = 0; i < MANY; i++)
        expect(i, weft_view(NULL, 0));
    assert_int_equal(plan->most_in_flight, KV_SESSION_TOGETHER);
    end(&fixture);
}

/* Their replies wait in memory if the peer reads none. */
static void test_fewer_are_under_way_together_where_replies_are_large(void **state)
{
    struct kv_fixture fixture;
    (void)state;
    struct weft_bytes value = string_value(KV_SESSION_TOGETHER_BYTES / 4, 'x');
    struct late_plan *plan = begin(&fixture);
    ask(&fixture, ask_hset("t", "k", weft_view(value.data, value.size)));
    ask(&fixture, ask_key(ASK_HGET, "t", "k"));
    finish(&fixture);
    plan->most_in_flight = 0;
    for (size_t i = 0; i < 16; i++)
        ask(&fixture, ask_key(ASK_HGET, "t", "k"));
    finish(&fixture);
    assert_int_equal(plan->most_in_flight, 4);
    for (size_t i = 0; i < MANY - 18; i++)
        ask(&fixture, ask_key(ASK_HEXIST, "t", "k"));
    finish(&fixture);
    assert_true(plan->most_in_flight > 30);
    free(value.data);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_of_different_keys_are_under_way_together),
        cmocka_unit_test(test_commands_of_one_key_are_done_in_their_order),
        cmocka_unit_test(test_reads_of_one_key_are_under_way_together),
        cmocka_unit_test(test_write_of_several_keys_is_alone),
        cmocka_unit_test(test_walk_sees_what_was_written_before_it_and_nothing_later),
        cmocka_unit_test(test_no_more_than_the_limit_are_under_way_together),
        cmocka_unit_test(test_fewer_are_under_way_together_where_replies_are_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
