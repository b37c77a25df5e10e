/* SPDX-License-Identifier: MIT
 *
 * The client of Redis against real servers, on the real loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/loop.h"
#include "core/registry.h"
#include "lib/kvs.h"
#include "lib/redis_server.h"
#include "services/kv/stores/redis/redis.h"
#include "services/kv/stores/redis/subscription.h"
#include "transports/transports.h"
#ifdef WEFT_HAS_TLS
#include "transports/tls/tls.h"
#endif

enum { CALLS = 500, PATIENCE = 60 };

static struct redis_nodes nodes;
static struct redis_server server;
static struct weft_registry registry;
static struct weft_loop *loop;
static struct redis_shared *shared;
static struct redis_cluster *cluster;
static unsigned changes;

struct asked {
    struct redis_call call;
    struct weft_view words[4];
    char key[32], value[32];
    enum redis_outcome outcome;
    char answer[64];
    bool is_done;
};
static struct asked calls[CALLS];
static size_t pending;

static int setup(void **state)
{
    (void)state;
    registry = (struct weft_registry){0};
    assert_int_equal(weft_registry_add_transport(&registry, &weft_transport_tcp), 0);
#ifdef WEFT_HAS_TLS
    assert_int_equal(weft_registry_add_filter(&registry, &weft_filter_tls, NULL), 0);
#endif
    assert_int_equal(weft_loop_new(&loop, 1024), 0);
    memset(calls, 0, sizeof calls);
    pending = changes = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_redis_stop(cluster);
    kv_redis_shared_free(shared);
    weft_loop_free(loop);
    cluster = NULL;
    shared = NULL;
    loop = NULL;
    redis_nodes_stop(&nodes);
    redis_server_stop(&server);
    return 0;
}

static void on_change(void *arg)
{
    (void)arg;
    changes++;
}

static void start(bool single, const char *where, const char *options)
{
    struct weft_url url = {.option_count = 0};
    struct weft_error error;
    assert_int_equal(weft_url_parse_options(&url, options, &error), 0);
    const struct weft_option_set set = weft_url_option_set(&url);
    const struct kv_store_options given = {.where = where, .set = &set, .registry = &registry};
    const struct redis_hooks hooks = {.slots_changed = on_change};
    if (kv_redis_shared_new(&shared, &given, single, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(kv_redis_start(&cluster, shared, loop, &hooks), 0);
}

static void start_cluster(const char *options)
{
    char where[512];
    start(false, redis_nodes_where(&nodes, where, sizeof where), options);
}

static void start_server(const char *options)
{
    char where[64];
    snprintf(where, sizeof where, "//127.0.0.1:%d", server.port);
    start(true, where, options);
}

static void on_done(struct redis_call *base, enum redis_outcome outcome, const redisReply *reply)
{
    struct asked *asked = weft_container_of(base, struct asked, call);
    asked->outcome = outcome;
    asked->is_done = true;
    if (reply && reply->type == REDIS_REPLY_INTEGER)
        snprintf(asked->answer, sizeof asked->answer, "%lld", reply->integer);
    else
        snprintf(asked->answer, sizeof asked->answer, "%.63s",
                 reply && reply->str ? reply->str : "");
    pending--;
}

static void ask(struct asked *asked, const char *command, bool write)
{
    size_t count = 0;
    asked->is_done = false;
    asked->words[count++] = weft_view_str(command);
    asked->words[count++] = weft_view_str(asked->key);
    if (write)
        asked->words[count++] = weft_view_str(asked->value);
    asked->call.args = asked->words;
    asked->call.count = count;
    asked->call.slot = (int)kv_redis_slot(asked->words[1]);
    asked->call.write = asked->call.ack = write;
    asked->call.done = on_done;
    pending++;
    kv_redis_submit(cluster, &asked->call);
}

static void finish(void)
{
    while (pending > 0)
        weft_loop_turn(loop);
}

static void set_all(const char *value)
{
    for (size_t i = 0; i < CALLS; i++) {
        snprintf(calls[i].key, sizeof calls[i].key, "key%zu", i);
        snprintf(calls[i].value, sizeof calls[i].value, "%s%zu", value, i);
        ask(&calls[i], "SET", true);
    }
    finish();
}

static void expect_all(void)
{
    for (size_t i = 0; i < CALLS; i++)
        ask(&calls[i], "GET", false);
    finish();
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_equal(calls[i].outcome, REDIS_ANSWERED);
        assert_string_equal(calls[i].answer, calls[i].value);
    }
}

static void expect_ok(void)
{
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_equal(calls[i].outcome, REDIS_ANSWERED);
        assert_string_equal(calls[i].answer, "OK");
    }
}

static void test_single_server_takes_calls_with_a_password(void **state)
{
    char folder[64], path[96], options[160];
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/password", folder);
    FILE *file = fopen(path, "w");
    fputs("secret\n", file);
    fclose(file);
    snprintf(options, sizeof options, "?password-file=%s", path);
    redis_server_start(&server, WORDS("--requirepass", "secret"));
    start_server(options);
    scratch_remove(folder);
    set_all("v");
    expect_ok();
    expect_all();
    assert_int_equal(kv_redis_masters(cluster), 1);
}

static void test_server_that_is_restarted_is_found_again(void **state)
{
    (void)state;
    redis_server_start(&server, NO_WORDS);
    start_server("?timeout=60");
    set_all("v");
    redis_server_kill(&server);
    snprintf(calls[0].value, sizeof calls[0].value, "w0");
    ask(&calls[0], "SET", true);
    /* It is not sent to a server that is not there, and so it is not unknown. */
    redis_server_restart(&server);
    finish();
    assert_true(calls[0].outcome == REDIS_ANSWERED || calls[0].outcome == REDIS_UNKNOWN);
    ask(&calls[1], "SET", true);
    finish();
    assert_int_equal(calls[1].outcome, REDIS_ANSWERED);
}

