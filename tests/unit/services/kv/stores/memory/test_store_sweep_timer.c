/* SPDX-License-Identifier: MIT
 *
 * Sweeps that no write drives: a store whose memory has fallen to pieces gives it back by its timer, and
 * then rests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "lib/fault.h"
#include "lib/store_client.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/memory/memory.h"
#include "services/kv/stores/memory/shared.h"

enum {
    LIMIT = 16 << 20,
    SLACK = 8 << 20,
    SWEEP_FROM = LIMIT / 10 * 9, /* resident bytes from which a sweep is worth it, */
    WASTE_MAX = SLACK / 4,       /* if more than this is not in use */
    SIZE = 1000,
    KEPT_EVERY = 60,
    MILLISECOND = 1000 * 1000,
};

static const uint8_t seed[16] = {9};

static void key_of(unsigned i, char key[32])
{
    (void)snprintf(key, 32, "key %u", i);
}

static bool set(struct store_client *client, unsigned i)
{
    static const uint8_t bytes[SIZE];
    char key[32];
    key_of(i, key);
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view(bytes, SIZE)};
    bool done = store_client_do(client, KV_MSET, "t", &item, 1) == KV_DONE;
    if (done)
        store_items_drop(&item, 1);
    return done;
}

static int64_t resident(const struct store_client *client)
{
    return kv_store_memory_resident(client->state);
}

/* Sets keys until about `bytes` are resident, and then removes most in each slab with one operation. Returns
 * how many there were. */
static unsigned shatter(struct store_client *client, int64_t bytes)
{
    static struct kv_item items[LIMIT / SIZE];
    static char keys[LIMIT / SIZE][32];
    unsigned count = 0, removed = 0;
    while (resident(client) < bytes && set(client, count))
        count++;
    assert_true(count < LIMIT / SIZE);
    for (unsigned i = 0; i < count; i++) {
        if (i % KEPT_EVERY == 0)
            continue;
        key_of(i, keys[removed]);
        items[removed] = (struct kv_item){.key = weft_view_str(keys[removed])};
        removed++;
    }
    assert_int_equal(store_client_do(client, KV_MDEL, "t", items, removed), KV_DONE);
    store_items_drop(items, removed);
    return count;
}

static void expect_kept(struct store_client *client, unsigned count)
{
    char key[32];
    for (unsigned i = 0; i < count; i++) {
        key_of(i, key);
        assert_int_equal(store_client_has(client, "t", key), i % KEPT_EVERY == 0);
    }
}

static void expect_rest(struct store_client *client)
{
    assert_int_equal(virtual_loop_next_timer(client->loop), INT64_MAX);
}

static void test_store_in_pieces_gives_memory_back_in_its_own_time(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, LIMIT, seed);
    unsigned count = shatter(&client, LIMIT);
    int64_t before = resident(&client), used = kv_store_memory_used(client.state);
    assert_true(before > SWEEP_FROM);
    assert_true(before - used > WASTE_MAX);
    assert_true(virtual_loop_next_timer(client.loop) <= weft_loop_now(client.loop) + MILLISECOND);
    for (int i = 0; i < 300; i++)
        assert_true(virtual_loop_advance(client.loop, MILLISECOND));
    assert_true(resident(&client) <= SWEEP_FROM);
    expect_rest(&client);
    expect_kept(&client, count);
    store_client_fini(&client);
}

static void test_store_that_is_not_nearly_full_is_left_alone(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, LIMIT, seed);
    unsigned count = shatter(&client, SWEEP_FROM - (1 << 20));
    assert_true(virtual_loop_advance(client.loop, 10 * MILLISECOND));
    int64_t before = resident(&client);
    assert_true(before - kv_store_memory_used(client.state) > WASTE_MAX);
    assert_true(virtual_loop_advance(client.loop, 1000 * MILLISECOND));
    assert_int_equal(resident(&client), before);
    expect_rest(&client);
    expect_kept(&client, count);
    store_client_fini(&client);
}

static void test_store_without_a_limit_is_left_alone(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    unsigned count = shatter(&client, LIMIT);
    assert_true(virtual_loop_advance(client.loop, 10 * MILLISECOND));
    int64_t before = resident(&client);
    assert_true(before > SWEEP_FROM);
    assert_true(virtual_loop_advance(client.loop, 1000 * MILLISECOND));
    assert_int_equal(resident(&client), before);
    expect_rest(&client);
    expect_kept(&client, count);
    store_client_fini(&client);
}

/* A little waste is what the slack is for. */
static void test_full_store_with_a_little_waste_is_left_alone(void **state)
{
    struct store_client client;
    char key[32];
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, LIMIT, seed);
    unsigned count = 0;
    while (resident(&client) < LIMIT && set(&client, count))
        count++;
    for (unsigned i = 0; i < count; i += 15) {
        key_of(i, key);
        assert_true(store_client_del(&client, "t", key));
    }
    assert_true(virtual_loop_advance(client.loop, 10 * MILLISECOND));
    int64_t before = resident(&client), waste = before - kv_store_memory_used(client.state);
    assert_true(before > SWEEP_FROM);
    assert_in_range(waste, WASTE_MAX / 3, WASTE_MAX);
    assert_true(virtual_loop_advance(client.loop, 1000 * MILLISECOND));
    assert_int_equal(resident(&client), before);
    expect_rest(&client);
    store_client_fini(&client);
}

