/* SPDX-License-Identifier: MIT
 *
 * A cluster: the map of its slots, redirections, and nodes that fail, come and go. */
#include "redis_world.h"

#include "services/kv/stores/redis/shared.h"

#define ONE   "10.0.0.1:7000"
#define TWO   "10.0.0.2:7000"
#define THREE "10.0.0.3:7000"
#define SEEDS "//" ONE "," TWO

static struct test_call a, b, c;
static struct script_end *one, *two, *three;

static int setup(void **state)
{
    a = b = c = (struct test_call){0};
    one = two = three = NULL;
    int err = world_setup(state);
    node_listen(ONE);
    node_listen(TWO);
    node_listen(THREE);
    return err;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

/* Half of the slots for each. */
#define HALVES                                                                                     \
    "*2\r\n"                                                                                       \
    "*3\r\n:0\r\n:8191\r\n*3\r\n$8\r\n10.0.0.1\r\n:7000\r\n$1\r\nx\r\n"                            \
    "*4\r\n:8192\r\n:16383\r\n*3\r\n$8\r\n10.0.0.2\r\n:7000\r\n$1\r\ny\r\n"                        \
    "*3\r\n$8\r\n10.0.0.9\r\n:7000\r\n$1\r\nz\r\n"
/* All slots for one. */
#define ALL_OF(host) "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n" host ":7000\r\n$1\r\nx\r\n"

/* Two masters, both connected. */
static void start(const char *options)
{
    world_start(false, SEEDS, options);
    one = node_accept(ONE);
    expect_commands(one, "CLUSTER SLOTS");
    node_say(one, HALVES);
    two = node_accept(TWO);
    assert_int_equal(kv_redis_masters(world.cluster), 2);
}

/* Answers a node's part of what it is asked. True if it was the map. */
static bool answer_map(struct script_end *node, const char *map)
{
    return node_serve(node, map, "+OK\r\n").maps > 0;
}

static void test_slots_are_read_from_the_first_seed_that_answers(void **state)
{
    (void)state;
    script_refuse_connects(1, false);
    world_start(false, SEEDS, NULL);
    submit(&a, "a", 1, "GET k", "");
    submit(&b, "b", 9000, "GET l", "");
    submit(&c, "c", REDIS_ANY_SLOT, "PING", "");
    assert_int_equal(kv_redis_epoch(world.cluster), 0);
    assert_null(kv_redis_master_of(world.cluster, 1));
    world_turns();
    world_pass(MS(500));
    two = node_accept(TWO);
    expect_commands(two, "CLUSTER SLOTS");
    node_say(two, HALVES);
    assert_int_equal(world.changes, 1);
    one = node_accept(ONE);
    expect_commands(one, "GET k");
    assert_int_equal(kv_redis_masters(world.cluster), 2);
    assert_string_equal(kv_redis_node_name(kv_redis_master_of(world.cluster, 0)), ONE);
    assert_string_equal(kv_redis_node_name(kv_redis_master_of(world.cluster, 16383)), TWO);
    assert_true(kv_redis_epoch(world.cluster) > 0);
    node_say(one, "$1\r\nk\r\n");
    expect_commands(two, "GET l|PING");
    node_say(two, "$1\r\nl\r\n+PONG\r\n");
    expect_log("a=k b=l c=PONG");
}

static void test_call_follows_moved_and_the_map_is_read_again(void **state)
{
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "SET k v", "w");
    expect_commands(one, "SET k v");
    node_say(one, "-MOVED 1 10.0.0.2:7000\r\n");
    expect_commands(two, "SET k v");
    node_say(two, "+OK\r\n");
    expect_log("a=OK");
    assert_string_equal(kv_redis_node_name(kv_redis_master_of(world.cluster, 1)), TWO);
    assert_string_equal(kv_redis_node_name(kv_redis_master_of(world.cluster, 2)), ONE);
    world_pass(MS(1000));
    assert_true(answer_map(one, HALVES) || answer_map(two, HALVES));
    assert_string_equal(kv_redis_node_name(kv_redis_master_of(world.cluster, 1)), ONE);
    assert_int_equal(world.changes, 3);
}

