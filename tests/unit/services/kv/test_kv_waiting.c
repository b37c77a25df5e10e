/* SPDX-License-Identifier: MIT
 *
 * Memory that kv keeps while a store is slow is counted and bounded. */
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

enum { PAIRS = 5000, ARENA = 20000 /* what an arena takes at first, and a little more */ };

static const struct weft_view value_1 = {(const uint8_t *)"\x18\x01", 2};

/* A request whose arena is counted, as the core counts those of a connection. */
struct counted {
    struct fake_request fake;
    size_t kept;
};

static void send_counted(struct kv_fixture *fixture, struct counted *request, unsigned refuse,
                         struct weft_bytes payload)
{
    request->kept = 0;
    fake_request_init(&request->fake, weft_view(payload.data, payload.size), WEFT_MIB(1));
    free(payload.data);
    weft_arena_count(&request->fake.arena, &request->kept);
    request->fake.refuse = refuse;
    kv_fixture_call(fixture, &request->fake);
}

static struct told told_by(const struct counted *request)
{
    assert_true(request->fake.ended);
    return told_of(fake_request_reply(&request->fake));
}

static void assert_status(const struct counted *request, unsigned status)
{
    assert_int_equal(told_by(request).status, status);
}

static void fini(struct counted *request)
{
    fake_request_fini(&request->fake);
    assert_int_equal(request->kept, 0);
}

/* Stores PAIRS keys in the table "t"; value is packed. */
static const struct weft_view *store_pairs(struct kv_fixture *fixture, struct weft_view value)
{
    static char names[PAIRS][16];
    static struct weft_view keys[PAIRS];
    static struct ask_pair pairs[PAIRS];
    struct fake_request request;
    for (int i = 0; i < PAIRS; i++) {
        (void)snprintf(names[i], sizeof names[i], "%d", i);
        keys[i] = weft_view_str(names[i]);
        pairs[i] = (struct ask_pair){keys[i], value};
    }
    struct weft_bytes payload = ask_pairs(ASK_HMSET, "t", pairs, PAIRS);
    kv_fixture_send(fixture, &request, weft_view(payload.data, payload.size));
    free(payload.data);
    assert_true(virtual_loop_advance(fixture->loop, 0));
    fake_request_fini(&request);
    return keys;
}

static void test_values_that_a_slow_store_has_not_taken_yet_are_counted(void **state)
{
    enum { SIZE = 100000 };
    struct kv_fixture fixture;
    struct counted set;
    struct weft_bytes value = string_value(SIZE, 'x');
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    send_counted(&fixture, &set, 0, ask_hset("t", "k", weft_view(value.data, value.size)));
    assert_in_range(set.kept, SIZE, SIZE + ARENA);
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_status(&set, 200);
    fini(&set);
    free(value.data);
    kv_fixture_fini(&fixture);
}

static void test_pairs_of_a_walk_are_counted_while_it_goes_on(void **state)
{
    enum { SIZE = 100 };
    struct kv_fixture fixture;
    struct counted walk;
    struct weft_bytes value = string_value(SIZE, 'x');
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    (void)store_pairs(&fixture, weft_view(value.data, value.size));
    plan->submitted = 0;
    plan->delays[1] = 1000; /* the second page */
    send_counted(&fixture, &walk, 0, ask_key(ASK_HGETALL, "t", ""));
    size_t before = walk.kept;
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_false(walk.fake.ended);
    assert_in_range(walk.kept, before + 1000 * SIZE, before + PAIRS * 2 * SIZE);
    assert_true(virtual_loop_advance(fixture.loop, 1000));
    assert_int_equal(told_by(&walk).pair_count, PAIRS);
    fini(&walk);
    free(value.data);
    kv_fixture_fini(&fixture);
}

static void test_reply_that_waits_for_room_is_counted(void **state)
{
    enum { SIZE = 50000 };
    struct kv_fixture fixture;
    struct counted set, get;
    struct weft_bytes value = string_value(SIZE, 'x');
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    send_counted(&fixture, &set, 0, ask_hset("t", "k", weft_view(value.data, value.size)));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    fini(&set);
    send_counted(&fixture, &get, 1, ask_key(ASK_HGET, "t", "k"));
    assert_in_range(get.kept, 0, SIZE - 1);
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_in_range(get.kept, SIZE, SIZE + ARENA);
    fake_request_drain(&get.fake);
    assert_status(&get, 200);
    fini(&get);
    free(value.data);
    kv_fixture_fini(&fixture);
}

/* The connection is gone, or the peer has reset the call: no room comes any more. */
static void test_reply_that_waits_for_room_ends_when_it_is_cancelled(void **state)
{
    struct kv_fixture fixture;
    struct counted set, get;
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    send_counted(&fixture, &set, 0, ask_hset("t", "k", value_1));
    send_counted(&fixture, &get, 1, ask_key(ASK_HGET, "t", "k"));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_false(get.fake.ended);
    get.fake.owes_drain = false;
    get.fake.gone = true;
    get.fake.request.on_cancel(&get.fake.request, WEFT_REASON_PEER_RESET);
    assert_true(get.fake.ended);
    fini(&set);
    fini(&get);
    kv_fixture_fini(&fixture);
}