static void test_sweep_that_lacks_memory_goes_on_when_there_is_some(void **state)
{
    struct store_client client;
    (void)state;
    fault_install();
    store_client_init_seeded(&client, &weft_kv_store_memory, LIMIT, seed);
    unsigned count = shatter(&client, LIMIT);
    int64_t before = resident(&client);
    fault_arm(FAULT_FROM, 0);
    for (int i = 0; i < 50; i++)
        assert_true(virtual_loop_advance(client.loop, MILLISECOND));
    fault_arm(FAULT_ONE, SIZE_MAX);
    assert_true(resident(&client) <= before);
    for (int i = 0; i < 300; i++)
        assert_true(virtual_loop_advance(client.loop, MILLISECOND));
    assert_true(resident(&client) <= SWEEP_FROM);
    expect_rest(&client);
    expect_kept(&client, count);
    store_client_fini(&client);
    assert_int_equal(fault_live(), 0);
    fault_remove();
}

static void test_store_that_is_full_of_what_is_in_use_rests(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, LIMIT, seed);
    unsigned count = 0;
    while (set(&client, count))
        count++;
    assert_true(resident(&client) > SWEEP_FROM);
    assert_true(virtual_loop_advance(client.loop, 200 * MILLISECOND));
    expect_rest(&client);
    assert_true(resident(&client) > SWEEP_FROM);
    store_client_fini(&client);
}

static uint32_t at_hand(const struct store_client *client)
{
    const struct kv_loop *loop = kv_store_memory_part(client->loop_state);
    uint32_t count = 0;
    for (size_t class = 0; class < KV_POOL_CLASSES; class ++)
        count += loop->cache.magazines[class].count;
    return count;
}

/* A loop that has blocks of the slabs at hand gives them back at the end of a turn, which it is woken for;
 * and one that leaves during a sweep leaves nothing behind. */
static void test_other_loops_give_back_what_they_have_at_hand(void **state)
{
    struct store_client client, other, leaver;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, LIMIT, seed);
    store_client_join_loop(&other, &client);
    store_client_join_loop(&leaver, &client);
    for (unsigned i = 0; i < 50; i++) {
        assert_true(set(&other, 1000000 + i));
        assert_true(set(&leaver, 2000000 + i));
    }
    for (unsigned i = 0; i < 50; i++) {
        char key[32];
        key_of(1000000 + i, key);
        assert_true(store_client_del(&other, "t", key));
        key_of(2000000 + i, key);
        assert_true(store_client_del(&leaver, "t", key));
    }
    unsigned count = shatter(&client, LIMIT);
    assert_true(virtual_loop_run_until_idle(other.loop));
    assert_true(at_hand(&other) > 16);
    assert_true(virtual_loop_advance(client.loop, 3 * MILLISECOND));
    assert_true(virtual_loop_run_until_idle(other.loop));
    assert_int_equal(at_hand(&other), 0);
    store_client_leave_loop(&leaver);
    for (int i = 0; i < 300; i++) {
        assert_true(virtual_loop_advance(client.loop, MILLISECOND));
        assert_true(virtual_loop_run_until_idle(other.loop));
    }
    assert_true(resident(&client) <= SWEEP_FROM);
    expect_kept(&client, count);
    store_client_leave_loop(&other);
    store_client_fini(&client);
}

/* Sweeps make room for values of another size. */
static void test_value_that_was_refused_finds_room_after_a_sweep(void **state)
{
    struct store_client client;
    static uint8_t large[3000];
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, LIMIT, seed);
    unsigned count = shatter(&client, LIMIT);
    for (unsigned i = 0; i < 4000; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "large %u", i);
        struct kv_item item = {.key = weft_view_str(key),
                               .value.bytes = weft_view(large, sizeof large)};
        assert_int_equal(store_client_do(&client, KV_MSET, "t", &item, 1), KV_DONE);
        store_items_drop(&item, 1);
        if (i % 16 == 0)
            assert_true(virtual_loop_advance(client.loop, MILLISECOND));
        assert_true(resident(&client) <= LIMIT + SLACK + LIMIT / 32);
    }
    expect_kept(&client, count);
    store_client_fini(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_in_pieces_gives_memory_back_in_its_own_time),
        cmocka_unit_test(test_store_that_is_not_nearly_full_is_left_alone),
        cmocka_unit_test(test_store_without_a_limit_is_left_alone),
        cmocka_unit_test(test_full_store_with_a_little_waste_is_left_alone),
        cmocka_unit_test(test_sweep_that_lacks_memory_goes_on_when_there_is_some),
        cmocka_unit_test(test_store_that_is_full_of_what_is_in_use_rests),
        cmocka_unit_test(test_other_loops_give_back_what_they_have_at_hand),
        cmocka_unit_test(test_value_that_was_refused_finds_room_after_a_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
