/* SPDX-License-Identifier: MIT
 *
 * Dropped tables of the memory store: their memory is freed turn by turn, and all loops see a table whole
 * or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/store_client.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/memory/memory.h"

enum { STEP_MOST = 4096, BATCH = 500, VALUE = 100 };

static int setup(void **state)
{
    static const uint8_t seed[16] = {8};
    static struct store_client client;
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    *state = &client;
    return 0;
}

static int teardown(void **state)
{
    store_client_fini(*state);
    return 0;
}

static int64_t used_by(const struct store_client *client)
{
    struct kv_memory_shape shape;
    kv_store_memory_shape(client->state, &shape);
    return shape.used;
}

static void fill(struct store_client *client, const char *table, unsigned keys)
{
    static struct kv_item items[BATCH];
    static char names[BATCH][24];
    static const char value[VALUE];
    for (unsigned begin = 0; begin < keys; begin += BATCH) {
        for (unsigned i = 0; i < BATCH; i++) {
            (void)snprintf(names[i], sizeof names[i], "key %u", begin + i);
            items[i] = (struct kv_item){.key = weft_view_str(names[i]),
                                        .value.bytes = weft_view(value, sizeof value)};
        }
        assert_int_equal(store_client_do(client, KV_MSET, table, items, BATCH), KV_DONE);
        store_items_drop(items, BATCH);
    }
}

static uint64_t drop(struct store_client *client, const char *table)
{
    uint64_t total;
    assert_int_equal(store_client_total(client, KV_DROP, table, &total), KV_DONE);
    return total;
}

static void test_memory_of_a_dropped_table_is_freed_some_per_turn(void **state)
{
    enum { KEYS = 50000 };
    struct store_client *client = *state;
    store_client_set(client, "other", "k", "v");
    int64_t before = used_by(client);
    fill(client, "t", KEYS);
    assert_int_equal(drop(client, "t"), KEYS);
    int64_t left = used_by(client);
    assert_true(left > before + (int64_t)KEYS * VALUE - (int64_t)STEP_MOST * 2 * VALUE);
    unsigned turns = 0;
    while (used_by(client) != before) {
        assert_true(++turns < 100);
        virtual_loop_turn(client->loop);
        int64_t now_left = used_by(client);
        assert_in_range(left - now_left, 0, (int64_t)(STEP_MOST + 1) * 2 * VALUE);
        left = now_left;
    }
    assert_true(turns >= KEYS / STEP_MOST);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(virtual_loop_next_timer(client->loop), INT64_MAX);
}

static void test_several_dropped_tables_are_freed(void **state)
{
    struct store_client *client = *state;
    int64_t before = used_by(client);
    char name[16];
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "t%u", i);
        fill(client, name, 1000 * (i % 5 + 1));
        drop(client, name);
    }
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(used_by(client), before);
}

/* The teardown sees what is lost. */
static void test_store_that_ends_frees_what_a_drop_has_left(void **state)
{
    struct store_client *client = *state, other;
    fill(client, "t", 20000);
    drop(client, "t");
    store_client_join_loop(&other, client);
    fill(&other, "u", 20000);
    drop(&other, "u");
    store_client_leave_loop(&other);
}

static void test_drop_of_large_values_counts_their_bytes(void **state)
{
    enum { COUNT = 64, SIZE = 1 << 20 };
    struct store_client *client = *state;
    char *value = calloc(1, SIZE);
    char name[16];
    assert_non_null(value);
    int64_t before = used_by(client);
    for (unsigned i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "%u", i);
        struct kv_item item = {.key = weft_view_str(name), .value.bytes = weft_view(value, SIZE)};
        assert_int_equal(store_client_do(client, KV_MSET, "t", &item, 1), KV_DONE);
    }
    free(value);
    drop(client, "t");
    int64_t left = used_by(client);
    unsigned turns = 0;
    for (; used_by(client) != before; turns++) {
        assert_true(turns < 100);
        virtual_loop_turn(client->loop);
        assert_in_range(left - used_by(client), 0, 20 << 20);
        left = used_by(client);
    }
    assert_true(turns > 2);
}

