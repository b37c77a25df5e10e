/* SPDX-License-Identifier: MIT
 *
 * A lock that several machines share. It is a key of kvs: who makes it while it is not there has the lock,
 * and who removes it lets go. Three things make that safe:
 *
 *   - the key is stored on the condition that it is absent, so only one of many succeeds;
 *   - it expires, so the lock of a holder that died is free again after LEASE;
 *   - it is removed on the condition that it still has the version that was stored. A holder that was slow
 *     and whose lock has expired therefore cannot remove the lock of the next one.
 *
 * The program takes the lock ROUNDS times. Each time it reads a counter and writes it back with one more,
 * in two requests, between which nobody else must come. Start several at once: the counter is their sum.
 *
 *     cc -std=c17 -o lock lock.c $(pkg-config --cflags --libs weft-kv weft-codecs)
 *     ./lock tcp://127.0.0.1:9527 100
 *
 * A lock with a lease keeps others out only as long as the holder notices that its time is over. What
 * must never happen twice takes the lock's version, or a counter made under it, along to where it happens,
 * which refuses an older one. */
#define _POSIX_C_SOURCE 200809L /* gethostname, getpid */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <weft/base/compiler.h>
#include <weft/base/units.h>
#include <weft/codecs.h>
#include <weft/kv/client.h>
#include <weft/task.h>
#include <weft/transports.h>

enum {
    LEASE = 10000, /* milliseconds */
    RETRY = 5,     /* milliseconds between tries while somebody else has the lock */
    REPLY_BUDGET = 1 << 16,
    VERSION_SIZE = 16
};

static const char table[] = "lock-example", lock_key[] = "lock", counter_key[] = "counter";

struct client {
    struct weft_loop *loop;
    struct weft_client *connection;
    struct weft_kv_client kv;
    struct weft_kv_call call; /* one at a time */
    struct weft_timer timer;
    char name[64];                 /* the lock's value: nobody else stores the same */
    uint8_t version[VERSION_SIZE]; /* of that value */
    uint64_t rounds, done, tries;
    bool failed;
};

static void fail(struct client *client, const char *what)
{
    if (!client->failed)
        fprintf(stderr, "lock: %s\n", what);
    client->failed = true;
    weft_loop_stop(client->loop);
}

/* Returns the client of a call whose reply is one of `status` or `other`; otherwise the client fails. */
static struct client *expect(struct weft_kv_call *call, int status,
                             const struct weft_kv_reply *reply, uint32_t other)
{
    struct client *client = weft_container_of(call, struct client, call);
    if (status == 0 && (reply->status == 200 || reply->status == other))
        return client;
    fail(client, status < 0 ? weft_client_trouble(client->connection) : "the server refused");
    return NULL;
}

static void try_lock(struct client *client);

static void change_lock(struct client *client, const struct weft_kv_change *change,
                        void (*done)(struct weft_kv_call *call, int status,
                                     const struct weft_kv_reply *reply))
{
    struct weft_error error;
    client->call = (struct weft_kv_call){.done = done};
    if (weft_kv_client_hput(&client->kv, &client->call, weft_view_str(table), change, 1, true,
                            &error) < 0)
        fail(client, error.text);
}

static void unlocked(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct client *client = expect(call, status, reply, 412);
    if (!client)
        return;
    if (reply->status == 412)
        fail(client, "the lock has expired while it was held");
    else if (++client->done == client->rounds)
        weft_loop_stop(client->loop);
    else
        try_lock(client);
}

static void unlock(struct client *client)
{
    const struct weft_kv_change change = {
        .key = weft_view_str(lock_key),
        .what = WEFT_KV_REMOVE,
        .condition = WEFT_KV_IF_VERSION,
        .version = weft_view(client->version, VERSION_SIZE),
    };
    change_lock(client, &change, unlocked);
}

static void written(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct client *client = expect(call, status, reply, 200);
    if (client)
        unlock(client);
}

