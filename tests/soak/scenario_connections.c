/* SPDX-License-Identifier: MIT
 *
 * Many connections that want nothing but to be there, and one that wants much. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/random.h"
#include "clock.h"
#include "kv_frames.h"
#include "world.h"

enum { MANY = 5000, SOME = 1000 };

/* Opens count connections that send the same bytes. */
static void open_connections(const struct world *world, int *fds, int count, const void *bytes,
                             size_t size)
{
    for (int i = 0; i < count; i++) {
        fds[i] = wire_connect(world->server.urls[0]);
        if (fds[i] < 0 || wire_send(fds[i], bytes, size) < 0)
            errx(1, "connection %d of %d: %s", i, count, strerror(errno));
    }
}

static void close_connections(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

/* Waits for each to be ended by the server. */
static int count_ended(const int *fds, int count)
{
    uint8_t byte;
    int ended = 0;
    for (int i = 0; i < count; i++) {
        int err = wire_receive_bytes(fds[i], &byte, 1);
        ended += err == -EPROTO || err == -ECONNRESET;
    }
    return ended;
}

bool scenario_half_headers(void)
{
    enum { TIMEOUT_S = 3 };
    static int fds[MANY];
    struct world world;
    world_start(&world, (const char *const[]){"--frame-timeout", "3", NULL});
    open_connections(&world, fds, MANY, "\0\0", 2);
    int64_t sent = clock_now();
    int ended = count_ended(fds, MANY);
    double late = (double)(clock_now() - sent) / 1e9 - TIMEOUT_S;
    close_connections(fds, MANY);
    bool well = world_stop(&world) == 0 && !world.probe.failed;
    server_fini(&world.server);
    return row("half headers", well && ended == MANY && late < 1,
               "5,000 connections with 2 bytes of header: each closed by its deadline; good client "
               "unhurt",
               "%d closed, the last %.2f s after its deadline; p99 %.2f ms, max %.2f ms", ended,
               late, (double)cli_histogram_quantile(&world.probe.latency, 99000) / 1e6,
               (double)world.probe.latency.max / 1e6);
}

/* Memory a connection, of so many that sent these bytes. */
static double bytes_a_connection(const void *bytes, size_t size)
{
    static int fds[SOME];
    struct world world;
    world_start(&world, (const char *const[]){NULL});
    open_connections(&world, fds, SOME, bytes, size);
    clock_pause(CLOCK_SECOND / 2);
    double each = (double)world_grown(&world) / SOME;
    close_connections(fds, SOME);
    if (world_stop(&world) != 0 || world.probe.failed)
        errx(1, "kvs did not end well");
    server_fini(&world.server);
    return each;
}

bool scenario_promises(void)
{
    uint8_t promise[14] = {0};
    wire_header(promise, (8 << 20) - 1);
    double idle = bytes_a_connection(promise, 0);
    double promised = bytes_a_connection(promise, sizeof promise);
    return row("promises", promised < idle + 512,
               "1,000 headers promising 8 MiB less a byte, ten bytes sent: no memory beyond the "
               "connections' own",
               "%.0f bytes a connection; one that sent nothing %.0f", promised, idle);
}

/* A frame of one request. */
static void put_framed(struct bytes *frames, enum kv_op op, const struct bytes *value)
{
    struct bytes key = {0}, message = {0};
    put_key(&key, op, 0, value);
    put_request(&message, op, "large", &key);
    wire_header(bytes_add(frames, 4), (uint32_t)message.size);
    bytes_put(frames, message.data, message.size);
    bytes_fini(&key);
    bytes_fini(&message);
}

static void store_mebibyte(const struct world *world)
{
    struct bytes value = {0}, frame = {0};
    struct test_random random = {1};
    bytes_put(&value, "\x12\x80\x80\x40", 4); /* binary, 1 MiB */
    for (int i = 0; i < 1 << 20; i++)
        *bytes_add(&value, 1) = (uint8_t)test_random_next(&random);
    put_framed(&frame, KV_HSET, &value);
    if (ask(world, &(struct wire_bytes){frame.data, frame.size}) != 200)
        errx(1, "1 MiB could not be stored");
    bytes_fini(&value);
    bytes_fini(&frame);
}

bool scenario_never_reads(void)
{
    enum { ASKED = 1000, TIMEOUT_S = 3 };
    struct world world;
    struct bytes frames = {0};
    world_start(&world, (const char *const[]){"--write-timeout", "3", NULL});
    store_mebibyte(&world);
    int64_t stored = world_grown(&world);
    server_reset_highest(&world.server);
    for (int i = 0; i < ASKED; i++)
        put_framed(&frames, KV_HGET, NULL);
    int fd = wire_connect(world.server.urls[0]);
    if (fd < 0 || wire_send(fd, frames.data, frames.size) < 0)
        errx(1, "could not be asked for");
    int64_t asked = clock_now();
    char *log = server_log(&world.server);
    while (!strstr(log, "reason=write-timeout") && clock_now() - asked < 30 * CLOCK_SECOND) {
        free(log);
        clock_pause(CLOCK_SECOND / 100);
        log = server_log(&world.server);
    }
    double closed = (double)(clock_now() - asked) / 1e9;
    bool timed_out = strstr(log, "reason=write-timeout") != NULL;
    double grown = (double)(world_highest_grown(&world) - stored) / (1 << 20);
    bool well = world_stop(&world) == 0 && !world.probe.failed;
    close(fd);
    free(log);
    bytes_fini(&frames);
    server_fini(&world.server);
    return row("never reads", well && timed_out && grown < 8,
               "a client that asks for 1,000 x 1 MiB and reads nothing: paused, then closed with "
               "write-timeout; memory bounded",
               "%s after %.2f s (--write-timeout %d); memory grew by %.1f MiB",
               timed_out ? "write-timeout" : "no write-timeout", closed, TIMEOUT_S, grown);
}
