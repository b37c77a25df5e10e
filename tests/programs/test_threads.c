/* SPDX-License-Identifier: MIT
 *
 * Eight clients at once on a server of four loops, on keys of their own and on keys of all: each
 * sees its own writes in order, and batches are all or nothing. Under ThreadSanitizer this is the
 * server's test. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/wire.h"

enum { CLIENTS = 8, CONNECTIONS = 8, ROUNDS = 120 }; /* a round is a varint of one byte */

/* One client's thread; it asserts nothing, since an assertion would jump out of the thread. */
struct client {
    pthread_t thread;
    const char *url;
    uint8_t id;
    bool gzip;
    const char *wrong; /* out: what went wrong first, or NULL */
};

static bool exchange(const struct client *client, int fd, const uint8_t *request, size_t size,
                     struct wire_bytes *reply)
{
    return wire_send_frame(fd, request, size) == 0 && wire_receive(fd, client->gzip, reply) == 1;
}

/* hset of a key of one's own answers what the round before stored, or that it is fresh. */
static const char *write_own(const struct client *client, int fd, uint8_t round, bool fresh)
{
    const uint8_t request[] = {0x22, 14,   0x0a, 3,          'o',  'w', 'n',  0x12,
                               7,    0x0a, 1,    client->id, 0x12, 2,   0x18, round};
    const uint8_t old[] = {
        0x08, 0xc8, 0x01, 0x1a, 2, 0x18, (uint8_t)((round + ROUNDS - 1) % ROUNDS)};
    struct wire_bytes reply;
    if (!exchange(client, fd, request, sizeof request, &reply))
        return "no reply to hset";
    bool right = fresh ? reply.size == 5
                       : reply.size == sizeof old && memcmp(reply.data, old, sizeof old) == 0;
    wire_free(&reply);
    return right ? NULL : "hset answered another value than the one stored before";
}

/* hmset of two keys to one's own number. */
static const char *write_both(const struct client *client, int fd)
{
    const uint8_t id = client->id;
    const uint8_t request[] = {0x2a, 24,   0x0a, 4,   'b',  'o', 't',  'h', 0x12,
                               7,    0x0a, 1,    'a', 0x12, 2,   0x18, id,  0x12,
                               7,    0x0a, 1,    'b', 0x12, 2,   0x18, id};
    struct wire_bytes reply;
    if (!exchange(client, fd, request, sizeof request, &reply))
        return "no reply to hmset";
    int status = wire_status(&reply);
    wire_free(&reply);
    return status == 200 ? NULL : "hmset was not answered 200";
}

/* hmget of both: two numbers, of one and the same client. */
static const char *read_both(const struct client *client, int fd)
{
    static const uint8_t request[] = {0x1a, 12,   0x0a, 4,   'b',  'o', 't',
                                      'h',  0x12, 1,    'a', 0x12, 1,   'b'};
    struct wire_bytes reply;
    if (!exchange(client, fd, request, sizeof request, &reply))
        return "no reply to hmget";
    bool right = reply.size == 11 && memcmp(reply.data + 3, reply.data + 7, 4) == 0;
    wire_free(&reply);
    return right ? NULL : "hmget saw half of an hmset";
}

static const char *list_own(const struct client *client, int fd)
{
    static const uint8_t request[] = {0x12, 5, 0x0a, 3, 'o', 'w', 'n'};
    struct wire_bytes reply;
    if (!exchange(client, fd, request, sizeof request, &reply))
        return "no reply to hgetall";
    int status = wire_status(&reply);
    wire_free(&reply);
    return status == 200 ? NULL : "hgetall was not answered 200";
}

/* One connection's rounds. */
static void run_rounds(struct client *client, bool first)
{
    int fd = wire_connect(client->url);
    if (fd < 0) {
        client->wrong = "cannot connect";
        return;
    }
    for (uint8_t round = 0; round < ROUNDS && !client->wrong; round++) {
        client->wrong = write_own(client, fd, round, first && round == 0);
        if (!client->wrong)
            client->wrong = write_both(client, fd);
        if (!client->wrong)
            client->wrong = read_both(client, fd);
        if (!client->wrong)
            client->wrong = list_own(client, fd);
    }
    close(fd);
}

/* Connects again and again, so that it meets every loop. */
static void *run_client(void *arg)
{
    struct client *client = arg;
    for (int i = 0; i < CONNECTIONS && !client->wrong; i++)
        run_rounds(client, i == 0);
    return NULL;
}

static void test_eight_clients_on_four_loops(void **state)
{
    (void)state;
    struct kvs kvs;
    struct client clients[CLIENTS] = {0};
    kvs_start(&kvs, WORDS("--threads", "4", "--listen", KVS_ANY_PORT, "--listen",
                          KVS_ANY_PORT "?codec=raw"));
    for (uint8_t i = 0; i < CLIENTS; i++) {
        bool gzip = i % 2 == 0;
        clients[i] =
            (struct client){.url = kvs.urls[gzip ? 0 : 1], .id = (uint8_t)('a' + i), .gzip = gzip};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
    for (size_t i = 0; i < CLIENTS; i++) {
        if (clients[i].wrong)
            fail_msg("client %zu: %s", i, clients[i].wrong);
    }
    kvs_end(&kvs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eight_clients_on_four_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
