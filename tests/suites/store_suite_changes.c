/* SPDX-License-Identifier: MIT
 *
 * Following the changes of a store. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/change_mirror.h"
#include "lib/fault.h"
#include "lib/random.h"
#include "lib/virtual_loop.h"
#include "services/kv/update.h"
#include "store_suite_world.h"

static void settle(struct store_world *world, struct change_mirror *mirror)
{
    change_mirror_settle(mirror, &world->client);
}

static void test_each_change_comes_once_with_its_number(void **state)
{
    struct store_world *world = *state;
    struct store_client *client = &world->client;
    struct change_mirror mirror;
    store_client_set(client, "t", "before", "1");
    change_mirror_open(&mirror, client, 0);
    assert_int_equal(mirror.lost, false);
    store_client_set(client, "t", "k", "1");
    store_client_set(client, "t", "k", "2");
    assert_true(store_client_del(client, "t", "k"));
    assert_false(store_client_del(client, "t", "k"));
    settle(world, &mirror);
    assert_int_equal(mirror.changes, 3);
    assert_true(mirror.last > mirror.follow.from);
    assert_null(change_mirror_get(&mirror, "t", "before"));
    assert_null(change_mirror_get(&mirror, "t", "k"));
    store_client_set(client, "u", "", "");
    settle(world, &mirror);
    assert_int_equal(mirror.changes, 4);
    assert_string_equal(change_mirror_get(&mirror, "u", ""), "");
    change_mirror_close(&mirror, client);
}

static void test_follower_goes_on_from_a_number(void **state)
{
    struct store_world *world = *state;
    struct store_client *client = &world->client;
    struct change_mirror first, second;
    change_mirror_open(&first, client, 0);
    store_client_set(client, "t", "a", "1");
    settle(world, &first);
    uint64_t after_a = first.last;
    store_client_set(client, "t", "b", "2");
    store_client_set(client, "t", "c", "3");
    settle(world, &first);
    change_mirror_close(&first, client);
    /* Nobody follows now, but what is missed is kept. */
    store_client_set(client, "t", "d", "4");
    change_mirror_open(&second, client, after_a);
    assert_false(second.lost);
    settle(world, &second);
    assert_int_equal(second.changes, 3);
    assert_null(change_mirror_get(&second, "t", "a"));
    assert_string_equal(change_mirror_get(&second, "t", "b"), "2");
    assert_string_equal(change_mirror_get(&second, "t", "d"), "4");
    change_mirror_close(&second, client);
}

static void test_number_that_is_too_old_or_of_another_process_is_refused(void **state)
{
    struct store_world *world = *state;
    struct store_client *client = &world->client;
    struct kv_follow follow = {.from = 1};
    struct change_mirror mirror;
    assert_int_equal(client->store->follow(client->session, &follow), -ERANGE);
    change_mirror_open(&mirror, client, 0);
    follow.from = mirror.follow.from + ((uint64_t)1 << 40);
    assert_int_equal(client->store->follow(client->session, &follow), -ERANGE);
    change_mirror_close(&mirror, client);
}

static void test_drop_and_batches_are_told(void **state)
{
    struct store_world *world = *state;
    struct change_mirror mirror;
    change_mirror_open(&mirror, &world->client, 0);
    do_range(world, KV_MSET, 0, 3000);
    settle(world, &mirror);
    assert_int_equal(mirror.changes, 3000);
    do_range(world, KV_MDEL, 0, 1000);
    settle(world, &mirror);
    change_mirror_expect(&mirror, &world->client);
    if (store_suite_flags() & KV_STORE_TABLES) {
        uint64_t total;
        assert_int_equal(store_client_total(&world->client, KV_DROP, "t", &total), KV_DONE);
        settle(world, &mirror);
        assert_int_equal(mirror.changes, 4001);
        change_mirror_expect(&mirror, &world->client);
    }
    change_mirror_close(&mirror, &world->client);
}