static void test_cluster_takes_acknowledged_writes_at_all_masters(void **state)
{
    (void)state;
    redis_nodes_start(&nodes, 3, 1, NO_WORDS);
    start_cluster("?timeout=60");
    set_all("v");
    expect_ok();
    expect_all();
    assert_int_equal(kv_redis_masters(cluster), 3);
    assert_true(kv_redis_epoch(cluster) > 0);
    for (size_t i = 0; i < 3; i++)
        redis_wait_for(&nodes.servers[3 + i], "INFO keyspace", "keys=");
}

static void test_slots_that_move_are_followed(void **state)
{
    (void)state;
    redis_nodes_start(&nodes, 2, 0, NO_WORDS);
    start_cluster("?ack=master&timeout=60");
    set_all("v");
    expect_all();
    struct redis_server *added = redis_nodes_add(&nodes);
    redis_nodes_move(&nodes, &nodes.servers[0], added, 0, 400);
    expect_all();
    set_all("w");
    expect_ok();
    expect_all();
    assert_true(changes > 0);
    assert_int_equal(kv_redis_masters(cluster), 3);
}

/* A slot that is half moved: the keys that are there already are asked for with ASK. */
static void test_key_that_has_moved_before_its_slot_is_asked_for_there(void **state)
{
    struct redis_server *from, *to;
    (void)state;
    redis_nodes_start(&nodes, 2, 0, NO_WORDS);
    start_cluster("?ack=master&timeout=60");
    set_all("v");
    unsigned slot = kv_redis_slot(weft_view_str("key0"));
    from = redis_nodes_of(&nodes, slot);
    to = from == &nodes.servers[0] ? &nodes.servers[1] : &nodes.servers[0];
    redis_tell(to, "CLUSTER SETSLOT %u IMPORTING %s", slot, from->id);
    redis_tell(from, "CLUSTER SETSLOT %u MIGRATING %s", slot, to->id);
    redis_tell(from, "MIGRATE 127.0.0.1 %d key0 0 60000", to->port);
    expect_all();
    snprintf(calls[0].value, sizeof calls[0].value, "w0");
    ask(&calls[0], "SET", true);
    finish();
    assert_string_equal(calls[0].answer, "OK");
    expect_all();
}

static void test_killed_master_is_replaced_and_acknowledged_writes_are_there(void **state)
{
    (void)state;
    redis_nodes_start(&nodes, 3, 1, WORDS("--cluster-node-timeout", "3000"));
    start_cluster("?timeout=60");
    set_all("v");
    expect_ok();
    redis_server_kill(&nodes.servers[0]);
    expect_all();
    redis_nodes_wait(&nodes);
    assert_ptr_not_equal(redis_nodes_of(&nodes, 0), &nodes.servers[0]);
}

