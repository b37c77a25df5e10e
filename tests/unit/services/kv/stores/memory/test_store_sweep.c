/* SPDX-License-Identifier: MIT
 *
 * The memory store under a limit and a client that wants its memory to fall to pieces: it fills the
 * store with values of one size, leaves a few of each slab, and goes on to the next size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fault.h"
#include "lib/random.h"
#include "lib/store_client.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/memory/memory.h"

enum {
    LIMIT = 16 << 20,
    MOST = LIMIT + (8 << 20) + (512 << 10), /* of resident memory: the least slack, two reserves */
    SLAB_SIZE = 64 * 1024,
    OPERATION = 5000, /* nanoseconds between two, */
    OPERATIONS = 16,  /* which pass after so many */
};

static const uint8_t seed[16] = {3, 8};

struct hostile {
    struct store_client client, idle; /* the idle one has blocks at hand and no turns of its own */
    struct test_random random;
    unsigned operations;
    int64_t highest;
    unsigned refused_small; /* writes of a byte, while under 80 % of the limit was in use */
};

static void hostile_init(struct hostile *self)
{
    *self = (struct hostile){.random = {1}};
    store_client_init_seeded(&self->client, &weft_kv_store_memory, LIMIT, seed);
    store_client_join_loop(&self->idle, &self->client);
}

static void hostile_fini(struct hostile *self)
{
    store_client_leave_loop(&self->idle);
    store_client_fini(&self->client);
}

static void pass_time(struct hostile *self)
{
    if (++self->operations % OPERATIONS == 0) {
        assert_true(virtual_loop_advance(self->client.loop, OPERATION * OPERATIONS));
        assert_true(virtual_loop_advance(self->idle.loop, OPERATION * OPERATIONS));
    }
    int64_t resident = kv_store_memory_resident(self->client.state);
    if (resident > self->highest)
        self->highest = resident;
}

/* Sets, or (size 0) removes, the key of this size and number. A value over 1000 bytes is a blob, as
 * kv makes them. */
static enum kv_outcome do_one(struct hostile *self, struct store_client *client, size_t size,
                              unsigned number, bool remove)
{
    static uint8_t zeros[1 << 20];
    char key[32], table[8];
    uint8_t *data;
    (void)snprintf(key, sizeof key, "%zu %u", size, number);
    (void)snprintf(table, sizeof table, "t%zu", size % 3);
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view(zeros, size)};
    if (size > 1000 && !remove) {
        item.value.blob = weft_blob_new(size, &data);
        assert_non_null(item.value.blob);
        memset(data, (int)number, size);
        item.value.bytes = weft_blob_view(item.value.blob);
    }
    enum kv_outcome outcome = store_client_do(client, remove ? KV_MDEL : KV_MSET, table, &item, 1);
    if (outcome == KV_DONE)
        store_items_drop(&item, 1);
    weft_blob_unref(item.value.blob);
    pass_time(self);
    return outcome;
}

static void write_one_byte(struct hostile *self)
{
    char key[32];
    (void)snprintf(key, sizeof key, "one %zu", (size_t)test_random_below(&self->random, 1000));
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view_str("1")};
    if (kv_store_memory_used(self->client.state) >= LIMIT / 5 * 4)
        return;
    enum kv_outcome outcome = store_client_do(&self->client, KV_MSET, "one", &item, 1);
    if (outcome == KV_DONE)
        store_items_drop(&item, 1);
    self->refused_small += outcome != KV_DONE;
}

static void go_through_sizes(struct hostile *self, const size_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = sizes[i];
        unsigned filled = 0, kept_every = (unsigned)(SLAB_SIZE / (size + 40)) + 1;
        while (do_one(self, &self->client, size, filled, false) == KV_DONE)
            filled++;
        assert_true(kv_store_memory_used(self->client.state) >= LIMIT / 5 * 4);
        write_one_byte(self);
        for (unsigned k = 0; k < filled; k++) {
            if (k % kept_every == 0)
                continue;
            struct store_client *client = k % 7 == 0 ? &self->idle : &self->client;
            assert_int_equal(do_one(self, client, size, k, true), KV_DONE);
            if (k % 64 == 0)
                write_one_byte(self);
        }
    }
}

