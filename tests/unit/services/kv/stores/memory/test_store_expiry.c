/* SPDX-License-Identifier: MIT
 *
 * The memory of keys that have expired in the memory store: it is freed soon, in steps of bounded size, and
 * a store without such keys does nothing for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fault.h"
#include "lib/random.h"
#include "lib/store_client.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/memory/memory.h"
#include "services/kv/update.h"

enum { STEP_MOST = 4096 + 2040, BATCH = 500 };

static const int64_t millisecond = 1000000;

static int setup(void **state)
{
    static const uint8_t seed[16] = {7};
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

static struct kv_memory_shape shape_of(const struct store_client *client)
{
    struct kv_memory_shape shape;
    kv_store_memory_shape(client->state, &shape);
    return shape;
}

static void advance(struct store_client *client, int64_t ms)
{
    assert_true(virtual_loop_advance(client->loop, ms * millisecond));
}

static int64_t now(struct store_client *client)
{
    weft_loop_refresh(client->loop);
    return weft_loop_wall(client->loop);
}

/* Sets keys [begin, end) in batches. */
static void set_range(struct store_client *client, const char *table, unsigned begin, unsigned end,
                      int64_t expires)
{
    static struct kv_item items[BATCH];
    static char keys[BATCH][24];
    while (begin < end) {
        unsigned count = end - begin < BATCH ? end - begin : BATCH;
        for (unsigned i = 0; i < count; i++) {
            (void)snprintf(keys[i], sizeof keys[i], "key %u", begin + i);
            items[i] = (struct kv_item){.key = weft_view_str(keys[i]),
                                        .value.bytes = weft_view_str("some value"),
                                        .expires = expires};
        }
        assert_int_equal(store_client_do(client, KV_MSET, table, items, count), KV_DONE);
        store_items_drop(items, count);
        begin += count;
    }
}

static void test_store_without_expiry_arms_no_timer(void **state)
{
    struct store_client *client = *state;
    set_range(client, "t", 0, 5000, KV_NEVER);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(virtual_loop_next_timer(client->loop), INT64_MAX);
}

static void test_expiry_takes_eight_bytes_and_nothing_else_takes_more(void **state)
{
    struct store_client *client = *state;
    int64_t used[3];
    store_client_set(client, "t", "first", "value");
    for (int i = 0; i < 3; i++) {
        struct kv_item item = {.key =
                                   weft_view_str(i == 0 ? "16 bytes of key." : "16 bytes of it ."),
                               .value.bytes = weft_view("16 bytes of text", 16),
                               .expires = i == 1 ? now(client) + 1000 : KV_NEVER};
        int64_t before = shape_of(client).used;
        assert_int_equal(store_client_do(client, KV_MSET, "t", &item, 1), KV_DONE);
        store_items_drop(&item, 1);
        used[i] = shape_of(client).used - before;
    }
    assert_int_equal(used[0], 8 + 16 + 16);
    assert_int_equal(used[1], used[0] + 8);
    assert_int_equal(used[2], -8);
}

static void test_memory_of_expired_keys_is_freed(void **state)
{
    struct store_client *client = *state;
    struct kv_memory_shape before = shape_of(client), after;
    int64_t begin = now(client);
    set_range(client, "t", 0, 30000, begin + 100);
    set_range(client, "u", 0, 10, begin + 5000);
    set_range(client, "v", 0, 3000, begin + 100);
    assert_int_equal(shape_of(client).tables, 3);
    advance(client, 30000);
    after = shape_of(client);
    assert_int_equal(after.entries, 0);
    assert_int_equal(after.tables, 0);
    assert_int_equal(after.used, before.used);
    assert_int_equal(virtual_loop_next_timer(client->loop), INT64_MAX);
}

static void test_keys_that_stay_keep_their_memory_and_nothing_else_does(void **state)
{
    struct store_client *client = *state;
    set_range(client, "t", 0, 1000, KV_NEVER);
    struct kv_memory_shape before = shape_of(client), after;
    set_range(client, "t", 1000, 20000, now(client) + 100);
    advance(client, 30000);
    after = shape_of(client);
    assert_int_equal(after.entries, 1000);
    assert_in_range(after.used, before.used - before.used / 4, before.used + before.used / 4);
}

static void test_no_turn_frees_many_keys(void **state)
{
    enum { KEYS = 100000 };
    struct store_client *client = *state;
    set_range(client, "t", 0, KEYS, now(client) + 100);
    virtual_loop_spend(client->loop, 2000 * millisecond);
    size_t left = shape_of(client).entries;
    for (unsigned turns = 0; left > 0; turns++) {
        assert_true(turns < 1000);
        virtual_loop_spend(client->loop, millisecond);
        virtual_loop_turn(client->loop);
        size_t now_left = shape_of(client).entries;
        assert_in_range(left - now_left, 0, STEP_MOST);
        left = now_left;
    }
}