static void test_frozen_master_does_not_delay_calls_for_the_others(void **state)
{
    (void)state;
    redis_nodes_start(&nodes, 2, 0, NO_WORDS);
    start_cluster("?ack=master&timeout=30&connect-timeout=1");
    set_all("v");
    const struct redis_node *frozen = kv_redis_master_of(cluster, 0);
    process_suspend(&nodes.servers[0].process);
    for (size_t i = 0; i < CALLS; i++)
        ask(&calls[i], "GET", false);
    for (size_t waiting = 1; waiting > 0; weft_loop_turn(loop)) {
        waiting = 0;
        for (size_t i = 0; i < CALLS; i++)
            if (kv_redis_master_of(cluster, (unsigned)calls[i].call.slot) != frozen)
                waiting += !calls[i].is_done;
    }
    for (size_t i = 0; i < CALLS; i++)
        if (kv_redis_master_of(cluster, (unsigned)calls[i].call.slot) == frozen)
            assert_false(calls[i].is_done);
    process_resume(&nodes.servers[0].process);
    finish();
    expect_all();
}

struct heard {
    struct redis_subscription subscription;
    unsigned begun, messages;
    char last[64];
};

static void on_message(struct redis_subscription *base, struct weft_view channel,
                       struct weft_view payload)
{
    struct heard *heard = weft_container_of(base, struct heard, subscription);
    heard->messages++;
    snprintf(heard->last, sizeof heard->last, "%.*s:%.*s", (int)channel.size,
             (const char *)channel.data, (int)payload.size, (const char *)payload.data);
}

static void on_begun(struct redis_subscription *base)
{
    weft_container_of(base, struct heard, subscription)->begun++;
}

static void test_subscriber_hears_what_is_published_at_any_node_and_of_its_gaps(void **state)
{
    struct heard channel = {
        .subscription = {.name = weft_view_str("news"), .message = on_message, .begun = on_begun}};
    struct heard pattern = {.subscription = {.name = weft_view_str("n*"),
                                             .is_pattern = true,
                                             .message = on_message,
                                             .begun = on_begun}};
    (void)state;
    redis_nodes_start(&nodes, 3, 0, NO_WORDS);
    start_cluster("?ack=master&timeout=60");
    kv_redis_subscribe(cluster, &channel.subscription);
    kv_redis_subscribe(cluster, &pattern.subscription);
    while (channel.begun == 0 || pattern.begun == 0)
        weft_loop_turn(loop);
    for (size_t i = 0; i < 3; i++) {
        redis_tell(&nodes.servers[i], "PUBLISH news %d", (int)i);
        while (channel.messages <= i || pattern.messages <= i)
            weft_loop_turn(loop);
    }
    assert_string_equal(pattern.last, "news:2");
    for (size_t i = 0; i < 3; i++)
        redis_tell(&nodes.servers[i], "CLIENT KILL TYPE pubsub");
    while (channel.begun < 2 || pattern.begun < 2)
        weft_loop_turn(loop);
    kv_redis_unsubscribe(cluster, &channel.subscription);
    redis_tell(&nodes.servers[0], "PUBLISH news again");
    while (pattern.messages < 4)
        weft_loop_turn(loop);
    assert_int_equal(channel.messages, 3);
    kv_redis_unsubscribe(cluster, &pattern.subscription);
}

#ifdef WEFT_HAS_TLS
static void test_server_with_tls_is_spoken_to_by_our_own_filter(void **state)
{
    char folder[64], ca[96], cert[96], key[96], port[16], where[64], options[160];
    struct weft_error error;
    (void)state;
    scratch_make(folder, sizeof folder);
    assert_int_equal(weft_tls_make_certificates(folder, NULL, "client", 1, &error), 0);
    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    snprintf(cert, sizeof cert, "%s/server.pem", folder);
    snprintf(key, sizeof key, "%s/server.key", folder);
    snprintf(port, sizeof port, "%d", redis_free_port());
    redis_server_start(&server, WORDS("--tls-port", port, "--tls-cert-file", cert, "--tls-key-file",
                                      key, "--tls-ca-cert-file", ca, "--tls-auth-clients", "no"));
    snprintf(where, sizeof where, "//127.0.0.1:%s", port);
    snprintf(options, sizeof options, "?timeout=60&tls=on&ca=%s", ca);
    start(true, where, options);
    set_all("v");
    expect_ok();
    expect_all();
    scratch_remove(folder);
}
#endif

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_single_server_takes_calls_with_a_password),
        TEST(test_server_that_is_restarted_is_found_again),
        TEST(test_cluster_takes_acknowledged_writes_at_all_masters),
        TEST(test_slots_that_move_are_followed),
        TEST(test_key_that_has_moved_before_its_slot_is_asked_for_there),
        TEST(test_killed_master_is_replaced_and_acknowledged_writes_are_there),
        TEST(test_frozen_master_does_not_delay_calls_for_the_others),
        TEST(test_subscriber_hears_what_is_published_at_any_node_and_of_its_gaps),
#ifdef WEFT_HAS_TLS
        TEST(test_server_with_tls_is_spoken_to_by_our_own_filter),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
