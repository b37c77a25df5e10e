/* SPDX-License-Identifier: MIT
 *
 * One node: how calls are sent, answered, and end when the node or the connection fails. */
#include "redis_single_fixture.h"

#include <stdlib.h>
#include <unistd.h>

static void test_calls_wait_for_the_greeting_and_leave_in_order(void **state)
{
    (void)state;
    world_start(true, WHERE, NULL);
    submit(&a, "a", 1, "SET k v", "w");
    submit(&b, "b", REDIS_ANY_SLOT, "GET k", "");
    node = node_take(NODE);
    expect_commands(node, "PING");
    expect_log("");
    node_say(node, "+PONG\r\n");
    expect_commands(node, "SET k v|GET k");
    node_say(node, "+OK\r\n$1\r\nv\r\n");
    expect_log("a=OK b=v");
}

static void test_done_is_called_later_than_submit_and_may_submit_again(void **state)
{
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "INCR n", "w");
    assert_int_equal(a.ended, 0);
    expect_commands(node, "INCR n");
    node_say(node, ":1\r\n");
    expect_log("a=1");
    submit(&a, "a", 1, "INCR n", "w");
    expect_commands(node, "INCR n");
    node_say(node, ":2\r\n");
    expect_log("a=2");
}

static const char answers[] =
    "+OK\r\n:-7\r\n$-1\r\n$3\r\na\nb\r\n*3\r\n$1\r\nx\r\n:5\r\n*0\r\n-ERR no\r\n*-1\r\n";

static void test_every_kind_of_reply_is_read_in_pieces_of_every_size(void **state)
{
    struct test_call calls[7] = {0};
    (void)state;
    start(NULL);
    for (size_t piece = 1; piece < sizeof answers; piece++) {
        for (size_t i = 0; i < 7; i++)
            submit(&calls[i], "r", 1, "GET k", "");
        world_turns();
        for (size_t at = 0; at < sizeof answers - 1; at += piece) {
            size_t left = sizeof answers - 1 - at;
            script_send(node, answers + at, left < piece ? left : piece);
            world_turns();
        }
        expect_log("r=OK r=-7 r=nil r=a\nb r=[x,5,[]] r=-ERR no r=nil");
    }
}

static void test_large_reply_and_large_argument_pass(void **state)
{
    enum { SIZE = 3 << 20 };
    char *large = test_malloc(SIZE + 64);
    size_t size;
    (void)state;
    start(NULL);
    memset(large, 'x', SIZE);
    submit(&a, "a", 1, "SET k v", "w");
    a.words[2] = weft_view(large, SIZE);
    world_turns();
    (void)script_received(node, &size);
    assert_int_equal(size, strlen("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3145728\r\n\r\n") + SIZE);
    script_consume(node, size);
    node_say(node, "+OK\r\n");
    submit(&b, "b", 1, "GET k", "");
    world_turns();
    node_say(node, "$3145728\r\n");
    script_send(node, large, SIZE);
    node_say(node, "\r\n");
    assert_int_equal(b.ended, 1);
    test_free(large);
}

static void test_frozen_node_leaves_writes_unknown_and_nothing_of_reads(void **state)
{
    (void)state;
    start("?connect-timeout=1&timeout=3");
    submit(&a, "a", 1, "SET k v", "w");
    submit(&b, "b", 1, "GET k", "");
    world_pass(MS(1001)); /* it owes answers and is silent: the connection is given up */
    expect_log("a=?");
    assert_true(script_is_gone(node));
    assert_true(script_is_reset(node)); /* so that "SET k v" does not arrive later than "SET k w" */
    submit(&c, "c", 1, "SET k w", "w");
    world_pass(MS(2000)); /* it accepts, but does not greet */
    expect_log("b=!");
    world_pass(MS(1000));
    expect_log("c=!");
}

static void test_late_reply_is_dropped_and_the_next_one_meets_its_call(void **state)
{
    (void)state;
    start("?connect-timeout=2");
    a.call.timeout = MS(100);
    submit(&a, "a", 1, "SET k v", "w");
    submit(&b, "b", 1, "GET k", "");
    world_pass(MS(101));
    expect_log("a=?");
    node_say(node, "+OK\r\n$1\r\nv\r\n");
    expect_log("b=v");
}

