/* SPDX-License-Identifier: MIT */
#include "store_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "store_suite_world.h"
#include "lib/virtual_loop.h"

static void assert_text(const char *got, const char *expected)
{
    assert_non_null(got);
    assert_string_equal(got, expected);
}

static void test_absent_table_and_key_are_not_present(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    assert_null(store_client_get(client, "t", "k"));
    store_client_set(client, "t", "k", "v");
    assert_null(store_client_get(client, "t", "l"));
    assert_null(store_client_get(client, "u", "k"));
    assert_false(store_client_del(client, "t", "l"));
    assert_false(store_client_del(client, "u", "k"));
}

static void test_value_that_was_set_is_there_until_it_is_removed(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    store_client_set(client, "t", "k", "v");
    assert_text(store_client_get(client, "t", "k"), "v");
    assert_true(store_client_has(client, "t", "k"));
    assert_true(store_client_del(client, "t", "k"));
    assert_false(store_client_has(client, "t", "k"));
}

static void test_set_and_del_tell_what_was_there_before(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    struct kv_item item = {.key = weft_view_str("k"), .value.bytes = weft_view_str("old")};
    assert_int_equal(store_client_do(client, KV_MSET, "t", &item, 1), KV_DONE);
    assert_false(item.present);
    item.value.bytes = weft_view_str("new");
    assert_int_equal(store_client_do(client, KV_MSET, "t", &item, 1), KV_DONE);
    assert_true(item.present);
    assert_true(weft_view_equal(item.found.bytes, weft_view_str("old")));
    store_items_drop(&item, 1);
    assert_int_equal(store_client_do(client, KV_MDEL, "t", &item, 1), KV_DONE);
    assert_true(item.present);
    assert_true(weft_view_equal(item.found.bytes, weft_view_str("new")));
    store_items_drop(&item, 1);
}

static void test_empty_names_keys_and_values_are_as_good_as_others(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    store_client_set(client, "", "", "");
    assert_text(store_client_get(client, "", ""), "");
}

static void test_nul_is_a_byte_like_any_other(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    struct kv_item items[] = {
        {.key = weft_view("a\0b", 3), .value.bytes = weft_view("\0", 1)},
        {.key = weft_view("a\0c", 3), .value.bytes = weft_view("\1", 1)},
    };
    assert_int_equal(store_client_do(client, KV_MSET, "t", items, 2), KV_DONE);
    assert_int_equal(store_client_do(client, KV_MGET, "t", items, 2), KV_DONE);
    assert_true(items[0].present && items[1].present);
    assert_true(weft_view_equal(items[0].found.bytes, weft_view("\0", 1)));
    assert_true(weft_view_equal(items[1].found.bytes, weft_view("\1", 1)));
    store_items_drop(items, 2);
    assert_false(store_client_has(client, "t", "a"));
}

static void test_tables_are_apart(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    store_client_set(client, "t", "k", "1");
    store_client_set(client, "u", "k", "2");
    assert_text(store_client_get(client, "t", "k"), "1");
    assert_text(store_client_get(client, "u", "k"), "2");
    assert_true(store_client_del(client, "t", "k"));
    assert_text(store_client_get(client, "u", "k"), "2");
}

static void test_key_given_twice_takes_both_values_in_order(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    struct kv_item items[] = {
        {.key = weft_view_str("k"), .value.bytes = weft_view_str("1")},
        {.key = weft_view_str("l"), .value.bytes = weft_view_str("2")},
        {.key = weft_view_str("k"), .value.bytes = weft_view_str("3")},
    };
    assert_int_equal(store_client_do(client, KV_MSET, "t", items, 3), KV_DONE);
    assert_false(items[0].present);
    assert_false(items[1].present);
    assert_true(items[2].present);
    assert_true(weft_view_equal(items[2].found.bytes, weft_view_str("1")));
    store_items_drop(items, 3);
    assert_text(store_client_get(client, "t", "k"), "3");

    assert_int_equal(store_client_do(client, KV_MDEL, "t", items, 3), KV_DONE);
    assert_true(items[0].present);
    assert_false(items[2].present);
    store_items_drop(items, 3);
}

static void test_blob_is_kept_by_reference_or_copied_and_comes_back(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(10, &data);
    assert_non_null(blob);
    memcpy(data, "head+value", 10);
    struct kv_item item = {.key = weft_view_str("k"),
                           .value = {.bytes = weft_view(data + 5, 5), .blob = blob}};
    assert_int_equal(store_client_do(client, KV_MSET, "t", &item, 1), KV_DONE);
    /* Ours goes; what the store needs it has referenced. */
    weft_blob_unref(blob);
    item.value = (struct kv_value){0};
    assert_int_equal(store_client_do(client, KV_MGET, "t", &item, 1), KV_DONE);
    assert_true(item.present);
    assert_true(weft_view_equal(item.found.bytes, weft_view_str("value")));
    store_items_drop(&item, 1);
    /* A value that was found and referenced outlives its removal. */
    assert_int_equal(store_client_do(client, KV_MDEL, "t", &item, 1), KV_DONE);
    virtual_loop_turn(client->loop);
    assert_true(weft_view_equal(item.found.bytes, weft_view_str("value")));
    store_items_drop(&item, 1);
}

static void test_sessions_see_one_store(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    struct store_client other;
    store_client_join(&other, client);
    store_client_set(client, "t", "k", "v");
    assert_text(store_client_get(&other, "t", "k"), "v");
    assert_true(store_client_del(&other, "t", "k"));
    assert_null(store_client_get(client, "t", "k"));
    store_client_leave(&other);
}