static void test_moved_to_a_node_that_is_new_connects_to_it(void **state)
{
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "SET k v", "w");
    expect_commands(one, "SET k v");
    node_say(one, "-MOVED 1 10.0.0.3:7000\r\n");
    three = node_accept(THREE);
    expect_commands(three, "SET k v");
    node_say(three, "+OK\r\n");
    expect_log("a=OK");
    assert_int_equal(kv_redis_masters(world.cluster), 3);
    /* The next map takes its one slot from it, so it is of no use. */
    world_pass(MS(1000));
    while (!answer_map(one, HALVES) && !answer_map(two, HALVES))
        world_pass(MS(100));
    assert_true(script_is_gone(three));
    assert_int_equal(kv_redis_masters(world.cluster), 2);
}

static void test_call_follows_ask_for_this_once(void **state)
{
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "GET k", "");
    expect_commands(one, "GET k");
    node_say(one, "-ASK 1 10.0.0.2:7000\r\n");
    expect_commands(two, "ASKING|GET k");
    node_say(two, "+OK\r\n$1\r\nv\r\n");
    expect_log("a=v");
    assert_string_equal(kv_redis_node_name(kv_redis_master_of(world.cluster, 1)), ONE);
    assert_int_equal(world.changes, 1);
}

static void test_calls_that_go_in_circles_pause_and_end_at_their_deadline(void **state)
{
    unsigned sent = 0;
    (void)state;
    start("?timeout=1");
    submit(&a, "a", 1, "SET k v", "w");
    for (int i = 0; i < 300 && a.ended == 0; i++) {
        sent += node_serve(one, HALVES, "-MOVED 1 10.0.0.2:7000\r\n").others;
        sent += node_serve(two, HALVES, "-MOVED 1 10.0.0.1:7000\r\n").others;
        world_pass(MS(4));
    }
    expect_log("a=!");
    assert_in_range(sent, 5, 30);
}

static void test_call_of_a_node_gets_redirections_as_answers(void **state)
{
    (void)state;
    start(NULL);
    a.call.node = kv_redis_master_of(world.cluster, 16383);
    submit(&a, "a", 1, "GET k", "");
    expect_commands(two, "GET k");
    node_say(two, "-MOVED 1 10.0.0.1:7000\r\n");
    expect_log("a=-MOVED 1 10.0.0.1:7000");
    assert_int_equal(kv_redis_masters(world.cluster), 2);
    for (size_t i = 0; i < 2; i++)
        assert_non_null(kv_redis_master(world.cluster, i));
}

static void test_answers_that_ask_for_a_new_map_get_one_and_are_tried_again(void **state)
{
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "SET k v", "w");
    expect_commands(one, "SET k v");
    node_say(one, "-READONLY You can't write against a read only replica.\r\n");
    for (int i = 0; i < 40 && a.ended == 0; i++) {
        (void)node_serve(one, ALL_OF("$8\r\n10.0.0.2\r\n"), "-READONLY\r\n");
        (void)node_serve(two, ALL_OF("$8\r\n10.0.0.2\r\n"), "+OK\r\n");
        world_pass(MS(50));
    }
    expect_log("a=OK");
    assert_true(script_is_gone(one));
}

