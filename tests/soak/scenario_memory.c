/* SPDX-License-Identifier: MIT
 *
 * --max-memory against clients that want memory to fall to pieces. Each fills its tables with values
 * of one size, by single writes and by batches, some of which are refused; leaves a few in each
 * slab; and goes on to the next size. Meanwhile somebody writes single bytes. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/random.h"
#include "clock.h"
#include "kv_frames.h"
#include "world.h"

enum {
    LIMIT = 32 << 20,
    CLIENTS = 3,
    SECONDS = 20,
    PROCESS_SECONDS = 10,
    DEPTH = 64, /* requests on their way */
    BATCH = 1000,
    OVERHEAD = 64, /* heap bytes that a key and its slot take at most besides their bytes */
    KEYS_MAX = 200000,
    SLAB = 64 << 10,
};

static int seconds = SECONDS;

void scenario_memory_for(int wanted)
{
    seconds = wanted;
}

struct client {
    struct test_random random;
    unsigned number;
    int fd;
    uint8_t *sizes_of; /* which are there, by number of key: 1 */
    uint64_t done, full, other;
};

static _Atomic int64_t live;     /* bytes that all clients know to be there at most */
static _Atomic uint64_t asked;   /* single bytes that were written under 80 % of the limit */
static _Atomic uint64_t refused; /* and those of them that were answered 507 */
static _Atomic uint64_t writes, refusals;
static _Atomic unsigned jobs, clients; /* begun */
static int64_t until;

/* The most that a key with such a value may take in the store. */
static int64_t cost(size_t size)
{
    if (size > 8000)
        return (int64_t)((size + OVERHEAD + 4095) / 4096 * 4096 + OVERHEAD);
    return (int64_t)(size + size / 8 + OVERHEAD);
}

/* A pair's or key's field with a value of size bytes, none for a removal. */
static void put_pair(struct bytes *message, uint8_t tag, unsigned client, size_t size,
                     unsigned number, bool with_value)
{
    static const uint8_t zeros[1 << 20];
    char key[40];
    struct bytes pair = {0}, value = {0};
    int length = snprintf(key, sizeof key, "%u/%zu/%u", client, size, number);
    if (!with_value) {
        put_field(message, tag, key, (size_t)length);
        return;
    }
    put_field(&value, 0x12, zeros, size);
    put_field(&pair, 0x0a, key, (size_t)length);
    put_field(&pair, 0x12, value.data, value.size);
    put_field(message, tag, pair.data, pair.size);
    bytes_fini(&value);
    bytes_fini(&pair);
}

/* One request for the keys from number on. */
static void put_frame(struct bytes *frames, struct client *client, enum kv_op op, size_t size,
                      unsigned number, unsigned count)
{
    char table[16];
    struct bytes keys = {0}, message = {0};
    (void)snprintf(table, sizeof table, "t%zu", size % 5);
    for (unsigned i = 0; i < count; i++)
        put_pair(&keys, 0x12, client->number, size, number + i, op == KV_HSET || op == KV_HMSET);
    put_request(&message, op, table, &keys);
    wire_header(bytes_add(frames, 4), (uint32_t)message.size);
    bytes_put(frames, message.data, message.size);
    bytes_fini(&keys);
    bytes_fini(&message);
}

static int take_status(struct client *client)
{
    struct wire_bytes reply = {0};
    int status = wire_receive(client->fd, true, &reply) == 1 ? wire_status(&reply) : -1;
    client->done += status == 200;
    client->full += status == 507;
    client->other += status != 200 && status != 507;
    wire_free(&reply);
    return status;
}

static bool is_over(void)
{
    return clock_now() >= until;
}

/* Sets keys until half of a flight is refused; returns how many there may be. */
static unsigned fill(struct client *client, size_t size)
{
    unsigned number = 0, full = 0;
    while (full < DEPTH / 2 && number < KEYS_MAX && !is_over()) {
        struct bytes frames = {0};
        unsigned batch = test_random_below(&client->random, 4) == 0 ? 30 : 1;
        if (size > 20000)
            batch = 1;
        unsigned flight = size > 20000 ? 4 : DEPTH;
        for (unsigned i = 0; i < flight; i++)
            put_frame(&frames, client, batch > 1 ? KV_HMSET : KV_HSET, size, number + i * batch,
                      batch);
        atomic_fetch_add(&live, (int64_t)flight * batch * cost(size));
        if (wire_send(client->fd, frames.data, frames.size) < 0)
            errx(1, "memory: the server is gone");
        bytes_fini(&frames);
        for (unsigned i = 0; i < flight; i++) {
            bool done = take_status(client) == 200;
            full += !done;
            memset(client->sizes_of + number + i * batch, done, batch);
            if (!done)
                atomic_fetch_sub(&live, batch * cost(size));
        }
        full = flight < DEPTH && full > 0 ? DEPTH : full;
        number += flight * batch;
    }
    return number;
}

