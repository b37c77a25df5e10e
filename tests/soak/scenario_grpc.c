/* SPDX-License-Identifier: MIT
 *
 * Clients of gRPC that flood: each of a thousand connections sends one kind of frame until it is closed. */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "kv_frames.h"
#include "world.h"

enum { THREADS = 8, ATTACKERS = 1000 };
enum {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PING = 6,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION
};
enum { ACK = 1, END_STREAM = 1, END_HEADERS = 4 };

/* --- what they send ----------------------------------------------------------------------------------- */

static void put_frame(struct bytes *out, uint8_t type, uint8_t flags, uint32_t stream,
                      const void *payload, size_t size)
{
    const uint8_t header[9] = {(uint8_t)(size >> 16),
                               (uint8_t)(size >> 8),
                               (uint8_t)size,
                               type,
                               flags,
                               (uint8_t)(stream >> 24),
                               (uint8_t)(stream >> 16),
                               (uint8_t)(stream >> 8),
                               (uint8_t)stream};
    bytes_put(out, header, sizeof header);
    bytes_put(out, payload, size);
}

/* A POST to the method Hexist, as HPACK without Huffman's code. */
static const char block[] = "\x83\x86\x04\x15/weft.kv.v1.Kv/Hexist\x01\x01h"
                            "\x0f\x10\x10"
                            "application/grpc\0\x02te\x08trailers";
enum { BLOCK_SIZE = sizeof block - 1 };
static const char message[] = "\0\0\0\0\x06\x0a\x01t\x12\x01k";
enum { MESSAGE_SIZE = sizeof message - 1 };

static void put_call(struct bytes *out, uint32_t stream)
{
    put_frame(out, HEADERS, END_HEADERS, stream, block, BLOCK_SIZE);
    put_frame(out, DATA, END_STREAM, stream, message, MESSAGE_SIZE);
}

static void put_preface(struct bytes *out, const void *settings, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    bytes_put(out, preface, sizeof preface - 1);
    put_frame(out, SETTINGS, 0, 0, settings, size);
    put_frame(out, SETTINGS, ACK, 0, "", 0);
}

static void put_many(struct bytes *out, uint8_t type, uint8_t flags, uint32_t stream,
                     const void *payload, size_t size)
{
    for (int i = 0; i < 3000; i++)
        put_frame(out, type, flags, stream, payload, size);
}

