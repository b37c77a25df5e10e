/* SPDX-License-Identifier: MIT */
#include "disk_suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk_suite_world.h"

static struct kv_item item_of(const char *key, const char *value)
{
    return (struct kv_item){.key = weft_view_str(key), .value.bytes = weft_view_str(value)};
}

static struct disk_run run_of(enum kv_store_kind kind, const char *table, struct kv_item *items,
                              size_t count)
{
    return (struct disk_run){
        .op = {.kind = kind, .table = weft_view_str(table), .items = items, .count = count}};
}

static void set_one(struct disk_world *world, const char *table, const char *key, const char *value,
                    int64_t expires)
{
    struct kv_item item = item_of(key, value);
    item.expires = expires;
    struct disk_run run = run_of(KV_MSET, table, &item, 1);
    assert_int_equal(disk_do(&world->first, &run), KV_DONE);
}

static bool has_one(struct disk_world *world, const char *table, const char *key)
{
    struct kv_item item = item_of(key, "");
    struct disk_run run = run_of(KV_MEXIST, table, &item, 1);
    assert_int_equal(disk_do(&world->first, &run), KV_DONE);
    return item.present;
}

static uint64_t count_of(struct disk_world *world, const char *table)
{
    struct disk_run run = run_of(KV_COUNT, table, NULL, 1);
    assert_int_equal(disk_do(&world->first, &run), KV_DONE);
    return run.op.total;
}

struct entries {
    struct weft_samples samples;
    double value;
};

static void take(struct weft_samples *samples, const struct weft_sample *sample)
{
    if (strcmp(sample->metric->name, "weft_store_entries") == 0)
        ((struct entries *)(void *)samples)->value = sample->value;
}

/* Returns what the store tells to Prometheus. */
static unsigned entries_of(const struct disk_world *world)
{
    struct entries entries = {.samples.take = take, .value = -1};
    disk_suite_store()->collect(world->state, &entries.samples);
    return (unsigned)entries.value;
}

static void restart(struct disk_world *world)
{
    disk_world_close(world);
    disk_world_open(world);
}

static void test_what_was_answered_is_there_after_a_restart(void **state)
{
    struct disk_world *world = *state;
    set_one(world, "t", "stays", "1", KV_NEVER);
    set_one(world, "t", "goes", "2", KV_NEVER);
    struct kv_item item = item_of("goes", "");
    struct disk_run run = run_of(KV_MDEL, "t", &item, 1);
    assert_int_equal(disk_do(&world->first, &run), KV_DONE);
    restart(world);
    assert_true(has_one(world, "t", "stays"));
    assert_false(has_one(world, "t", "goes"));
    assert_int_equal(count_of(world, "t"), 1);
}

static void test_expiry_is_a_time_of_the_calendar_over_a_restart(void **state)
{
    struct disk_world *world = *state;
    int64_t now = weft_loop_wall(world->first.loop);
    set_one(world, "t", "k", "v", now + 5000);
    restart(world);
    assert_true(has_one(world, "t", "k"));
    restart(world);
    virtual_loop_set_wall(world->first.loop, now + 5000);
    assert_true(virtual_loop_advance(world->first.loop, 1000000));
    assert_false(has_one(world, "t", "k"));
}

static void test_entries_of_all_tables_are_counted(void **state)
{
    struct disk_world *world = *state;
    assert_int_equal(entries_of(world), 0);
    set_one(world, "t", "a", "1", KV_NEVER);
    set_one(world, "t", "a", "2", KV_NEVER);
    set_one(world, "t", "b", "1", KV_NEVER);
    set_one(world, "u", "a", "1", weft_loop_wall(world->first.loop) + 1000);
    assert_int_equal(entries_of(world), 3);
    struct kv_item item = item_of("b", "");
    struct disk_run del = run_of(KV_MDEL, "t", &item, 1);
    assert_int_equal(disk_do(&world->first, &del), KV_DONE);
    assert_int_equal(entries_of(world), 2);
    restart(world);
    assert_int_equal(entries_of(world), 2);
    while (count_of(world, "u") > 0)
        assert_true(virtual_loop_advance(world->first.loop, INT64_C(2000000000)));
    assert_int_equal(entries_of(world), 1);
    struct disk_run drop = run_of(KV_DROP, "t", NULL, 1);
    assert_int_equal(disk_do(&world->first, &drop), KV_DONE);
    assert_int_equal(entries_of(world), 0);
}

