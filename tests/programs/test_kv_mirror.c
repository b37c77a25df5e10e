/* SPDX-License-Identifier: MIT
 *
 * A mirror of a table (client_watch.h) under eight writers, in this process, against a real kvs: after each stop of the
 * writers the mirror is like the table. MIRROR_KEYS, MIRROR_WRITES and MIRROR_ROUNDS in the environment make it
 * larger; `./dev scenarios mirror` does that. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/base/compiler.h"
#include "lib/kvs.h"
#include "lib/random.h"
#include "lib/scratch.h"
#include "services/kv/client_watch.h"
#include "transports/transports.h"

enum { FD_LIMIT = 64, BUDGET = 64 << 20, WRITERS = 8, PIPELINE = 16, KEY_SIZE = 24 };

static const struct weft_view table = {(const uint8_t *)"mirrored", 8};

/* The value of each key is a number of at least 1; 0 means that there is none. Keys are numbers, too. */
struct copy {
    uint64_t *values;
    size_t count; /* keys with a value */
};

struct writer {
    struct weft_client *connection;
    struct weft_kv_client client;
    struct test_random random;
    uint64_t left, in_flight;
};

struct world {
    struct kvs kvs;
    struct weft_registry registry;
    struct weft_loop *loop;
    struct weft_client *connections[2];
    struct weft_kv_client clients[2];
    struct weft_kv_mirror mirror;
    struct copy mirrored, walked;
    struct writer writers[WRITERS];
    struct call {
        struct weft_kv_call call;
        struct world *world;
        struct writer *writer;
        struct call *next;
    } calls[WRITERS * PIPELINE], *free;
    size_t keys, most_held;
    uint64_t changes, failed, in_flight, fence;
    bool mirror_ended, mirror_again, is_done;
    char why[sizeof((struct weft_error *)0)->text];
    struct weft_kv_call ask;
    struct weft_bytes cursor;
};

static size_t setting(const char *name, size_t fallback)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : fallback;
}

static size_t number_of(struct weft_view key)
{
    size_t number = 0;
    for (size_t i = 0; i < key.size; i++)
        number = number * 10 + (size_t)(key.data[i] - '0');
    return number;
}

static void put(struct copy *copy, size_t key, uint64_t value)
{
    copy->count = copy->count + (value != 0 ? 1 : 0) - (copy->values[key] != 0 ? 1 : 0);
    copy->values[key] = value;
}

static void clear(struct world *world, struct copy *copy)
{
    memset(copy->values, 0, world->keys * sizeof *copy->values);
    copy->count = 0;
}

static void on_pair(struct weft_kv_mirror *mirror, const struct weft_kv_pair *pair,
                    uint64_t expires)
{
    struct world *world = weft_container_of(mirror, struct world, mirror);
    (void)expires;
    put(&world->mirrored, number_of(pair->key), (uint64_t)pair->value.integer);
}

