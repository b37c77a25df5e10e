/* SPDX-License-Identifier: MIT
 *
 * Updates: what conditions and sums make of keys is tested with the function that decides
 * (test_kv_update.c). Here stores show that they ask it, in one step with what is there. */
#include "store_suite_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "services/kv/update.h"

static const struct kv_update set_absent = {.when = KV_IF_ABSENT, .then = KV_THEN_SET};
static const struct kv_update set_present = {.when = KV_IF_PRESENT, .then = KV_THEN_SET};
static const struct kv_update set_any = {.then = KV_THEN_SET};
static const struct kv_update remove_present = {.when = KV_IF_PRESENT, .then = KV_THEN_REMOVE};
static const struct kv_update add_one = {.then = KV_THEN_ADD, .integer = 1};
static const struct kv_update keep = {.then = KV_THEN_KEEP};

static void assert_has(struct store_world *world, const char *key, const char *value)
{
    const char *got = store_client_get(&world->client, "t", key);
    if (!value) {
        assert_null(got);
        return;
    }
    assert_non_null(got);
    assert_string_equal(got, value);
}

static void test_set_if_absent_sets_once(void **state)
{
    struct store_world *world = *state;
    struct kv_item item = item_to_set("k", "1", &set_absent);
    assert_int_equal(update_one(world, &item), KV_DONE);
    assert_int_equal(item.verdict, KV_VERDICT_STORE);
    assert_false(item.present);
    item = item_to_set("k", "2", &set_absent);
    assert_int_equal(update_one(world, &item), KV_UNMET);
    assert_int_equal(item.verdict, KV_VERDICT_UNMET);
    assert_true(item.present);
    assert_has(world, "k", "1");
}

static void test_set_if_present_needs_the_key(void **state)
{
    struct store_world *world = *state;
    struct kv_item item = item_to_set("k", "1", &set_present);
    assert_int_equal(update_one(world, &item), KV_UNMET);
    assert_has(world, "k", NULL);
    store_client_set(&world->client, "t", "k", "0");
    assert_int_equal(update_one(world, &item), KV_DONE);
    assert_has(world, "k", "1");
}

static void test_refusal_finds_what_the_key_has(void **state)
{
    struct store_world *world = *state;
    struct kv_item item = item_to_set("k", "2", &set_absent);
    store_client_set(&world->client, "t", "k", "1");
    assert_int_equal(store_client_update(&world->client, "t", &item, 1, false), KV_UNMET);
    assert_true(item.present);
    assert_true(weft_view_equal(item.found.bytes, weft_view_str("1")));
    store_items_drop(&item, 1);
}

static void test_update_finds_what_was_there_before(void **state)
{
    struct store_world *world = *state;
    struct kv_item item = item_to_set("k", "2", &set_any);
    store_client_set(&world->client, "t", "k", "1");
    assert_int_equal(store_client_update(&world->client, "t", &item, 1, false), KV_DONE);
    assert_true(item.present);
    assert_true(weft_view_equal(item.found.bytes, weft_view_str("1")));
    store_items_drop(&item, 1);
}

static void test_version_of_what_was_found_is_that_by_which_is_compared(void **state)
{
    struct store_world *world = *state;
    struct kv_update update = {.when = KV_IF_VERSION, .then = KV_THEN_SET};
    struct kv_item item = item_to_set("k", "2", &update);
    store_client_set(&world->client, "t", "k", "1");
    weft_kv_version(weft_view_str("1"), update.version);
    assert_int_equal(update_one(world, &item), KV_DONE);
    assert_int_equal(update_one(world, &item), KV_UNMET);
    assert_has(world, "k", "2");
}

static void test_removal_by_condition_removes(void **state)
{
    struct store_world *world = *state;
    struct kv_item item = item_to_set("k", "", &remove_present);
    assert_int_equal(update_one(world, &item), KV_UNMET);
    store_client_set(&world->client, "t", "k", "1");
    assert_int_equal(update_one(world, &item), KV_DONE);
    assert_int_equal(item.verdict, KV_VERDICT_REMOVE);
    assert_has(world, "k", NULL);
}

static void test_update_that_keeps_changes_nothing(void **state)
{
    struct store_world *world = *state;
    struct kv_item item = item_to_set("k", "2", &keep);
    assert_int_equal(update_one(world, &item), KV_DONE);
    assert_int_equal(item.verdict, KV_VERDICT_KEEP);
    assert_has(world, "k", NULL);
    store_client_set(&world->client, "t", "k", "1");
    assert_int_equal(update_one(world, &item), KV_DONE);
    assert_true(item.present);
    assert_has(world, "k", "1");
}

static void test_sum_goes_on_from_what_is_there(void **state)
{
    struct store_world *world = *state;
    for (int i = 1; i <= 300; i++) {
        struct kv_item item = {
            .key = weft_view_str("k"), .expires = KV_KEEP_EXPIRY, .update = &add_one};
        assert_int_equal(update_one(world, &item), KV_DONE);
    }
    assert_has(world, "k", "\x18\xac\x02");
}

