/* SPDX-License-Identifier: MIT
 *
 * Commands of one connection over a store whose operations overlap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "../../kv_fixture.h"
#include "core/base/settings.h"
#include "lib/late_store.h"
#include "lib/virtual_loop.h"

static void init(struct kv_fixture *fixture)
{
    static const struct weft_option_set none = {0};
    const struct weft_limits limits = weft_limits_default();
    kv_fixture_init_service(fixture, &weft_kv_resp_service, &none, &late_store_overlapping,
                            &limits);
}

static void test_commands_are_answered_in_their_order_whatever_ends_first(void **state)
{
    static const char *const commands[] = {"SET a 1", "HSET h f v", "GET a", "HGET h f",
                                           "GET h",   "DEL a",      "GET a"};
    static const char *const replies[] = {"+OK\r\n", ":1\r\n", "$1\r\n1\r\n", "$1\r\nv\r\n",
                                          NULL,      ":1\r\n", "$-1\r\n"};
    enum { COUNT = sizeof commands / sizeof *commands };
    (void)state;
    struct kv_fixture fixture;
    struct fake_request requests[COUNT];
    init(&fixture);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    for (int i = 0; i < LATE_DELAYS; i++)
        plan->delays[i] = 1000 * (LATE_DELAYS - i);
    for (size_t i = 0; i < COUNT; i++)
        kv_fixture_send(&fixture, &requests[i], weft_view_str(commands[i]));
    for (int i = 0; i < 100; i++)
        (void)virtual_loop_advance(fixture.loop, 1000);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(requests[i].ended);
        struct weft_view reply = fake_request_reply(&requests[i]);
        if (replies[i]) {
            assert_int_equal(reply.size, strlen(replies[i]));
            assert_memory_equal(reply.data, replies[i], reply.size);
        }
        fake_request_fini(&requests[i]);
    }
    kv_fixture_fini(&fixture);
}

/* Sends the commands, which are separated by commas, to a store whose operations overlap, and asserts how many of them
 * were under way together at most. */
static void assert_together(const char *commands, unsigned together)
{
    struct kv_fixture fixture;
    struct fake_request requests[8];
    size_t count = 0;
    init(&fixture);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    for (size_t i = 0; i < LATE_DELAYS; i++)
        plan->delays[i] = 1000;
    plan->later_delay = 1000;
    while (*commands) {
        size_t size = strcspn(commands, ",");
        kv_fixture_send(&fixture, &requests[count++], weft_view(commands, size));
        commands += size + (commands[size] == ',');
    }
    while (!requests[count - 1].ended)
        assert_true(virtual_loop_advance(fixture.loop, 1000));
    assert_int_equal(plan->most_in_flight, together);
    while (count > 0) {
        assert_true(requests[--count].ended);
        fake_request_fini(&requests[count]);
    }
    kv_fixture_fini(&fixture);
}

static void test_commands_that_use_other_keys_or_fields_are_under_way_together(void **state)
{
    (void)state;
    assert_together("SET a 1,SET b 1,INCR c,GET d,GET d", 5);
    assert_together("HSET h a 1,HSET h b 1,HINCRBY h c 1,HGET h d,HEXISTS h d", 5);
    assert_together("HSET a f 1,SET b 1,HDEL c f", 3);
}

static void test_commands_that_use_the_same_wait_for_each_other(void **state)
{
    (void)state;
    assert_together("SET a 1,SET a 2,INCR a,GET a", 1);
    assert_together("HSET h f 1,HGET h f,HINCRBY h f 1", 1);
    assert_together("HSET a f 1,SET a 1", 1);
    assert_together("HSET a f 1,GET a", 1);
    assert_together("SET a 1,DEL b,SET c 1", 1);
    assert_together("HSET h a 1 b 1,HSET h c 1", 1);
    assert_together("HSET h a 1,HLEN h", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_answered_in_their_order_whatever_ends_first),
        cmocka_unit_test(test_commands_that_use_other_keys_or_fields_are_under_way_together),
        cmocka_unit_test(test_commands_that_use_the_same_wait_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
