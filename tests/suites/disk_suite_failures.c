/* SPDX-License-Identifier: MIT
 *
 * A disk that is full, and one that fails. Every write is synced before it is answered. */
#include "disk_suite_world.h"

#include <errno.h>
#include <string.h>

#include "lib/disk_fault.h"

static enum kv_outcome do_one(struct disk_world *world, enum kv_store_kind kind, const char *key,
                              const char *value, struct kv_item *item)
{
    *item = (struct kv_item){.key = weft_view_str(key), .value.bytes = weft_view_str(value)};
    struct disk_run run = {
        .op = {.kind = kind, .table = weft_view_str("t"), .items = item, .count = 1}};
    return disk_do(&world->first, &run);
}

static enum kv_outcome set(struct disk_world *world, const char *key, const char *value)
{
    struct kv_item item;
    return do_one(world, KV_MSET, key, value, &item);
}

static bool has(struct disk_world *world, const char *key)
{
    struct kv_item item;
    assert_int_equal(do_one(world, KV_MEXIST, key, "", &item), KV_DONE);
    return item.present;
}

static int setup(void **state)
{
    disk_suite_sync("always");
    int err = disk_world_setup(state);
    assert_int_equal(set(*state, "before", "1"), KV_DONE);
    return err;
}

static int teardown(void **state)
{
    disk_fault_disarm();
    int err = disk_world_teardown(state);
    disk_suite_sync("off");
    return err;
}

/* Nothing that was not answered is there later, and all that was is. */
static void assert_writes_have_ended(struct disk_world *world)
{
    assert_int_equal(set(world, "failed", "2"), KV_FAILED);
    assert_true(disk_fault_count() > 0);
    disk_fault_disarm();
    assert_int_equal(set(world, "after", "3"), KV_FAILED);
    assert_true(has(world, "before"));
    assert_false(has(world, "after"));
    disk_world_close(world);
    disk_world_open(world);
    assert_true(has(world, "before"));
    assert_false(has(world, "after"));
    assert_int_equal(set(world, "later", "4"), KV_DONE);
}

static void test_failed_write_ends_all_writes_and_no_read(void **state)
{
    disk_fault_arm(DISK_FAULT_WRITE, EIO, 0);
    assert_writes_have_ended(*state);
}

static void test_failed_sync_ends_all_writes_and_no_read(void **state)
{
    disk_fault_arm(DISK_FAULT_SYNC, EIO, 0);
    assert_writes_have_ended(*state);
}

/* At each call of a commit in turn: data, their sync, the head. Whatever was answered is there. */
static void test_disk_may_fail_at_any_call_of_a_commit(void **state)
{
    struct disk_world *world = *state;
    for (unsigned pass = 0; pass < 12; pass++) {
        char key[] = {(char)('a' + pass), '\0'};
        disk_fault_arm(DISK_FAULT_WRITE | DISK_FAULT_SYNC, EIO, pass);
        enum kv_outcome outcome = set(world, key, "2");
        if (disk_fault_count() == 0)
            assert_int_equal(outcome, KV_DONE);
        else if (outcome != KV_DONE)
            assert_int_equal(outcome, KV_FAILED);
        disk_fault_disarm();
        assert_true(has(world, "before"));
        disk_world_close(world);
        disk_world_open(world);
        assert_true(has(world, "before"));
        if (outcome == KV_DONE)
            assert_true(has(world, key));
    }
}

static void test_reads_behind_a_write_that_failed_are_answered(void **state)
{
    struct disk_world *world = *state;
    struct kv_item items[3] = {{.key = weft_view_str("k"), .value.bytes = weft_view_str("v")},
                               {.key = weft_view_str("before")},
                               {.key = weft_view_str("k")}};
    struct disk_run runs[3] = {0};
    for (int i = 0; i < 3; i++)
        runs[i].op = (struct kv_op){.kind = i == 0 ? KV_MSET : KV_MEXIST,
                                    .table = weft_view_str("t"),
                                    .items = &items[i],
                                    .count = 1};
    disk_fault_arm(DISK_FAULT_WRITE | DISK_FAULT_SYNC, EIO, 0);
    disk_submit(&world->first, runs, 3);
    assert_true(disk_await(&world->first, runs, 3));
    assert_int_equal(runs[0].outcome, KV_FAILED);
    assert_int_equal(runs[1].outcome, KV_DONE);
    assert_int_equal(runs[2].outcome, KV_DONE);
    assert_true(items[1].present);
    assert_false(items[2].present);
}

/* The library may look for room again only after some seconds, and nothing tells when it has. */
static void test_full_disk_refuses_writes_until_there_is_room(void **state)
{
    struct disk_world *world = *state;
    disk_fault_arm(DISK_FAULT_WRITE, ENOSPC, 0);
    assert_int_equal(set(world, "k", "v"), KV_FULL);
    assert_true(has(world, "before"));
    assert_false(has(world, "k"));
    disk_fault_disarm();
    enum kv_outcome outcome;
    do
        outcome = set(world, "k", "v");
    while (outcome == KV_FULL);
    assert_int_equal(outcome, KV_DONE);
    assert_true(has(world, "k"));
    disk_world_close(world);
    disk_world_open(world);
    assert_true(has(world, "k"));
}

#define FAILURE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int disk_suite__run_failures(const char *name)
{
    const struct CMUnitTest tests[] = {
        FAILURE_TEST(test_failed_write_ends_all_writes_and_no_read),
        FAILURE_TEST(test_failed_sync_ends_all_writes_and_no_read),
        FAILURE_TEST(test_disk_may_fail_at_any_call_of_a_commit),
        FAILURE_TEST(test_reads_behind_a_write_that_failed_are_answered),
        FAILURE_TEST(test_full_disk_refuses_writes_until_there_is_room),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
