/* SPDX-License-Identifier: MIT
 *
 *     killing STORE [ROUNDS]
 *
 * kvs is killed at random moments under 50 writers, and started again on the same folder: every write that
 * was answered must be there, and no batch in part. STORE is as in --store with %s in the place of the
 * folder: 'lmdb:%s'. Exits with 1 where that does not hold. */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kv_frames.h"
#include "lib/random.h"
#include "lib/scratch.h"
#include "lib/wire.h"
#include "server.h"

enum { WRITERS = 50, KEYS = 4, DEPTH = 16, LONGEST_MS = 300 };

/* A client of its own table: each batch writes one version to all of its keys. */
struct writer {
    pthread_t thread;
    const char *url;
    unsigned number;
    char table[16];
    uint64_t sent, answered; /* the last version */
    bool wrong;              /* a reply was no success */
};

static void put_batch(struct bytes *message, const struct writer *writer, uint64_t version)
{
    struct bytes keys = {0}, value = {0};
    for (unsigned key = 0; key < KEYS; key++) {
        value.size = 0;
        put_value(&value, writer->number, key, version);
        put_key(&keys, KV_HMSET, key, &value);
    }
    put_request(message, KV_HMSET, writer->table, &keys);
    bytes_fini(&value);
    bytes_fini(&keys);
}

static bool send_batch(struct writer *writer, int fd)
{
    struct bytes message = {0};
    put_batch(&message, writer, ++writer->sent);
    int rv = wire_send_frame(fd, message.data, message.size);
    bytes_fini(&message);
    return rv == 0;
}

/* Ends with the connection, which the kill breaks. */
static void *write_on(void *arg)
{
    struct writer *writer = arg;
    int fd = wire_connect(writer->url);
    struct wire_bytes reply;
    bool open = fd >= 0;
    for (int i = 0; i < DEPTH && open; i++)
        open = send_batch(writer, fd);
    while (wire_receive(fd, false, &reply) == 1) {
        if (wire_status(&reply) != 200)
            writer->wrong = true;
        else
            writer->answered++;
        wire_free(&reply);
        if (open)
            open = send_batch(writer, fd);
    }
    close(fd);
    return NULL;
}

static void expect(struct bytes *reply, const struct writer *writer, uint64_t version)
{
    struct bytes value = {0};
    reply->size = 0;
    put_ok(reply);
    for (unsigned key = 0; key < KEYS; key++) {
        value.size = 0;
        put_value(&value, writer->number, key, version);
        put_reply_value(reply, &value);
    }
    bytes_fini(&value);
}

/* Returns the version that all keys of the writer have; UINT64_MAX: none that may be there. */
static uint64_t version_of(const struct writer *writer, int fd)
{
    struct bytes keys = {0}, message = {0}, expected = {0};
    struct wire_bytes reply = {0};
    for (unsigned key = 0; key < KEYS; key++)
        put_key(&keys, KV_HMGET, key, NULL);
    put_request(&message, KV_HMGET, writer->table, &keys);
    uint64_t found = UINT64_MAX;
    if (wire_send_frame(fd, message.data, message.size) == 0 &&
        wire_receive(fd, false, &reply) == 1) {
        for (uint64_t v = writer->answered; v <= writer->sent && found == UINT64_MAX; v++) {
            expect(&expected, writer, v);
            if (expected.size == reply.size && memcmp(expected.data, reply.data, reply.size) == 0)
                found = v;
        }
        wire_free(&reply);
    }
    bytes_fini(&keys);
    bytes_fini(&message);
    bytes_fini(&expected);
    return found;
}

static bool check(struct writer *writers, const char *url)
{
    int fd = wire_connect(url);
    bool good = fd >= 0;
    for (unsigned i = 0; i < WRITERS; i++) {
        struct writer *writer = &writers[i];
        uint64_t version = good ? version_of(writer, fd) : UINT64_MAX;
        if (version == UINT64_MAX || writer->wrong) {
            fprintf(stderr, "writer %u: sent %llu, answered %llu: %s\n", i,
                    (unsigned long long)writer->sent, (unsigned long long)writer->answered,
                    writer->wrong ? "a reply was no success" : "something else is there");
            good = false;
        }
        writer->sent = writer->answered = version;
    }
    close(fd);
    return good;
}

static void wait_some_time(struct test_random *random)
{
    long ms = (long)test_random_below(random, LONGEST_MS);
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

static void kill_server(struct server *server)
{
    int status;
    kill(server->pid, SIGKILL);
    while (waitpid(server->pid, &status, 0) < 0 && errno == EINTR)
        ;
    server_fini(server);
}

static void start(struct server *server, const char *store)
{
    const char *const options[] = {"--listen",    "tcp://127.0.0.1:0?codec=raw",
                                   "--store",     store,
                                   "--log-level", "error",
                                   "--threads",   "2",
                                   NULL};
    server_start(server, NULL, 1, options);
}

static bool run(const char *store, int rounds, struct writer *writers)
{
    struct test_random random = test_random_start(11);
    struct server server;
    bool good = true;
    for (int round = 0; round < rounds && good; round++) {
        start(&server, store);
        for (unsigned i = 0; i < WRITERS; i++) {
            writers[i].url = server.urls[0];
            if (pthread_create(&writers[i].thread, NULL, write_on, &writers[i]) != 0)
                errx(1, "no thread");
        }
        wait_some_time(&random);
        kill_server(&server);
        for (unsigned i = 0; i < WRITERS; i++)
            pthread_join(writers[i].thread, NULL);
        start(&server, store);
        good = check(writers, server.urls[0]);
        if (server_stop(&server) != 0) {
            fprintf(stderr, "kvs did not end well: %s\n", server_log(&server));
            good = false;
        }
        server_fini(&server);
    }
    return good;
}

int main(int argc, char **argv)
{
    static struct writer writers[WRITERS];
    char folder[64], store[256];
    if (argc < 2 || argc > 3)
        errx(2, "usage: killing STORE [ROUNDS]");
    int rounds = argc == 3 ? atoi(argv[2]) : 200;
    const char *place = strstr(argv[1], "%s");
    if (!place)
        errx(2, "STORE needs a %%s for the folder");
    scratch_make(folder, sizeof folder);
    (void)snprintf(store, sizeof store, "%.*s%s/store%s", (int)(place - argv[1]), argv[1], folder,
                   place + 2);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i].number = i;
        (void)snprintf(writers[i].table, sizeof writers[i].table, "writer %u", i);
    }
    bool good = run(store, rounds, writers);
    uint64_t answered = 0;
    for (unsigned i = 0; i < WRITERS; i++)
        answered += writers[i].answered;
    if (good)
        scratch_remove(folder);
    printf("%s: %d rounds, %llu batches: %s\n", argv[1], rounds, (unsigned long long)answered,
           good ? "every answered write was there, no batch in part" : "FAILED");
    return good ? 0 : 1;
}