/* 7.0 leaves the host out if it is that of the node which is asked, and says "?" if a name is not set; 6.2 says "". */
static void test_hosts_that_are_not_told_are_those_of_the_node_that_was_asked(void **state)
{
    static const char *const maps[] = {
        ALL_OF("$-1\r\n"),
        ALL_OF("$0\r\n\r\n"),
        "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n$1\r\n?\r\n:7000\r\n$1\r\nx\r\n"
        "*2\r\n$2\r\nip\r\n$8\r\n10.0.0.1\r\n",
        "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n$8\r\n10.0.0.1\r\n:7000\r\n$1\r\nx\r\n"
        "*2\r\n$8\r\nhostname\r\n$1\r\nh\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        world_start(false, SEEDS, NULL);
        one = node_accept(ONE);
        expect_commands(one, "CLUSTER SLOTS");
        node_say(one, maps[i]);
        assert_int_equal(kv_redis_masters(world.cluster), 1);
        assert_string_equal(kv_redis_node_name(kv_redis_master(world.cluster, 0)), ONE);
        submit(&a, "a", 1, "GET k", "");
        expect_commands(one, "GET k");
        node_say(one, "-MOVED 1 :7001\r\n");
        world_turns();
        assert_string_equal(kv_redis_node_name(kv_redis_master_of(world.cluster, 1)),
                            "10.0.0.1:7001");
        world_stop();
        world.log[0] = '\0';
        node_close(one);
    }
}

static void test_addresses_of_ipv6_are_connected_to(void **state)
{
    (void)state;
    node_listen("fd00::1:7000");
    world_start(false, SEEDS, NULL);
    one = node_accept(ONE);
    expect_commands(one, "CLUSTER SLOTS");
    node_say(one, ALL_OF("$7\r\nfd00::1\r\n"));
    assert_string_equal(kv_redis_node_name(kv_redis_master(world.cluster, 0)), "[fd00::1]:7000");
    two = node_accept("fd00::1:7000");
    submit(&a, "a", 1, "GET k", "");
    expect_commands(two, "GET k");
    node_say(two, "-ASK 1 fd00::1:7000\r\n");
    expect_commands(two, "ASKING|GET k");
    assert_true(script_is_gone(one));
}

static void test_answers_that_are_no_map_are_asked_for_elsewhere(void **state)
{
    static const char *const bad[] = {
        "-ERR This instance has cluster support disabled\r\n",
        "+OK\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:-1\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n$1\r\na\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:65536\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:1\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$3\r\na/b\r\n:1\r\n",
        "*0\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$3\r\na\0b\r\n:1\r\n",
    };
    enum { LAST = 33 };
    (void)state;
    world_start(false, "//" ONE, "?timeout=60");
    submit(&a, "a", 1, "GET k", "");
    one = node_accept(ONE);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_commands(one, "CLUSTER SLOTS");
        script_send(one, bad[i], i + 1 < sizeof bad / sizeof *bad ? strlen(bad[i]) : LAST);
        world_turns();
        assert_int_equal(kv_redis_masters(world.cluster), 0);
        world_pass(MS(1700));
    }
    expect_commands(one, "CLUSTER SLOTS");
    node_say(one, ALL_OF("$8\r\n10.0.0.1\r\n"));
    expect_commands(one, "GET k");
}

/* A node without a port for connections of this kind serves nobody here. */
static void test_range_without_a_port_is_left_out(void **state)
{
    (void)state;
    world_start(false, "//" ONE, NULL);
    one = node_accept(ONE);
    expect_commands(one, "CLUSTER SLOTS");
    node_say(one, "*2\r\n*3\r\n:0\r\n:1\r\n*2\r\n$8\r\n10.0.0.1\r\n:7000\r\n"
                  "*3\r\n:2\r\n:3\r\n*2\r\n$8\r\n10.0.0.2\r\n:0\r\n");
    assert_int_equal(kv_redis_masters(world.cluster), 1);
    assert_null(kv_redis_master_of(world.cluster, 2));
    submit(&a, "a", 2, "GET k", "");
    world_pass(MS(5001));
    expect_log("a=!");
}