static void test_lost_connection_repeats_reads_and_never_writes(void **state)
{
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "SET k v", "w");
    submit(&b, "b", 1, "GET k", "");
    expect_commands(node, "SET k v|GET k");
    node_close(node);
    expect_log("a=?");
    world_pass(MS(1000));
    node = node_accept(NODE);
    world_pass(MS(1000));
    expect_commands(node, "GET k");
    node_say(node, "$1\r\nv\r\n");
    expect_log("b=v");
}

static void test_write_that_no_stream_has_taken_is_sent_by_the_next_connection(void **state)
{
    const struct script_rules stalled = {.stalled = true}, none = {0};
    (void)state;
    start(NULL);
    script_set_rules(node, &stalled);
    submit(&a, "a", 1, "SET k v", "w");
    world_turns();
    script_set_rules(node, &none);
    node_reset(node);
    world_pass(MS(1000));
    node = node_accept(NODE);
    world_pass(MS(1000));
    expect_commands(node, "SET k v");
    node_say(node, "+OK\r\n");
    expect_log("a=OK");
}

static void test_refused_connect_is_tried_again_with_growing_pauses(void **state)
{
    (void)state;
    script_refuse_connects(100, true);
    world_start(true, WHERE, "?timeout=1");
    submit(&a, "a", 1, "GET k", "");
    world_pass(MS(1001));
    expect_log("a=!");
    script_refuse_connects(0, false);
    world_pass(MS(2000));
    node = node_accept(NODE);
}

static void test_login_comes_first_and_a_refused_one_keeps_the_calls_back(void **state)
{
    (void)state;
    char path[] = "/tmp/weft-test-password-XXXXXX", options[128];
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "s3cret\nmore", 11), 11);
    close(fd);
    snprintf(options, sizeof options, "?user=kvs&password-file=%s&timeout=1", path);
    world_start(true, WHERE "/2", options);
    unlink(path);
    submit(&a, "a", 1, "GET k", "");
    node = node_take(NODE);
    expect_commands(node, "AUTH kvs s3cret|SELECT 2|PING");
    node_say(node, "+OK\r\n+OK\r\n+PONG\r\n");
    expect_commands(node, "GET k");
    node_say(node, "$-1\r\n");
    expect_log("a=nil");
    node_close(node);
    world_pass(MS(100));
    submit(&a, "a", 1, "GET k", "");
    node = node_take(NODE);
    expect_commands(node, "AUTH kvs s3cret|SELECT 2|PING");
    node_say(node, "-WRONGPASS invalid username-password pair\r\n");
    assert_true(script_is_gone(node));
    world_pass(MS(1001));
    expect_log("a=!");
}

static void test_calls_over_the_limit_end_without_being_sent(void **state)
{
    (void)state;
    start("?max-calls=2");
    submit(&a, "a", 1, "SET k v", "w");
    submit(&b, "b", 1, "SET k v", "w");
    submit(&c, "c", 1, "SET k v", "w");
    assert_int_equal(c.ended, 0);
    expect_log("c=!");
    expect_commands(node, "SET k v|SET k v");
    node_say(node, "+OK\r\n+OK\r\n");
    expect_log("a=OK b=OK");
}

static void test_refusals_that_had_no_effect_are_tried_again(void **state)
{
    static const char *const refusals[] = {
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-BUSY Redis is busy running a script.\r\n",
        "-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
        "-MASTERDOWN Link with MASTER is down\r\n",
        "-READONLY You can't write against a read only replica.\r\n",
        "-CLUSTERDOWN The cluster is down\r\n",
    };
    (void)state;
    start(NULL);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        submit(&a, "a", 1, "SET k v", "w");
        expect_commands(node, "SET k v");
        node_say(node, refusals[i]);
        expect_log("");
        world_pass(MS(20));
        expect_commands(node, "SET k v");
        node_say(node, "+OK\r\n");
        expect_log("a=OK");
    }
}

