/* SPDX-License-Identifier: MIT
 *
 * Clients of gRPC that flood, and such as never open a window. */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "floods.h"

enum { ATTACKERS = 1000 };
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

static void put_usual_preface(struct bytes *out)
{
    put_preface(out, "", 0);
}

static void behave(struct bytes *out)
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

static const struct flood floods[] = {
    {"rapid resets", NULL, rapid_resets},
    {"mistakes", NULL, mistakes},
    {"CONTINUATION", NULL, continuations},
    {"HPACK bomb", NULL, bomb},
    {"PING", NULL, pings},
    {"PING answers", NULL, answers_to_pings},
    {"SETTINGS", NULL, settings},
    {"PRIORITY", NULL, priorities},
    {"WINDOW_UPDATE", NULL, window_updates},
    {"empty DATA", NULL, empty_data},
    {"unknown frames", NULL, unknown_frames},
};

bool scenario_floods(void)
{
    static const char *const options[] = {"--listen", "?codec=grpc", NULL};
    static const struct flood_setup setup = {
        .options = options, .begin = put_usual_preface, .behave = behave};
    bool met = true;
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++)
        met &= flood_in_turn(&setup, &floods[i]);
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

/* The bytes that each connection sends. Set while no thread runs. */
static struct bytes sent;

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
    if (!flood_stand_back())
        return false;
    for (int i = 0; i < ATTACKERS; i++) {
        fds[i] = wire_connect(world->server.urls[0]);
        if (fds[i] < 0 || wire_send(fds[i], sent.data, sent.size) < 0)
            errx(1, "connection %d of %d: %s", i, ATTACKERS, strerror(errno));
    }
    for (int i = 0; i < ATTACKERS; i++) {
        ended += flood_is_ended(fds[i]);
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
