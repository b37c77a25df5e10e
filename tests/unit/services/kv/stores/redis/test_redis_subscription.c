/* SPDX-License-Identifier: MIT
 *
 * Subscriptions: one connection for all, what its node says, and what becomes of them when it fails. */
#include "redis_world.h"

#include "core/base/compiler.h"

#define ONE "10.0.0.1:7000"
#define TWO "10.0.0.2:7000"

struct heard {
    struct redis_subscription subscription;
    char log[256];
    struct redis_subscription *leaves; /* is unsubscribed by the next message */
};
static struct heard x, y;
static struct script_end *node;

static void add(struct heard *heard, const char *fmt, ...) WEFT_PRINTF(2, 3);

static void add(struct heard *heard, const char *fmt, ...)
{
    size_t used = strlen(heard->log);
    va_list args;
    va_start(args, fmt);
    vsnprintf(heard->log + used, sizeof heard->log - used, fmt, args);
    va_end(args);
}

static void on_message(struct redis_subscription *base, struct weft_view channel,
                       struct weft_view payload)
{
    struct heard *heard = weft_container_of(base, struct heard, subscription);
    add(heard, "%.*s:%.*s ", (int)channel.size, (const char *)channel.data, (int)payload.size,
        (const char *)payload.data);
    if (heard->leaves)
        kv_redis_unsubscribe(world.cluster, heard->leaves);
}

static void on_begun(struct redis_subscription *base)
{
    add(weft_container_of(base, struct heard, subscription), "begun ");
}

static void subscribe(struct heard *heard, const char *name, bool is_pattern)
{
    *heard = (struct heard){.subscription = {.name = weft_view_str(name),
                                             .is_pattern = is_pattern,
                                             .message = on_message,
                                             .begun = on_begun}};
    kv_redis_subscribe(world.cluster, &heard->subscription);
}

static void expect_heard(struct heard *heard, const char *text)
{
    world_turns();
    assert_string_equal(heard->log, text);
    heard->log[0] = '\0';
}

