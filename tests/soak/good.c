/* SPDX-License-Identifier: MIT */
#include "good.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/wire.h"
#include "clock.h"
#include "kv_frames.h"
#include "tunnel.h"

enum {
    BATCH_REQUESTS = 16,
    BATCH_BYTES = 128 * 1024, /* less than sockets hold: a batch is sent before a reply is read */
    KEYS_A_REQUEST = 6,
    BATCHES_A_CONNECTION = 200,
    PAUSE_MS = 200 /* between batches, at most */
};

struct batch {
    struct bytes frames, replies;
    size_t ends[BATCH_REQUESTS]; /* of each expected reply */
    size_t count;
};

/* One key of a request: into the request, into what its reply must be, and into what we know. */
static void plan_key(struct good *good, enum kv_op op, struct bytes *keys, struct bytes *reply)
{
    unsigned key = (unsigned)test_random_below(&good->random, GOOD_KEYS);
    uint64_t *version = &good->versions[key];
    struct bytes old = {0}, new = {0};
    put_value(&old, good->number, key, *version);
    if (op == KV_HSET || op == KV_HMSET) {
        *version = ++good->last_version;
        put_value(&new, good->number, key, *version);
    }
    put_key(keys, op, key, &new);
    if (op == KV_HEXIST || op == KV_HMEXIST) {
        old.size = 0;
        bytes_put(&old, *version ? "\x28\x01" : "\x28\x00", 2);
    }
    if (op == KV_HGET && *version == 0)
        put_not_found(reply, good->table, key);
    else
        put_reply_value(reply, &old);
    if (op == KV_HDEL || op == KV_HMDEL)
        *version = 0;
    bytes_fini(&old);
    bytes_fini(&new);
}

/* A header and the message, now and then compressed where the codec lets us. */
static void put_frame(struct good *good, struct bytes *frames, const struct bytes *message)
{
    struct wire_bytes member = {0};
    if (good->gzip && test_random_below(&good->random, 4) == 0)
        member = wire_deflate(message->data, message->size);
    uint8_t *header = bytes_add(frames, 4);
    if (member.data) {
        wire_header(header, (uint32_t)member.size | UINT32_C(0x80000000));
        bytes_put(frames, member.data, member.size);
    } else {
        wire_header(header, (uint32_t)message->size);
        bytes_put(frames, message->data, message->size);
    }
    wire_free(&member);
}

static void plan_request(struct good *good, struct batch *batch)
{
    static const enum kv_op ops[] = {KV_HGET,  KV_HMGET,  KV_HSET,    KV_HMSET, KV_HDEL,
                                     KV_HMDEL, KV_HEXIST, KV_HMEXIST, KV_HGET,  KV_HSET};
    enum kv_op op = ops[test_random_below(&good->random, sizeof ops / sizeof *ops)];
    bool many = op == KV_HMGET || op == KV_HMSET || op == KV_HMDEL || op == KV_HMEXIST;
    size_t count = many ? 1 + test_random_below(&good->random, KEYS_A_REQUEST) : 1;
    struct bytes keys = {0}, message = {0}, reply = {0};
    for (size_t i = 0; i < count; i++)
        plan_key(good, op, &keys, &reply);
    put_request(&message, op, good->table, &keys);
    put_frame(good, &batch->frames, &message);
    if (reply.data[0] != 0x08) /* has no status yet: it is a success */
        put_ok(&batch->replies);
    bytes_put(&batch->replies, reply.data, reply.size);
    batch->ends[batch->count++] = batch->replies.size;
    bytes_fini(&keys);
    bytes_fini(&message);
    bytes_fini(&reply);
}

static int fail(struct good *good, const char *what, long detail)
{
    snprintf(good->failure, sizeof good->failure, "client %u, after %llu replies: %s (%ld)",
             good->number, (unsigned long long)good->replies, what, detail);
    return -1;
}

static int check_reply(struct good *good, int fd, const uint8_t *expected, size_t size)
{
    struct wire_bytes reply;
    int got = wire_receive(fd, good->gzip, &reply);
    if (got != 1)
        return fail(good, got == 0 ? "a reply was lost" : "receiving failed", got);
    bool same = reply.size == size && memcmp(reply.data, expected, size) == 0;
    int status = wire_status(&reply);
    wire_free(&reply);
    good->replies++;
    return same ? 0 : fail(good, "a reply was wrong; its status", status);
}

static int run_batch(struct good *good, int fd, struct batch *batch)
{
    size_t want = 1 + test_random_below(&good->random, BATCH_REQUESTS), begin = 0;
    batch->frames.size = batch->replies.size = batch->count = 0;
    while (batch->count < want && batch->frames.size < BATCH_BYTES &&
           batch->replies.size < BATCH_BYTES)
        plan_request(good, batch);
    int64_t sent = clock_now();
    int err = wire_send(fd, batch->frames.data, batch->frames.size);
    if (err < 0)
        return fail(good, "sending failed", err);
    for (size_t i = 0; i < batch->count; begin = batch->ends[i++]) {
        if (check_reply(good, fd, batch->replies.data + begin, batch->ends[i] - begin) < 0)
            return -1;
    }
    cli_histogram_record(&good->latency, clock_now() - sent);
    return 0;
}

static int run_connection(struct good *good, struct batch *batch)
{
    struct wire_bytes more;
    int err = 0, fd = tunnel_connect(good->url);
    if (fd < 0)
        return fail(good, "cannot connect", fd);
    good->connections++;
    for (int i = 0; i < BATCHES_A_CONNECTION && err == 0 && !atomic_load(good->stop); i++) {
        err = run_batch(good, fd, batch);
        clock_pause((int64_t)test_random_below(&good->random, PAUSE_MS * CLOCK_MS));
    }
    if (err == 0) {
        wire_shutdown(fd);
        int end = wire_receive(fd, good->gzip, &more);
        if (end != 0)
            err = fail(good, "the connection did not end in order", end);
        wire_free(&more);
    }
    close(fd);
    return err;
}

static void *run(void *arg)
{
    struct good *good = arg;
    struct batch batch = {0};
    while (!atomic_load(good->stop) && run_connection(good, &batch) == 0)
        ;
    bytes_fini(&batch.frames);
    bytes_fini(&batch.replies);
    return NULL;
}

void good_start(struct good *good)
{
    snprintf(good->table, sizeof good->table, "soak-%u", good->number);
    int error = pthread_create(&good->thread, NULL, run, good);
    if (error != 0)
        errx(1, "cannot make a thread: %s", strerror(error));
}

void good_join(struct good *good)
{
    pthread_join(good->thread, NULL);
}