static void test_text_grows_by_what_is_appended(void **state)
{
    struct store_world *world = *state;
    struct kv_update update = {.then = KV_THEN_APPEND};
    struct kv_item item = item_to_set("k",
                                      "\x0a\x02"
                                      "ab",
                                      &update);
    for (int i = 0; i < 50; i++)
        assert_int_equal(update_one(world, &item), KV_DONE);
    struct kv_item found = {.key = weft_view_str("k")};
    assert_int_equal(store_client_do(&world->client, KV_MGET, "t", &found, 1), KV_DONE);
    assert_true(found.present);
    assert_int_equal(found.found.bytes.size, 102);
    assert_memory_equal(found.found.bytes.data,
                        "\x0a\x64"
                        "abab",
                        6);
    store_items_drop(&found, 1);
}

static void test_blob_that_is_set_by_an_update_comes_back(void **state)
{
    struct store_world *world = *state;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(8, &data);
    assert_non_null(blob);
    memcpy(data, "headblob", 8);
    struct kv_item item = {
        .key = weft_view_str("k"), .value = {weft_view(data + 4, 4), blob}, .update = &set_absent};
    assert_int_equal(update_one(world, &item), KV_DONE);
    weft_blob_unref(blob);
    assert_has(world, "k", "blob");
}

enum { BATCH = 300 };

/* Every third key is there. */
static void make_batch(struct store_world *world, struct kv_item items[BATCH],
                       const struct kv_update *update)
{
    for (int i = 0; i < BATCH; i++) {
        if (i % 3 == 0)
            store_client_set(&world->client, "t", world->keys[i], "old");
        items[i] = item_to_set(world->keys[i], "new", update);
    }
}

static void test_batch_with_one_refusal_changes_nothing(void **state)
{
    static const int sizes[] = {2, 20, 64, 65, BATCH};
    struct store_world *world = *state;
    struct kv_item items[BATCH];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        make_batch(world, items, &set_any);
        items[sizes[s] / 2].update = &set_present;
        if (sizes[s] / 2 % 3 == 0)
            items[sizes[s] / 2].update = &set_absent;
        size_t count = (size_t)sizes[s];
        assert_int_equal(store_client_update(&world->client, "t", items, count, false), KV_UNMET);
        store_items_drop(items, count);
        for (int i = 0; i < sizes[s]; i++) {
            enum kv_verdict expected = i == sizes[s] / 2 ? KV_VERDICT_UNMET : KV_VERDICT_STORE;
            assert_int_equal(items[i].verdict, expected);
            assert_has(world, world->keys[i], i % 3 == 0 ? "old" : NULL);
        }
    }
}

static void test_batch_whose_conditions_hold_changes_all(void **state)
{
    static const int sizes[] = {2, 64, 65, BATCH};
    struct store_world *world = *state;
    struct kv_item items[BATCH];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        make_batch(world, items, &set_absent);
        size_t count = (size_t)sizes[s];
        for (size_t i = 0; i < count; i += 3)
            items[i].update = &remove_present;
        assert_int_equal(store_client_update(&world->client, "t", items, count, false), KV_DONE);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(items[i].present, i % 3 == 0);
        store_items_drop(items, count);
        for (size_t i = 0; i < count; i++)
            assert_has(world, world->keys[i], i % 3 == 0 ? NULL : "new");
        do_range(world, KV_MDEL, 0, BATCH);
    }
}

static void test_batch_apart_does_what_is_not_refused(void **state)
{
    static const int sizes[] = {1, 2, 64, 65, BATCH};
    struct store_world *world = *state;
    struct kv_item items[BATCH];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        make_batch(world, items, &set_absent);
        size_t count = (size_t)sizes[s];
        assert_int_equal(store_client_update(&world->client, "t", items, count, true), KV_DONE);
        store_items_drop(items, count);
        for (size_t i = 0; i < count; i++) {
            enum kv_verdict expected = i % 3 == 0 ? KV_VERDICT_UNMET : KV_VERDICT_STORE;
            assert_int_equal(items[i].verdict, expected);
            assert_has(world, world->keys[i], i % 3 == 0 ? "old" : "new");
        }
        do_range(world, KV_MDEL, 0, BATCH);
    }
}

static void test_key_given_twice_is_updated_twice_in_order(void **state)
{
    struct store_world *world = *state;
    struct kv_item items[] = {
        item_to_set("k", "1", &set_absent),  item_to_set("l", "9", &set_any),
        item_to_set("k", "2", &set_present), item_to_set("k", "", &remove_present),
        item_to_set("k", "3", &set_absent),
    };
    enum { COUNT = sizeof items / sizeof *items };
    assert_int_equal(store_client_update(&world->client, "t", items, COUNT, false), KV_DONE);
    assert_false(items[0].present);
    assert_true(items[2].present);
    assert_true(weft_view_equal(items[2].found.bytes, weft_view_str("1")));
    assert_true(weft_view_equal(items[3].found.bytes, weft_view_str("2")));
    assert_false(items[4].present);
    store_items_drop(items, COUNT);
    assert_has(world, "k", "3");
    assert_has(world, "l", "9");

    struct kv_item refused[] = {
        item_to_set("k", "4", &set_any),
        item_to_set("k", "5", &set_absent),
    };
    assert_int_equal(store_client_update(&world->client, "t", refused, 2, false), KV_UNMET);
    assert_true(weft_view_equal(refused[1].found.bytes, weft_view_str("4")));
    store_items_drop(refused, 2);
    assert_has(world, "k", "3");
}