/* The writer removes them when a loop tells it the time. Each turn lets it. */
static void test_pairs_that_expired_are_removed_and_not_only_hidden(void **state)
{
    enum { PAIRS = 2500 };
    struct disk_world *world = *state;
    int64_t soon = weft_loop_wall(world->first.loop) + 1000;
    for (int i = 0; i < PAIRS; i += 100) {
        struct kv_item items[100];
        char keys[100][16];
        for (int k = 0; k < 100; k++) {
            (void)snprintf(keys[k], sizeof keys[k], "%d", i + k);
            items[k] = item_of(keys[k], "v");
            items[k].expires = soon;
        }
        struct disk_run run = run_of(KV_MSET, "t", items, 100);
        assert_int_equal(disk_do(&world->first, &run), KV_DONE);
    }
    set_one(world, "t", "stays", "v", KV_NEVER);
    assert_int_equal(count_of(world, "t"), PAIRS + 1);
    while (count_of(world, "t") > 1)
        assert_true(virtual_loop_advance(world->first.loop, INT64_C(2000000000)));
    assert_true(has_one(world, "t", "stays"));
}

/* The one that expires first comes last. */
static void test_pair_that_expires_soon_does_not_wait_for_one_that_expires_late(void **state)
{
    struct disk_world *world = *state;
    int64_t now = weft_loop_wall(world->first.loop);
    set_one(world, "t", "late", "v", now + 100000000);
    set_one(world, "t", "soon", "v", now + 1000);
    assert_int_equal(count_of(world, "t"), 2);
    while (count_of(world, "t") > 1)
        assert_true(virtual_loop_advance(world->first.loop, INT64_C(2000000000)));
    assert_true(has_one(world, "t", "late"));
}

static void test_dropped_table_is_gone_at_once_and_can_be_made_again(void **state)
{
    struct disk_world *world = *state;
    set_one(world, "t", "old", "v", KV_NEVER);
    set_one(world, "t", "both", "v", weft_loop_wall(world->first.loop) + 1000);
    set_one(world, "u", "other", "v", KV_NEVER);
    struct disk_run drop = run_of(KV_DROP, "t", NULL, 1);
    assert_int_equal(disk_do(&world->first, &drop), KV_DONE);
    assert_int_equal(drop.op.total, 2);
    assert_int_equal(count_of(world, "t"), 0);
    set_one(world, "t", "both", "w", KV_NEVER);
    assert_false(has_one(world, "t", "old"));
    assert_int_equal(count_of(world, "t"), 1);
    /* The dropped pair expires too, which must not touch the new table. */
    assert_true(virtual_loop_advance(world->first.loop, INT64_C(3000000000)));
    restart(world);
    assert_true(has_one(world, "t", "both"));
    assert_true(has_one(world, "u", "other"));
}

static void test_drop_of_an_absent_table_finds_nothing(void **state)
{
    struct disk_world *world = *state;
    struct disk_run drop = run_of(KV_DROP, "t", NULL, 1);
    assert_int_equal(disk_do(&world->first, &drop), KV_DONE);
    assert_int_equal(drop.op.total, 0);
}

static bool add_name(struct kv_op *op, const struct kv_pair *pair)
{
    struct disk_run *run = (struct disk_run *)(void *)op;
    char *names = run->arg;
    (void)sprintf(names + strlen(names), "%.*s=%d ", (int)pair->key.size,
                  (const char *)pair->key.data, (int)pair->total);
    return true;
}

