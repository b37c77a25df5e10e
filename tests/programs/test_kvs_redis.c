/* SPDX-License-Identifier: MIT
 *
 * kvs with its tables in a real Redis Cluster, or in one Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kvs.h"
#include "lib/redis_server.h"

enum { PATH_SIZE = 128 };

static struct redis_nodes nodes;
static struct redis_server server;

static int begin(void **state)
{
    (void)state;
    redis_nodes_start(&nodes, 3, 1, NULL);
    redis_server_start(&server, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    redis_nodes_stop(&nodes);
    redis_server_stop(&server);
    return 0;
}

static const char *cluster(const char *options)
{
    static char spec[640];
    char where[512];
    (void)snprintf(spec, sizeof spec, "redis-cluster:%s%s",
                   redis_nodes_where(&nodes, where, sizeof where), options);
    return spec;
}

static const char *single(const char *options)
{
    static char spec[128];
    (void)snprintf(spec, sizeof spec, "redis://127.0.0.1:%d%s", server.port, options);
    return spec;
}

#define RESP_PORT "tcp://127.0.0.1:0?codec=resp"

static void start(struct kvs *kvs, const char *store)
{
    kvs_start(kvs, WORDS("--threads", "2", "--store", store, "--listen", KVS_ANY_PORT, "--listen",
                         RESP_PORT));
}

static void use_tables(const char *url)
{
    kvc_expect(url, WORDS("hset", "t", "k", "v"), "\n");
    kvc_expect(url, WORDS("hset", "t", "k", "w"), "v\n");
    kvc_expect(url, WORDS("hget", "t", "k"), "w\n");
    kvc_expect(url, WORDS("hmset", "t", "a", "1", "b", "2"), "\n\n");
    kvc_expect(url, WORDS("hmget", "t", "a", "b", "c", "k"), "1\n2\n\nw\n");
    kvc_expect(url, WORDS("hincr", "t", "n", "5"), "5\n");
    kvc_expect(url, WORDS("hincr", "t", "n", "-7"), "-2\n");
    kvc_expect(url, WORDS("hexpire", "t", "k", "1000"), "true\n");
    kvc_expect(url, WORDS("count", "t"), "4\n");
    kvc_expect(url, WORDS("tables"), "t\t4\n");
    kvc_expect_error(url, WORDS("hset", "t", "k", "x", "--if-absent"), 1, "");
    kvc_expect(url, WORDS("hmdel", "t", "a", "b", "n"), "1\n2\nint:-2\n");
    kvc_expect(url, WORDS("hgetall", "t"), "k\tw\n");
    kvc_expect(url, WORDS("drop", "t"), "1\n");
}

static void test_commands_do_in_a_cluster_what_they_do_elsewhere(void **state)
{
    struct kvs kvs;
    (void)state;
    start(&kvs, cluster("?buckets=16"));
    use_tables(kvs.urls[0]);
    kvs_end(&kvs);
}

static void test_commands_do_in_one_redis_what_they_do_elsewhere(void **state)
{
    struct kvs kvs;
    (void)state;
    start(&kvs, single("?buckets=4"));
    use_tables(kvs.urls[0]);
    kvs_end(&kvs);
}

/* One reads what the other writes, and so does one that starts later with another number of buckets. */
static void test_several_kvs_before_one_cluster_answer_alike(void **state)
{
    struct kvs one, other;
    (void)state;
    start(&one, cluster("?buckets=16"));
    start(&other, cluster("?buckets=8"));
    kvc_expect(one.urls[0], WORDS("hset", "shared", "k", "v"), "\n");
    kvc_expect(other.urls[0], WORDS("hget", "shared", "k"), "v\n");
    kvc_expect(other.urls[0], WORDS("hincr", "shared", "n", "1"), "1\n");
    kvc_expect(one.urls[0], WORDS("hincr", "shared", "n", "1"), "2\n");
    kvs_end(&one);
    kvc_expect(other.urls[0], WORDS("drop", "shared"), "2\n");
    kvs_end(&other);
}

/* Clients of two kvs, with all their commands under way together. */
enum { CLIENTS = 100, COUNTS = 10 };

static redisContext *connect_to(const char *url)
{
    const char *colon = strrchr(url, ':');
    assert_non_null(colon);
    redisContext *context = redisConnect("127.0.0.1", (int)strtol(colon + 1, NULL, 10));
    assert_non_null(context);
    assert_int_equal(context->err, 0);
    return context;
}

static void send_counts(redisContext *client, const char *command)
{
    int is_sent = 0;
    for (int i = 0; i < COUNTS; i++)
        assert_int_equal(redisAppendCommand(client, command), REDIS_OK);
    while (!is_sent)
        assert_int_equal(redisBufferWrite(client, &is_sent), REDIS_OK);
}

static void take_counts(redisContext *client)
{
    void *reply;
    for (int i = 0; i < COUNTS; i++) {
        assert_int_equal(redisGetReply(client, &reply), REDIS_OK);
        assert_int_not_equal(((redisReply *)reply)->type, REDIS_REPLY_ERROR);
        freeReplyObject(reply);
    }
}

