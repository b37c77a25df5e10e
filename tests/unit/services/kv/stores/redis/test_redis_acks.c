/* SPDX-License-Identifier: MIT
 *
 * One node: writes that are answered when replicas or the disk have them too. */
#include "redis_single_fixture.h"

static void test_writes_of_a_turn_share_one_wait_that_delays_no_read(void **state)
{
    (void)state;
    start("?ack=replica(2,300)");
    submit(&a, "a", 1, "SET k v", "a");
    submit(&b, "b", 1, "SET l v", "a");
    submit(&c, "c", 1, "GET k", "");
    struct script_end *writes = node_accept(NODE);
    expect_commands(node, "GET k");
    expect_commands(writes, "SET k v|SET l v|WAIT 2 300");
    node_say(writes, "+OK\r\n*1\r\n$1\r\nx\r\n");
    node_say(node, "$1\r\nv\r\n");
    expect_log("c=v");
    node_say(writes, ":2\r\n");
    expect_log("a=OK b=[x]");
    submit(&c, "c", 1, "SET k w", "w");
    expect_commands(node, "SET k w");
}

static void test_write_with_too_few_replicas_is_unknown(void **state)
{
    static const char *const waits[] = {":1\r\n", "-ERR WAIT cannot be used\r\n",
                                        "-UNBLOCKED force unblock\r\n"};
    (void)state;
    start("?ack=replica(2)");
    submit(&a, "a", 1, "SET k v", "a");
    struct script_end *writes = node_accept(NODE);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        expect_commands(writes, "SET k v|WAIT 2 1000");
        node_say(writes, "+OK\r\n");
        expect_log("");
        node_say(writes, waits[i]);
        expect_log("a=?");
        submit(&a, "a", 1, "SET k v", "a");
    }
    /* An error needs no replica, and a connection that breaks leaves the write unknown. */
    world_turns();
    node_say(writes, "-OOM no\r\n");
    expect_log("a=-OOM no");
    node_say(writes, ":0\r\n");
    submit(&a, "a", 1, "SET k v", "a");
    submit(&b, "b", 1, "SET k v", "a");
    submit(&c, "c", 1, "GET k", "");
    world_turns();
    node_say(writes, "+OK\r\n+OK\r\n");
    assert_true(kv_redis_cancel(world.cluster, &b.call));
    node_close(writes);
    expect_log("a=?");
    node_say(node, "$-1\r\n");
    expect_log("c=nil");
}

static void test_write_that_waits_too_long_for_replicas_is_unknown(void **state)
{
    (void)state;
    start("?ack=replica(1,3000)&timeout=1");
    submit(&a, "a", 1, "SET k v", "a");
    struct script_end *writes = node_accept(NODE);
    node_say(writes, "+OK\r\n");
    world_pass(MS(1001));
    expect_log("a=?");
    node_say(writes, ":1\r\n");
    expect_log("");
}

static void test_writes_for_replicas_wait_until_the_scripts_are_loaded(void **state)
{
    (void)state;
    script_load = (struct test_call){0};
    world.node_up = load;
    world_start(true, WHERE, "?ack=replica");
    submit(&a, "a", 1, "EVALSHA x 0", "a");
    node = node_take(NODE);
    struct script_end *writes = node_accept(NODE);
    expect_commands(writes, "");
    expect_commands(node, "PING");
    node_say(node, "+PONG\r\n");
    expect_commands(node, "SCRIPT LOAD x");
    expect_commands(writes, "");
    node_say(node, "$1\r\nx\r\n");
    expect_commands(writes, "EVALSHA x 0|WAIT 1 1000");
    node_say(writes, "+OK\r\n:1\r\n");
    expect_log("load=x a=OK");
}

static void test_fsync_is_asked_for_at_the_greeting_and_behind_writes(void **state)
{
    (void)state;
    start("?ack=fsync&timeout=1");
    submit(&a, "a", 1, "SET k v", "a");
    struct script_end *writes = node_take(NODE);
    expect_commands(writes, "WAITAOF 1 0 1|PING");
    node_say(writes, "*2\r\n:1\r\n:0\r\n+PONG\r\n");
    expect_commands(writes, "SET k v|WAITAOF 1 0 1000");
    node_say(writes, "+OK\r\n*2\r\n:1\r\n:0\r\n");
    expect_log("a=OK");
    submit(&a, "a", 1, "SET k v", "a");
    world_turns();
    node_say(writes, "+OK\r\n*2\r\n:0\r\n:0\r\n");
    expect_log("a=?");
    /* An engine that cannot do it takes no writes, and is read all the same. */
    node_close(writes);
    world_turns();
    submit(&a, "a", 1, "SET k v", "a");
    world_pass(MS(100));
    writes = node_take(NODE);
    node_say(writes, "-ERR unknown command 'WAITAOF'\r\n");
    assert_true(script_is_gone(writes));
    submit(&b, "b", 1, "GET k", "");
    expect_commands(node, "GET k");
    node_say(node, "$-1\r\n");
    expect_log("b=nil");
    world_pass(MS(1001));
    expect_log("a=!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_writes_of_a_turn_share_one_wait_that_delays_no_read),
        TEST(test_writes_for_replicas_wait_until_the_scripts_are_loaded),
        TEST(test_write_with_too_few_replicas_is_unknown),
        TEST(test_write_that_waits_too_long_for_replicas_is_unknown),
        TEST(test_fsync_is_asked_for_at_the_greeting_and_behind_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
