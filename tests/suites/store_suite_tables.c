/* SPDX-License-Identifier: MIT
 *
 * Tables: their names page by page, the number of their keys, and dropping one with all of them. */
#include "store_suite_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "lib/virtual_loop.h"

enum { TABLES = 500 };

static void name_of(char name[KEY_MAX], int i)
{
    (void)snprintf(name, KEY_MAX, "%s%d", i % 5 ? "t" : "u", i);
}

/* Table i has i % 3 + 1 keys. */
static void make_tables(struct store_world *world, int begin, int end)
{
    char name[KEY_MAX];
    for (int i = begin; i < end; i++) {
        name_of(name, i);
        for (int k = 0; k <= i % 3; k++)
            store_client_set(&world->client, name, world->keys[k], "v");
    }
}

static bool see_table(void *arg, const struct kv_pair *pair)
{
    struct store_world *world = arg;
    char text[KEY_MAX] = {0};
    assert_in_range(pair->key.size, 2, KEY_MAX - 1);
    memcpy(text, pair->key.data, pair->key.size);
    int i = atoi(text + 1);
    assert_int_equal(text[0], i % 5 ? 't' : 'u');
    assert_int_equal(pair->total, i % 3 + 1);
    world->seen[i]++;
    return true;
}

static struct kv_op page_op(const char *prefix, size_t count, bool exact, struct kv_cursor *cursor)
{
    return (struct kv_op){.kind = KV_TABLES,
                          .prefix = weft_view_str(prefix),
                          .count = count,
                          .exact = exact,
                          .cursor = cursor};
}

static unsigned list(struct store_world *world, const char *prefix, size_t count, bool exact)
{
    struct kv_cursor cursor = {0};
    const struct kv_op op = page_op(prefix, count, exact, &cursor);
    unsigned pages = 0;
    memset(world->seen, 0, MANY * sizeof *world->seen);
    do {
        assert_int_equal(store_client_page_of(&world->client, &op, see_table, world), KV_DONE);
        pages++;
    } while (cursor.size > 0);
    return pages;
}

static void test_pages_show_every_table_once_with_its_count(void **state)
{
    struct store_world *world = *state;
    make_tables(world, 0, TABLES);
    for (int exact = 0; exact < 2; exact++) {
        unsigned pages = list(world, "", 10, exact);
        if (exact)
            assert_int_equal(pages, TABLES / 10);
        for (int i = 0; i < TABLES; i++)
            assert_int_equal(world->seen[i], 1);
    }
}

static void test_prefix_leaves_out_all_other_tables(void **state)
{
    struct store_world *world = *state;
    make_tables(world, 0, TABLES);
    for (int exact = 0; exact < 2; exact++) {
        list(world, "u", 10, exact);
        for (int i = 0; i < TABLES; i++)
            assert_int_equal(world->seen[i], i % 5 == 0);
    }
    list(world, "u495", 10, false);
    assert_int_equal(world->seen[495], 1);
    list(world, "none", 10, false);
}

static void test_store_without_tables_shows_none(void **state)
{
    struct store_world *world = *state;
    assert_int_equal(list(world, "", 10, false), 1);
    store_client_set(&world->client, "t1", "k", "v");
    assert_true(store_client_del(&world->client, "t1", "k"));
    list(world, "", 10, false);
    assert_int_equal(world->seen[1], 0);
}

struct few {
    struct store_world *world;
    unsigned wanted, told;
};

static bool see_few(void *arg, const struct kv_pair *pair)
{
    struct few *few = arg;
    if (few->told++ == few->wanted)
        return false;
    return see_table(few->world, pair);
}

static void test_exact_page_goes_on_with_the_table_that_was_refused(void **state)
{
    struct store_world *world = *state;
    struct kv_cursor cursor = {0};
    const struct kv_op op = page_op("", TABLES, true, &cursor);
    make_tables(world, 0, TABLES);
    unsigned pages = 0;
    do {
        struct few few = {.world = world, .wanted = 1 + pages++ % 13};
        assert_int_equal(store_client_page_of(&world->client, &op, see_few, &few), KV_DONE);
    } while (cursor.size > 0);
    for (int i = 0; i < TABLES; i++)
        assert_int_equal(world->seen[i], 1);
}

static void test_cursor_survives_tables_that_come_and_go(void **state)
{
    struct store_world *world = *state;
    struct kv_cursor cursor = {0};
    const struct kv_op op = page_op("", 10, false, &cursor);
    int next = TABLES / 2;
    make_tables(world, 0, next);
    do {
        assert_int_equal(store_client_page_of(&world->client, &op, see_table, world), KV_DONE);
        char name[KEY_MAX];
        uint64_t total;
        make_tables(world, next, next + 50);
        name_of(name, next + 7);
        assert_int_equal(store_client_total(&world->client, KV_DROP, name, &total), KV_DONE);
        next += 50;
    } while (cursor.size > 0);
    for (int i = 0; i < TABLES / 2; i++)
        assert_int_equal(world->seen[i], 1);
}