static void test_update_that_is_refused_is_not_told(void **state)
{
    struct store_world *world = *state;
    static const struct kv_update absent = {.when = KV_IF_ABSENT, .then = KV_THEN_SET};
    struct change_mirror mirror;
    if (!(store_suite_flags() & KV_STORE_UPDATE))
        return;
    store_client_set(&world->client, "t", "there", "1");
    change_mirror_open(&mirror, &world->client, 0);
    struct kv_item items[] = {item_to_set("new", "2", &absent), item_to_set("there", "2", &absent)};
    assert_int_equal(store_client_update(&world->client, "t", items, 2, false), KV_UNMET);
    store_items_drop(items, 2);
    settle(world, &mirror);
    assert_int_equal(mirror.changes, 0);
    struct kv_item one = item_to_set("new", "2", &absent);
    assert_int_equal(update_one(world, &one), KV_DONE);
    settle(world, &mirror);
    assert_int_equal(mirror.changes, 1);
    assert_string_equal(change_mirror_get(&mirror, "t", "new"), "2");
    change_mirror_close(&mirror, &world->client);
}

static void test_change_says_which_part_of_the_key_was_changed(void **state)
{
    struct store_world *world = *state;
    static const struct kv_update set = {.then = KV_THEN_SET}, expire = {.then = KV_THEN_EXPIRE};
    struct change_mirror mirror;
    if (!(store_suite_flags() & KV_STORE_UPDATE) || !(store_suite_flags() & KV_STORE_EXPIRY))
        return;
    int64_t later = weft_loop_wall(world->client.loop) + 100000;
    const struct {
        const struct kv_update *update;
        int64_t expires;
        enum kv_change_part part;
    } cases[] = {{&set, later, KV_CHANGE_ALL},
                 {&set, KV_KEEP_EXPIRY, KV_CHANGE_VALUE},
                 {&expire, later + 1, KV_CHANGE_EXPIRY},
                 {&expire, KV_NEVER, KV_CHANGE_EXPIRY}};
    change_mirror_open(&mirror, &world->client, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kv_item item = item_to_set("k", "v", cases[i].update);
        item.expires = cases[i].expires;
        assert_int_equal(update_one(world, &item), KV_DONE);
        settle(world, &mirror);
        assert_int_equal(mirror.changes, i + 1);
        assert_int_equal(mirror.part, cases[i].part);
    }
    store_client_set(&world->client, "t", "k", "v");
    settle(world, &mirror);
    assert_int_equal(mirror.part, KV_CHANGE_ALL);
    change_mirror_close(&mirror, &world->client);
}

static void test_expired_key_is_told(void **state)
{
    struct store_world *world = *state;
    struct store_client *client = &world->client;
    struct change_mirror mirror;
    if (!(store_suite_flags() & KV_STORE_EXPIRY))
        return;
    change_mirror_open(&mirror, client, 0);
    struct kv_item item = {.key = weft_view_str("k"),
                           .value.bytes = weft_view_str("v"),
                           .expires = weft_loop_wall(client->loop) + 1000};
    assert_int_equal(store_client_do(client, KV_MSET, "t", &item, 1), KV_DONE);
    settle(world, &mirror);
    assert_int_equal(mirror.changes, 1);
    assert_true(mirror.expires == item.expires);
    for (unsigned i = 0; i < 200 && mirror.changes < 2; i++) {
        assert_true(virtual_loop_advance(client->loop, 100 * 1000 * 1000));
        settle(world, &mirror);
    }
    /* Another thread removes it. */
    while (mirror.changes < 2) {
        assert_true(virtual_loop_wait_for_post(client->loop));
        settle(world, &mirror);
    }
    assert_int_equal(mirror.changes, 2);
    assert_int_equal(mirror.kind, KV_CHANGE_EXPIRED);
    change_mirror_expect(&mirror, client);
    change_mirror_close(&mirror, client);
}

/* A slow follower is told that it has lost changes, and does not make the store grow. */
static void test_slow_follower_is_told_that_it_has_lost_changes(void **state)
{
    struct store_world *world = *state;
    struct store_client *client = &world->client;
    enum { SIZE = 256 << 10, TIMES = 400 };
    static char large[SIZE + 1];
    struct kv_follow follow = {.ready = change_mirror_ignore};
    struct kv_change change;
    memset(large, 'x', SIZE);
    assert_int_equal(client->store->follow(client->session, &follow), 0);
    for (unsigned i = 0; i < TIMES; i++)
        store_client_set(client, "t", "k", large);
    for (unsigned i = 0; i < 50; i++)
        virtual_loop_turn(client->loop);
    assert_int_equal(client->store->next_change(client->session, &follow, &change), -ERANGE);
    client->store->unfollow(client->session, &follow);
}

