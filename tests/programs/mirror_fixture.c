/* SPDX-License-Identifier: MIT */
#include "mirror_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/base/compiler.h"
#include "transports/transports.h"

enum { FD_LIMIT = 64, BUDGET = 64 << 20, KEY_SIZE = 24 };

const struct weft_view mirror_table = {(const uint8_t *)"mirrored", 8};

uint64_t mirror_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static size_t number_of(struct weft_view key)
{
    size_t number = 0;
    for (size_t i = 0; i < key.size; i++)
        number = number * 10 + (size_t)(key.data[i] - '0');
    return number;
}

void mirror_put(struct copy *copy, struct weft_view key, uint64_t value, uint64_t expires)
{
    copy->cells[number_of(key)] = (struct cell){value, expires};
}

void mirror_clear(struct world *world, struct copy *copy)
{
    memset(copy->cells, 0, world->size.keys * sizeof *copy->cells);
}

static void on_pair(struct weft_kv_mirror *mirror, const struct weft_kv_pair *pair,
                    uint64_t expires)
{
    struct world *world = weft_container_of(mirror, struct world, mirror);
    mirror_put(&world->mirrored, pair->key, (uint64_t)pair->value.integer, expires);
}

static void on_changed(struct weft_kv_mirror *mirror, const struct weft_kv_changed *changed)
{
    struct world *world = weft_container_of(mirror, struct world, mirror);
    world->changes[changed->how]++;
    if (changed->how == WEFT_KV_CHANGED_DROPPED)
        mirror_clear(world, &world->mirrored);
    else
        mirror_put(&world->mirrored, changed->key,
                   changed->how == WEFT_KV_CHANGED_SET ? (uint64_t)changed->value.integer : 0,
                   changed->expires);
}

static void on_ended(struct weft_kv_mirror *mirror, bool again, const struct weft_error *error)
{
    struct world *world = weft_container_of(mirror, struct world, mirror);
    world->mirror_ended = true;
    world->mirror_again = again;
    snprintf(world->why, sizeof world->why, "%s", error->text);
}

static struct weft_client *connect_to(struct world *world)
{
    struct weft_error error;
    struct weft_client *connection;
    struct weft_client_options options = {.registry = &world->registry,
                                          .loop = world->loop,
                                          .url = world->kvs.urls[0],
                                          .codec = "raw",
                                          .limits = weft_limits_default()};
    options.limits.max_pending = PIPELINE * 4;
    if (weft_client_new(&connection, &options, &error) < 0)
        fail_msg("%s", error.text);
    return connection;
}

static void on_written(struct weft_kv_call *raw, int status, const struct weft_kv_reply *reply)
{
    struct call *call = weft_container_of(raw, struct call, call);
    struct world *world = call->world;
    struct writer *writer = call->writer;
    /* An hincr can find the largest number. */
    if (status < 0 || (reply->status != 200 && reply->status != 404 && reply->status != 409))
        world->failed++;
    call->next = world->free;
    world->free = call;
    writer->in_flight--;
    world->in_flight--;
    mirror_write_on(world, writer);
}

/* Keeps the texts of a request until it was sent. */
struct pairs {
    char texts[BATCH][KEY_SIZE];
    struct weft_kv_pair pairs[BATCH];
};

static void choose(const struct world *world, struct test_random *random, struct pairs *pairs)
{
    for (unsigned i = 0; i < BATCH; i++) {
        size_t key = test_random_below(random, world->size.keys);
        int size = snprintf(pairs->texts[i], KEY_SIZE, "%zu", key);
        pairs->pairs[i] = (struct weft_kv_pair){
            weft_view(pairs->texts[i], (size_t)size),
            {.type = WEFT_KV_INTEGER, .integer = 1 + (int64_t)(test_random_next(random) >> 2)}};
    }
}

/* Sets a key for a time, which mostly is soon over. */
static int put_for_a_time(struct writer *writer, struct weft_kv_call *call,
                          const struct weft_kv_pair *pair, struct weft_error *error)
{
    struct test_random *random = &writer->random;
    bool is_long = test_random_below(random, 4) == 0;
    const struct weft_kv_change change = {
        .key = pair->key,
        .what = WEFT_KV_STORE,
        .value = pair->value,
        .expiry = {WEFT_KV_EXPIRE_AFTER, is_long ? LONG_MS : test_random_below(random, SHORT_MS)}};
    return weft_kv_client_hput(&writer->client, call, mirror_table, &change, 1, false, error);
}