static void test_stream_whose_reply_waits_holds_up_no_other(void **state)
{
    struct kv_fixture fixture;
    struct counted slow, quick;
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    struct weft_bytes payload = ask_key(ASK_HGET, "t", "k");
    fake_request_init(&slow.fake, weft_view(payload.data, payload.size), WEFT_MIB(1));
    free(payload.data);
    slow.kept = 0;
    slow.fake.refuse = 1;
    slow.fake.request.stream = 1;
    kv_fixture_call(&fixture, &slow.fake);
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_false(slow.fake.ended);
    send_counted(&fixture, &quick, 0, ask_key(ASK_HGET, "t", "k"));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_status(&quick, 404);
    fake_request_drain(&slow.fake);
    assert_status(&slow, 404);
    fini(&slow);
    fini(&quick);
    kv_fixture_fini(&fixture);
}

/* Else each of a thousand commands in flight could add a reply as large as they come. */
static void test_nothing_is_submitted_while_a_reply_waits_for_room(void **state)
{
    struct kv_fixture fixture;
    struct counted first, second, third;
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    send_counted(&fixture, &first, 2, ask_key(ASK_HEXIST, "t", "k"));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    send_counted(&fixture, &second, 0, ask_hset("t", "k", value_1));
    send_counted(&fixture, &third, 0, ask_key(ASK_HEXIST, "t", "k"));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_int_equal(plan->submitted, 1);

    fake_request_drain(&first.fake);
    assert_int_equal(plan->submitted, 3);
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_status(&second, 200);
    assert_true(weft_view_equal(told_by(&third).values[0], weft_view("\x28\x01", 2)));
    fini(&first);
    fini(&second);
    fini(&third);
    kv_fixture_fini(&fixture);
}

/* It may be answered before commands that are in the queue, which must not wait for it. */
static void test_refusal_that_waits_for_room_holds_up_no_command(void **state)
{
    struct kv_fixture fixture;
    struct counted exist, bad;
    struct weft_bytes payload = {malloc(1), 1};
    (void)state;
    kv_fixture_init(&fixture, &late_store_unordered);
    assert_non_null(payload.data);
    payload.data[0] = 0x0A;
    send_counted(&fixture, &bad, 1, payload);
    send_counted(&fixture, &exist, 0, ask_key(ASK_HEXIST, "t", "k"));
    assert_true(virtual_loop_advance(fixture.loop, 0));
    assert_status(&exist, 200);
    fake_request_drain(&bad.fake);
    assert_status(&bad, 400);
    fini(&exist);
    fini(&bad);
    kv_fixture_fini(&fixture);
}

/* Commands of a connection take effect in their order, and a walk is many operations. */
static void test_no_later_command_takes_effect_in_the_middle_of_a_walk(void **state)
{
    struct kv_fixture fixture;
    struct counted walk, del, page, get;
    (void)state;
    kv_fixture_init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    const struct weft_view *keys = store_pairs(&fixture, value_1);
    plan->submitted = 0;
    plan->delays[1] = 1000; /* the second page */
    send_counted(&fixture, &walk, 0, ask_key(ASK_HGETALL, "t", ""));
    send_counted(&fixture, &del, 0, ask_keys(ASK_HMDEL, "t", keys, PAIRS));
    send_counted(&fixture, &page, 0, ask_hscan("t", weft_view(NULL, 0), 0));
    send_counted(&fixture, &get, 0, ask_key(ASK_HEXIST, "t", "0"));
    assert_true(virtual_loop_advance(fixture.loop, 1000));
    assert_true(virtual_loop_advance(fixture.loop, 1000));
    assert_int_equal(told_by(&walk).pair_count, PAIRS);
    assert_int_equal(told_by(&del).value_count, PAIRS);
    assert_int_equal(told_by(&page).pair_count, 0);
    assert_true(weft_view_equal(told_by(&get).values[0], weft_view("\x28\x00", 2)));
    fini(&walk);
    fini(&del);
    fini(&page);
    fini(&get);
    kv_fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_that_a_slow_store_has_not_taken_yet_are_counted),
        cmocka_unit_test(test_pairs_of_a_walk_are_counted_while_it_goes_on),
        cmocka_unit_test(test_reply_that_waits_for_room_is_counted),
        cmocka_unit_test(test_reply_that_waits_for_room_ends_when_it_is_cancelled),
        cmocka_unit_test(test_stream_whose_reply_waits_holds_up_no_other),
        cmocka_unit_test(test_nothing_is_submitted_while_a_reply_waits_for_room),
        cmocka_unit_test(test_refusal_that_waits_for_room_holds_up_no_command),
        cmocka_unit_test(test_no_later_command_takes_effect_in_the_middle_of_a_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
