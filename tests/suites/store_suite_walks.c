/* SPDX-License-Identifier: MIT
 *
 * Walks: every key once, whatever else goes on. */
#include "store_suite_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool count_pair(void *arg, const struct kv_pair *pair)
{
    struct store_world *world = arg;
    char text[KEY_MAX] = {0};
    assert_true(pair->key.size < sizeof text);
    memcpy(text, pair->key.data, pair->key.size);
    assert_true(weft_view_equal(pair->key, pair->value.bytes));
    world->seen[atoi(text)]++;
    return true;
}

static void test_walk_has_every_key_of_a_quiet_table_once(void **state)
{
    struct store_world *world = *state;
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
    struct store_world *world = *state;
    struct kv_cursor cursor = {0};
    assert_int_equal(store_client_page(&world->client, "t", 100, &cursor, count_pair, world),
                     KV_DONE);
    assert_int_equal(cursor.size, 0);
}

static bool refuse_pair(void *arg, const struct kv_pair *pair)
{
    unsigned *count = arg;
    (void)pair;
    return ++*count < 3;
}

static void test_walk_ends_where_no_more_pairs_are_wanted(void **state)
{
    struct store_world *world = *state;
    struct kv_cursor cursor = {0};
    unsigned count = 0;
    do_range(world, KV_MSET, 0, 1000);
    assert_int_equal(store_client_page(&world->client, "t", 1000, &cursor, refuse_pair, &count),
                     KV_DONE);
    assert_int_equal(count, 3);
}

static void assert_each_seen_once(const struct store_world *world, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(world->seen[i], 1);
}

struct copied {
    char keys[100][KEY_MAX];
    struct kv_item items[100];
    size_t count;
};

static bool copy_key(void *arg, const struct kv_pair *pair)
{
    struct copied *copied = arg;
    struct weft_view key = pair->key;
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
    struct store_world *world = *state;
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
    struct store_world *world;
    unsigned wanted, told;
};

/* Takes what it wants, and refuses the next. */
static bool take_few(void *arg, const struct kv_pair *pair)
{
    struct few *few = arg;
    if (few->told++ == few->wanted)
        return false;
    return count_pair(few->world, pair);
}

static void test_exact_walk_keeps_to_the_count_and_has_every_key_once(void **state)
{
    enum { PAGE = 7, COUNT = 7000 };
    struct store_world *world = *state;
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
    struct store_world *world = *state;
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
    struct store_world *world = *state;
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

static bool count_any_pair(void *arg, const struct kv_pair *pair)
{
    unsigned *count = arg;
    (void)pair;
    ++*count;
    return true;
}

static void test_cursor_of_eight_bytes_is_one_where_the_store_says_so(void **state)
{
    struct store_world *world = *state;
    struct kv_cursor cursor = {0};
    static const uint8_t zeros[8];
    if (!(store_suite_flags() & KV_STORE_CURSOR64))
        return;
    do_range(world, KV_MSET, 0, MANY);
    do {
        assert_int_equal(store_client_page(&world->client, "t", 50, &cursor, count_pair, world),
                         KV_DONE);
        if (cursor.size == 0)
            break;
        assert_int_equal(cursor.size, 8);
        assert_memory_not_equal(cursor.bytes, zeros, 8);
        assert_int_equal(cursor.bytes[7] & 1, 0);
        for (size_t i = 0; i < 8; i++) {
            struct kv_cursor other = cursor;
            other.bytes[i] ^= 1;
            assert_int_equal(store_client_page(&world->client, "t", 50, &other, NULL, NULL),
                             KV_EXPIRED);
        }
    } while (cursor.size > 0);
    assert_each_seen_once(world, MANY);
}

/* A store may show others, but must not leave out one that is wanted. */
static void test_walk_with_a_prefix_has_all_keys_that_begin_with_it(void **state)
{
    enum { COUNT = 3000 };
    struct store_world *world = *state;
    for (int exact = 0; exact < 2; exact++) {
        struct kv_cursor cursor = {0};
        const struct kv_op op = {.kind = KV_WALK,
                                 .table = weft_view_str("t"),
                                 .prefix = weft_view_str("17"),
                                 .count = 100,
                                 .exact = exact,
                                 .cursor = &cursor};
        do_range(world, KV_MSET, 0, COUNT);
        memset(world->seen, 0, MANY * sizeof *world->seen);
        do {
            assert_int_equal(store_client_page_of(&world->client, &op, count_pair, world), KV_DONE);
        } while (cursor.size > 0);
        for (int i = 0; i < COUNT; i++) {
            if (strncmp(world->keys[i], "17", 2) == 0)
                assert_int_equal(world->seen[i], 1);
        }
    }
}

static void test_prefix_that_no_key_has_shows_the_end_at_last(void **state)
{
    struct store_world *world = *state;
    struct kv_cursor cursor = {0};
    unsigned count = 0, pages = 0;
    const struct kv_op op = {.kind = KV_WALK,
                             .table = weft_view_str("t"),
                             .prefix = weft_view_str("none"),
                             .count = 10,
                             .cursor = &cursor};
    do_range(world, KV_MSET, 0, MANY);
    do {
        assert_int_equal(store_client_page_of(&world->client, &op, count_any_pair, &count),
                         KV_DONE);
        assert_true(++pages < MANY);
    } while (cursor.size > 0);
}

/* Whatever others do to a table between two pages, the keys that were there all the time are seen. */
static void walk_while(struct store_world *world, enum kv_store_kind kind)
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
    struct store_world *world = *state;
    do_range(world, KV_MSET, 0, MANY / 4);
    walk_while(world, KV_MSET);
}

static void test_walk_misses_nothing_while_the_table_shrinks(void **state)
{
    struct store_world *world = *state;
    do_range(world, KV_MSET, 0, MANY);
    walk_while(world, KV_MDEL);
}

int store_suite__run_walks(const struct kv_store *store)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_walk_has_every_key_of_a_quiet_table_once),
        STORE_TEST(test_walk_of_an_absent_table_has_no_pairs),
        STORE_TEST(test_walk_ends_where_no_more_pairs_are_wanted),
        STORE_TEST(test_table_copied_in_the_order_of_its_walk_has_every_key),
        STORE_TEST(test_exact_walk_keeps_to_the_count_and_has_every_key_once),
        STORE_TEST(test_exact_walk_goes_on_with_the_pair_that_was_refused),
        STORE_TEST(test_walk_from_a_cursor_that_no_page_gave_is_expired),
        STORE_TEST(test_cursor_of_eight_bytes_is_one_where_the_store_says_so),
        STORE_TEST(test_walk_with_a_prefix_has_all_keys_that_begin_with_it),
        STORE_TEST(test_prefix_that_no_key_has_shows_the_end_at_last),
        STORE_TEST(test_walk_misses_nothing_while_the_table_grows),
        STORE_TEST(test_walk_misses_nothing_while_the_table_shrinks),
    };
    return cmocka_run_group_tests_name(store->name, tests, NULL, NULL);
}