static void random_change(struct store_world *world, struct test_random *random)
{
    struct store_client *client = &world->client;
    char table[2] = {(char)('a' + test_random_below(random, 3)), 0};
    int begin = (int)test_random_below(random, 200);
    int count = 1 + (int)test_random_below(random, 100);
    switch (test_random_below(random, 8)) {
    case 0:
    case 1:
        do_range_of(world, KV_MSET, table, begin, begin + count);
        break;
    case 2:
        do_range_of(world, KV_MDEL, table, begin, begin + count);
        break;
    case 3:
        if (store_suite_flags() & KV_STORE_TABLES && test_random_below(random, 8) == 0) {
            uint64_t total;
            assert_int_equal(store_client_total(client, KV_DROP, table, &total), KV_DONE);
        }
        break;
    default:
        store_client_set(client, table, world->keys[begin], world->keys[count]);
        break;
    }
}

static void test_mirror_is_like_the_store_after_any_changes(void **state)
{
    struct store_world *world = *state;
    struct test_random random = {.state = 7};
    struct change_mirror mirror;
    for (unsigned i = 0; i < 50; i++)
        random_change(world, &random);
    change_mirror_open(&mirror, &world->client, 0);
    change_mirror_walk(&mirror, &world->client);
    for (unsigned i = 0; i < 400; i++) {
        random_change(world, &random);
        if (i % 50 == 0) {
            settle(world, &mirror);
            change_mirror_expect(&mirror, &world->client);
        }
    }
    settle(world, &mirror);
    assert_false(mirror.lost);
    change_mirror_expect(&mirror, &world->client);
    change_mirror_close(&mirror, &world->client);
}

/* Whatever allocation fails, a follower has every change or is told that it has not. */
static void test_lack_of_memory_is_told(void **state)
{
    struct store_world *world = *state;
    struct store_client *client = &world->client;
    fault_install();
    for (size_t n = 0; n < 60; n++) {
        struct kv_follow follow = {.ready = change_mirror_ignore};
        struct kv_change change;
        unsigned set = 0, told = 0;
        int found = 0;
        fault_arm(n % 2 ? FAULT_FROM : FAULT_ONE, n / 2);
        int err = client->store->follow(client->session, &follow);
        for (int i = 0; i < 40; i++) {
            struct weft_view key = weft_view_str(world->keys[i]);
            struct kv_item item = {.key = key, .value.bytes = key};
            if (store_client_do(client, KV_MSET, "fault", &item, 1) != KV_DONE)
                continue;
            store_items_drop(&item, 1);
            set++;
        }
        fault_disarm();
        for (unsigned i = 0; i < 20; i++)
            virtual_loop_turn(client->loop);
        while (err == 0 &&
               (found = client->store->next_change(client->session, &follow, &change)) > 0)
            told++;
        if (err == 0 && found == 0)
            assert_int_equal(told, set);
        else if (err < 0)
            assert_int_equal(err, -ENOMEM);
        if (err == 0)
            client->store->unfollow(client->session, &follow);
    }
    fault_remove();
}

int store_suite__run_changes(const struct kv_store *store)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_each_change_comes_once_with_its_number),
        STORE_TEST(test_follower_goes_on_from_a_number),
        STORE_TEST(test_number_that_is_too_old_or_of_another_process_is_refused),
        STORE_TEST(test_drop_and_batches_are_told),
        STORE_TEST(test_update_that_is_refused_is_not_told),
        STORE_TEST(test_change_says_which_part_of_the_key_was_changed),
        STORE_TEST(test_expired_key_is_told),
        STORE_TEST(test_slow_follower_is_told_that_it_has_lost_changes),
        STORE_TEST(test_mirror_is_like_the_store_after_any_changes),
        STORE_TEST(test_lack_of_memory_is_told),
    };
    (void)store;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