static void test_cursor_that_no_page_gave_is_expired(void **state)
{
    struct store_world *world = *state;
    struct kv_cursor cursor = {0};
    const struct kv_op op = page_op("", 10, true, &cursor);
    make_tables(world, 0, 50);
    assert_int_equal(store_client_page_of(&world->client, &op, NULL, NULL), KV_DONE);
    assert_true(cursor.size > 0);
    cursor.bytes[cursor.size / 2] ^= 1;
    assert_int_equal(store_client_page_of(&world->client, &op, NULL, NULL), KV_EXPIRED);
}

static uint64_t total_of(struct store_world *world, enum kv_store_kind kind, const char *table)
{
    uint64_t total = UINT64_MAX;
    assert_int_equal(store_client_total(&world->client, kind, table, &total), KV_DONE);
    return total;
}

static void test_count_is_the_number_of_keys(void **state)
{
    struct store_world *world = *state;
    assert_int_equal(total_of(world, KV_COUNT, "t"), 0);
    do_range(world, KV_MSET, 0, 5000);
    assert_int_equal(total_of(world, KV_COUNT, "t"), 5000);
    do_range(world, KV_MDEL, 1000, 2000);
    assert_int_equal(total_of(world, KV_COUNT, "t"), 4000);
    assert_int_equal(total_of(world, KV_COUNT, "u"), 0);
}

static void test_drop_removes_the_table_with_its_keys(void **state)
{
    struct store_world *world = *state;
    do_range(world, KV_MSET, 0, 5000);
    store_client_set(&world->client, "u", "k", "v");
    assert_int_equal(total_of(world, KV_DROP, "t"), 5000);
    for (int i = 0; i < 5000; i += 7)
        assert_false(store_client_has(&world->client, "t", world->keys[i]));
    assert_int_equal(total_of(world, KV_COUNT, "t"), 0);
    assert_int_equal(total_of(world, KV_DROP, "t"), 0);
    assert_true(store_client_has(&world->client, "u", "k"));
}

static void test_table_that_was_dropped_may_be_made_again(void **state)
{
    struct store_world *world = *state;
    struct store_client other;
    store_client_join(&other, &world->client);
    for (int round = 0; round < 5; round++) {
        do_range(world, KV_MSET, 0, 3000);
        assert_true(store_client_has(&other, "t", world->keys[2999]));
        assert_int_equal(total_of(world, KV_DROP, "t"), round ? 3001 : 3000);
        assert_false(store_client_has(&other, "t", world->keys[0]));
        store_client_set(&other, "t", "new", "v");
        assert_true(store_client_has(&world->client, "t", "new"));
    }
    store_client_leave(&other);
}

static bool see_any(void *arg, const struct kv_pair *pair)
{
    unsigned *count = arg;
    (void)pair;
    ++*count;
    return true;
}

static void test_walk_of_a_table_that_was_dropped_comes_to_its_end(void **state)
{
    struct store_world *world = *state;
    struct kv_cursor cursor = {0};
    unsigned count = 0;
    if (!(store_suite_flags() & KV_STORE_WALK))
        return;
    do_range(world, KV_MSET, 0, 5000);
    assert_int_equal(store_client_page(&world->client, "t", 100, &cursor, see_any, &count),
                     KV_DONE);
    assert_true(cursor.size > 0);
    total_of(world, KV_DROP, "t");
    count = 0;
    assert_int_equal(store_client_page(&world->client, "t", 100, &cursor, see_any, &count),
                     KV_DONE);
    assert_int_equal(count, 0);
    assert_int_equal(cursor.size, 0);
}

static void test_drop_that_lacks_memory_changes_nothing(void **state)
{
    struct store_world *world = *state;
    do_range(world, KV_MSET, 0, 3000);
    fault_install();
    for (size_t n = 0;; n++) {
        uint64_t total;
        fault_arm(FAULT_FROM, n);
        enum kv_outcome outcome = store_client_total(&world->client, KV_DROP, "t", &total);
        fault_disarm();
        if (outcome == KV_DONE) {
            assert_int_equal(total, 3000);
            break;
        }
        assert_int_equal(outcome, KV_UNAVAILABLE);
        assert_int_equal(total_of(world, KV_COUNT, "t"), 3000);
        assert_true(store_client_has(&world->client, "t", world->keys[n]));
    }
    fault_remove();
    assert_int_equal(total_of(world, KV_COUNT, "t"), 0);
}

int store_suite__run_tables(const struct kv_store *store)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_pages_show_every_table_once_with_its_count),
        STORE_TEST(test_prefix_leaves_out_all_other_tables),
        STORE_TEST(test_store_without_tables_shows_none),
        STORE_TEST(test_exact_page_goes_on_with_the_table_that_was_refused),
        STORE_TEST(test_cursor_survives_tables_that_come_and_go),
        STORE_TEST(test_cursor_that_no_page_gave_is_expired),
        STORE_TEST(test_count_is_the_number_of_keys),
        STORE_TEST(test_drop_removes_the_table_with_its_keys),
        STORE_TEST(test_table_that_was_dropped_may_be_made_again),
        STORE_TEST(test_walk_of_a_table_that_was_dropped_comes_to_its_end),
        STORE_TEST(test_drop_that_lacks_memory_changes_nothing),
    };
    return cmocka_run_group_tests_name(store->name, tests, NULL, NULL);
}
