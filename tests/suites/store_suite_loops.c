/* SPDX-License-Identifier: MIT
 *
 * One store under several loops, each on a thread of its own. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/change_mirror.h"
#include "lib/random.h"

#include "services/kv/update.h"
#include "store_suite.h"
#include "store_suite_world.h"

static const struct kv_update add_one = {.then = KV_THEN_ADD, .integer = 1};

enum { MEMBERS = 4, ADDITIONS = 2000, COUNTERS = 3 };

struct member {
    struct store_client client;
    pthread_t thread;
    unsigned refused, failed;
    atomic_bool ended;
};

/* Adds to one counter, and then to all of them in one batch. */
static void *add_up(void *arg)
{
    struct member *member = arg;
    static const char *const names[COUNTERS] = {"a", "b", "c"};
    for (int i = 0; i < ADDITIONS; i++) {
        struct kv_item items[COUNTERS];
        size_t count = i % 2 ? COUNTERS : 1;
        for (size_t k = 0; k < count; k++)
            items[k] = (struct kv_item){.key = weft_view_str(names[k]), .update = &add_one};
        if (store_client_update(&member->client, "t", items, count, false) == KV_DONE)
            store_items_drop(items, count);
        else
            member->failed++;
    }
    return NULL;
}

static int64_t counter(struct store_world *world, const char *key)
{
    struct kv_item item = {.key = weft_view_str(key)};
    int64_t number = 0;
    assert_int_equal(store_client_do(&world->client, KV_MGET, "t", &item, 1), KV_DONE);
    assert_true(item.present);
    assert_int_equal(item.found.bytes.data[0], 0x18);
    for (size_t i = 1; i < item.found.bytes.size; i++)
        number |= (int64_t)(item.found.bytes.data[i] & 0x7f) << (7 * (i - 1));
    store_items_drop(&item, 1);
    return number;
}

static void test_counters_from_four_loops_add_up(void **state)
{
    struct store_world *world = *state;
    struct member members[MEMBERS] = {0};
    if (!(store_suite_flags() & KV_STORE_UPDATE))
        return;
    for (int i = 0; i < MEMBERS; i++)
        store_client_join_loop(&members[i].client, &world->client);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(pthread_create(&members[i].thread, NULL, add_up, &members[i]), 0);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(pthread_join(members[i].thread, NULL), 0);
    for (int i = 0; i < MEMBERS; i++) {
        store_client_leave_loop(&members[i].client);
        assert_int_equal(members[i].failed, 0);
    }
    assert_int_equal(counter(world, "a"), MEMBERS * ADDITIONS);
    assert_int_equal(counter(world, "b"), MEMBERS * ADDITIONS / 2);
    assert_int_equal(counter(world, "c"), MEMBERS * ADDITIONS / 2);
}

enum { WRITES = 1500, KEYS = 120 };

static void write_one(struct member *member, struct test_random *random)
{
    char keys[COUNTERS][KEY_MAX], table[2] = {(char)('a' + test_random_below(random, 2)), 0};
    struct kv_item items[COUNTERS];
    size_t count = 1 + test_random_below(random, COUNTERS);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(keys[i], KEY_MAX, "%zu", test_random_below(random, KEYS));
        items[i] = (struct kv_item){
            .key = weft_view_str(keys[i]),
            .value.bytes = weft_view(&random->state, 1 + test_random_below(random, 8))};
    }
    enum kv_store_kind kind = test_random_below(random, 3) ? KV_MSET : KV_MDEL;
    uint64_t total;
    enum kv_outcome outcome = KV_DONE;
    if (test_random_below(random, 200) == 0)
        outcome = store_client_total(&member->client, KV_DROP, table, &total);
    else if ((outcome = store_client_do(&member->client, kind, table, items, count)) == KV_DONE)
        store_items_drop(items, count);
    member->failed += outcome != KV_DONE;
}

static void *write_much(void *arg)
{
    struct member *member = arg;
    struct test_random random = {.state = (uintptr_t)member};
    for (int i = 0; i < WRITES; i++)
        write_one(member, &random);
    atomic_store(&member->ended, true);
    return NULL;
}

static bool all_ended(struct member *members)
{
    for (int i = 0; i < MEMBERS; i++)
        if (!atomic_load(&members[i].ended))
            return false;
    return true;
}

/* Follows, walks and applies while four loops write. Whoever has lost changes begins anew. */
static void test_mirror_is_like_the_store_under_four_writers(void **state)
{
    struct store_world *world = *state;
    struct member members[MEMBERS] = {0};
    struct change_mirror mirror;
    if (!(store_suite_flags() & KV_STORE_CHANGES))
        return;
    for (int i = 0; i < MEMBERS; i++)
        store_client_join_loop(&members[i].client, &world->client);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(pthread_create(&members[i].thread, NULL, write_much, &members[i]), 0);
    unsigned told =
        0; /* changes, and losses; the last mirror may have begun after the last write */
    change_mirror_open(&mirror, &world->client, 0);
    while (mirror.lost || !all_ended(members)) {
        if (mirror.lost) {
            told += mirror.changes + 1;
            change_mirror_close(&mirror, &world->client);
            change_mirror_open(&mirror, &world->client, 0);
        }
        if (!mirror.lost && mirror.count == 0)
            change_mirror_walk(&mirror, &world->client);
        change_mirror_settle(&mirror, &world->client);
    }
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(pthread_join(members[i].thread, NULL), 0);
    for (int i = 0; i < MEMBERS; i++) {
        store_client_leave_loop(&members[i].client);
        assert_int_equal(members[i].failed, 0);
    }
    change_mirror_settle(&mirror, &world->client);
    assert_false(mirror.lost);
    assert_true(told + mirror.changes > 0);
    change_mirror_expect(&mirror, &world->client);
    change_mirror_close(&mirror, &world->client);
}

int weft_store_suite_run_loops(const struct kv_store *store)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_counters_from_four_loops_add_up),
        STORE_TEST(test_mirror_is_like_the_store_under_four_writers),
    };
    store_suite_choose(store);
    return cmocka_run_group_tests_name(store->name, tests, NULL, NULL);
}