static int setup(void **state)
{
    int err = world_setup(state);
    node_listen(ONE);
    node_listen(TWO);
    x = y = (struct heard){.leaves = NULL};
    return err;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

/* One node, of which `node` is the connection for messages. */
static void start(void)
{
    world_start(true, "//" ONE, NULL);
    (void)node_accept(ONE);
    subscribe(&x, "news", false);
    node = node_accept(ONE);
    expect_commands(node, "SUBSCRIBE news");
    node_say(node, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    expect_heard(&x, "begun ");
}

static void test_messages_come_once_the_subscription_is_in_force(void **state)
{
    (void)state;
    start();
    subscribe(&y, "n*", true);
    expect_commands(node, "PSUBSCRIBE n*");
    node_say(node, "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$2\r\nno\r\n$1\r\n0\r\n");
    expect_heard(&y, "");
    node_say(node, "*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:2\r\n");
    node_say(node, "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$1\r\n1\r\n"
                   "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\n1\r\n"
                   "*3\r\n$7\r\nmessage\r\n$4\r\nelse\r\n$1\r\n1\r\n");
    expect_heard(&x, "news:1 ");
    expect_heard(&y, "begun news:1 ");
}

static void test_lost_connection_is_made_again_and_told(void **state)
{
    (void)state;
    start();
    node_close(node);
    world_pass(MS(200));
    node = node_accept(ONE);
    expect_commands(node, "SUBSCRIBE news");
    expect_heard(&x, "");
    node_say(node, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    expect_heard(&x, "begun ");
}

static void test_silent_node_is_asked_and_given_up(void **state)
{
    (void)state;
    start();
    world_pass(MS(2001));
    expect_commands(node, "PING");
    node_say(node, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    world_pass(MS(2001));
    expect_commands(node, "PING");
    world_pass(MS(2001));
    world_pass(MS(1000));
    assert_true(script_is_gone(node));
    node = node_accept(ONE);
    expect_commands(node, "SUBSCRIBE news");
}

static void test_unsubscribing_is_said_unless_another_has_the_name(void **state)
{
    (void)state;
    start();
    subscribe(&y, "news", false);
    expect_commands(node, "SUBSCRIBE news");
    node_say(node, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    expect_heard(&x, "");
    expect_heard(&y, "begun ");
    kv_redis_unsubscribe(world.cluster, &x.subscription);
    kv_redis_unsubscribe(world.cluster, &x.subscription);
    expect_commands(node, "");
    node_say(node, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\n1\r\n");
    expect_heard(&x, "");
    expect_heard(&y, "news:1 ");
    kv_redis_unsubscribe(world.cluster, &y.subscription);
    expect_commands(node, "UNSUBSCRIBE news");
    node_say(node, "*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n");
    /* Without any, the connection is closed. */
    world_pass(MS(2001));
    assert_true(script_is_gone(node));
    subscribe(&x, "more", false);
    node = node_accept(ONE);
    expect_commands(node, "SUBSCRIBE more");
}

static void test_callback_may_unsubscribe_itself_and_the_next_one(void **state)
{
    (void)state;
    start();
    subscribe(&y, "news", false);
    expect_commands(node, "SUBSCRIBE news");
    node_say(node, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    expect_heard(&y, "begun ");
    y.leaves = &x.subscription; /* y is told first, as the newest */
    node_say(node, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\n1\r\n");
    expect_heard(&x, "");
    y.leaves = &y.subscription;
    node_say(node, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\n2\r\n");
    node_say(node, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\n3\r\n");
    expect_heard(&y, "news:1 news:2 ");
}

static void test_node_that_refuses_is_left_and_other_words_are_dropped(void **state)
{
    static const char *const words[] = {"+PONG\r\n",
                                        "*0\r\n",
                                        "*2\r\n:1\r\n:1\r\n",
                                        "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n:1\r\n",
                                        "*2\r\n$7\r\nmessage\r\n$4\r\nnews\r\n",
                                        "*3\r\n$8\r\npmessage\r\n$1\r\nx\r\n$1\r\nx\r\n"};
    (void)state;
    start();
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        node_say(node, words[i]);
    expect_heard(&x, "");
    node_say(node, "-ERR max number of clients\r\n");
    assert_true(script_is_gone(node));
}

/* To connect again and again would not help, nor would it to say so each time. */
static void test_subscription_that_is_refused_is_asked_for_again_later(void **state)
{
    (void)state;
    start();
    subscribe(&y, "n*", true);
    expect_commands(node, "PSUBSCRIBE n*");
    for (int i = 0; i < 2; i++) {
        node_say(node, "-NOPERM no channel\r\n");
        expect_commands(node, "");
        world_pass(MS(2001));
        expect_commands(node, "PING|PSUBSCRIBE n*");
        node_say(node, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    }
    node_say(node, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\n2\r\n");
    expect_heard(&x, "news:2 ");
    node_say(node, "*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:2\r\n");
    expect_heard(&y, "begun ");
}

static void test_subscriber_leaves_a_node_that_is_no_master_any_more(void **state)
{
    (void)state;
    world_start(false, "//" ONE, NULL);
    struct script_end *one = node_accept(ONE);
    expect_commands(one, "CLUSTER SLOTS");
    node_say(one, "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$8\r\n10.0.0.1\r\n:7000\r\n");
    subscribe(&x, "news", false);
    node = node_accept(ONE);
    expect_commands(node, "SUBSCRIBE news");
    node_say(node, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    struct test_call a = {0};
    submit(&a, "a", 1, "GET k", "");
    expect_commands(one, "GET k");
    node_say(one, "-MOVED 1 10.0.0.2:7000\r\n");
    struct script_end *two = node_accept(TWO);
    expect_commands(two, "GET k");
    node_say(two, "$-1\r\n");
    expect_log("a=nil");
    for (int i = 0; i < 60 && !script_is_gone(node); i++) {
        static const char map[] = "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$8\r\n10.0.0.2\r\n:7000\r\n";
        if (!script_is_gone(one))
            (void)node_serve(one, map, "");
        (void)node_serve(two, map, "");
        world_pass(MS(100));
    }
    assert_true(script_is_gone(node));
    world_pass(MS(100));
    struct script_end *moved = node_accept(TWO);
    expect_commands(moved, "SUBSCRIBE news");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_messages_come_once_the_subscription_is_in_force),
        TEST(test_lost_connection_is_made_again_and_told),
        TEST(test_silent_node_is_asked_and_given_up),
        TEST(test_unsubscribing_is_said_unless_another_has_the_name),
        TEST(test_callback_may_unsubscribe_itself_and_the_next_one),
        TEST(test_node_that_refuses_is_left_and_other_words_are_dropped),
        TEST(test_subscription_that_is_refused_is_asked_for_again_later),
        TEST(test_subscriber_leaves_a_node_that_is_no_master_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
