/* SPDX-License-Identifier: MIT
 *
 * The attacks of the mob. Each opens a connection of its own. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "kv_frames.h"
#include "mob.h"
#include "tunnel.h"

static const uint8_t hexist[] = {0, 0, 0, 8, 0x42, 6, 0x0a, 1, 't', 0x12, 1, 'k'};

static int connect_to(struct mob *mob)
{
    return tunnel_connect(test_random_below(&mob->random, 2) ? mob->gzip_url : mob->raw_url);
}

/* The next reply has this status. */
static bool answers(int fd, bool gzip, int status)
{
    struct wire_bytes reply;
    bool right = wire_receive(fd, gzip, &reply) == 1 && wire_status(&reply) == status;
    wire_free(&reply);
    return right;
}

/* The peer ends, in order or by a reset, after at most a megabyte of whatever it says. */
static bool ends(int fd)
{
    uint8_t byte;
    for (int i = 0; i < 1 << 20; i++) {
        if (wire_receive_bytes(fd, &byte, 1) < 0)
            return true;
    }
    return false;
}

static const char *close_with(int fd, const char *wrong)
{
    close(fd);
    return wrong;
}

/* One frame that is refused with a status, after which the connection serves as before. */
static const char *refused(struct mob *mob, const struct wire_bytes *frame, int status)
{
    int fd = tunnel_connect(mob->gzip_url);
    if (fd < 0 || wire_send(fd, frame->data, frame->size) < 0)
        return close_with(fd, "could not be sent");
    if (!answers(fd, true, status))
        return close_with(fd, "was not refused as it should");
    if (wire_send(fd, hexist, sizeof hexist) < 0 || !answers(fd, true, 200))
        return close_with(fd, "the connection did not survive");
    return close_with(fd, NULL);
}

static const char *bomb(struct mob *mob)
{
    return refused(mob, &mob->arsenal->bomb, 413);
}

/* Inflates to what is allowed, and is no message. */
static const char *zeros(struct mob *mob)
{
    return refused(mob, &mob->arsenal->zeros, 400);
}

static const char *pairs(struct mob *mob)
{
    return refused(mob, &mob->arsenal->pairs, 413);
}

static const char *truncation(struct mob *mob)
{
    uint8_t frames[2 * sizeof hexist];
    memcpy(frames, hexist, sizeof hexist);
    memcpy(frames + sizeof hexist, hexist, sizeof hexist);
    size_t size = test_random_below(&mob->random, sizeof frames);
    int fd = connect_to(mob);
    if (fd < 0 || wire_send(fd, frames, size) < 0)
        return close_with(fd, "could not be sent");
    wire_shutdown(fd);
    if (size >= sizeof hexist && !answers(fd, false, 200))
        return close_with(fd, "what came before was not answered");
    struct wire_bytes more;
    int end = wire_receive(fd, false, &more);
    wire_free(&more);
    return close_with(fd, end == 0 ? NULL : "the connection did not end in order");
}

static const char *half_header(struct mob *mob)
{
    int fd = connect_to(mob);
    if (fd < 0 || wire_send(fd, hexist, 1 + test_random_below(&mob->random, 3)) < 0)
        return close_with(fd, "could not be sent");
    mob_park(mob, fd, true, false);
    return NULL;
}

/* So large a frame may take minutes. */
static const char *promise(struct mob *mob)
{
    uint8_t bytes[14] = {0};
    wire_header(bytes, (8 << 20) - 1);
    int fd = connect_to(mob);
    if (fd < 0 || wire_send(fd, bytes, sizeof bytes) < 0)
        return close_with(fd, "could not be sent");
    mob_park(mob, fd, false, false);
    return NULL;
}

static const char *trickled(struct mob *mob)
{
    uint8_t header[4];
    wire_header(header, 60000);
    int fd = connect_to(mob);
    if (fd < 0 || wire_send(fd, header, sizeof header) < 0)
        return close_with(fd, "could not be sent");
    mob_park(mob, fd, true, true);
    return NULL;
}

/* Frames that are good and tiny, all at once. */
static const char *flood(struct mob *mob)
{
    enum { FRAMES = 1000 };
    uint8_t frames[FRAMES * sizeof hexist];
    for (size_t i = 0; i < FRAMES; i++)
        memcpy(frames + i * sizeof hexist, hexist, sizeof hexist);
    int fd = connect_to(mob);
    if (fd < 0 || wire_send(fd, frames, sizeof frames) < 0)
        return close_with(fd, "could not be sent");
    for (int i = 0; i < FRAMES; i++) {
        if (!answers(fd, false, 200))
            return close_with(fd, "a reply was lost");
    }
    return close_with(fd, NULL);
}

/* Frames that are bad and tiny: it takes only so many. */
static const char *bad_flood(struct mob *mob)
{
    enum { FRAMES = 100, MAX_BAD_FRAMES = 8 };
    uint8_t frames[FRAMES * 5];
    for (size_t i = 0; i < sizeof frames; i += 5)
        memcpy(frames + i, "\0\0\0\1\x0e", 5);
    int fd = connect_to(mob);
    if (fd < 0 || wire_send(fd, frames, sizeof frames) < 0)
        return close_with(fd, "could not be sent");
    for (int i = 0; i < MAX_BAD_FRAMES; i++) {
        if (!answers(fd, false, 400))
            return close_with(fd, "a bad frame was not answered");
    }
    return close_with(fd, ends(fd) ? NULL : "the connection did not end");
}

