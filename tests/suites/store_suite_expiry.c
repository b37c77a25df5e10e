/* SPDX-License-Identifier: MIT
 *
 * Expiry, in virtual time: a key is there before its time and not there from it on, for every operation. */
#include "store_suite_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/virtual_loop.h"
#include "services/kv/update.h"

static const int64_t millisecond = 1000000;

static int64_t now(struct store_world *world)
{
    weft_loop_refresh(world->client.loop);
    return weft_loop_wall(world->client.loop);
}

static void advance(struct store_world *world, int64_t ms)
{
    assert_true(virtual_loop_advance(world->client.loop, ms * millisecond));
}

static struct kv_item set_with_expiry(struct store_world *world, const char *key, const char *value,
                                      int64_t expires)
{
    struct kv_item item = item_to_set(key, value, NULL);
    item.expires = expires;
    assert_int_equal(store_client_do(&world->client, KV_MSET, "t", &item, 1), KV_DONE);
    bool present = item.present;
    store_items_drop(&item, 1);
    item.present = present;
    return item;
}

static bool has(struct store_world *world, const char *key)
{
    return store_client_has(&world->client, "t", key);
}

static void test_key_is_there_to_the_last_millisecond(void **state)
{
    struct store_world *world = *state;
    set_with_expiry(world, "k", "v", now(world) + 100);
    advance(world, 99);
    assert_true(has(world, "k"));
    assert_string_equal(store_client_get(&world->client, "t", "k"), "v");
    advance(world, 1);
    assert_false(has(world, "k"));
    assert_null(store_client_get(&world->client, "t", "k"));
}

static void test_key_is_gone_for_ever_whenever_its_memory_goes(void **state)
{
    struct store_world *world = *state;
    set_with_expiry(world, "k", "v", now(world) + 100);
    for (int i = 0; i < 100; i++) {
        advance(world, 200);
        assert_false(has(world, "k"));
    }
}

static void test_reads_give_the_expiry(void **state)
{
    struct store_world *world = *state;
    int64_t expires = now(world) + 5000;
    set_with_expiry(world, "k", "v", expires);
    store_client_set(&world->client, "t", "l", "w");
    struct kv_item items[] = {{.key = weft_view_str("k")}, {.key = weft_view_str("l")}};
    assert_int_equal(store_client_do(&world->client, KV_MGET, "t", items, 2), KV_DONE);
    assert_int_equal(items[0].found_expires, expires);
    assert_int_equal(items[1].found_expires, KV_NEVER);
    store_items_drop(items, 2);
    assert_int_equal(store_client_do(&world->client, KV_MGET, "t", items, 1), KV_DONE);
    assert_int_equal(items[0].found_expires, expires);
    store_items_drop(items, 1);
}

static void test_set_replaces_the_expiry(void **state)
{
    struct store_world *world = *state;
    set_with_expiry(world, "k", "v", now(world) + 100);
    store_client_set(&world->client, "t", "k", "w");
    advance(world, 1000);
    assert_true(has(world, "k"));
    set_with_expiry(world, "k", "v", now(world) + 100);
    set_with_expiry(world, "k", "v", now(world) + 10000);
    advance(world, 5000);
    assert_true(has(world, "k"));
    advance(world, 5000);
    assert_false(has(world, "k"));
}

static void test_writes_find_nothing_where_a_key_has_expired(void **state)
{
    struct store_world *world = *state;
    set_with_expiry(world, "k", "v", now(world) + 100);
    advance(world, 100);
    assert_false(set_with_expiry(world, "k", "w", now(world) + 100).present);
    advance(world, 100);
    assert_false(store_client_del(&world->client, "t", "k"));
    set_with_expiry(world, "k", "v", now(world) + 100);
    set_with_expiry(world, "l", "v", now(world) + 100);
    advance(world, 100);
    struct kv_item items[] = {item_to_set("k", "1", NULL), item_to_set("l", "2", NULL)};
    assert_int_equal(store_client_do(&world->client, KV_MSET, "t", items, 2), KV_DONE);
    assert_false(items[0].present || items[1].present);
    assert_true(has(world, "k") && has(world, "l"));
}