static void test_keys_that_expire_one_after_the_other_go_within_seconds(void **state)
{
    struct store_client *client = *state;
    int64_t begin = now(client);
    for (unsigned i = 0; i < 100; i++)
        set_range(client, "t", i * 100, i * 100 + 100, begin + i * 1000);
    for (unsigned i = 0; i < 100; i++) {
        advance(client, 1000);
        size_t there = i < 98 ? 100 * (98 - i) : 0;
        assert_in_range(shape_of(client).entries, there, there + 1200);
    }
}

static void test_key_made_to_expire_later_is_freed_then(void **state)
{
    static const struct kv_update update = {.then = KV_THEN_EXPIRE};
    struct store_client *client = *state;
    struct kv_memory_shape before = shape_of(client);
    store_client_set(client, "t", "k", "v");
    struct kv_item item = {
        .key = weft_view_str("k"), .update = &update, .expires = now(client) + 60000};
    assert_int_equal(store_client_update(client, "t", &item, 1, false), KV_DONE);
    store_items_drop(&item, 1);
    advance(client, 59000);
    assert_int_equal(shape_of(client).entries, 1);
    advance(client, 30000);
    assert_int_equal(shape_of(client).used, before.used);
}

static void test_lack_of_memory_puts_the_freeing_off(void **state)
{
    struct store_client *client = *state;
    fault_install();
    set_range(client, "t", 0, 20000, now(client) + 100);
    fault_arm(FAULT_FROM, 0);
    advance(client, 10000);
    assert_true(shape_of(client).entries > 0);
    fault_disarm();
    advance(client, 30000);
    assert_int_equal(shape_of(client).entries, 0);
    fault_remove();
}

static void test_store_that_ends_frees_what_has_not_expired(void **state)
{
    struct store_client *client = *state;
    set_range(client, "t", 0, 5000, now(client) + 100);
    set_range(client, "t", 5000, 6000, now(client) + 100000);
    virtual_loop_spend(client->loop, 1500 * millisecond);
    virtual_loop_turn(client->loop);
}

/* A store whose loop that ticks has ended is gone on with by the next loop that writes or starts. */
static void test_another_loop_goes_on_when_the_first_has_ended(void **state)
{
    struct store_client *client = *state, other;
    store_client_join_loop(&other, client);
    set_range(&other, "t", 0, 5000, now(client) + 100);
    store_client_leave_loop(&other);
    assert_int_equal(shape_of(client).entries, 5000);
    store_client_join_loop(&other, client);
    advance(&other, 30000);
    assert_int_equal(shape_of(client).entries, 0);
    store_client_leave_loop(&other);
}

enum { THREADS = 4, STEPS = 4000 };

struct member {
    struct store_client client;
    struct test_random random;
    pthread_t thread;
};

/* The clocks of the loops go on each by itself, so one of them may free what has not expired on another. */
static void *write_and_let_expire(void *arg)
{
    struct member *self = arg;
    char key[24];
    for (int i = 0; i < STEPS; i++) {
        (void)snprintf(key, sizeof key, "key %zu", (size_t)test_random_below(&self->random, 500));
        struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view_str("value")};
        if (test_random_below(&self->random, 4))
            item.expires = now(&self->client) + (int64_t)test_random_below(&self->random, 2000);
        const char *table = test_random_below(&self->random, 2) ? "t" : "u";
        enum kv_store_kind kind = test_random_below(&self->random, 8) ? KV_MSET : KV_MDEL;
        if (store_client_do(&self->client, kind, table, &item, 1) == KV_DONE)
            store_items_drop(&item, 1);
        virtual_loop_spend(self->client.loop, 3 * millisecond);
    }
    return NULL;
}

static void test_four_loops_write_what_one_of_them_frees(void **state)
{
    struct store_client *client = *state;
    struct member members[THREADS];
    int64_t latest = 0, last;
    for (unsigned i = 0; i < THREADS; i++) {
        members[i] = (struct member){.random = {i + 1}};
        store_client_join_loop(&members[i].client, client);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&members[i].thread, NULL, write_and_let_expire, &members[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(members[i].thread, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        last = now(&members[i].client);
        latest = last > latest ? last : latest;
        store_client_leave_loop(&members[i].client);
    }
    uint64_t total;
    for (int i = 0; i < 2; i++)
        assert_int_equal(store_client_total(client, KV_DROP, i ? "t" : "u", &total), KV_DONE);
    /* Only a write or a start makes a loop tick again. */
    set_range(client, "t", 0, 10, latest);
    advance(client, latest - now(client) + 30000);
    assert_int_equal(shape_of(client).entries, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_store_without_expiry_arms_no_timer),
        TEST(test_expiry_takes_eight_bytes_and_nothing_else_takes_more),
        TEST(test_memory_of_expired_keys_is_freed),
        TEST(test_keys_that_stay_keep_their_memory_and_nothing_else_does),
        TEST(test_no_turn_frees_many_keys),
        TEST(test_keys_that_expire_one_after_the_other_go_within_seconds),
        TEST(test_key_made_to_expire_later_is_freed_then),
        TEST(test_lack_of_memory_puts_the_freeing_off),
        TEST(test_store_that_ends_frees_what_has_not_expired),
        TEST(test_another_loop_goes_on_when_the_first_has_ended),
        TEST(test_four_loops_write_what_one_of_them_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