/* The counter was read; it is written with one more. (hincr does that in one step, without a lock.) */
static void counted(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct client *client = expect(call, status, reply, 404);
    struct weft_error error;
    if (!client)
        return;
    const int64_t before = reply->value_count == 1 ? reply->values[0].integer : 0;
    const struct weft_kv_pair pair = {
        .key = weft_view_str(counter_key),
        .value = {.type = WEFT_KV_INTEGER, .integer = before + 1},
    };
    client->call = (struct weft_kv_call){.done = written};
    if (weft_kv_client_hset(&client->kv, &client->call, weft_view_str(table), &pair, &error) < 0)
        fail(client, error.text);
}

static void retry(struct weft_timer *timer)
{
    try_lock(weft_container_of(timer, struct client, timer));
}

/* 412: somebody else has the lock. states[0].left says for how long at most, but most let go long before. */
static void tried(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct client *client = expect(call, status, reply, 412);
    struct weft_error error;
    if (!client)
        return;
    if (reply->state_count != 1) {
        fail(client, "the server tells no state");
        return;
    }
    if (reply->status == 412) {
        weft_loop_after(client->loop, &client->timer, RETRY * INT64_C(1000000));
        return;
    }
    memcpy(client->version, reply->states[0].version.data, VERSION_SIZE);
    client->call = (struct weft_kv_call){.done = counted};
    if (weft_kv_client_hget(&client->kv, &client->call, weft_view_str(table),
                            weft_view_str(counter_key), &error) < 0)
        fail(client, error.text);
}

static void try_lock(struct client *client)
{
    const struct weft_kv_change change = {
        .key = weft_view_str(lock_key),
        .what = WEFT_KV_STORE,
        .value = {.type = WEFT_KV_STRING, .bytes = weft_view_str(client->name)},
        .expiry = {WEFT_KV_EXPIRE_AFTER, LEASE},
        .condition = WEFT_KV_IF_ABSENT,
    };
    client->tries++;
    change_lock(client, &change, tried);
}

static void on_connect(struct weft_client *connection, int status, const struct weft_error *error)
{
    struct client *client = weft_client_data(connection);
    if (status < 0)
        fail(client, error->text);
    else
        try_lock(client);
}

static int fill(struct weft_registry *registry)
{
    int err = weft_registry_add_transport(registry, &weft_transport_tcp);
    if (err == 0)
        err = weft_registry_add_transport(registry, &weft_transport_unix);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_length_delimited_gzip);
    return err;
}

/* A name that no other process has, on this machine or another: it makes the version its own. */
static void name_client(struct client *client)
{
    char host[32] = "";
    (void)gethostname(host, sizeof host - 1);
    snprintf(client->name, sizeof client->name, "%s %ld", host, (long)getpid());
}

int main(int argc, char **argv)
{
    static struct client client;
    if (argc != 3 || weft_parse_count(argv[2], &client.rounds) < 0 || client.rounds == 0) {
        fprintf(stderr, "usage: lock URL ROUNDS\n");
        return 2;
    }
    name_client(&client);
    client.timer.fire = retry;
    struct weft_registry registry = {0};
    int err = fill(&registry);
    if (err == 0)
        err = weft_loop_new(&client.loop, 64);
    if (err < 0) {
        fprintf(stderr, "lock: %s\n", weft_strerror(err));
        return 1;
    }
    const struct weft_client_options options = {
        .registry = &registry,
        .loop = client.loop,
        .url = argv[1],
        .codec = "length-delimited-gzip",
        .limits = weft_limits_default(),
        .connect_timeout = (int64_t)WEFT_SECONDS(5),
        .on_connect = on_connect,
        .data = &client,
    };
    struct weft_error error;
    if (weft_client_new(&client.connection, &options, &error) < 0) {
        fail(&client, error.text);
    } else {
        weft_kv_client_init(&client.kv, client.connection, REPLY_BUDGET);
        weft_loop_run(client.loop);
        weft_timer_stop(&client.timer);
        weft_client_close(client.connection);
        weft_kv_client_fini(&client.kv);
    }
    weft_loop_free(client.loop);
    if (client.failed)
        return 1;
    printf("%llu rounds, %llu tries\n", (unsigned long long)client.done,
           (unsigned long long)client.tries);
    return 0;
}