enum { THREADS = 4, GROUP = 6, ROUNDS = 1500 };

struct member {
    struct store_client client;
    pthread_t thread;
    atomic_uint *wrong, *working;
};

static const char *const group[GROUP] = {"a", "b", "c", "d", "e", "f"};

static void check(struct member *member, bool holds)
{
    if (!holds)
        atomic_fetch_add(member->wrong, 1);
}

/* Sets the keys of the group to one number in one batch. */
static void *set_group(void *arg)
{
    struct member *member = arg;
    for (uint64_t i = 1; i < ROUNDS; i++) {
        struct kv_item items[GROUP];
        for (size_t k = 0; k < GROUP; k++)
            items[k] = (struct kv_item){.key = weft_view_str(group[k]),
                                        .value.bytes = weft_view(&i, sizeof i)};
        check(member, store_client_do(&member->client, KV_MSET, "t", items, GROUP) == KV_DONE);
        store_items_drop(items, GROUP);
    }
    atomic_fetch_sub(member->working, 1);
    return NULL;
}

static void *drop_table(void *arg)
{
    struct member *member = arg;
    while (atomic_load(member->working) > 0) {
        uint64_t total;
        check(member, store_client_total(&member->client, KV_DROP, "t", &total) == KV_DONE);
        check(member, total <= GROUP);
    }
    return NULL;
}

/* Every group that is read is whole, and so is every page. */
static void *get_group(void *arg)
{
    struct member *member = arg;
    while (atomic_load(member->working) > 0) {
        struct kv_item items[GROUP];
        for (size_t k = 0; k < GROUP; k++)
            items[k] = (struct kv_item){.key = weft_view_str(group[k])};
        check(member, store_client_do(&member->client, KV_MGET, "t", items, GROUP) == KV_DONE);
        for (size_t k = 1; k < GROUP; k++) {
            check(member, items[k].present == items[0].present);
            if (items[0].present && items[k].present)
                check(member, weft_view_equal(items[k].found.bytes, items[0].found.bytes));
        }
        store_items_drop(items, GROUP);
    }
    return NULL;
}

static bool count_pair(void *arg, const struct kv_pair *pair)
{
    size_t *count = arg;
    (void)pair;
    ++*count;
    return true;
}

static void *walk_group(void *arg)
{
    struct member *member = arg;
    while (atomic_load(member->working) > 0) {
        struct kv_cursor cursor = {0};
        size_t count = 0;
        uint64_t total;
        check(member, store_client_page(&member->client, "t", 1000, &cursor, count_pair, &count) ==
                          KV_DONE);
        check(member, count == 0 || count == GROUP);
        check(member, store_client_total(&member->client, KV_COUNT, "t", &total) == KV_DONE);
    }
    return NULL;
}

static void test_all_loops_see_a_table_whole_or_not_at_all(void **state)
{
    void *(*const bodies[THREADS])(void *) = {set_group, drop_table, get_group, walk_group};
    struct store_client *client = *state;
    struct member members[THREADS];
    atomic_uint wrong, working;
    atomic_init(&wrong, 0);
    atomic_init(&working, 1);
    for (int i = 0; i < THREADS; i++) {
        members[i] = (struct member){.wrong = &wrong, .working = &working};
        store_client_join_loop(&members[i].client, client);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&members[i].thread, NULL, bodies[i], &members[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(members[i].thread, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        store_client_leave_loop(&members[i].client);
    assert_int_equal(atomic_load(&wrong), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_memory_of_a_dropped_table_is_freed_some_per_turn),
        TEST(test_several_dropped_tables_are_freed),
        TEST(test_store_that_ends_frees_what_a_drop_has_left),
        TEST(test_drop_of_large_values_counts_their_bytes),
        TEST(test_all_loops_see_a_table_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