static void on_changed(struct weft_kv_mirror *mirror, const struct weft_kv_changed *changed)
{
    struct world *world = weft_container_of(mirror, struct world, mirror);
    world->changes++;
    if (changed->how == WEFT_KV_CHANGED_DROPPED)
        clear(world, &world->mirrored);
    else
        put(&world->mirrored, number_of(changed->key),
            changed->how == WEFT_KV_CHANGED_SET ? (uint64_t)changed->value.integer : 0);
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

static void write_on(struct world *world, struct writer *writer);

static void on_written(struct weft_kv_call *raw, int status, const struct weft_kv_reply *reply)
{
    struct call *call = weft_container_of(raw, struct call, call);
    struct world *world = call->world;
    struct writer *writer = call->writer;
    bool is_absent = status == 0 && reply->status == 404;
    if (status < 0 || (reply->status != 200 && !is_absent))
        world->failed++;
    call->next = world->free;
    world->free = call;
    writer->in_flight--;
    world->in_flight--;
    write_on(world, writer);
}

/* Sets most keys, removes some, and drops the table now and then. */
static int write_one(struct world *world, struct writer *writer, struct weft_kv_call *call)
{
    char text[KEY_SIZE];
    struct weft_error error;
    struct test_random *random = &writer->random;
    size_t key = test_random_below(random, world->keys);
    int size = snprintf(text, sizeof text, "%zu", key);
    const struct weft_kv_pair pair = {
        weft_view(text, (size_t)size),
        {.type = WEFT_KV_INTEGER, .integer = 1 + (int64_t)(test_random_next(random) >> 2)}};
    if (test_random_below(random, 50 * world->keys) == 0)
        return weft_kv_client_drop(&writer->client, call, table, &error);
    if (test_random_below(random, 4) == 0)
        return weft_kv_client_hdel(&writer->client, call, table, pair.key, &error);
    return weft_kv_client_hset(&writer->client, call, table, &pair, &error);
}

static void write_on(struct world *world, struct writer *writer)
{
    while (writer->left > 0 && writer->in_flight < PIPELINE && world->free) {
        struct call *call = world->free;
        world->free = call->next;
        *call = (struct call){.call = {.done = on_written}, .world = world, .writer = writer};
        writer->left--;
        writer->in_flight++;
        world->in_flight++;
        if (write_one(world, writer, &call->call) < 0) {
            world->failed++;
            world->in_flight--;
            return;
        }
    }
}

/* Sets all keys, so that the mirror has something to walk. */
static void fill(struct world *world)
{
    struct writer *writer = &world->writers[0];
    for (size_t key = 0; key < world->keys;) {
        enum { BATCH = 500 };
        static char texts[BATCH][KEY_SIZE];
        static struct weft_kv_pair pairs[BATCH];
        struct weft_error error;
        size_t count = 0;
        for (; count < BATCH && key < world->keys; count++, key++) {
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
            weft_kv_client_hmset(&writer->client, &call->call, table, pairs, count, &error), 0);
        while (world->in_flight > 0)
            weft_loop_turn(world->loop);
    }
    assert_int_equal(world->failed, 0);
}

static void on_number(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct world *world = weft_container_of(call, struct world, ask);
    assert_int_equal(status, 0);
    assert_int_equal(reply->status, 200);
    world->fence = reply->number;
    world->is_done = true;
}

static void on_page(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct world *world = weft_container_of(call, struct world, ask);
    assert_int_equal(status, 0);
    assert_int_equal(reply->status, 200);
    for (size_t i = 0; i < reply->pair_count; i++)
        put(&world->walked, number_of(reply->pairs[i].key),
            (uint64_t)reply->pairs[i].value.integer);
    weft_bytes_fini(&world->cursor);
    assert_int_equal(weft_bytes_copy(&world->cursor, reply->cursor), 0);
    world->is_done = true;
}

static void wait_for_answer(struct world *world)
{
    while (!world->is_done)
        weft_loop_turn(world->loop);
    world->is_done = false;
}

/* The writers have stopped: the mirror gets what they have written, and then is like the table. */
static void compare(struct world *world)
{
    struct weft_error error;
    world->ask = (struct weft_kv_call){.done = on_number};
    assert_int_equal(weft_kv_client_number(&world->clients[1], &world->ask, &error), 0);
    wait_for_answer(world);
    while (!world->mirror_ended && (!world->mirror.is_whole || world->mirror.number < world->fence))
        weft_loop_turn(world->loop);
    if (world->mirror_ended)
        return;
    clear(world, &world->walked);
    do {
        world->ask = (struct weft_kv_call){.done = on_page};
        assert_int_equal(weft_kv_client_hscan(&world->clients[1], &world->ask, table,
                                              weft_view(world->cursor.data, world->cursor.size), 0,
                                              &error),
                         0);
        wait_for_answer(world);
    } while (world->cursor.size > 0);
    assert_int_equal(world->mirrored.count, world->walked.count);
    assert_memory_equal(world->mirrored.values, world->walked.values,
                        world->keys * sizeof *world->walked.values);
}

static void open_mirror(struct world *world)
{
    struct weft_error error;
    for (unsigned i = 0; i < 2; i++) {
        world->connections[i] = connect_to(world);
        weft_kv_client_init(&world->clients[i], world->connections[i], BUDGET);
    }
    world->mirror_ended = false;
    clear(world, &world->mirrored);
    world->mirror = (struct weft_kv_mirror){
        .pair = on_pair, .changed = on_changed, .ended = on_ended, .most_held = world->most_held};
    assert_int_equal(
        weft_kv_mirror_start(&world->mirror, &world->clients[0], &world->clients[1], table, &error),
        0);
}

static void close_mirror(struct world *world)
{
    for (unsigned i = 0; i < 2; i++) {
        weft_client_close(world->connections[i]);
        weft_kv_client_fini(&world->clients[i]);
    }
    weft_kv_mirror_stop(&world->mirror);
}

static void start(struct world *world, const char *store)
{
    *world = (struct world){.keys = setting("MIRROR_KEYS", 1000)};
    kvs_start(&world->kvs,
              WORDS("--listen", KVS_ANY_PORT "?codec=raw", "--threads", "4", "--store", store));
    assert_int_equal(weft_registry_add_codec(&world->registry, &weft_codec_raw), 0);
    assert_int_equal(weft_registry_add_transport(&world->registry, &weft_transport_tcp), 0);
    assert_int_equal(weft_loop_new(&world->loop, FD_LIMIT), 0);
    world->mirrored.values = calloc(world->keys, sizeof(uint64_t));
    world->walked.values = calloc(world->keys, sizeof(uint64_t));
    assert_non_null(world->mirrored.values);
    assert_non_null(world->walked.values);
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

static void stop(struct world *world)
{
    for (unsigned i = 0; i < WRITERS; i++) {
        weft_client_close(world->writers[i].connection);
        weft_kv_client_fini(&world->writers[i].client);
    }
    weft_bytes_fini(&world->cursor);
    weft_loop_free(world->loop);
    free(world->mirrored.values);
    free(world->walked.values);
    kvs_end(&world->kvs);
}

/* A mirror that has lost changes is told so, and begins anew. */
static void mirror_store(const char *store)
{
    struct world world;
    size_t rounds = setting("MIRROR_ROUNDS", 3), writes = setting("MIRROR_WRITES", 3000);
    unsigned again = 0;
    start(&world, store);
    fill(&world);
    open_mirror(&world);
    for (size_t round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < WRITERS; i++) {
            world.writers[i].left = writes / WRITERS;
            write_on(&world, &world.writers[i]);
        }
        while (world.in_flight > 0)
            weft_loop_turn(world.loop);
        assert_int_equal(world.failed, 0);
        compare(&world);
        while (world.mirror_ended) {
            if (!world.mirror_again || again++ == 10)
                fail_msg("the mirror ended: %s", world.why);
            close_mirror(&world);
            open_mirror(&world);
            compare(&world);
        }
    }
    printf("%s: %zu keys, %zu times like the table, %llu changes, begun anew %u times\n", store,
           world.mirrored.count, rounds, (unsigned long long)world.changes, again);
    close_mirror(&world);
    stop(&world);
}

/* Mirrors a store in a directory of its own. */
static void mirror_kept(const char *form)
{
    char folder[64], store[128];
    scratch_make(folder, sizeof folder);
    snprintf(store, sizeof store, "%s:%s/store?sync=off", form, folder);
    mirror_store(store);
    scratch_remove(folder);
}

/* The changes that come while the table is read must be held, and there is no room for them here. */
static void test_mirror_that_may_hold_nothing_ends_and_may_begin_anew(void **state)
{
    struct world world;
    (void)state;
    start(&world, "memory");
    fill(&world);
    for (unsigned i = 0; i < WRITERS; i++) {
        world.writers[i].left = 100000;
        write_on(&world, &world.writers[i]);
    }
    world.most_held = 1;
    open_mirror(&world);
    while (!world.mirror_ended && world.in_flight > 0)
        weft_loop_turn(world.loop);
    assert_true(world.mirror_ended);
    assert_true(world.mirror_again);
    assert_string_equal(world.why, "too many changes came while the table was read");
    for (unsigned i = 0; i < WRITERS; i++)
        world.writers[i].left = 0;
    while (world.in_flight > 0)
        weft_loop_turn(world.loop);
    close_mirror(&world);
    stop(&world);
}

static void test_mirror_is_like_a_table_in_memory(void **state)
{
    (void)state;
    mirror_store("memory");
}

static void test_mirror_is_like_a_table_in_a_kept_memory_store(void **state)
{
    (void)state;
    mirror_kept("memory");
}

static void test_mirror_is_like_a_table_in_lmdb(void **state)
{
    (void)state;
    mirror_kept("lmdb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mirror_is_like_a_table_in_memory),
        cmocka_unit_test(test_mirror_is_like_a_table_in_a_kept_memory_store),
        cmocka_unit_test(test_mirror_is_like_a_table_in_lmdb),
        cmocka_unit_test(test_mirror_that_may_hold_nothing_ends_and_may_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