static void test_tables_are_shown_in_pages_with_their_counts(void **state)
{
    struct disk_world *world = *state;
    char names[256] = "";
    struct kv_cursor cursor = {0};
    static const char *const tables[] = {"b", "a1", "a2", "a3", "c"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        set_one(world, tables[i], "k", "v", KV_NEVER);
    set_one(world, "a2", "l", "v", KV_NEVER);
    struct disk_run run = {.arg = names,
                           .op = {.kind = KV_TABLES,
                                  .count = 2,
                                  .prefix = weft_view_str("a"),
                                  .cursor = &cursor,
                                  .each = add_name}};
    assert_int_equal(disk_do(&world->first, &run), KV_DONE);
    assert_string_equal(names, "a1=1 a2=2 ");
    assert_true(cursor.size > 0);
    assert_int_equal(disk_do(&world->first, &run), KV_DONE);
    assert_string_equal(names, "a1=1 a2=2 a3=1 ");
    assert_int_equal(cursor.size, 0);
}

struct pipeline {
    unsigned answered;
    struct disk_run runs[8];
    struct kv_item items[8];
};

static const char *text_of(const struct kv_item *item)
{
    static char text[16];
    assert_true(item->present);
    (void)snprintf(text, sizeof text, "%.*s", (int)item->found.bytes.size,
                   (const char *)item->found.bytes.data);
    return text;
}

/* In order: set 1, get, set 2, walk, get, set 3, count, get. */
static void look_at_pipeline(struct disk_run *run)
{
    struct pipeline *pipeline = run->arg;
    size_t i = (size_t)(run - pipeline->runs);
    assert_int_equal(run->outcome, KV_DONE);
    assert_int_equal(i, pipeline->answered++);
    if (i == 1)
        assert_string_equal(text_of(&pipeline->items[i]), "1");
    if (i == 4)
        assert_string_equal(text_of(&pipeline->items[i]), "2");
    if (i == 7)
        assert_string_equal(text_of(&pipeline->items[i]), "3");
    if (i == 6)
        assert_int_equal(run->op.total, 1);
}

static bool see_two(struct kv_op *op, const struct kv_pair *pair)
{
    (void)op;
    assert_true(weft_view_equal(pair->value.bytes, weft_view_str("2")));
    return true;
}

static void test_operations_of_a_session_are_in_order_however_many_are_under_way(void **state)
{
    static const enum kv_store_kind kinds[] = {KV_MSET, KV_MGET, KV_MSET,  KV_WALK,
                                               KV_MGET, KV_MSET, KV_COUNT, KV_MGET};
    static const char *const values[] = {"1", "", "2", "", "", "3", "", ""};
    struct disk_world *world = *state;
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    struct kv_cursor cursor = {0};
    assert_non_null(pipeline);
    for (size_t i = 0; i < 8; i++) {
        pipeline->items[i] = item_of("k", values[i]);
        pipeline->runs[i] = run_of(kinds[i], "t", &pipeline->items[i], 1);
        pipeline->runs[i].arg = pipeline;
        pipeline->runs[i].look = look_at_pipeline;
    }
    pipeline->runs[3].op.items = NULL;
    pipeline->runs[3].op.cursor = &cursor;
    pipeline->runs[3].op.each = see_two;
    pipeline->runs[6].op.items = NULL;
    disk_submit(&world->first, pipeline->runs, 8);
    assert_true(disk_await(&world->first, pipeline->runs, 8));
    free(pipeline);
}

struct told {
    struct kv_progress progress;
    unsigned calls;
    uint64_t done, total;
    const char *unit;
};

static void hear(struct kv_progress *progress, uint64_t done, uint64_t total, const char *unit)
{
    struct told *told = (struct told *)(void *)progress;
    told->calls++;
    told->done = done;
    told->total = total;
    told->unit = unit;
}

static void test_start_tells_of_the_tables_that_it_counts(void **state)
{
    struct disk_world *world = *state;
    struct told told = {.progress.tell = hear};
    set_one(world, "t", "k", "v", KV_NEVER);
    set_one(world, "u", "k", "v", KV_NEVER);
    world->progress = &told.progress;
    restart(world);
    world->progress = NULL;
    assert_int_equal(told.calls, 1); /* the next one would come after thousands of tables */
    assert_int_equal(told.done, 1);
    assert_int_equal(told.total, 0);
    assert_string_equal(told.unit, "tables");
}

static void test_second_user_of_the_folder_is_refused(void **state)
{
    struct disk_world *world = *state;
    struct disk_world other = *world;
    struct weft_error error;
    assert_int_equal(disk_world_try(&other, NULL, &error), -EBUSY);
    assert_non_null(strstr(error.text, "another process"));
}

static void assert_refused(struct disk_world *world, const char *name, const char *value,
                           const char *fragment)
{
    const struct weft_option_value option = {name, value};
    const struct weft_option_set set = {&option, 1};
    struct weft_error error;
    assert_int_equal(disk_world_try(world, &set, &error), WEFT_ECONFIG);
    assert_non_null(strstr(error.text, fragment));
}

static void test_options_that_make_no_sense_are_refused(void **state)
{
    struct disk_world *world = *state;
    disk_world_close(world);
    assert_refused(world, "sync", "sometimes", "always, off, or seconds");
    world->path[0] = '\0';
    assert_refused(world, "sync", "off", "say where");
    (void)snprintf(world->path, sizeof world->path, "%s/store", world->folder);
    disk_world_open(world);
}

int disk_suite_run(const struct kv_store *store)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(test_what_was_answered_is_there_after_a_restart),
        DISK_TEST(test_entries_of_all_tables_are_counted),
        DISK_TEST(test_expiry_is_a_time_of_the_calendar_over_a_restart),
        DISK_TEST(test_pairs_that_expired_are_removed_and_not_only_hidden),
        DISK_TEST(test_pair_that_expires_soon_does_not_wait_for_one_that_expires_late),
        DISK_TEST(test_dropped_table_is_gone_at_once_and_can_be_made_again),
        DISK_TEST(test_drop_of_an_absent_table_finds_nothing),
        DISK_TEST(test_tables_are_shown_in_pages_with_their_counts),
        DISK_TEST(test_operations_of_a_session_are_in_order_however_many_are_under_way),
        DISK_TEST(test_start_tells_of_the_tables_that_it_counts),
        DISK_TEST(test_second_user_of_the_folder_is_refused),
        DISK_TEST(test_options_that_make_no_sense_are_refused),
    };
    disk_suite_choose(store);
    int failed = cmocka_run_group_tests_name(store->name, tests, NULL, NULL);
    failed += disk_suite__run_failures(store->name);
    failed += disk_suite__run_oracle(store->name);
    failed += disk_suite__run_threads(store->name);
    return failed;
}
