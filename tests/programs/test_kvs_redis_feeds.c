/* SPDX-License-Identifier: MIT
 *
 * Two kvs in front of one Redis Cluster: what is published on one is heard on the other, through every face, once; and
 * a connection that breaks is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/kvs.h"
#include "lib/redis_server.h"
#include "lib/wire.h"

enum { FRAMES, RESP, HTTP };

static struct redis_nodes nodes;
static struct kvs kvs[2];

static void start_kvs(struct kvs *one)
{
    char spec[640], where[512];
    (void)snprintf(spec, sizeof spec, "redis-cluster:%s?buckets=4&ack=master&timeout=60",
                   redis_nodes_where(&nodes, where, sizeof where));
    kvs_start(one,
              WORDS("--threads", "2", "--store", spec, "--listen", KVS_ANY_PORT, "--listen",
                    "tcp://127.0.0.1:0?codec=resp", "--listen", "tcp://127.0.0.1:0?codec=http"));
}

/* Returns the number of connections of a node that have subscribed; 0 if it is dead. */
static size_t listeners_at(struct redis_server *server)
{
    redisReply *reply = redis_try(server, "CLIENT LIST TYPE pubsub");
    size_t count = 0;
    for (const char *at = reply ? reply->str : NULL; at && (at = strstr(at, " psub=1 ")); at++)
        count++;
    freeReplyObject(reply);
    return count;
}

static struct redis_server *subscribed_node(void)
{
    for (size_t i = 0; i < nodes.count; i++)
        if (listeners_at(&nodes.servers[i]) > 0)
            return &nodes.servers[i];
    return NULL;
}

static void wait_until_both_listen(void)
{
    size_t count = 0;
    while (count < 2) {
        count = 0;
        for (size_t i = 0; i < nodes.count; i++)
            count += listeners_at(&nodes.servers[i]);
    }
}

static void start_kvc(struct process *kvc, size_t at, const char *const *words)
{
    const char *line[16] = {KVC_PATH, "--server", kvs[at].urls[FRAMES]};
    size_t count = 3;
    for (size_t i = 0; words[i]; i++)
        line[count++] = words[i];
    line[count] = NULL;
    process_start(kvc, line);
    process_wait_error(kvc, "kvc: subscribed to 1");
}

/* Once that is heard, the gap before the first message has been told, so nobody who comes later is told of it. */
static void hear_a_probe(size_t from, size_t to, const char *topic)
{
    struct process kvc;
    char line[64];
    start_kvc(&kvc, to, WORDS("subscribe", topic));
    kvc_expect(kvs[from].urls[FRAMES], WORDS("publish", topic, "heard"), "0\n");
    process_wait_line(&kvc, 1, line, sizeof line);
    process_kill(&kvc);
}

static int begin(void **state)
{
    (void)state;
    redis_nodes_start(&nodes, 3, 0, NULL);
    start_kvs(&kvs[0]);
    start_kvs(&kvs[1]);
    wait_until_both_listen();
    hear_a_probe(0, 1, "there");
    hear_a_probe(1, 0, "here");
    return 0;
}

static int end(void **state)
{
    (void)state;
    kvs_end(&kvs[0]);
    kvs_end(&kvs[1]);
    redis_nodes_stop(&nodes);
    return 0;
}

/* A connection of RESP or HTTP, and what has come over it. */
struct talk {
    int fd;
    char text[8192];
    size_t used;
};

static void talk_begin(struct talk *talk, size_t at, size_t endpoint, const char *text)
{
    *talk = (struct talk){.fd = wire_connect(kvs[at].urls[endpoint])};
    assert_true(talk->fd >= 0);
    assert_int_equal(wire_send(talk->fd, text, strlen(text)), 0);
}

/* Reads until that has come, which must be new. */
static void talk_wait(struct talk *talk, const char *text)
{
    talk->used = 0;
    do {
        assert_true(talk->used + 1 < sizeof talk->text);
        assert_int_equal(wire_receive_bytes(talk->fd, talk->text + talk->used, 1), 0);
        talk->text[++talk->used] = '\0';
    } while (!strstr(talk->text, text));
}

static void talk_end(struct talk *talk)
{
    (void)close(talk->fd);
}

static void expect_end(struct process *kvc, const char *out)
{
    assert_int_equal(process_wait(kvc), 0);
    assert_string_equal(kvc->out.text, out);
    process_kill(kvc);
}

static void test_subscriber_on_one_hears_a_publisher_on_the_other_once(void **state)
{
    struct process on[2];
    (void)state;
    for (size_t i = 0; i < 2; i++)
        start_kvc(&on[i], i, WORDS("subscribe", "news-*", "--pattern", "--count", "5"));
    kvc_expect(kvs[0].urls[FRAMES], WORDS("publish", "news-a", "one", "int:2"), "1\n");
    kvc_expect(kvs[1].urls[FRAMES], WORDS("publish", "news-b", "three"), "1\n");
    kvc_expect(kvs[1].urls[FRAMES], WORDS("publish", "old-b", "never"), "0\n");
    kvc_expect(kvs[0].urls[FRAMES], WORDS("publish", "news-b", "hex:00ff", "five"), "1\n");
    for (size_t i = 0; i < 2; i++)
        expect_end(&on[i],
                   "news-a\tone\nnews-a\tint:2\nnews-b\tthree\nnews-b\thex:00ff\nnews-b\tfive\n");
}