static void test_memory_stays_within_its_bound_from_size_to_size(void **state)
{
    static const size_t sizes[] = {20,   100,  150,  220,  330,  480,   700,   1001,
                                   1500, 2200, 3200, 4500, 7000, 10000, 17000, 60000};
    static struct hostile self;
    (void)state;
    hostile_init(&self);
    go_through_sizes(&self, sizes, sizeof sizes / sizeof *sizes);
    assert_in_range(self.highest, LIMIT, MOST);
    assert_int_equal(self.refused_small, 0);
    hostile_fini(&self);
}

static void test_values_are_what_they_were_after_they_moved(void **state)
{
    enum { SIZES = 3 };
    static const size_t sizes[SIZES] = {100, 700, 3000};
    static struct hostile self;
    (void)state;
    hostile_init(&self);
    go_through_sizes(&self, sizes, SIZES);
    for (size_t i = 0; i < SIZES; i++) {
        unsigned kept_every = (unsigned)(SLAB_SIZE / (sizes[i] + 40)) + 1;
        for (unsigned k = 0; k < 5000; k += kept_every) {
            char key[32], table[8];
            (void)snprintf(key, sizeof key, "%zu %u", sizes[i], k);
            (void)snprintf(table, sizeof table, "t%zu", sizes[i] % 3);
            struct kv_item item = {.key = weft_view_str(key)};
            assert_int_equal(store_client_do(&self.client, KV_MGET, table, &item, 1), KV_DONE);
            assert_true(item.present);
            assert_int_equal(item.found.bytes.size, sizes[i]);
            uint8_t expected = sizes[i] > 1000 ? (uint8_t)k : 0;
            for (size_t at = 0; at < sizes[i]; at++)
                assert_int_equal(item.found.bytes.data[at], expected);
            store_items_drop(&item, 1);
        }
    }
    hostile_fini(&self);
}

/* Somebody holds values of several slabs, as replies do that nobody reads. Their slabs stay, and the
 * others go all the same. */
static void test_values_that_somebody_holds_do_not_stop_the_sweeps(void **state)
{
    enum { HELD = 100, SIZE = 1500 };
    static const size_t sizes[] = {100, 300, 500, 900, 2000};
    static struct hostile self;
    static struct kv_item held[HELD];
    (void)state;
    hostile_init(&self);
    for (unsigned i = 0; i < HELD * 40; i++)
        assert_int_equal(do_one(&self, &self.client, SIZE, i, false), KV_DONE);
    for (unsigned i = 0; i < HELD; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "%d %u", SIZE, i * 40);
        held[i] = (struct kv_item){.key = weft_view_str(key)};
        assert_int_equal(store_client_do(&self.client, KV_MGET, "t0", &held[i], 1), KV_DONE);
        assert_true(held[i].present);
    }
    for (unsigned i = 0; i < HELD * 40; i++)
        assert_int_equal(do_one(&self, &self.client, SIZE, i, true), KV_DONE);
    go_through_sizes(&self, sizes, sizeof sizes / sizeof *sizes);
    assert_in_range(self.highest, LIMIT, MOST);
    assert_int_equal(self.refused_small, 0);
    store_items_drop(held, HELD);
    hostile_fini(&self);
}

static void test_tables_and_their_names_move(void **state)
{
    enum { TABLES = 60000 };
    static struct hostile self;
    char table[64];
    (void)state;
    hostile_init(&self);
    unsigned made = 0;
    for (; made < TABLES; made++) {
        (void)snprintf(table, sizeof table, "a table with a long name, number %u", made);
        struct kv_item item = {.key = weft_view_str("k"), .value.bytes = weft_view_str("v")};
        if (store_client_do(&self.client, KV_MSET, table, &item, 1) != KV_DONE)
            break;
    }
    for (unsigned i = 0; i < made; i++) {
        (void)snprintf(table, sizeof table, "a table with a long name, number %u", i);
        if (i % 500 > 0)
            assert_true(store_client_del(&self.client, table, "k"));
        pass_time(&self);
    }
    static const size_t sizes[] = {500, 900};
    go_through_sizes(&self, sizes, 2);
    for (unsigned i = 0; i < made; i++) {
        (void)snprintf(table, sizeof table, "a table with a long name, number %u", i);
        assert_int_equal(store_client_has(&self.client, table, "k"), i % 500 == 0);
    }
    assert_true(self.highest <= MOST);
    assert_int_equal(self.refused_small, 0);
    hostile_fini(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_stays_within_its_bound_from_size_to_size),
        cmocka_unit_test(test_values_are_what_they_were_after_they_moved),
        cmocka_unit_test(test_values_that_somebody_holds_do_not_stop_the_sweeps),
        cmocka_unit_test(test_tables_and_their_names_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