static void test_many_keys_stay_where_they_were_put(void **state)
{
    struct store_world *world = *state;
    do_range(world, KV_MSET, 0, MANY);
    for (int i = 0; i < MANY; i += 7)
        assert_text(store_client_get(&world->client, "t", world->keys[i]), world->keys[i]);
}

static void test_keys_that_stay_survive_the_removal_of_most(void **state)
{
    struct store_world *world = *state;
    do_range(world, KV_MSET, 0, MANY);
    do_range(world, KV_MDEL, 100, MANY);
    for (int i = 0; i < 200; i++) {
        const char *value = store_client_get(&world->client, "t", world->keys[i]);
        if (i < 100)
            assert_text(value, world->keys[i]);
        else
            assert_null(value);
    }
}

static void test_single_sets_and_dels_grow_and_shrink_as_batches_do(void **state)
{
    struct store_world *world = *state;
    for (int i = 0; i < MANY; i++)
        store_client_set(&world->client, "t", world->keys[i], world->keys[i]);
    for (int i = 0; i < MANY; i++) {
        assert_true(store_client_del(&world->client, "t", world->keys[i]));
        int later = (i + MANY / 2) % MANY;
        assert_int_equal(store_client_has(&world->client, "t", world->keys[later]), later > i);
    }
}

struct pending {
    struct kv_op op;
    struct kv_item item;
    unsigned done;
    enum kv_outcome outcome;
};

static void pending_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct pending *pending = (struct pending *)(void *)op;
    pending->done++;
    pending->outcome = outcome;
}

static void test_close_completes_what_is_pending_as_unknown(void **state)
{
    struct store_client *client = &((struct store_world *)*state)->client;
    struct store_client other;
    struct pending pending = {
        .op = {.kind = KV_MGET,
               .table = weft_view_str("t"),
               .items = &pending.item,
               .count = 1,
               .done = pending_done},
        .item.key = weft_view_str("k"),
    };
    store_client_join(&other, client);
    /* Outside of a turn, where nothing of it can come back by itself. */
    client->store->submit(other.session, &pending.op);
    unsigned before = pending.done;
    store_client_leave(&other);
    assert_int_equal(pending.done, 1);
    if (before == 0)
        assert_int_equal(pending.outcome, KV_UNKNOWN);
    virtual_loop_turn(client->loop);
    assert_int_equal(pending.done, 1);
}

/* A batch of new keys and old ones, with every allocation failing in turn. */
static void set_batch(void *arg)
{
    enum { COUNT = 100 };
    struct store_world *world = arg;
    struct store_client *client = &world->client;
    struct kv_item items[COUNT];
    for (int i = 0; i < COUNT; i++) {
        struct weft_view key = weft_view_str(world->keys[i]);
        items[i] = (struct kv_item){.key = key, .value.bytes = key};
    }
    enum kv_outcome outcome = store_client_do(client, KV_MSET, "fault", items, COUNT);
    if (fault_failed() == 0)
        assert_int_equal(outcome, KV_DONE);
    else if (outcome != KV_DONE && !store_suite_may_be_unknown(outcome))
        assert_int_equal(outcome, KV_UNAVAILABLE);
    if (outcome == KV_DONE)
        store_items_drop(items, COUNT);
    bool is_there = outcome == KV_DONE;

    fault_disarm();
    for (int i = 0; i < COUNT && !store_suite_may_be_unknown(outcome); i++)
        assert_int_equal(store_client_has(client, "fault", world->keys[i]), is_there);
    assert_int_equal(store_client_do(client, KV_MDEL, "fault", items, COUNT), KV_DONE);
    store_items_drop(items, COUNT);
}

static void test_batch_that_lacks_memory_changes_nothing(void **state)
{
    struct store_world *world = *state;
    fault_install();
    for (size_t n = 0; n < 400; n++) {
        fault_arm(n % 2 ? FAULT_FROM : FAULT_ONE, n / 2);
        set_batch(world);
    }
    fault_remove();
}

int weft_store_suite_run(const struct kv_store *store)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_absent_table_and_key_are_not_present),
        STORE_TEST(test_value_that_was_set_is_there_until_it_is_removed),
        STORE_TEST(test_set_and_del_tell_what_was_there_before),
        STORE_TEST(test_empty_names_keys_and_values_are_as_good_as_others),
        STORE_TEST(test_nul_is_a_byte_like_any_other),
        STORE_TEST(test_tables_are_apart),
        STORE_TEST(test_key_given_twice_takes_both_values_in_order),
        STORE_TEST(test_blob_is_kept_by_reference_or_copied_and_comes_back),
        STORE_TEST(test_sessions_see_one_store),
        STORE_TEST(test_many_keys_stay_where_they_were_put),
        STORE_TEST(test_keys_that_stay_survive_the_removal_of_most),
        STORE_TEST(test_single_sets_and_dels_grow_and_shrink_as_batches_do),
        STORE_TEST(test_close_completes_what_is_pending_as_unknown),
        STORE_TEST(test_batch_that_lacks_memory_changes_nothing),
    };
    store_suite_choose(store);
    int failed = cmocka_run_group_tests_name(store->name, tests, NULL, NULL);
    if (store->flags & KV_STORE_WALK)
        failed += store_suite__run_walks(store);
    if (store->flags & KV_STORE_UPDATE)
        failed += store_suite__run_updates(store);
    if (store->flags & KV_STORE_EXPIRY)
        failed += store_suite__run_expiry(store);
    if (store->flags & KV_STORE_TABLES)
        failed += store_suite__run_tables(store);
    if (store->flags & KV_STORE_IF_TABLE)
        failed += store_suite__run_if_table(store);
    if (store->flags & KV_STORE_CHANGES)
        failed += store_suite__run_changes(store);
    return failed + store_suite__run_oracle(store);
}