/* Removes what is there but about one key in each slab. */
static void thin_out(struct client *client, size_t size, unsigned count)
{
    unsigned every = (unsigned)(SLAB / (size + OVERHEAD)) + 1;
    for (unsigned number = 0; number < count && !is_over();) {
        struct bytes frames = {0};
        unsigned sent = 0;
        for (; sent < DEPTH && number < count; number++) {
            if (!client->sizes_of[number] || number % every == 0)
                continue;
            put_frame(&frames, client, KV_HDEL, size, number, 1);
            sent++;
        }
        if (frames.size > 0 && wire_send(client->fd, frames.data, frames.size) < 0)
            errx(1, "memory: the server is gone");
        bytes_fini(&frames);
        for (unsigned i = 0; i < sent; i++) {
            if (take_status(client) == 200)
                atomic_fetch_sub(&live, cost(size));
        }
    }
}

/* A batch that a full store has no room for. */
static void be_refused(struct client *client)
{
    struct bytes frames = {0};
    atomic_fetch_add(&live, BATCH * cost(600));
    put_frame(&frames, client, KV_HMSET, 600, KEYS_MAX, BATCH);
    if (wire_send(client->fd, frames.data, frames.size) < 0)
        errx(1, "memory: the server is gone");
    bytes_fini(&frames);
    if (take_status(client) != 200)
        atomic_fetch_sub(&live, BATCH * cost(600));
}

static bool run_client(struct world *world)
{
    struct client client = {.number = atomic_fetch_add(&clients, 1)};
    client.random.state = client.number + 1;
    client.sizes_of = calloc(1, KEYS_MAX + DEPTH * 30);
    client.fd = wire_connect(world->server.urls[0]);
    if (client.fd < 0 || !client.sizes_of)
        errx(1, "memory: cannot connect");
    size_t size = 8;
    while (!is_over()) {
        unsigned number = fill(&client, size);
        be_refused(&client);
        thin_out(&client, size, number);
        size += 1 + size / 5 + test_random_below(&client.random, 7);
        if (size > 300000)
            size = 8 + test_random_below(&client.random, 60);
    }
    close(client.fd);
    free(client.sizes_of);
    atomic_fetch_add(&writes, client.done);
    atomic_fetch_add(&refusals, client.full);
    return client.other == 0;
}

/* Writes single bytes for as long as the clients are there. */
static bool run_writer(struct world *world)
{
    struct client client = {.number = 1000, .fd = wire_connect(world->server.urls[0])};
    if (client.fd < 0)
        errx(1, "memory: cannot connect");
    for (unsigned i = 0; !is_over(); i++) {
        struct bytes frames = {0};
        bool must = atomic_load(&live) < LIMIT / 5 * 4;
        put_frame(&frames, &client, KV_HSET, 1, i % 5000, 1);
        if (wire_send(client.fd, frames.data, frames.size) < 0)
            errx(1, "memory: the server is gone");
        bytes_fini(&frames);
        bool full = take_status(&client) == 507;
        atomic_fetch_add(&asked, must);
        atomic_fetch_add(&refused, must && full && atomic_load(&live) < LIMIT / 5 * 4);
        clock_pause(CLOCK_SECOND / 2000);
    }
    close(client.fd);
    return client.other == 0;
}

static bool run_one(struct world *world)
{
    return atomic_fetch_add(&jobs, 1) == 0 ? run_writer(world) : run_client(world);
}

/* Lets the clients run against a server with this limit, and tells by how many MiB it grew. */
static bool run_under(struct world *world, const char *limit, int for_seconds, double *highest)
{
    atomic_store(&live, 0);
    atomic_store(&asked, 0);
    atomic_store(&refused, 0);
    atomic_store(&writes, 0);
    atomic_store(&refusals, 0);
    atomic_store(&clients, 0);
    atomic_store(&jobs, 0);
    world_start(world, (const char *const[]){"--threads", "2", "--max-memory", limit,
                                             "--frame-cache", "0", NULL});
    until = clock_now() + (int64_t)for_seconds * CLOCK_SECOND;
    bool well = parallel(CLIENTS + 1, run_one, world) == CLIENTS + 1;
    *highest = (double)world_highest_grown(world) / (1 << 20);
    bool ended = world_stop(world) == 0 && !world->probe.failed;
    server_fini(&world->server);
    return well && ended;
}

/* The memory that the server takes for these clients' requests and replies is measured first, by refusing nearly
 * all of their values. */
bool scenario_memory(void)
{
    struct world world;
    double process = 0, highest = 0;
    bool well = run_under(&world, "256KiB", PROCESS_SECONDS, &process) &&
                run_under(&world, "32MiB", seconds, &highest);
    return row(
        "memory", well && refused == 0 && highest < 1.3 * 32 + process,
        "--max-memory 32MiB, values of 8 bytes to 300 KB, a few left of each size: at most "
        "1.3 times that and the process, which is what the clients take of one with "
        "--max-memory 256KiB; a byte can be written under 80 % of it",
        "%.1f MiB, the process %.1f, in %d s of %llu writes and removals, %llu refused; of %llu "
        "bytes written under 80 %% %llu refused; p99 %.2f ms, max %.2f ms",
        highest, process, seconds, (unsigned long long)writes, (unsigned long long)refusals,
        (unsigned long long)asked, (unsigned long long)refused,
        (double)cli_histogram_quantile(&world.probe.latency, 99000) / 1e6,
        (double)world.probe.latency.max / 1e6);
}