static void test_expiry_that_has_passed_leaves_the_key_absent(void **state)
{
    struct store_world *world = *state;
    store_client_set(&world->client, "t", "k", "v");
    assert_true(set_with_expiry(world, "k", "w", now(world)).present);
    assert_false(has(world, "k"));
    set_with_expiry(world, "l", "w", 1);
    assert_false(has(world, "l"));
}

static void test_batch_has_an_expiry_for_each_key(void **state)
{
    enum { COUNT = 200 };
    struct store_world *world = *state;
    struct kv_item items[COUNT];
    int64_t begin = now(world);
    for (int i = 0; i < COUNT; i++) {
        items[i] = item_to_set(world->keys[i], "v", NULL);
        items[i].expires = i % 4 == 0 ? KV_NEVER : begin + 10 * i;
    }
    assert_int_equal(store_client_do(&world->client, KV_MSET, "t", items, COUNT), KV_DONE);
    advance(world, 1000);
    assert_int_equal(store_client_do(&world->client, KV_MGET, "t", items, COUNT), KV_DONE);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(items[i].present, i % 4 == 0 || i > 100);
    store_items_drop(items, COUNT);
}

static bool see_key(void *arg, const struct kv_pair *pair)
{
    struct store_world *world = arg;
    char text[KEY_MAX] = {0};
    memcpy(text, pair->key.data, pair->key.size);
    int i = atoi(text);
    world->seen[i]++;
    assert_true(pair->expires == KV_NEVER ? i % 2 == 0 : i % 2 == 1);
    return true;
}

static void test_walk_gives_expiries_and_passes_over_what_has_expired(void **state)
{
    enum { COUNT = 3000 };
    struct store_world *world = *state;
    if (!(store_suite_flags() & KV_STORE_WALK))
        return;
    for (int exact = 0; exact < 2; exact++) {
        int64_t begin = now(world);
        for (int i = 0; i < COUNT; i++)
            set_with_expiry(world, world->keys[i], "v", i % 2 ? begin + i : KV_NEVER);
        advance(world, 1501);
        memset(world->seen, 0, MANY * sizeof *world->seen);
        struct kv_cursor cursor = {0};
        do {
            assert_int_equal(
                exact ? store_client_exact_page(&world->client, "t", 50, &cursor, see_key, world)
                      : store_client_page(&world->client, "t", 50, &cursor, see_key, world),
                KV_DONE);
        } while (cursor.size > 0);
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(world->seen[i], i % 2 == 0 || i > 1501);
    }
}

static enum kv_outcome expire(struct store_world *world, const char *key, enum kv_if when,
                              int64_t expires)
{
    const struct kv_update update = {.when = when, .then = KV_THEN_EXPIRE};
    struct kv_item item = item_to_set(key, "", &update);
    item.expires = expires;
    return update_one(world, &item);
}

static void test_update_changes_the_expiry_alone(void **state)
{
    struct store_world *world = *state;
    if (!(store_suite_flags() & KV_STORE_UPDATE))
        return;
    assert_int_equal(expire(world, "k", KV_IF_ANY, now(world) + 100), KV_DONE);
    assert_false(has(world, "k"));
    store_client_set(&world->client, "t", "k", "v");
    assert_int_equal(expire(world, "k", KV_IF_UNTIMED, now(world) + 100), KV_DONE);
    assert_string_equal(store_client_get(&world->client, "t", "k"), "v");
    assert_int_equal(expire(world, "k", KV_IF_UNTIMED, now(world) + 100), KV_UNMET);
    advance(world, 50);
    assert_int_equal(expire(world, "k", KV_IF_LATER, now(world) + 100), KV_DONE);
    advance(world, 60);
    assert_true(has(world, "k"));
    assert_int_equal(expire(world, "k", KV_IF_TIMED, KV_NEVER), KV_DONE);
    advance(world, 10000);
    assert_string_equal(store_client_get(&world->client, "t", "k"), "v");
    assert_int_equal(expire(world, "k", KV_IF_ANY, now(world)), KV_DONE);
    assert_false(has(world, "k"));
}