static void test_refusals_end_at_the_deadline_without_an_effect(void **state)
{
    (void)state;
    start("?timeout=1");
    submit(&a, "a", 1, "SET k v", "w");
    for (int i = 0; i < 200 && a.ended == 0; i++) {
        size_t size;
        world_turns();
        (void)script_received(node, &size);
        script_consume(node, size);
        if (size > 0)
            node_say(node, "-LOADING\r\n");
        world_pass(MS(10));
    }
    expect_log("a=!");
}

static void test_other_errors_are_answers(void **state)
{
    static const char *const errors[] = {
        "-MOVED",          "-MOVED x 1.2.3.4:1",       "-NOSCRIPT No matching",
        "-BUSYKEY Target", "-OOM command not allowed", "-"};
    (void)state;
    start(NULL);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        char text[64];
        submit(&a, "a", 1, "GET k", "");
        world_turns();
        snprintf(text, sizeof text, "%s\r\n", errors[i]);
        node_say(node, text);
        snprintf(text, sizeof text, "a=%s", errors[i]);
        expect_log(text);
    }
}

static void test_what_nobody_asked_for_and_what_is_no_reply_end_the_connection(void **state)
{
    static const char *const bad[] = {
        "+OK\r\n", "HTTP/1.1 400 Bad Request\r\n", ":12x\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"};
    (void)state;
    start(NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        node_say(node, bad[i]);
        assert_true(script_is_gone(node));
        world_pass(MS(2000));
        node = node_accept(NODE);
    }
}

static void test_calls_of_the_hook_go_before_those_that_wait(void **state)
{
    (void)state;
    script_load = (struct test_call){0};
    world.node_up = load;
    world_start(true, WHERE, NULL);
    submit(&a, "a", 1, "EVALSHA x 0", "w");
    node = node_take(NODE);
    expect_commands(node, "PING");
    node_say(node, "+PONG\r\n");
    expect_commands(node, "SCRIPT LOAD x|EVALSHA x 0");
    assert_string_equal(kv_redis_node_name(script_load.call.node), NODE);
    node_close(node);
    expect_log("load=! a=?"); /* in the order of the ring */
    world_pass(MS(1000));
    node = node_accept(NODE);
    expect_commands(node, "SCRIPT LOAD x");
    node_say(node, "$1\r\nx\r\n");
    expect_log("load=x");
}

static void test_cancelled_calls_say_if_they_may_take_effect(void **state)
{
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "SET k v", "w");
    assert_false(kv_redis_cancel(world.cluster, &a.call));
    submit(&a, "a", 1, "SET k v", "w");
    submit(&b, "b", 1, "GET k", "");
    submit(&c, "c", 1, "GET l", "");
    expect_commands(node, "SET k v|GET k|GET l");
    assert_true(kv_redis_cancel(world.cluster, &a.call));
    assert_false(kv_redis_cancel(world.cluster, &b.call));
    node_say(node, "+OK\r\n$-1\r\n$1\r\nl\r\n");
    expect_log("c=l");
    /* One whose end is on its way, and one that is to be tried again. */
    submit(&a, "a", 1, "SET k v", "w");
    world_turns();
    node_say(node, "-LOADING x\r\n");
    assert_false(kv_redis_cancel(world.cluster, &a.call));
    world_pass(MS(100));
    expect_log("");
}

static void test_stop_ends_every_call(void **state)
{
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "SET k v", "w");
    submit(&b, "b", 1, "GET k", "");
    world_turns();
    submit(&c, "c", 1, "SET l v", "w");
    world_stop();
    assert_int_equal(a.ended + b.ended + c.ended, 3);
    assert_non_null(strstr(world.log, "a=?"));
    assert_non_null(strstr(world.log, "b=!"));
    assert_non_null(strstr(world.log, "c=!"));
}

