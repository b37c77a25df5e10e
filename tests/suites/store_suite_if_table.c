/* SPDX-License-Identifier: MIT
 *
 * KV_MSET with if_table: it sets keys of a table that the store sees to be there, or changes nothing. */
#include "store_suite_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/virtual_loop.h"

static struct kv_item item_of(const char *key, const char *value)
{
    return item_to_set(key, value, NULL);
}

static void test_set_if_table_changes_no_absent_table(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    struct kv_item item = item_of("k", "v");
    assert_int_equal(store_client_set_if_table(client, "t", &item, 1), KV_UNMET);
    assert_null(store_client_get(client, "t", "k"));
}

static void test_set_if_table_replaces_a_key(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    struct kv_item item = item_of("k", "new");
    store_client_set(client, "t", "k", "old");
    assert_int_equal(store_client_set_if_table(client, "t", &item, 1), KV_DONE);
    assert_true(item.present);
    assert_true(weft_view_equal(item.found.bytes, weft_view_str("old")));
    store_items_drop(&item, 1);
    assert_string_equal(store_client_get(client, "t", "k"), "new");
}

/* Its store may have to ask elsewhere, and then says that it has changed nothing. */
static void test_set_if_table_adds_a_key_or_changes_nothing(void **state)
{
    struct store_world *world = *state;
    struct store_client *client = &world->client;
    do_range(world, KV_MSET, 0, 100);
    for (int i = 100; i < 200; i++) {
        struct kv_item item = item_of(world->keys[i], "v");
        enum kv_outcome outcome = store_client_set_if_table(client, "t", &item, 1);
        assert_true(outcome == KV_DONE || outcome == KV_UNMET);
        assert_false(item.present);
        assert_int_equal(store_client_has(client, "t", world->keys[i]), outcome == KV_DONE);
    }
}

static void test_set_if_table_sets_all_of_a_batch_or_nothing(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    struct kv_item items[] = {item_of("a", "1"), item_of("b", "2")};
    store_client_set(client, "t", "a", "0");
    enum kv_outcome outcome = store_client_set_if_table(client, "t", items, 2);
    assert_true(outcome == KV_DONE || outcome == KV_UNMET);
    if (outcome == KV_DONE)
        store_items_drop(items, 2);
    assert_string_equal(store_client_get(client, "t", "a"), outcome == KV_DONE ? "1" : "0");
    assert_int_equal(store_client_has(client, "t", "b"), outcome == KV_DONE);
}

static void test_set_if_table_leaves_a_table_alone_whose_keys_have_expired(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    struct kv_item item = item_of("k", "v");
    weft_loop_refresh(client->loop);
    item.expires = weft_loop_wall(client->loop) + 10;
    assert_int_equal(store_client_do(client, KV_MSET, "t", &item, 1), KV_DONE);
    assert_true(virtual_loop_advance(client->loop, 10000000));
    item = item_of("k", "w");
    assert_int_equal(store_client_set_if_table(client, "t", &item, 1), KV_UNMET);
    assert_null(store_client_get(client, "t", "k"));
}

int store_suite__run_if_table(const struct kv_store *store)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_set_if_table_changes_no_absent_table),
        STORE_TEST(test_set_if_table_replaces_a_key),
        STORE_TEST(test_set_if_table_adds_a_key_or_changes_nothing),
        STORE_TEST(test_set_if_table_sets_all_of_a_batch_or_nothing),
    };
    const struct CMUnitTest expiry_tests[] = {
        STORE_TEST(test_set_if_table_leaves_a_table_alone_whose_keys_have_expired),
    };
    store_suite_choose(store);
    int failed = cmocka_run_group_tests_name(store->name, tests, NULL, NULL);
    if (store->flags & KV_STORE_EXPIRY)
        failed += cmocka_run_group_tests_name(store->name, expiry_tests, NULL, NULL);
    return failed;
}