static void test_expired_key_is_absent_to_conditions(void **state)
{
    static const struct kv_update set_absent = {.when = KV_IF_ABSENT, .then = KV_THEN_SET};
    static const struct kv_update set_present = {.when = KV_IF_PRESENT, .then = KV_THEN_SET};
    static const struct kv_update add = {.then = KV_THEN_ADD, .integer = 5};
    struct store_world *world = *state;
    if (!(store_suite_flags() & KV_STORE_UPDATE))
        return;
    set_with_expiry(world, "k", "\x18\x01", now(world) + 100);
    struct kv_item item = item_to_set("k", "w", &set_absent);
    assert_int_equal(update_one(world, &item), KV_UNMET);
    assert_true(item.present);
    advance(world, 100);
    item = item_to_set("k", "w", &set_present);
    assert_int_equal(update_one(world, &item), KV_UNMET);
    assert_false(item.present);
    item = item_to_set("k", "", &add);
    item.expires = KV_KEEP_EXPIRY;
    assert_int_equal(update_one(world, &item), KV_DONE);
    advance(world, 100000);
    assert_string_equal(store_client_get(&world->client, "t", "k"), "\x18\x05");
}

static void test_sum_keeps_the_expiry_if_told_so(void **state)
{
    static const struct kv_update add = {.then = KV_THEN_ADD, .integer = 1};
    struct store_world *world = *state;
    if (!(store_suite_flags() & KV_STORE_UPDATE))
        return;
    set_with_expiry(world, "k", "\x18\x01", now(world) + 100);
    struct kv_item item = item_to_set("k", "", &add);
    item.expires = KV_KEEP_EXPIRY;
    assert_int_equal(update_one(world, &item), KV_DONE);
    advance(world, 99);
    assert_string_equal(store_client_get(&world->client, "t", "k"), "\x18\x02");
    advance(world, 1);
    assert_false(has(world, "k"));
}

/* Whatever frees the memory of expired keys leaves all others. */
static void test_keys_that_stay_survive_those_that_expire(void **state)
{
    struct store_world *world = *state;
    int64_t begin = now(world);
    for (int i = 0; i < MANY; i++)
        set_with_expiry(world, world->keys[i], world->keys[i],
                        i % 10 == 0 ? KV_NEVER : begin + 20000 + i % 7 * 100);
    do_range(world, KV_MDEL, 0, 100);
    for (int step = 0; step < 40; step++) {
        advance(world, 1000);
        for (int i = 100; i < MANY; i += 97) {
            bool stays = i % 10 == 0 || now(world) < begin + 20000 + i % 7 * 100;
            assert_int_equal(has(world, world->keys[i]), stays);
        }
    }
    for (int i = 100; i < MANY; i += 10)
        assert_string_equal(store_client_get(&world->client, "t", world->keys[i]), world->keys[i]);
}

static void test_calendar_that_is_set_forth_expires_keys(void **state)
{
    struct store_world *world = *state;
    int64_t begin = now(world);
    set_with_expiry(world, "k", "v", begin + 1000000);
    virtual_loop_set_wall(world->client.loop, begin + 2000000);
    advance(world, 1);
    assert_false(has(world, "k"));
}

int store_suite__run_expiry(const struct kv_store *store)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_key_is_there_to_the_last_millisecond),
        STORE_TEST(test_key_is_gone_for_ever_whenever_its_memory_goes),
        STORE_TEST(test_reads_give_the_expiry),
        STORE_TEST(test_set_replaces_the_expiry),
        STORE_TEST(test_writes_find_nothing_where_a_key_has_expired),
        STORE_TEST(test_expiry_that_has_passed_leaves_the_key_absent),
        STORE_TEST(test_batch_has_an_expiry_for_each_key),
        STORE_TEST(test_walk_gives_expiries_and_passes_over_what_has_expired),
        STORE_TEST(test_update_changes_the_expiry_alone),
        STORE_TEST(test_expired_key_is_absent_to_conditions),
        STORE_TEST(test_sum_keeps_the_expiry_if_told_so),
        STORE_TEST(test_keys_that_stay_survive_those_that_expire),
        STORE_TEST(test_calendar_that_is_set_forth_expires_keys),
    };
    return cmocka_run_group_tests_name(store->name, tests, NULL, NULL);
}
