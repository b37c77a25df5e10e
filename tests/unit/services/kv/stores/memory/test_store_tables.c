/* SPDX-License-Identifier: MIT
 *
 * Tables come with the first write and go with the last key, and nothing is left of one whose write was
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "lib/fault.h"
#include "map_fixture.h"
#include "services/kv/stores/memory/drop.h"
#include "services/kv/stores/memory/tables.h"

enum { TABLES = 500 };

static struct map_world world;
static struct kv_loop *const loop = &world.loop;
static struct kv_tables tables;
static struct kv_table_cache cache;

static void begin(int64_t limit)
{
    map_world_begin(&world, limit);
    cache = (struct kv_table_cache){0};
    assert_int_equal(kv_tables_init(&tables, &loop->cache), 0);
}

static void finish(void)
{
    map_world_end_turns(&world);
    kv_tables_fini(&tables, &loop->cache);
    map_world_finish(&world);
}

static struct weft_view name_of(size_t i)
{
    static char name[32];
    (void)snprintf(name, sizeof name, "table %zu", i);
    return weft_view_str(name);
}

static struct kv_table *find(size_t i)
{
    return kv_tables_find(&tables, loop, &cache, name_of(i));
}

struct writing {
    int result;
    unsigned calls;
};

/* Puts one key, or does nothing and answers with an error. */
static int put_one(void *arg, struct kv_map *map)
{
    struct writing *self = arg;
    const struct kv_value value = {.bytes = weft_view_str("v")};
    struct kv_entry *old;
    self->calls++;
    if (self->result < 0)
        return self->result;
    struct kv_entry *entry = kv_entry_new(&loop->cache, weft_view_str("k"), &value, KV_NEVER);
    if (!entry)
        return -ENOMEM;
    int err = kv_map_put(map, loop, kv_map_hash(loop, weft_view_str("k")), entry, &old);
    if (err < 0)
        kv_entry_free(entry, &loop->cache);
    return err;
}

static int write_to(size_t i, struct writing *writing)
{
    return kv_tables_write(&tables, loop, name_of(i), put_one, writing, 1);
}

static void empty(struct kv_table *table)
{
    struct weft_view key = weft_view_str("k");
    struct kv_entry *old;
    assert_int_equal(kv_map_remove(&table->map, loop, kv_map_hash(loop, key), key, &old), 0);
}

/* Returns how many tables the index has. It and the tables together have all bytes of the account. */
static uint64_t check(void)
{
    struct map_found index = map_check(&world, &tables.index);
    int64_t bytes = index.bytes - kv_map_heap_size_min();
    for (size_t i = 0; i < TABLES; i++) {
        const struct kv_table *table = find(i);
        if (!table)
            continue;
        assert_true(weft_view_equal(kv_table_name(table), name_of(i)));
        bytes += map_check(&world, &table->map).bytes + (int64_t)kv_heap_size(sizeof *table);
    }
    assert_int_equal(map_world_used(&world), bytes);
    return index.entries;
}

static void test_tables_come_with_a_write_and_go_when_they_are_dropped(void **state)
{
    struct writing writing = {0};
    (void)state;
    begin(0);
    for (size_t i = 0; i < TABLES; i++) {
        assert_null(find(i));
        assert_int_equal(write_to(i, &writing), 0);
        assert_non_null(find(i));
        map_world_next_turn(&world);
    }
    assert_int_equal(writing.calls, TABLES);
    assert_int_equal(check(), TABLES);
    for (size_t i = 0; i < TABLES; i++) {
        struct kv_table *table = find(i);
        kv_tables_drop(&tables, loop, table);
        assert_ptr_equal(find(i), table);
        empty(table);
        kv_tables_drop(&tables, loop, table);
        assert_null(find(i));
        kv_tables_drop(&tables, loop, table);
        map_world_next_turn(&world);
        if (i % 50 == 0)
            check();
    }
    assert_int_equal(check(), 0);
    finish();
}

static void test_thread_without_a_loop_frees_a_dropped_table_with_its_turn(void **state)
{
    struct writing writing = {0};
    struct kv_drop_loop drop;
    uint64_t total;
    (void)state;
    begin(0);
    kv_drop_join(&drop, loop);
    assert_int_equal(write_to(0, &writing), 0);
    assert_int_equal(kv_drop(&drop, &tables, find(0), &total), 0);
    assert_int_equal(total, 1);
    map_world_next_turn(&world);
    assert_null(drop.first);
    kv_drop_leave(&drop);
    finish();
}

static void test_second_write_finds_the_table_of_the_first(void **state)
{
    struct writing writing = {0};
    (void)state;
    begin(0);
    assert_int_equal(write_to(1, &writing), 0);
    struct kv_table *table = find(1);
    map_world_next_turn(&world);
    assert_int_equal(write_to(1, &writing), 0);
    assert_ptr_equal(find(1), table);
    writing.result = -EIO;
    assert_int_equal(write_to(1, &writing), -EIO);
    assert_ptr_equal(find(1), table);
    assert_int_equal(writing.calls, 3);
    assert_int_equal(check(), 1);
    finish();
}