static void count_by(const struct kvs *const sides[2], const char *command)
{
    redisContext *clients[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(sides[i % 2]->urls[1]);
    for (size_t i = 0; i < CLIENTS; i++)
        send_counts(clients[i], command);
    for (size_t i = 0; i < CLIENTS; i++) {
        take_counts(clients[i]);
        redisFree(clients[i]);
    }
}

static void test_counts_of_one_key_by_many_clients_of_two_kvs_add_up(void **state)
{
    struct kvs one, other;
    const struct kvs *const sides[2] = {&one, &other};
    char sum[16];
    (void)state;
    start(&one, cluster("?ack=master"));
    start(&other, cluster("?ack=master"));
    (void)snprintf(sum, sizeof sum, "%d", CLIENTS * COUNTS);
    count_by(sides, "HINCRBY hot n 1");
    kvc_expect(one.urls[0], WORDS("--raw", "hget", "hot", "n"), sum);
    kvc_expect(one.urls[0], WORDS("hset", "hot", "text", "0"), "\n");
    count_by(sides, "HINCRBY hot text 1");
    kvc_expect(one.urls[0], WORDS("--raw", "hget", "hot", "text"), sum);
    count_by(sides, "HINCRBYFLOAT hot real 1");
    kvc_expect(other.urls[0], WORDS("--raw", "hget", "hot", "real"), sum);
    kvs_end(&one);
    kvs_end(&other);
}

static void expect_number(redisContext *client, const char *command, long long number)
{
    redisReply *reply = redisCommand(client, command);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    assert_int_equal(reply->integer, number);
    freeReplyObject(reply);
}

static void expect_text(redisContext *client, const char *command, const char *text)
{
    redisReply *reply = redisCommand(client, command);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_string_equal(reply->str, text);
    freeReplyObject(reply);
}

/* The store tries to set a field in one step if its hash has fields, which a master cannot see of a slot that moves. */
static void test_fields_are_set_while_their_slot_is_half_moved(void **state)
{
    struct kvs kvs;
    (void)state;
    start(&kvs, cluster("?buckets=1&ack=master&timeout=60"));
    redisContext *client = connect_to(kvs.urls[1]);
    expect_number(client, "HSET half f 1", 1);
    redisReply *slot = redis_ask(&nodes.servers[0], "CLUSTER KEYSLOT {t:half:0}");
    struct redis_server *from = redis_nodes_of(&nodes, (unsigned)slot->integer);
    struct redis_server *to = &nodes.servers[from == &nodes.servers[0]];
    redis_tell(to, "CLUSTER SETSLOT %lld IMPORTING %s", slot->integer, from->id);
    redis_tell(from, "CLUSTER SETSLOT %lld MIGRATING %s", slot->integer, to->id);
    expect_number(client, "HSET half f 2", 0);
    expect_number(client, "HSET half g 1", 1);
    expect_text(client, "HGET half f", "2");
    redis_tell(from, "MIGRATE 127.0.0.1 %d {t:half:0} 0 60000", to->port);
    expect_number(client, "HSET half f 3", 0);
    expect_number(client, "HSET half h 1", 1);
    expect_text(client, "HGET half f", "3");
    redis_tell(to, "CLUSTER SETSLOT %lld NODE %s", slot->integer, to->id);
    redis_tell(from, "CLUSTER SETSLOT %lld NODE %s", slot->integer, to->id);
    expect_number(client, "HSET half f 4", 0);
    expect_number(client, "HLEN half", 3);
    freeReplyObject(slot);
    redisFree(client);
    kvs_end(&kvs);
}

/* A command prints what it prints on the other server. */
static void expect_alike(const char *one, const char *other, const char *const *words)
{
    struct process a, b;
    assert_int_equal(kvc_run(&a, one, words), 0);
    assert_int_equal(kvc_run(&b, other, words), 0);
    assert_string_equal(a.out.text, b.out.text);
    assert_true(a.out.size > 0);
    process_kill(&a);
    process_kill(&b);
}

static void do_quietly(const char *url, const char *const *words)
{
    struct process kvc;
    assert_int_equal(kvc_run(&kvc, url, words), 0);
    process_kill(&kvc);
}

/* Two keys that are always set together. */
static void start_writer(struct process *writer, const char *url, const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < 400; i++)
        (void)fprintf(file, "hmset busy a int:%u b int:%u\n", i, i);
    assert_int_equal(fclose(file), 0);
    process_start(writer, WORDS(KVC_PATH, "--server", url, "batch", path));
}

