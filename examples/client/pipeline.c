/* SPDX-License-Identifier: MIT
 *
 * An asynchronous client of kvs: it writes COUNT values and reads them back over one connection,
 * with DEPTH calls under way at any time. So many small calls are below every limit of a client; one
 * that sends more than max_pending calls, or output_high bytes, is refused with -EAGAIN and goes on
 * when on_room is called. Replies come in the order of the calls, so that a read that was sent
 * behind its write sees it.
 *
 *     cc -std=c17 -o pipeline pipeline.c $(pkg-config --cflags --libs weft-kv weft-codecs)
 *     ./pipeline tcp://127.0.0.1:9527 10000
 */
#include <stdio.h>
#include <stdlib.h>

#include <weft/codecs.h>
#include <weft/base/compiler.h>
#include <weft/kv/client.h>
#include <weft/transports.h>
#include <weft/base/units.h>

enum { DEPTH = 64, REPLY_BUDGET = 1 << 20 };

struct run {
    struct weft_loop *loop;
    struct weft_client *connection;
    struct weft_kv_client kv;
    uint64_t count;             /* values */
    uint64_t started, finished; /* calls: count writes, then count reads */
    bool failed;
    struct slot {
        struct weft_kv_call call;
        struct run *run;
        uint64_t number;
    } slots[DEPTH];
};

/* One is enough to stop: what is under way is done with -ECANCELED at weft_client_close. */
static void fail(struct run *run, const char *what)
{
    if (!run->failed)
        fprintf(stderr, "pipeline: %s\n", what);
    run->failed = true;
    weft_loop_stop(run->loop);
}

/* Sends the next call from slot, if there is one left to send. */
static void start_next(struct slot *slot)
{
    struct run *run = slot->run;
    if (run->failed || run->started == 2 * run->count)
        return;
    slot->number = run->started++;

    char name[32];
    const uint64_t index = slot->number % run->count;
    snprintf(name, sizeof name, "key-%llu", (unsigned long long)index);
    const struct weft_view table = weft_view_str("pipeline");
    const struct weft_kv_pair pair = {
        .key = weft_view_str(name),
        .value = {.type = WEFT_KV_INTEGER, .integer = (int64_t)index},
    };
    struct weft_error error;
    const int err = slot->number < run->count
                        ? weft_kv_client_hset(&run->kv, &slot->call, table, &pair, &error)
                        : weft_kv_client_hget(&run->kv, &slot->call, table, pair.key, &error);
    if (err < 0)
        fail(run, error.text);
}

/* Returns what is wrong with a reply, or NULL. */
static const char *check(const struct slot *slot, const struct weft_kv_reply *reply)
{
    const uint64_t count = slot->run->count;
    if (slot->number != slot->run->finished)
        return "a reply out of its order";
    if (reply->status != 200)
        return "the server refused a command";
    if (slot->number >= count &&
        (reply->value_count != 1 || reply->values[0].type != WEFT_KV_INTEGER ||
         reply->values[0].integer != (int64_t)(slot->number - count)))
        return "another value than was written";
    return NULL;
}

static void done(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct slot *slot = weft_container_of(call, struct slot, call);
    struct run *run = slot->run;
    const char *wrong = status < 0 ? weft_client_trouble(run->connection) : check(slot, reply);
    if (wrong) {
        fail(run, wrong);
        return;
    }
    run->finished++;
    if (run->finished == 2 * run->count)
        weft_loop_stop(run->loop);
    else
        start_next(slot);
}

static void on_connect(struct weft_client *client, int status, const struct weft_error *error)
{
    struct run *run = weft_client_data(client);
    if (status < 0) {
        fail(run, error->text);
        return;
    }
    for (size_t i = 0; i < DEPTH; i++) {
        run->slots[i] = (struct slot){.run = run, .call = {.done = done}};
        start_next(&run->slots[i]);
    }
}

static int fill(struct weft_registry *registry)
{
    int err = weft_registry_add_transport(registry, &weft_transport_tcp);
    if (err == 0)
        err = weft_registry_add_transport(registry, &weft_transport_unix);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_length_delimited_gzip);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_raw);
    return err;
}

int main(int argc, char **argv)
{
    static struct run run;
    if (argc != 3 || weft_parse_count(argv[2], &run.count) < 0 || run.count == 0) {
        fprintf(stderr, "usage: pipeline URL COUNT\n");
        return 2;
    }
    struct weft_registry registry = {0};
    int err = fill(&registry);
    if (err == 0)
        err = weft_loop_new(&run.loop, 64);
    if (err < 0) {
        fprintf(stderr, "pipeline: %s\n", weft_strerror(err));
        return 1;
    }
    const struct weft_client_options options = {
        .registry = &registry,
        .loop = run.loop,
        .url = argv[1],
        .codec = "length-delimited-gzip",
        .limits = weft_limits_default(),
        .connect_timeout = (int64_t)WEFT_SECONDS(5),
        .on_connect = on_connect,
        .data = &run,
    };
    struct weft_error error;
    if (weft_client_new(&run.connection, &options, &error) < 0) {
        fail(&run, error.text);
    } else {
        weft_kv_client_init(&run.kv, run.connection, REPLY_BUDGET);
        weft_loop_run(run.loop);
        weft_client_close(run.connection);
        weft_kv_client_fini(&run.kv);
    }
    weft_loop_free(run.loop);
    if (run.failed)
        return 1;
    printf("%llu calls, up to %d under way, every reply in its place\n",
           (unsigned long long)run.finished, DEPTH);
    return 0;
}