static void test_frozen_node_leaves_room_and_time_for_the_others(void **state)
{
    struct test_call many[8] = {0};
    (void)state;
    start("?max-calls=8&timeout=3&connect-timeout=1");
    for (size_t i = 0; i < 8; i++)
        submit(&many[i], "f", 1, "SET k v", "w");
    submit(&a, "a", 9000, "GET k", "");
    expect_commands(two, "GET k");
    node_say(two, "$1\r\nv\r\n");
    expect_log("f=! f=! f=! f=! a=v");
    /* It is silent: what was sent is unknown, and the next calls are not sent to it. */
    world_pass(MS(2001));
    expect_log("f=? f=? f=? f=?");
    assert_true(script_is_gone(one));
    submit(&b, "b", 1, "SET k v", "w");
    for (int i = 0; i < 40 && b.ended == 0; i++) {
        (void)answer_map(two, HALVES);
        world_pass(MS(100));
    }
    expect_log("b=!");
}

static void test_calls_that_wait_for_a_dead_master_go_to_its_successor(void **state)
{
    (void)state;
    start("?timeout=10");
    submit(&a, "a", 1, "GET k", "");
    expect_commands(one, "GET k");
    node_close(one);
    script_refuse_connects(100, false);
    submit(&b, "b", 1, "SET k v", "w");
    world_turns();
    script_refuse_connects(0, false);
    for (int i = 0; i < 40 && a.ended + b.ended < 2; i++) {
        (void)answer_map(two, ALL_OF("$8\r\n10.0.0.2\r\n"));
        world_pass(MS(50));
    }
    assert_non_null(strstr(world.log, "a=OK"));
    assert_non_null(strstr(world.log, "b=OK"));
}

static void test_call_of_a_node_that_leaves_ends(void **state)
{
    (void)state;
    start("?timeout=10");
    node_close(one);
    world_turns();
    a.call.node = kv_redis_master_of(world.cluster, 0);
    submit(&a, "a", 0, "SCAN 0", "");
    for (int i = 0; i < 40 && !answer_map(two, ALL_OF("$8\r\n10.0.0.2\r\n")); i++)
        world_pass(MS(10));
    expect_log("a=!");
}

static void test_any_master_takes_a_call_while_one_is_down(void **state)
{
    (void)state;
    start("?timeout=10");
    node_close(one);
    for (int i = 0; i < 4; i++) {
        world_turns();
        submit(&a, "a", REDIS_ANY_SLOT, "PING", "");
        world_turns();
        (void)answer_map(two, HALVES);
        expect_log("a=PONG");
    }
}

/* A write in the queue of a node whose connection never stood is for another one as soon as the map says so, and one
 * for any master leaves a node that cannot be reached. */
static void test_call_for_any_master_leaves_one_that_is_not_reached(void **state)
{
    (void)state;
    script_refuse_connects(0, false);
    world_start(false, SEEDS, "?timeout=10");
    submit(&a, "a", REDIS_ANY_SLOT, "PING", "");
    one = node_accept(ONE);
    expect_commands(one, "CLUSTER SLOTS");
    node_say(one, "*2\r\n*3\r\n:0\r\n:1\r\n*2\r\n$8\r\n10.0.0.8\r\n:7000\r\n"
                  "*3\r\n:2\r\n:16383\r\n*2\r\n$8\r\n10.0.0.7\r\n:7000\r\n");
    world_pass(MS(2000));
    expect_log("");
    world_pass(MS(8000));
    expect_log("a=!");
}

static void test_map_is_read_again_now_and_then(void **state)
{
    (void)state;
    start("?ack=master");
    bool is_read = false;
    for (int i = 0; i < 46 && !is_read; i++) {
        world_pass(MS(500));
        is_read = answer_map(one, HALVES) || answer_map(two, HALVES);
    }
    assert_true(is_read);
    assert_int_equal(world.changes, 1);
}

/* Those with a connection of their own move as well. */
static void test_writes_for_replicas_that_wait_go_to_the_successor(void **state)
{
    (void)state;
    start("?timeout=10&ack=replica");
    node_close(one);
    script_refuse_connects(1, false);
    submit(&a, "a", 1, "SET k v", "a");
    for (int i = 0; i < 40 && a.ended == 0; i++) {
        world_pass(MS(50));
        world_serve(ALL_OF("$8\r\n10.0.0.2\r\n"));
    }
    expect_log("a=OK");
}