/* Asks for much more than waits anywhere, and reads none of it. */
static const char *never_reads(struct mob *mob)
{
    enum { FRAMES = 200, VALUE = 65536 };
    struct bytes value = {0}, pair = {0}, message = {0}, frames = {0};
    uint8_t *bytes = bytes_add(&value, 4 + VALUE); /* 12 80 80 04: binary, 65536 */
    struct test_random random = {1};
    memcpy(bytes, "\x12\x80\x80\x04", 4);
    for (size_t i = 4; i < value.size; i++)
        bytes[i] = (uint8_t)test_random_next(&random);
    put_key(&pair, KV_HSET, 0, &value);
    put_request(&message, KV_HSET, "never-read", &pair);
    wire_header(bytes_add(&frames, 4), (uint32_t)message.size);
    bytes_put(&frames, message.data, message.size);
    pair.size = message.size = 0;
    put_key(&pair, KV_HGET, 0, NULL);
    put_request(&message, KV_HGET, "never-read", &pair);
    for (int i = 0; i < FRAMES; i++) {
        wire_header(bytes_add(&frames, 4), (uint32_t)message.size);
        bytes_put(&frames, message.data, message.size);
    }
    int fd = connect_to(mob);
    int err = fd < 0 ? fd : wire_send(fd, frames.data, frames.size);
    bytes_fini(&value);
    bytes_fini(&pair);
    bytes_fini(&message);
    bytes_fini(&frames);
    if (err < 0)
        return close_with(fd, "could not be sent");
    mob_park(mob, fd, true, false);
    return NULL;
}

static const char *drop(struct mob *mob)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int fd = connect_to(mob);
    if (fd < 0)
        return "cannot connect";
    if (test_random_below(&mob->random, 2))
        (void)wire_send(fd, hexist, test_random_below(&mob->random, sizeof hexist + 1));
    if (test_random_below(&mob->random, 2))
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return close_with(fd, NULL);
}

static const char *foreign(struct mob *mob)
{
    static const char *const greetings[] = {"GET / HTTP/1.1\r\nHost: kvs\r\n\r\n",
                                            "*1\r\n$4\r\nPING\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
                                            "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03"};
    const char *greeting = greetings[test_random_below(&mob->random, 4)];
    int fd = connect_to(mob);
    if (fd < 0 || wire_send(fd, greeting, strlen(greeting)) < 0)
        return close_with(fd, "could not be sent");
    return close_with(fd, ends(fd) ? NULL : "the connection did not end");
}

/* So large that nothing can be skipped. */
static const char *oversize(struct mob *mob)
{
    int fd = connect_to(mob);
    if (fd < 0 || wire_send(fd, "\x7f\xff\xff\xff", 4) < 0)
        return close_with(fd, "could not be sent");
    if (!answers(fd, false, 413))
        return close_with(fd, "was not refused as it should");
    return close_with(fd, ends(fd) ? NULL : "the connection did not end");
}

static const char *garbage(struct mob *mob)
{
    uint8_t bytes[4096];
    size_t size = test_random_below(&mob->random, sizeof bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)test_random_next(&mob->random);
    int fd = connect_to(mob);
    if (fd < 0)
        return "cannot connect";
    /* It may be refused, and the connection ended, before all of it is sent. */
    (void)wire_send(fd, bytes, size);
    wire_shutdown(fd);
    return close_with(fd, ends(fd) ? NULL : "the connection did not end");
}

/* The beginning of a handshake, for whatever listens there. */
static const char *half_handshake(struct mob *mob)
{
    static const char *const beginnings[] = {
        "GET / HTTP/1.1\r\nHost: kvs\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03 and much less than that",
    };
    const char *beginning = beginnings[test_random_below(&mob->random, 2)];
    size_t size = 1 + test_random_below(&mob->random, strlen(beginning) - 1);
    int fd = tunnel_knock(test_random_below(&mob->random, 2) ? mob->gzip_url : mob->raw_url);
    if (fd < 0 || wire_send(fd, beginning, size) < 0)
        return close_with(fd, "could not be sent");
    mob_park(mob, fd, true, false);
    return NULL;
}

const struct attack *attacks(void)
{
    static const struct attack all[] = {
        {"bomb", 2, bomb},
        {"zeros", 1, zeros},
        {"pairs", 2, pairs},
        {"truncation", 10, truncation},
        {"half-header", 10, half_header},
        {"promise", 10, promise},
        {"trickle", 5, trickled},
        {"flood", 5, flood},
        {"bad-flood", 5, bad_flood},
        {"never-reads", 2, never_reads},
        {"connect-and-drop", 20, drop},
        {"foreign-protocol", 5, foreign},
        {"oversize", 5, oversize},
        {"garbage", 5, garbage},
        {"half-handshake", 10, half_handshake},
        {0},
    };
    return all;
}