/* The first copy is of one moment while others write, the second one of the end. */
static void move_over(const char *from, const char *to, const char *folder)
{
    char file[PATH_SIZE], batch[PATH_SIZE];
    struct process writer, kvc;
    int a, b;
    (void)snprintf(file, sizeof file, "%s/all.ndjson", folder);
    (void)snprintf(batch, sizeof batch, "%s/batch", folder);
    do_quietly(from, WORDS("hmset", "types", "i", "int:-5", "b", "hex:00ff", "f", "float:1.5",
                           "yes", "bool:true", "none", "empty:"));
    do_quietly(from, WORDS("hset", "t\n2", "k", "text", "--expire-at", "4102444800"));
    do_quietly(from, WORDS("hmset", "busy", "a", "int:-1", "b", "int:-1"));
    start_writer(&writer, from, batch);
    do_quietly(from, WORDS("backup", file));
    do_quietly(to, WORDS("import", "--all", file));
    assert_int_equal(kvc_run(&kvc, to, WORDS("hmget", "busy", "a", "b")), 0);
    assert_int_equal(sscanf(kvc.out.text, "int:%d\nint:%d\n", &a, &b), 2);
    assert_int_equal(a, b);
    process_kill(&kvc);
    assert_int_equal(process_wait(&writer), 0);
    process_kill(&writer);
    do_quietly(from, WORDS("backup", file));
    do_quietly(to, WORDS("import", "--all", file));
    expect_alike(from, to, WORDS("hmget", "busy", "a", "b"));
    expect_alike(from, to,
                 WORDS("--json", "hmget", "types", "i", "b", "f", "yes", "none", "--state"));
    kvc_expect(to, WORDS("hget", "t\n2", "k"), "text\n");
    kvc_expect(to, WORDS("count", "types"), "5\n");
}

static void test_stores_of_one_machine_move_over_while_they_serve(void **state)
{
    static const char *const forms[] = {"memory", "lmdb"};
    struct kvs into;
    (void)state;
    start(&into, cluster("?buckets=4&ack=master"));
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct kvs from;
        char folder[64], store[PATH_SIZE];
        scratch_make(folder, sizeof folder);
        (void)snprintf(store, sizeof store, "%s%s%s", forms[i], i > 0 ? ":" : "",
                       i > 0 ? folder : "");
        start(&from, store);
        move_over(from.urls[0], into.urls[0], folder);
        kvs_end(&from);
        scratch_remove(folder);
        for (size_t t = 0; t < 3; t++)
            do_quietly(into.urls[0], WORDS("drop", t == 0 ? "types" : t == 1 ? "busy" : "t\n2"));
    }
    kvs_end(&into);
}

static void test_followers_are_told_that_redis_tells_no_changes(void **state)
{
    struct kvs kvs;
    (void)state;
    start(&kvs, cluster(""));
    kvc_expect_error(kvs.urls[0], WORDS("watch", "t"), 1, "501");
    kvs_end(&kvs);
}

/* Starts kvs, which must end by itself, with a line that holds the fragment. */
static void refuse(const char *store, const char *fragment)
{
    struct process process;
    assert_int_equal(process_run(&process, WORDS(KVS_PATH, "--log-level", "error", "--store", store,
                                                 "--listen", KVS_ANY_PORT)),
                     1);
    assert_one_line(process.err.text, fragment);
    process_kill(&process);
}

static void test_kvs_refuses_a_bound_that_it_cannot_keep(void **state)
{
    struct process process;
    (void)state;
    assert_int_equal(process_run(&process, WORDS(KVS_PATH, "--max-memory", "1G", "--store",
                                                 single(""), "--listen", KVS_ANY_PORT)),
                     2);
    assert_one_line(process.err.text, "set maxmemory of the nodes of Redis instead");
    process_kill(&process);
}

static void test_kvs_does_not_start_where_no_node_serves_and_says_why(void **state)
{
    char spec[160];
    (void)state;
    (void)snprintf(spec, sizeof spec, "redis-cluster://127.0.0.1:%d?timeout=1", server.port);
    refuse(spec, "cluster support disabled); start them, or correct --store");
    refuse("redis://127.0.0.1:1?timeout=0.3",
           "redis store: no node serves (127.0.0.1:1: Connection refused); start them, or correct "
           "--store");
    redis_tell(&server, "CONFIG SET requirepass secret");
    refuse(single("?timeout=1"), "NOAUTH");
    redis_server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_do_in_a_cluster_what_they_do_elsewhere),
        cmocka_unit_test(test_commands_do_in_one_redis_what_they_do_elsewhere),
        cmocka_unit_test(test_several_kvs_before_one_cluster_answer_alike),
        cmocka_unit_test(test_counts_of_one_key_by_many_clients_of_two_kvs_add_up),
        cmocka_unit_test(test_fields_are_set_while_their_slot_is_half_moved),
        cmocka_unit_test(test_stores_of_one_machine_move_over_while_they_serve),
        cmocka_unit_test(test_followers_are_told_that_redis_tells_no_changes),
        cmocka_unit_test(test_kvs_refuses_a_bound_that_it_cannot_keep),
        cmocka_unit_test(test_kvs_does_not_start_where_no_node_serves_and_says_why),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
