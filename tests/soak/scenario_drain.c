/* SPDX-License-Identifier: MIT
 *
 * SIGTERM under load. All clients hset one key, so that each reply names the write it replaced: the
 * writes that took effect form a chain, in which each but the last is named exactly once. */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/random.h"
#include "clock.h"
#include "kv_frames.h"
#include "world.h"

enum { ROUNDS = 50, CLIENTS = 4, BATCH = 32, WRITES_MAX = 1 << 17 };

struct client {
    pthread_t thread;
    const char *url;
    atomic_uint *serving;                  /* clients that got their first reply */
    uint32_t number, sent, received, done; /* done: answered 200, and so are the first `done` */
    uint32_t replaced[WRITES_MAX];         /* by the write of this index; 0: nothing */
    const char *failure;
};

/* A write's name, never 0. */
static uint32_t name_write(uint32_t client, uint32_t index)
{
    return client * WRITES_MAX + index + 1;
}

static int send_batch(struct client *client, int fd)
{
    struct bytes frames = {0};
    for (int i = 0; i < BATCH; i++) {
        struct bytes value = {0}, pair = {0}, message = {0};
        *bytes_add(&value, 1) = 0x18;
        put_varint(&value, name_write(client->number, client->sent++));
        put_key(&pair, KV_HSET, 0, &value);
        put_request(&message, KV_HSET, "chain", &pair);
        wire_header(bytes_add(&frames, 4), (uint32_t)message.size);
        bytes_put(&frames, message.data, message.size);
        bytes_fini(&value);
        bytes_fini(&pair);
        bytes_fini(&message);
    }
    int err = wire_send(fd, frames.data, frames.size);
    bytes_fini(&frames);
    return err;
}

/* 08 c8 01, 1a LENGTH, and 18 VARINT where something was replaced. */
static uint32_t replaced_by(const struct wire_bytes *reply)
{
    uint32_t name = 0;
    for (size_t i = 6, shift = 0; i < reply->size; i++, shift += 7)
        name |= (uint32_t)(reply->data[i] & 0x7f) << shift;
    return name;
}

/* Takes one reply. 1: it was one; 0: the end; negative: a failure. */
static int take(struct client *client, int fd)
{
    struct wire_bytes reply;
    int err = wire_receive(fd, true, &reply);
    int status = err == 1 ? wire_status(&reply) : 0;
    if (status == 200) {
        if (client->done < client->received)
            client->failure = "a 200 behind a 503";
        client->replaced[client->done++] = replaced_by(&reply);
    } else if (err == 1 && status != 503) {
        client->failure = "neither 200 nor 503";
    } else if (err < 0) {
        client->failure = err == -ECONNRESET ? "reset" : "the stream is broken";
    }
    client->received += err == 1;
    if (client->received == 1)
        atomic_fetch_add(client->serving, 1);
    wire_free(&reply);
    return err;
}

/* Until a 503, or until the server has ended its side: it may do so when it owes nothing, and what is
 * on its way to it then gets no answer. */
static void *run(void *arg)
{
    struct client *client = arg;
    int err = 1, fd = wire_connect(client->url);
    if (fd < 0 || send_batch(client, fd) < 0)
        client->failure = "cannot be served";
    while (err == 1 && !client->failure) {
        bool goes_on = client->done == client->received && client->sent <= WRITES_MAX - BATCH;
        if (goes_on && send_batch(client, fd) < 0)
            client->failure = "reset";
        for (int i = 0; i < BATCH && err == 1; i++)
            err = take(client, fd);
    }
    close(fd);
    return NULL;
}

/* NULL: each write that took effect was answered 200, and none of the others took effect. */
static const char *check_chain(const struct client *clients)
{
    static uint8_t named[CLIENTS * WRITES_MAX + 1];
    uint32_t done = 0, firsts = 0;
    memset(named, 0, sizeof named);
    for (int i = 0; i < CLIENTS; i++) {
        done += clients[i].done;
        for (uint32_t k = 0; k < clients[i].done; k++) {
            uint32_t name = clients[i].replaced[k];
            firsts += name == 0;
            if (name >= sizeof named || (name > 0 && named[name]++ > 0))
                return "a write was replaced twice";
            if (name > 0 && (name - 1) % WRITES_MAX >= clients[(name - 1) / WRITES_MAX].done)
                return "a write that was not answered 200 took effect";
        }
    }
    /* Every value but the last was replaced by the next write. */
    return done > 0 && firsts == 1 ? NULL : "a write answered 200 did not take effect";
}

static const char *run_round(struct client *clients, struct test_random *random, uint64_t *writes)
{
    struct server server;
    atomic_uint serving = 0;
    server_start(&server, NULL, 1,
                 (const char *const[]){"--threads", "2", "--listen", "tcp://127.0.0.1:0", NULL});
    for (uint32_t i = 0; i < CLIENTS; i++) {
        memset(&clients[i], 0, sizeof clients[i]);
        clients[i].number = i;
        clients[i].url = server.urls[0];
        clients[i].serving = &serving;
        if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0)
            errx(1, "cannot make a thread");
    }
    while (atomic_load(&serving) < CLIENTS)
        clock_pause(CLOCK_MS);
    clock_pause((int64_t)test_random_below(random, 50 * CLOCK_MS));
    const char *failure = server_stop(&server) == 0 ? NULL : "kvs did not exit with 0";
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        *writes += clients[i].done;
        if (clients[i].failure)
            failure = clients[i].failure;
    }
    server_fini(&server);
    return failure ? failure : check_chain(clients);
}

bool scenario_drain(void)
{
    struct client *clients = calloc(CLIENTS, sizeof *clients);
    struct test_random random = {1};
    const char *failure = "none";
    uint64_t writes = 0;
    int good = 0;
    if (!clients)
        errx(1, "out of memory");
    for (int i = 0; i < ROUNDS; i++) {
        const char *failed = run_round(clients, &random, &writes);
        good += !failed;
        if (failed)
            failure = failed;
    }
    free(clients);
    return row("drain", good == ROUNDS,
               "SIGTERM under pipelined load, 50 times: 200s, then 503s, then EOF, never a reset; "
               "200 means done, 503 not done; exit 0",
               "%d of %d rounds, %llu writes in one chain each; failure: %s", good, ROUNDS,
               (unsigned long long)writes, failure);
}