static void test_update_of_an_absent_table_makes_it_only_to_store(void **state)
{
    struct store_world *world = *state;
    struct kv_item item = item_to_set("k", "1", &set_present);
    assert_int_equal(update_one(world, &item), KV_UNMET);
    item.update = &keep;
    assert_int_equal(update_one(world, &item), KV_DONE);
    if (store_suite_flags() & KV_STORE_TABLES) {
        struct kv_cursor cursor = {0};
        const struct kv_op op = {.kind = KV_TABLES, .count = 10, .cursor = &cursor};
        assert_int_equal(store_client_page_of(&world->client, &op, NULL, NULL), KV_DONE);
        assert_int_equal(cursor.size, 0);
    }
    item.update = &set_absent;
    assert_int_equal(update_one(world, &item), KV_DONE);
    assert_has(world, "k", "1");
}

static void test_table_grows_and_shrinks_by_updates(void **state)
{
    enum { COUNT = 5000 };
    struct store_world *world = *state;
    for (int i = 0; i < COUNT; i++) {
        struct kv_item item = item_to_set(world->keys[i], world->keys[i], &set_absent);
        assert_int_equal(update_one(world, &item), KV_DONE);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_has(world, world->keys[i], world->keys[i]);
        struct kv_item item = item_to_set(world->keys[i], "", &remove_present);
        assert_int_equal(update_one(world, &item), KV_DONE);
    }
    assert_false(store_client_has(&world->client, "t", world->keys[COUNT - 1]));
}

/* Sums, appends and removals of keys that are there and of new ones. */
static void update_batch(void *arg)
{
    enum { COUNT = 90 };
    static const struct kv_update append = {.then = KV_THEN_APPEND};
    struct store_world *world = arg;
    struct store_client *client = &world->client;
    struct kv_item items[COUNT];
    for (int i = 0; i < COUNT; i++) {
        items[i] = item_to_set(world->keys[i],
                               "\x0a\x01"
                               "x",
                               i % 2 ? &append : &add_one);
        if (i % 2)
            store_client_set(client, "fault", world->keys[i],
                             "\x0a\x01"
                             "y");
    }
    fault_arm(FAULT_FROM, world->seen[0]);
    enum kv_outcome outcome = store_client_update(client, "fault", items, COUNT, false);
    bool faulted = fault_failed() > 0;
    fault_disarm();
    if (outcome == KV_DONE)
        store_items_drop(items, COUNT);
    else
        assert_true(faulted && (outcome == KV_UNAVAILABLE || store_suite_may_be_unknown(outcome)));
    for (int i = 0; i < COUNT && !store_suite_may_be_unknown(outcome); i++) {
        const char *value = store_client_get(client, "fault", world->keys[i]);
        if (outcome == KV_DONE)
            assert_string_equal(value, i % 2 ? "\x0a\x02"
                                               "yx"
                                             : "\x18\x01");
        else if (i % 2)
            assert_string_equal(value, "\x0a\x01"
                                       "y");
        else
            assert_null(value);
    }
    assert_int_equal(store_client_do(client, KV_MDEL, "fault", items, COUNT), KV_DONE);
    store_items_drop(items, COUNT);
}

static void test_update_that_lacks_memory_changes_nothing(void **state)
{
    struct store_world *world = *state;
    fault_install();
    for (unsigned n = 0; n < 200; n++) {
        world->seen[0] = n;
        update_batch(world);
    }
    fault_remove();
}

int store_suite__run_updates(const struct kv_store *store)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_set_if_absent_sets_once),
        STORE_TEST(test_set_if_present_needs_the_key),
        STORE_TEST(test_refusal_finds_what_the_key_has),
        STORE_TEST(test_update_finds_what_was_there_before),
        STORE_TEST(test_version_of_what_was_found_is_that_by_which_is_compared),
        STORE_TEST(test_removal_by_condition_removes),
        STORE_TEST(test_update_that_keeps_changes_nothing),
        STORE_TEST(test_sum_goes_on_from_what_is_there),
        STORE_TEST(test_text_grows_by_what_is_appended),
        STORE_TEST(test_blob_that_is_set_by_an_update_comes_back),
        STORE_TEST(test_batch_with_one_refusal_changes_nothing),
        STORE_TEST(test_batch_whose_conditions_hold_changes_all),
        STORE_TEST(test_batch_apart_does_what_is_not_refused),
        STORE_TEST(test_key_given_twice_is_updated_twice_in_order),
        STORE_TEST(test_update_of_an_absent_table_makes_it_only_to_store),
        STORE_TEST(test_table_grows_and_shrinks_by_updates),
        STORE_TEST(test_update_that_lacks_memory_changes_nothing),
    };
    return cmocka_run_group_tests_name(store->name, tests, NULL, NULL);
}