static void test_stop_ends_calls_whose_slots_nobody_knows(void **state)
{
    (void)state;
    script_refuse_connects(100, false);
    world_start(false, SEEDS, NULL);
    submit(&a, "a", 1, "SET k v", "a");
    submit(&b, "b", REDIS_ANY_SLOT, "PING", "");
    world_stop();
    assert_string_equal(world.log, "a=! b=!");
    world.log[0] = '\0';
}

static void test_redirection_without_memory_ends_a_call_without_an_effect(void **state)
{
    (void)state;
    start(NULL);
    submit(&a, "a", 1, "SET k v", "w");
    expect_commands(one, "SET k v");
    script_send(one, "-MOVED 1 10.0.0.3:7000\r\n", 24);
    fault_arm(FAULT_FROM, 0);
    world_turns();
    fault_disarm();
    expect_log("a=!");
}

/* A whole session, in which any allocation may fail. */
static void talk(void *arg)
{
    struct test_call x = {0}, y = {0};
    (void)arg;
    script_begin(1);
    node_listen(ONE);
    node_listen(TWO);
    world.registry = (struct weft_registry){0};
    world_add_transport();
    if (world_try(false, SEEDS, "?timeout=30") < 0) {
        assert_true(fault_failed() > 0);
    } else {
        submit(&x, "x", 1, "SET k v", "a");
        submit(&y, "y", 9000, "GET k", "");
        for (int i = 0; i < 400 && x.ended + y.ended < 2; i++) {
            world_serve(HALVES);
            world_pass(MS(100));
        }
        assert_int_equal(x.ended, 1);
        assert_int_equal(y.ended, 1);
        if (fault_failed() == 0) {
            assert_non_null(strstr(world.log, "x=OK"));
            assert_non_null(strstr(world.log, "y=OK"));
        }
    }
    world_stop();
    world_close_nodes();
    world.log[0] = '\0';
    assert_int_equal(script_finish(), 0);
}

static void test_session_survives_every_failing_allocation(void **state)
{
    (void)state;
    world = (struct redis_world){0};
    assert_int_equal(weft_loop_new(&world.loop, 0), 0);
    fault_each(talk, NULL);
    weft_loop_free(world.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_slots_are_read_from_the_first_seed_that_answers),
        TEST(test_call_follows_moved_and_the_map_is_read_again),
        TEST(test_moved_to_a_node_that_is_new_connects_to_it),
        TEST(test_call_follows_ask_for_this_once),
        TEST(test_calls_that_go_in_circles_pause_and_end_at_their_deadline),
        TEST(test_call_of_a_node_gets_redirections_as_answers),
        TEST(test_answers_that_ask_for_a_new_map_get_one_and_are_tried_again),
        TEST(test_hosts_that_are_not_told_are_those_of_the_node_that_was_asked),
        TEST(test_addresses_of_ipv6_are_connected_to),
        TEST(test_answers_that_are_no_map_are_asked_for_elsewhere),
        TEST(test_range_without_a_port_is_left_out),
        TEST(test_frozen_node_leaves_room_and_time_for_the_others),
        TEST(test_calls_that_wait_for_a_dead_master_go_to_its_successor),
        TEST(test_call_of_a_node_that_leaves_ends),
        TEST(test_any_master_takes_a_call_while_one_is_down),
        TEST(test_call_for_any_master_leaves_one_that_is_not_reached),
        TEST(test_map_is_read_again_now_and_then),
        TEST(test_writes_for_replicas_that_wait_go_to_the_successor),
        TEST(test_stop_ends_calls_whose_slots_nobody_knows),
        TEST(test_redirection_without_memory_ends_a_call_without_an_effect),
        cmocka_unit_test(test_session_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