static void test_refused_write_leaves_no_table(void **state)
{
    struct writing refused = {.result = -EIO}, writing = {0};
    (void)state;
    begin(0);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(write_to(i, &refused), -EIO);
        assert_null(find(i));
        assert_int_equal(check(), i / 2);
        if (i % 2)
            assert_int_equal(write_to(i, &writing), 0);
        map_world_next_turn(&world);
    }
    finish();
}

static void test_table_over_the_limit_leaves_nothing(void **state)
{
    struct writing writing = {0};
    size_t made = 0;
    (void)state;
    begin(6000);
    int err;
    while ((err = write_to(made, &writing)) == 0) {
        made++;
        map_world_next_turn(&world);
    }
    assert_int_equal(err, -ENOSPC);
    assert_true(made > 10);
    assert_int_equal(check(), made);
    assert_null(find(made));
    empty(find(0));
    kv_tables_drop(&tables, loop, find(0));
    map_world_next_turn(&world);
    assert_int_equal(write_to(made, &writing), 0);
    assert_int_equal(check(), made);
    finish();
}

static void test_table_without_memory_leaves_nothing(void **state)
{
    struct writing writing = {0};
    unsigned failed = 0;
    (void)state;
    begin(0);
    for (size_t i = 0; i < 60; i++)
        for (size_t n = 0;; n++) {
            fault_arm(FAULT_FROM, n);
            int err = write_to(i, &writing);
            fault_arm(FAULT_ONE, SIZE_MAX);
            assert_int_equal(check(), err == 0 ? i + 1 : i);
            map_world_next_turn(&world);
            if (err == 0)
                break;
            assert_int_equal(err, -ENOMEM);
            failed++;
            assert_true(n < 100);
        }
    assert_true(failed > 0);
    finish();
}

static void init_tables(void *arg)
{
    struct kv_pool pool;
    struct kv_pool_cache blocks;
    (void)arg;
    assert_int_equal(kv_pool_init(&pool), 0);
    kv_pool_cache_init(&blocks, &pool);
    int err = kv_tables_init(&tables, &blocks);
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    if (err == 0)
        kv_tables_fini(&tables, &blocks);
    kv_pool_cache_empty(&blocks);
    assert_int_equal(atomic_load(&pool.resident), 0);
    kv_pool_fini(&pool);
}

static void test_tables_that_cannot_begin_hold_nothing(void **state)
{
    (void)state;
    fault_each(init_tables, NULL);
}

/* The cache of a session must not show a table after another of its name has come. */
static void test_table_that_was_dropped_is_not_found_in_a_cache(void **state)
{
    struct writing writing = {0};
    struct kv_table_cache other = {0};
    (void)state;
    begin(0);
    assert_int_equal(write_to(1, &writing), 0);
    struct kv_table *table = kv_tables_find(&tables, loop, &other, name_of(1));
    assert_ptr_equal(find(1), table);
    empty(table);
    kv_tables_drop(&tables, loop, table);
    assert_null(kv_tables_find(&tables, loop, &other, name_of(1)));
    assert_int_equal(write_to(1, &writing), 0);
    struct kv_table *fresh = find(1);
    assert_true(fresh != table);
    assert_ptr_equal(kv_tables_find(&tables, loop, &other, name_of(1)), fresh);
    finish();
}

/* Also a name that is no table leaves the two there, which a session of Redis asks for in between. */
static void test_cache_knows_the_two_tables_that_were_used_last(void **state)
{
    struct writing writing = {0};
    (void)state;
    begin(0);
    for (size_t i = 1; i <= 3; i++)
        assert_int_equal(write_to(i, &writing), 0);
    struct kv_table *first = find(1), *second = find(2);
    assert_null(find(4));
    assert_ptr_equal(cache.table, second);
    assert_ptr_equal(cache.other, first);
    assert_ptr_equal(find(1), first);
    assert_ptr_equal(find(2), second);
    assert_ptr_equal(cache.other, first);
    struct kv_table *third = find(3);
    assert_ptr_equal(cache.table, third);
    assert_ptr_equal(cache.other, second);
    empty(third);
    kv_tables_drop(&tables, loop, third);
    assert_ptr_equal(find(2), second);
    assert_null(cache.other);
    assert_null(find(3));
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_come_with_a_write_and_go_when_they_are_dropped),
        cmocka_unit_test(test_thread_without_a_loop_frees_a_dropped_table_with_its_turn),
        cmocka_unit_test(test_second_write_finds_the_table_of_the_first),
        cmocka_unit_test(test_refused_write_leaves_no_table),
        cmocka_unit_test(test_table_over_the_limit_leaves_nothing),
        cmocka_unit_test(test_table_without_memory_leaves_nothing),
        cmocka_unit_test(test_tables_that_cannot_begin_hold_nothing),
        cmocka_unit_test(test_table_that_was_dropped_is_not_found_in_a_cache),
        cmocka_unit_test(test_cache_knows_the_two_tables_that_were_used_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