static void test_clients_of_redis_and_of_http_hear_each_other_across_servers(void **state)
{
    struct talk redis, events, publisher;
    (void)state;
    talk_begin(&redis, 0, RESP, "SUBSCRIBE mixed\r\n");
    talk_wait(&redis, ":1\r\n");
    talk_begin(&events, 1, HTTP, "GET /v1/topics/mixed HTTP/1.1\r\nHost: x\r\n\r\n");
    talk_wait(&events, "\n:");
    talk_begin(&publisher, 1, RESP, "PUBLISH mixed hello\r\nPUBLISH mixed again\r\n");
    talk_wait(&publisher, ":1\r\n:1\r\n");
    talk_end(&publisher);
    talk_wait(&redis, "$5\r\nhello\r\n");
    talk_wait(&redis, "$5\r\nagain\r\n");
    talk_wait(&events, "\"value\":\"hello\"");
    talk_wait(&events, "\"value\":\"again\"");
    talk_begin(&publisher, 0, HTTP,
               "POST /v1/topics/mixed HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\npost");
    talk_wait(&publisher, "{\"receivers\":1}");
    talk_end(&publisher);
    talk_wait(&redis, "$4\r\npost\r\n");
    assert_null(strstr(redis.text, "again"));
    talk_wait(&events, "\"value\":\"post\"");
    assert_null(strstr(events.text, "again"));
    talk_end(&redis);
    talk_end(&events);
}

/* The subscriber hears of the gap, and then what is published after it. */
static void wait_for_gap(struct process *kvc, struct talk *events, struct talk *redis)
{
    uint8_t byte;
    process_wait_error(kvc, "gap: messages may be missing, because the server's store was away\n");
    talk_wait(events, "event: lost");
    talk_wait(events, "\"lost\":0,");
    /* Redis has no word for it. */
    assert_int_not_equal(wire_receive_bytes(redis->fd, &byte, 1), 0);
    talk_end(redis);
    kvc_expect(kvs[0].urls[FRAMES], WORDS("publish", "gap", "behind"), "0\n");
    expect_end(kvc, "gap\tbehind\n");
    talk_wait(events, "\"value\":\"behind\"");
    talk_end(events);
}

static void follow_gap(struct process *kvc, struct talk *events, struct talk *redis)
{
    start_kvc(kvc, 1, WORDS("subscribe", "gap", "--count", "1"));
    talk_begin(events, 1, HTTP, "GET /v1/topics/gap HTTP/1.1\r\nHost: x\r\n\r\n");
    talk_wait(events, "\n:");
    talk_begin(redis, 1, RESP, "SUBSCRIBE gap\r\n");
    talk_wait(redis, ":1\r\n");
}

static void test_channel_that_breaks_is_told_and_the_feed_goes_on(void **state)
{
    struct process kvc;
    struct talk events, redis;
    (void)state;
    follow_gap(&kvc, &events, &redis);
    for (size_t i = 0; i < nodes.count; i++)
        redis_tell(&nodes.servers[i], "CLIENT KILL TYPE pubsub");
    wait_for_gap(&kvc, &events, &redis);
}

static void test_master_that_dies_is_told_and_the_feed_goes_on(void **state)
{
    struct process kvc;
    struct talk events, redis;
    (void)state;
    follow_gap(&kvc, &events, &redis);
    struct redis_server *victim = subscribed_node();
    assert_non_null(victim);
    redis_server_kill(victim);
    /* The other kvs may have its channel elsewhere. */
    struct redis_server *next = subscribed_node();
    if (next)
        redis_tell(next, "CLIENT KILL TYPE pubsub");
    redis_server_restart(victim);
    redis_nodes_wait(&nodes);
    wait_for_gap(&kvc, &events, &redis);
}

/* Databases of one Redis share its channels, and yet do not hear each other. */
static void test_databases_of_one_redis_have_topics_of_their_own(void **state)
{
    struct redis_server server = {.port = 0};
    struct kvs of[2];
    struct process kvc;
    char spec[64], line[64];
    (void)state;
    redis_server_start(&server, NULL);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(spec, sizeof spec, "redis://127.0.0.1:%d/%d", server.port, i);
        kvs_start(&of[i], WORDS("--store", spec, "--listen", KVS_ANY_PORT));
    }
    while (listeners_at(&server) < 2)
        continue;
    process_start(&kvc, WORDS(KVC_PATH, "--server", of[1].urls[0], "subscribe", "t"));
    process_wait_error(&kvc, "kvc: subscribed to 1");
    kvc_expect(of[0].urls[0], WORDS("publish", "t", "other"), "0\n");
    kvc_expect(of[1].urls[0], WORDS("publish", "t", "own"), "1\n");
    process_wait_line(&kvc, 1, line, sizeof line);
    assert_string_equal(line, "t\town");
    process_kill(&kvc);
    kvs_end(&of[0]);
    kvs_end(&of[1]);
    redis_server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subscriber_on_one_hears_a_publisher_on_the_other_once),
        cmocka_unit_test(test_clients_of_redis_and_of_http_hear_each_other_across_servers),
        cmocka_unit_test(test_databases_of_one_redis_have_topics_of_their_own),
        cmocka_unit_test(test_channel_that_breaks_is_told_and_the_feed_goes_on),
        cmocka_unit_test(test_master_that_dies_is_told_and_the_feed_goes_on),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