static void honest(struct bytes *out)
{
    for (uint32_t i = 0; i < 100; i++)
        put_call(out, 2 * i + 1);
    put_frame(out, GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
}

static void rapid_resets(struct bytes *out)
{
    for (uint32_t i = 0; i < 300; i++) {
        put_call(out, 2 * i + 1);
        put_frame(out, RST_STREAM, 0, 2 * i + 1, "\0\0\0\x08", 4);
    }
}

static void mistakes(struct bytes *out)
{
    for (uint32_t i = 0; i < 300; i++)
        put_frame(out, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, "\x83\x86\x84\0\x01X\x01y", 8);
}

static void continuations(struct bytes *out)
{
    put_frame(out, HEADERS, 0, 1, block, BLOCK_SIZE);
    put_many(out, CONTINUATION, 0, 1, "\0\x01x\x01y", 5);
}

static void bomb(struct bytes *out)
{
    enum { FIELD = 4000 };
    static uint8_t large[16000];
    memcpy(large, "\x40\x01x\x7f\xa1\x1e", 6);
    memset(large + 6, 'v', FIELD);
    memset(large + 6 + FIELD, 0xbe, sizeof large - 6 - FIELD);
    put_frame(out, HEADERS, END_HEADERS, 1, large, sizeof large);
}

static void pings(struct bytes *out)
{
    put_many(out, PING, 0, 0, "\0\0\0\0\0\0\0\0", 8);
}

static void answers_to_pings(struct bytes *out)
{
    put_many(out, PING, ACK, 0, "\0\0\0\0\0\0\0\0", 8);
}

static void settings(struct bytes *out)
{
    put_many(out, SETTINGS, 0, 0, "", 0);
}

static void priorities(struct bytes *out)
{
    put_many(out, PRIORITY, 0, 1, "\0\0\0\0\xff", 5);
}

static void window_updates(struct bytes *out)
{
    put_many(out, WINDOW_UPDATE, 0, 0, "\0\0\0\x01", 4);
}

static void empty_data(struct bytes *out)
{
    put_frame(out, HEADERS, END_HEADERS, 1, block, BLOCK_SIZE);
    put_many(out, DATA, 0, 1, "", 0);
}

static void unknown_frames(struct bytes *out)
{
    put_many(out, 0x16, 0, 0, "", 0);
}

static const struct flood {
    const char *name;
    void (*put)(struct bytes *out);
} floods[] = {
    {"rapid resets", rapid_resets},
    {"mistakes", mistakes},
    {"CONTINUATION", continuations},
    {"HPACK bomb", bomb},
    {"PING", pings},
    {"PING answers", answers_to_pings},
    {"SETTINGS", settings},
    {"PRIORITY", priorities},
    {"WINDOW_UPDATE", window_updates},
    {"empty DATA", empty_data},
    {"unknown frames", unknown_frames},
};

/* --- what comes of it --------------------------------------------------------------------------------- */

/* The bytes that each connection sends. Set while no thread runs. */
static struct bytes sent;

/* Reads until the server ends the connection, and says so; false after half a minute. */
static bool is_ended(int fd)
{
    static _Thread_local uint8_t heard[65536];
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    for (;;) {
        ssize_t n = recv(fd, heard, sizeof heard, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return true;
        if (n < 0 && (errno != EAGAIN || poll(&poller, 1, 30000) <= 0))
            return false;
    }
}

static bool attack(const char *url)
{
    int fd = wire_connect(url);
    if (fd < 0)
        return false;
    (void)wire_send(fd, sent.data, sent.size); /* it may be closed before it has sent all */
    bool ended = is_ended(fd);
    close(fd);
    return ended;
}

/* The CPU is for kvs and the good client first, as if the attackers were on a machine of their own. */
static bool stand_back(void)
{
    const struct sched_param none = {0};
    return sched_setscheduler(0, SCHED_IDLE, &none) == 0;
}

static bool attack_often(struct world *world)
{
    int closed = 0;
    if (!stand_back())
        return false;
    for (int i = 0; i < ATTACKERS / THREADS; i++)
        closed += attack(world->server.urls[0]);
    return closed == ATTACKERS / THREADS;
}

struct outcome {
    bool well;    /* all were closed, and the good client was served */
    double p99;   /* milliseconds, of the good client meanwhile */
    double grown; /* MiB, at most */
};

/* Lets a thousand connections send what put has written. */
static struct outcome try(void (*put)(struct bytes *out))
{
    struct world world;
    sent = (struct bytes){0};
    put_preface(&sent, "", 0);
    put(&sent);
    world_start(&world, (const char *const[]){"--listen", "?codec=grpc", NULL});
    unsigned done = parallel(THREADS, attack_often, &world);
    double grown = (double)world_highest_grown(&world) / (1 << 20);
    bool well = world_stop(&world) == 0 && !world.probe.failed && done == THREADS;
    server_fini(&world.server);
    bytes_fini(&sent);
    return (struct outcome){well, (double)cli_histogram_quantile(&world.probe.latency, 99000) / 1e6,
                            grown};
}

/* Has a flood and as many honest connections in turn, and compares the lowest of each: what else the machine does can only add
 * to the p99 of a second. */
static bool flood_in_turn(const struct flood *flood)
{
    enum { ROUNDS = 5 };
    struct outcome usual = try(honest), got = try(flood->put);
    for (int i = 1; i < ROUNDS; i++) {
        const struct outcome calls = try(honest), frames = try(flood->put);
        usual.well &= calls.well;
        got.well &= frames.well;
        usual.p99 = calls.p99 < usual.p99 ? calls.p99 : usual.p99;
        got.p99 = frames.p99 < got.p99 ? frames.p99 : got.p99;
        got.grown = frames.grown > got.grown ? frames.grown : got.grown;
    }
    return row(flood->name, usual.well && got.well && got.p99 <= 2 * usual.p99 && got.grown <= 2,
               "1,000 connections, 8 at once: each closed, memory grows by 2 MiB at most, and the "
               "good client's p99 is at most "
               "twice that beside as many of 100 calls",
               "%s; memory grew by %.1f MiB; p99 %.3f ms, beside calls %.3f ms",
               usual.well && got.well ? "all closed" : "not all closed", got.grown, got.p99,
               usual.p99);
}

bool scenario_floods(void)
{
    bool met = true;
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++)
        met &= flood_in_turn(&floods[i]);
    return met;
}

/* --- windows that stay shut --------------------------------------------------------------------------- */

enum { VALUE = 15000, STREAMS = 128 };

/* A CommandRequest for "key-0", which is Hset of VALUE bytes or Hget. */
static void make_request(struct bytes *request, enum kv_op op)
{
    struct bytes value = {0}, key = {0};
    bytes_put(&value, "\x12\x98\x75", 3); /* binary, 15,000 bytes */
    memset(bytes_add(&value, VALUE), 'v', VALUE);
    put_key(&key, op, 0, &value);
    put_request(request, op, "t", &key);
    bytes_fini(&value);
    bytes_fini(&key);
}

static void store_value(const struct world *world)
{
    struct bytes request = {0}, frame = {0};
    make_request(&request, KV_HSET);
    wire_header(bytes_add(&frame, 4), (uint32_t)request.size);
    bytes_put(&frame, request.data, request.size);
    if (ask(world, &(struct wire_bytes){frame.data, frame.size}) != 200)
        errx(1, "a value could not be stored");
    bytes_fini(&request);
    bytes_fini(&frame);
}

/* Calls whose answers wait for windows that never open. */
static void put_shut(struct bytes *out)
{
    static const char execute[] = "\x83\x86\x04\x16/weft.kv.v1.Kv/Execute\x01\x01h"
                                  "\x0f\x10\x10"
                                  "application/grpc\0\x02te\x08trailers";
    struct bytes request = {0}, body = {0};
    make_request(&request, KV_HGET);
    *bytes_add(&body, 1) = 0;
    wire_header(bytes_add(&body, 4), (uint32_t)request.size);
    bytes_put(&body, request.data, request.size);
    put_preface(out, "\0\x04\0\0\0\0", 6);
    for (uint32_t i = 0; i < STREAMS; i++) {
        put_frame(out, HEADERS, END_HEADERS, 2 * i + 1, execute, sizeof execute - 1);
        put_frame(out, DATA, END_STREAM, 2 * i + 1, body.data, body.size);
    }
    bytes_fini(&request);
    bytes_fini(&body);
}

/* Opens all connections, and waits until each is closed. */
static bool attack_at_once(struct world *world)
{
    static int fds[ATTACKERS];
    int ended = 0;
    if (!stand_back())
        return false;
    for (int i = 0; i < ATTACKERS; i++) {
        fds[i] = wire_connect(world->server.urls[0]);
        if (fds[i] < 0 || wire_send(fds[i], sent.data, sent.size) < 0)
            errx(1, "connection %d of %d: %s", i, ATTACKERS, strerror(errno));
    }
    for (int i = 0; i < ATTACKERS; i++) {
        ended += is_ended(fds[i]);
        close(fds[i]);
    }
    return ended == ATTACKERS;
}

bool scenario_windows(void)
{
    struct world world;
    world_start(&world,
                (const char *const[]){"--listen", "?codec=grpc", "--write-timeout", "3", NULL});
    store_value(&world);
    sent = (struct bytes){0};
    put_shut(&sent);
    bool ended = parallel(1, attack_at_once, &world) == 1;
    double each = (double)world_highest_grown(&world) / ATTACKERS / STREAMS;
    bool well = world_stop(&world) == 0 && !world.probe.failed;
    server_fini(&world.server);
    bytes_fini(&sent);
    return row("shut windows", well && ended && each < 3072,
               "1,000 connections of 128 calls for 15,000 bytes, whose windows stay shut: closed "
               "with write-timeout; at "
               "most 3 KiB a call",
               "%s; at most %.0f bytes a call; p99 %.2f ms",
               ended ? "all closed" : "not all closed", each,
               (double)cli_histogram_quantile(&world.probe.latency, 99000) / 1e6);
}