/* Nothing is allocated for a call once the buffers have their size; hiredis has memory of its own. */
static void test_call_in_steady_state_allocates_nothing(void **state)
{
    struct test_call calls[100] = {0};
    (void)state;
    start(NULL);
    for (int round = 0; round < 20; round++) {
        if (round == 10)
            fault_arm(FAULT_FROM, SIZE_MAX);
        for (size_t i = 0; i < 100; i++)
            submit(&calls[i], "", 1, "SET k v", "w");
        assert_int_equal(node_serve(node, "", "+OK\r\n").others, 100);
        world.log[0] = '\0';
    }
    assert_int_equal(fault_allocations(), 0);
}

static void test_answers_that_came_before_a_write_failed_are_taken(void **state)
{
    const struct script_rules broken = {.write_error = -EPIPE, .write_error_after = 1};
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "SET k v", "w");
    expect_commands(node, "SET k v");
    script_set_rules(node, &broken);
    submit(&b, "b", 1, "SET l v", "w");
    script_send(node, "+OK\r\n", 5);
    expect_log("a=OK");
    assert_true(script_is_gone(node));
}

static void test_burst_leaves_in_shares_and_arrives_whole(void **state)
{
    enum { CALLS = 40, SIZE = 100000 };
    static char large[SIZE];
    struct test_call calls[CALLS] = {0};
    size_t size = 0, got;
    (void)state;
    start(NULL);
    for (size_t i = 0; i < CALLS; i++) {
        submit(&calls[i], "", 1, "SET k v", "w");
        calls[i].words[2] = weft_view(large, SIZE);
    }
    world_turns();
    (void)script_received(node, &got);
    script_consume(node, got);
    for (size += got; got > 0; size += got) {
        world_turns();
        (void)script_received(node, &got);
        script_consume(node, got);
    }
    assert_int_equal(size,
                     CALLS * (strlen("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n\r\n") + SIZE));
    for (size_t i = 0; i < CALLS; i++)
        node_say(node, "+OK\r\n");
    assert_int_equal(calls[CALLS - 1].ended, 1);
}

/* The end of a call is on its way when it is taken back. */
static void test_call_that_has_ended_and_was_not_told_is_cancelled(void **state)
{
    (void)state;
    start("?max-calls=2");
    submit(&a, "a", 1, "SET k v", "w");
    submit(&b, "b", 1, "SET k v", "w");
    submit(&c, "c", 1, "SET k v", "w");
    assert_false(kv_redis_cancel(world.cluster, &c.call));
    world_turns();
    expect_log("");
    node_say(node, "+OK\r\n+OK\r\n");
    expect_log("a=OK b=OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_calls_wait_for_the_greeting_and_leave_in_order),
        TEST(test_done_is_called_later_than_submit_and_may_submit_again),
        TEST(test_every_kind_of_reply_is_read_in_pieces_of_every_size),
        TEST(test_large_reply_and_large_argument_pass),
        TEST(test_frozen_node_leaves_writes_unknown_and_nothing_of_reads),
        TEST(test_late_reply_is_dropped_and_the_next_one_meets_its_call),
        TEST(test_lost_connection_repeats_reads_and_never_writes),
        TEST(test_write_that_no_stream_has_taken_is_sent_by_the_next_connection),
        TEST(test_refused_connect_is_tried_again_with_growing_pauses),
        TEST(test_login_comes_first_and_a_refused_one_keeps_the_calls_back),
        TEST(test_calls_over_the_limit_end_without_being_sent),
        TEST(test_refusals_that_had_no_effect_are_tried_again),
        TEST(test_refusals_end_at_the_deadline_without_an_effect),
        TEST(test_other_errors_are_answers),
        TEST(test_what_nobody_asked_for_and_what_is_no_reply_end_the_connection),
        TEST(test_calls_of_the_hook_go_before_those_that_wait),
        TEST(test_cancelled_calls_say_if_they_may_take_effect),
        TEST(test_stop_ends_every_call),
        TEST(test_call_in_steady_state_allocates_nothing),
        TEST(test_answers_that_came_before_a_write_failed_are_taken),
        TEST(test_burst_leaves_in_shares_and_arrives_whole),
        TEST(test_call_that_has_ended_and_was_not_told_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
