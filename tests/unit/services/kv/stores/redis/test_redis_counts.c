/* SPDX-License-Identifier: MIT
 *
 * The metrics of the store on Redis: each of them is moved here. */
#include "redis_world.h"

#include "core/base/compiler.h"
#include "lib/sample_text.h"

#define ONE   "10.0.0.1:7000"
#define TWO   "10.0.0.2:7000"
#define WHERE "//" ONE

static struct test_call a, b, c;
static struct script_end *node;

static int setup(void **state)
{
    a = b = c = (struct test_call){0};
    node = NULL;
    int err = world_setup(state);
    node_listen(ONE);
    node_listen(TWO);
    return err;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

static double count_of(const char *name)
{
    static struct sample_text text;
    sample_text_init(&text);
    kv_redis_collect(world.shared, &text.samples);
    return sample_text_sum(&text, name, (const char *const[]){NULL});
}

#define assert_count(name, expected) assert_true(count_of(name) == (expected))

static void start(const char *options)
{
    world_start(true, WHERE, options);
    node = node_accept(ONE);
}

static void test_calls_connections_and_bytes_are_counted(void **state)
{
    (void)state;
    start(NULL);
    assert_count("weft_redis_connects", 1);
    assert_count("weft_redis_connections", 1);
    double sent = count_of("weft_redis_sent_bytes");
    double received = count_of("weft_redis_received_bytes");
    submit(&a, "a", 1, "GET k", "");
    assert_count("weft_redis_calls", 1);
    assert_count("weft_redis_pending", 1);
    expect_commands(node, "GET k");
    node_say(node, "$1\r\nv\r\n");
    expect_log("a=v");
    assert_count("weft_redis_pending", 0);
    assert_true(count_of("weft_redis_sent_bytes") > sent);
    assert_count("weft_redis_received_bytes", received + (double)strlen("$1\r\nv\r\n"));
    assert_count("weft_redis_breaks", 0);
    node_close(node);
    world_turns();
    assert_count("weft_redis_connections", 0);
    assert_count("weft_redis_breaks", 1);
}

static void test_calls_without_an_effect_or_with_an_unknown_one_are_counted(void **state)
{
    (void)state;
    start("?max-calls=2");
    submit(&a, "a", 1, "SET k v", "w");
    submit(&b, "b", 1, "GET k", "");
    submit(&c, "c", 1, "SET k v", "w");
    expect_log("c=!");
    assert_count("weft_redis_calls_unavailable", 1);
    assert_count("weft_redis_calls_unknown", 0);
    expect_commands(node, "SET k v|GET k");
    node_close(node);
    expect_log("a=?");
    assert_count("weft_redis_calls_unavailable", 1);
    assert_count("weft_redis_calls_unknown", 1);
}

static void test_call_that_is_tried_again_is_counted(void **state)
{
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "SET k v", "w");
    expect_commands(node, "SET k v");
    node_say(node, "-LOADING Redis is loading the dataset in memory\r\n");
    world_pass(MS(20));
    assert_count("weft_redis_tried_again", 1);
    expect_commands(node, "SET k v");
    node_say(node, "+OK\r\n");
    expect_log("a=OK");
    assert_count("weft_redis_tried_again", 1);
}

static void test_maps_masters_and_redirections_are_counted(void **state)
{
    (void)state;
    world_start(false, WHERE, NULL);
    node = node_accept(ONE);
    expect_commands(node, "CLUSTER SLOTS");
    node_say(node, "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$8\r\n10.0.0.1\r\n:7000\r\n$1\r\nx\r\n");
    assert_count("weft_redis_slot_maps", 1);
    assert_count("weft_redis_masters", 1);
    assert_count("weft_redis_moved", 0);
    submit(&a, "a", 1, "GET k", "");
    expect_commands(node, "GET k");
    node_say(node, "-MOVED 1 " TWO "\r\n");
    assert_count("weft_redis_moved", 1);
    assert_count("weft_redis_masters", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_calls_connections_and_bytes_are_counted),
        TEST(test_calls_without_an_effect_or_with_an_unknown_one_are_counted),
        TEST(test_call_that_is_tried_again_is_counted),
        TEST(test_maps_masters_and_redirections_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
