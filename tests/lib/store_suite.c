/* SPDX-License-Identifier: MIT */
#include "lib/store_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fault.h"
#include "lib/store_client.h"
#include "lib/virtual_loop.h"

enum { MANY = 20000, KEY_MAX = 16 };

static const struct kv_store *suite_store;

struct world {
    struct store_client client;
    char (*keys)[KEY_MAX];
    unsigned *seen; /* how often a walk came past each key */
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->keys = calloc(MANY, sizeof *world->keys);
    world->seen = calloc(MANY, sizeof *world->seen);
    assert_non_null(world->keys);
    assert_non_null(world->seen);
    for (int i = 0; i < MANY; i++)
        (void)snprintf(world->keys[i], KEY_MAX, "%d", i);
    store_client_init(&world->client, suite_store, 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    store_client_fini(&world->client);
    free(world->keys);
    free(world->seen);
    free(world);
    return 0;
}

static void assert_text(const char *got, const char *expected)
{
    assert_non_null(got);
    assert_string_equal(got, expected);
}

static void test_absent_table_and_key_are_not_present(void **state)
{
    struct store_client *client = &((struct world *)*state)->client;
    assert_null(store_client_get(client, "t", "k"));
    store_client_set(client, "t", "k", "v");
    assert_null(store_client_get(client, "t", "l"));
    assert_null(store_client_get(client, "u", "k"));
    assert_false(store_client_del(client, "t", "l"));
    assert_false(store_client_del(client, "u", "k"));
}

static void test_value_that_was_set_is_there_until_it_is_removed(void **state)
{
    struct store_client *client = &((struct world *)*state)->client;
    store_client_set(client, "t", "k", "v");
    assert_text(store_client_get(client, "t", "k"), "v");
    assert_true(store_client_has(client, "t", "k"));
    assert_true(store_client_del(client, "t", "k"));
    assert_false(store_client_has(client, "t", "k"));
}

static void test_set_and_del_tell_what_was_there_before(void **state)
{
    struct store_client *client = &((struct world *)*state)->client;
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
    struct store_client *client = &((struct world *)*state)->client;
    store_client_set(client, "", "", "");
    assert_text(store_client_get(client, "", ""), "");
}

static void test_nul_is_a_byte_like_any_other(void **state)
{
    struct store_client *client = &((struct world *)*state)->client;
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
    struct store_client *client = &((struct world *)*state)->client;
    store_client_set(client, "t", "k", "1");
    store_client_set(client, "u", "k", "2");
    assert_text(store_client_get(client, "t", "k"), "1");
    assert_text(store_client_get(client, "u", "k"), "2");
    assert_true(store_client_del(client, "t", "k"));
    assert_text(store_client_get(client, "u", "k"), "2");
}

static void test_key_given_twice_takes_both_values_in_order(void **state)
{
    struct store_client *client = &((struct world *)*state)->client;
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
    struct store_client *client = &((struct world *)*state)->client;
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
    /* What was found outlives its removal where it was referenced. */
    assert_int_equal(store_client_do(client, KV_MDEL, "t", &item, 1), KV_DONE);
    virtual_loop_turn(client->loop);
    assert_true(weft_view_equal(item.found.bytes, weft_view_str("value")));
    store_items_drop(&item, 1);
}

static void test_sessions_see_one_store(void **state)
{
    struct store_client *client = &((struct world *)*state)->client;
    struct store_client other;
    store_client_join(&other, client);
    store_client_set(client, "t", "k", "v");
    assert_text(store_client_get(&other, "t", "k"), "v");
    assert_true(store_client_del(&other, "t", "k"));
    assert_null(store_client_get(client, "t", "k"));
    store_client_leave(&other);
}

/* Sets or removes keys [begin, end) in batches. */
static void do_range(struct world *world, enum kv_store_kind kind, int begin, int end)
{
    enum { BATCH = 500 };
    static struct kv_item items[BATCH];
    while (begin < end) {
        int count = end - begin < BATCH ? end - begin : BATCH;
        for (int i = 0; i < count; i++) {
            struct weft_view key = weft_view_str(world->keys[begin + i]);
            items[i] = (struct kv_item){.key = key, .value.bytes = key};
        }
        assert_int_equal(store_client_do(&world->client, kind, "t", items, (size_t)count), KV_DONE);
        store_items_drop(items, (size_t)count);
        begin += count;
    }
}

static void test_many_keys_stay_where_they_were_put(void **state)
{
    struct world *world = *state;
    do_range(world, KV_MSET, 0, MANY);
    for (int i = 0; i < MANY; i += 7)
        assert_text(store_client_get(&world->client, "t", world->keys[i]), world->keys[i]);
}

static void test_keys_that_stay_survive_the_removal_of_most(void **state)
{
    struct world *world = *state;
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
    struct world *world = *state;
    for (int i = 0; i < MANY; i++)
        store_client_set(&world->client, "t", world->keys[i], world->keys[i]);
    for (int i = 0; i < MANY; i++) {
        assert_true(store_client_del(&world->client, "t", world->keys[i]));
        int later = (i + MANY / 2) % MANY;
        assert_int_equal(store_client_has(&world->client, "t", world->keys[later]), later > i);
    }
}

static bool count_pair(void *arg, struct weft_view key, const struct kv_value *value)
{
    struct world *world = arg;
    char text[KEY_MAX] = {0};
    assert_true(key.size < sizeof text);
    memcpy(text, key.data, key.size);
    assert_true(weft_view_equal(key, value->bytes));
    world->seen[atoi(text)]++;
    return true;
}

static void test_walk_has_every_key_of_a_quiet_table_once(void **state)
{
    struct world *world = *state;
    struct kv_cursor cursor = {0};
    unsigned pages = 0;
    do_range(world, KV_MSET, 0, MANY);
    do {
        assert_int_equal(store_client_page(&world->client, "t", 100, &cursor, count_pair, world),
                         KV_DONE);
        pages++;
    } while (cursor.size > 0);
    assert_true(pages > 1);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(world->seen[i], 1);
}

static void test_walk_of_an_absent_table_has_no_pairs(void **state)
{
    struct world *world = *state;
    struct kv_cursor cursor = {0};
    assert_int_equal(store_client_page(&world->client, "t", 100, &cursor, count_pair, world),
                     KV_DONE);
    assert_int_equal(cursor.size, 0);
}

static bool refuse_pair(void *arg, struct weft_view key, const struct kv_value *value)
{
    unsigned *count = arg;
    (void)key;
    (void)value;
    return ++*count < 3;
}

static void test_walk_ends_where_no_more_pairs_are_wanted(void **state)
{
    struct world *world = *state;
    struct kv_cursor cursor = {0};
    unsigned count = 0;
    do_range(world, KV_MSET, 0, 1000);
    assert_int_equal(store_client_page(&world->client, "t", 1000, &cursor, refuse_pair, &count),
                     KV_DONE);
    assert_int_equal(count, 3);
}

static void assert_each_seen_once(const struct world *world, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(world->seen[i], 1);
}

struct copied {
    char keys[100][KEY_MAX];
    struct kv_item items[100];
    size_t count;
};

static bool copy_key(void *arg, struct weft_view key, const struct kv_value *value)
{
    struct copied *copied = arg;
    (void)value;
    assert_true(key.size <= KEY_MAX);
    memcpy(copied->keys[copied->count], key.data, key.size);
    key.data = (const uint8_t *)copied->keys[copied->count];
    copied->items[copied->count] = (struct kv_item){.key = key, .value.bytes = key};
    copied->count++;
    return true;
}

/* The keys of a page go to another table as they come: an order of which stores know something. */
static void test_table_copied_in_the_order_of_its_walk_has_every_key(void **state)
{
    enum { COUNT = 20000, PAGE = 100 };
    struct world *world = *state;
    struct store_client *client = &world->client;
    struct kv_cursor cursor = {0};
    do_range(world, KV_MSET, 0, COUNT);
    do {
        struct copied copied = {0};
        assert_int_equal(store_client_exact_page(client, "t", PAGE, &cursor, copy_key, &copied),
                         KV_DONE);
        assert_int_equal(store_client_do(client, KV_MSET, "copy", copied.items, copied.count),
                         KV_DONE);
        store_items_drop(copied.items, copied.count);
    } while (cursor.size > 0);
    do {
        assert_int_equal(store_client_page(client, "copy", PAGE, &cursor, count_pair, world),
                         KV_DONE);
    } while (cursor.size > 0);
    assert_each_seen_once(world, COUNT);
}

struct few {
    struct world *world;
    unsigned wanted, told;
};

/* Takes what it wants, and refuses the next. */
static bool take_few(void *arg, struct weft_view key, const struct kv_value *value)
{
    struct few *few = arg;
    if (few->told++ == few->wanted)
        return false;
    return count_pair(few->world, key, value);
}

static void test_exact_walk_keeps_to_the_count_and_has_every_key_once(void **state)
{
    enum { PAGE = 7, COUNT = 7000 };
    struct world *world = *state;
    struct kv_cursor cursor = {0};
    unsigned pages = 0;
    do_range(world, KV_MSET, 0, COUNT);
    do {
        struct few few = {.world = world, .wanted = PAGE};
        assert_int_equal(
            store_client_exact_page(&world->client, "t", PAGE, &cursor, take_few, &few), KV_DONE);
        assert_int_equal(few.told, PAGE);
        pages++;
    } while (cursor.size > 0);
    assert_int_equal(pages, COUNT / PAGE);
    assert_each_seen_once(world, COUNT);
}

static void test_exact_walk_goes_on_with_the_pair_that_was_refused(void **state)
{
    enum { COUNT = 5000 };
    struct world *world = *state;
    struct kv_cursor cursor = {0};
    unsigned pages = 0;
    do_range(world, KV_MSET, 0, COUNT);
    do {
        struct few few = {.world = world, .wanted = 1 + pages++ % 13};
        assert_int_equal(
            store_client_exact_page(&world->client, "t", COUNT, &cursor, take_few, &few), KV_DONE);
    } while (cursor.size > 0);
    assert_each_seen_once(world, COUNT);
}

static void test_walk_from_a_cursor_that_no_page_gave_is_expired(void **state)
{
    struct world *world = *state;
    struct kv_cursor cursor = {0}, other;
    do_range(world, KV_MSET, 0, 100);
    assert_int_equal(store_client_exact_page(&world->client, "t", 10, &cursor, NULL, NULL),
                     KV_DONE);
    for (uint16_t size = 1; size <= KV_CURSOR_MAX; size++) {
        other = cursor;
        other.size = size;
        other.bytes[size / 2] ^= 1;
        assert_int_equal(store_client_exact_page(&world->client, "t", 10, &other, NULL, NULL),
                         KV_EXPIRED);
    }
}

/* Whatever others do to a table between two pages, the keys that were there all the time are seen. */
static void walk_while(struct world *world, enum kv_store_kind kind)
{
    struct kv_cursor cursor = {0};
    int next = MANY / 4;
    do {
        assert_int_equal(store_client_page(&world->client, "t", 100, &cursor, count_pair, world),
                         KV_DONE);
        int end = next + 1000 < MANY ? next + 1000 : MANY;
        do_range(world, kind, next, end);
        next = end;
    } while (cursor.size > 0);
    for (int i = 0; i < MANY / 4; i++)
        assert_int_equal(world->seen[i], 1);
}

static void test_walk_misses_nothing_while_the_table_grows(void **state)
{
    struct world *world = *state;
    do_range(world, KV_MSET, 0, MANY / 4);
    walk_while(world, KV_MSET);
}

static void test_walk_misses_nothing_while_the_table_shrinks(void **state)
{
    struct world *world = *state;
    do_range(world, KV_MSET, 0, MANY);
    walk_while(world, KV_MDEL);
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
    struct store_client *client = &((struct world *)*state)->client;
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
    struct world *world = arg;
    struct store_client *client = &world->client;
    struct kv_item items[COUNT];
    for (int i = 0; i < COUNT; i++) {
        struct weft_view key = weft_view_str(world->keys[i]);
        items[i] = (struct kv_item){.key = key, .value.bytes = key};
    }
    enum kv_outcome outcome = store_client_do(client, KV_MSET, "fault", items, COUNT);
    if (fault_failed() == 0)
        assert_int_equal(outcome, KV_DONE);
    else if (outcome != KV_DONE)
        assert_int_equal(outcome, KV_UNAVAILABLE);
    if (outcome == KV_DONE)
        store_items_drop(items, COUNT);
    bool is_there = outcome == KV_DONE;

    fault_disarm();
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(store_client_has(client, "fault", world->keys[i]), is_there);
    assert_int_equal(store_client_do(client, KV_MDEL, "fault", items, COUNT), KV_DONE);
    store_items_drop(items, COUNT);
}

static void test_batch_that_lacks_memory_changes_nothing(void **state)
{
    struct world *world = *state;
    fault_install();
    for (size_t n = 0; n < 400; n++) {
        fault_arm(n % 2 ? FAULT_FROM : FAULT_ONE, n / 2);
        set_batch(world);
    }
    fault_remove();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int store_suite_run(const struct kv_store *store)
{
    suite_store = store;
    const struct CMUnitTest tests[] = {
        TEST(test_absent_table_and_key_are_not_present),
        TEST(test_value_that_was_set_is_there_until_it_is_removed),
        TEST(test_set_and_del_tell_what_was_there_before),
        TEST(test_empty_names_keys_and_values_are_as_good_as_others),
        TEST(test_nul_is_a_byte_like_any_other),
        TEST(test_tables_are_apart),
        TEST(test_key_given_twice_takes_both_values_in_order),
        TEST(test_blob_is_kept_by_reference_or_copied_and_comes_back),
        TEST(test_sessions_see_one_store),
        TEST(test_many_keys_stay_where_they_were_put),
        TEST(test_keys_that_stay_survive_the_removal_of_most),
        TEST(test_single_sets_and_dels_grow_and_shrink_as_batches_do),
        TEST(test_close_completes_what_is_pending_as_unknown),
        TEST(test_batch_that_lacks_memory_changes_nothing),
    };
    const struct CMUnitTest walks[] = {
        TEST(test_walk_has_every_key_of_a_quiet_table_once),
        TEST(test_walk_of_an_absent_table_has_no_pairs),
        TEST(test_walk_ends_where_no_more_pairs_are_wanted),
        TEST(test_table_copied_in_the_order_of_its_walk_has_every_key),
        TEST(test_exact_walk_keeps_to_the_count_and_has_every_key_once),
        TEST(test_exact_walk_goes_on_with_the_pair_that_was_refused),
        TEST(test_walk_from_a_cursor_that_no_page_gave_is_expired),
        TEST(test_walk_misses_nothing_while_the_table_grows),
        TEST(test_walk_misses_nothing_while_the_table_shrinks),
    };
    int failed = cmocka_run_group_tests_name(store->name, tests, NULL, NULL);
    if (store->flags & KV_STORE_WALK)
        failed += cmocka_run_group_tests_name(store->name, walks, NULL, NULL);
    return failed;
}