/* Sets most keys, one by one or in batches, for ever or for a time, adds to some, removes some, and drops the table. */
static int write_one(struct world *world, struct writer *writer, struct weft_kv_call *call)
{
    static const struct weft_kv_expiry hour = {WEFT_KV_EXPIRE_AFTER, LONG_MS};
    struct pairs chosen;
    struct weft_error error;
    const struct weft_kv_pair *pair = &chosen.pairs[0];
    choose(world, &writer->random, &chosen);
    if (writer->left == writer->drop_at)
        return weft_kv_client_drop(&writer->client, call, mirror_table, &error);
    switch (test_random_below(&writer->random, 16)) {
    case 0:
        return weft_kv_client_hmset(&writer->client, call, mirror_table, chosen.pairs, BATCH,
                                    &error);
    case 1:
        return put_for_a_time(writer, call, pair, &error);
    case 2:
        return weft_kv_client_hexpire(&writer->client, call, mirror_table, &pair->key, 1, hour,
                                      &error);
    case 3:
        return weft_kv_client_hincr(&writer->client, call, mirror_table, pair->key, 1, &error);
    case 4:
    case 5:
    case 6:
        return weft_kv_client_hdel(&writer->client, call, mirror_table, pair->key, &error);
    default:
        return weft_kv_client_hset(&writer->client, call, mirror_table, pair, &error);
    }
}

void mirror_write_on(struct world *world, struct writer *writer)
{
    while (writer->left > 0 && writer->in_flight < PIPELINE && world->free) {
        struct call *call = world->free;
        world->free = call->next;
        *call = (struct call){.call = {.done = on_written}, .world = world, .writer = writer};
        writer->in_flight++;
        world->in_flight++;
        if (write_one(world, writer, &call->call) < 0)
            fail_msg("a writer cannot write");
        writer->left--;
    }
}

void mirror_fill(struct world *world)
{
    struct writer *writer = &world->writers[0];
    for (size_t key = 0; key < world->size.keys;) {
        enum { MANY = 500 };
        static char texts[MANY][KEY_SIZE];
        static struct weft_kv_pair pairs[MANY];
        struct weft_error error;
        size_t count = 0;
        for (; count < MANY && key < world->size.keys; count++, key++) {
            int size = snprintf(texts[count], KEY_SIZE, "%zu", key);
            pairs[count] = (struct weft_kv_pair){weft_view(texts[count], (size_t)size),
                                                 {.type = WEFT_KV_INTEGER, .integer = 1}};
        }
        struct call *call = world->free;
        world->free = call->next;
        *call = (struct call){.call = {.done = on_written}, .world = world, .writer = writer};
        writer->in_flight++;
        world->in_flight++;
        assert_int_equal(
            weft_kv_client_hmset(&writer->client, &call->call, mirror_table, pairs, count, &error),
            0);
        while (world->in_flight > 0)
            weft_loop_turn(world->loop);
    }
    assert_int_equal(world->failed, 0);
}

void mirror_open(struct world *world)
{
    struct weft_error error;
    for (unsigned i = 0; i < 2; i++) {
        world->connections[i] = connect_to(world);
        weft_kv_client_init(&world->clients[i], world->connections[i], BUDGET);
    }
    world->mirror_ended = false;
    mirror_clear(world, &world->mirrored);
    world->mirror = (struct weft_kv_mirror){
        .pair = on_pair, .changed = on_changed, .ended = on_ended, .most_held = world->most_held};
    assert_int_equal(weft_kv_mirror_start(&world->mirror, &world->clients[0], &world->clients[1],
                                          mirror_table, &error),
                     0);
}

void mirror_close(struct world *world)
{
    for (unsigned i = 0; i < 2; i++) {
        weft_client_close(world->connections[i]);
        weft_kv_client_fini(&world->clients[i]);
    }
    weft_kv_mirror_stop(&world->mirror);
}

void mirror_world_start(struct world *world, const char *const *options, const struct size *size)
{
    *world = (struct world){.size = *size};
    kvs_start(&world->kvs, options);
    assert_int_equal(weft_registry_add_codec(&world->registry, &weft_codec_raw), 0);
    assert_int_equal(weft_registry_add_transport(&world->registry, &weft_transport_tcp), 0);
    assert_int_equal(weft_registry_add_transport(&world->registry, &weft_transport_unix), 0);
    assert_int_equal(weft_loop_new(&world->loop, FD_LIMIT), 0);
    world->mirrored.cells = calloc(size->keys, sizeof(struct cell));
    world->walked.cells = calloc(size->keys, sizeof(struct cell));
    assert_non_null(world->mirrored.cells);
    assert_non_null(world->walked.cells);
    for (size_t i = 0; i < WRITERS * PIPELINE; i++) {
        world->calls[i].next = world->free;
        world->free = &world->calls[i];
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        world->writers[i].connection = connect_to(world);
        world->writers[i].random = (struct test_random){i};
        weft_kv_client_init(&world->writers[i].client, world->writers[i].connection, BUDGET);
    }
}

void mirror_world_stop(struct world *world)
{
    for (unsigned i = 0; i < WRITERS; i++) {
        weft_client_close(world->writers[i].connection);
        weft_kv_client_fini(&world->writers[i].client);
    }
    weft_bytes_fini(&world->cursor);
    weft_loop_free(world->loop);
    free(world->mirrored.cells);
    free(world->walked.cells);
    kvs_end(&world->kvs);
}
