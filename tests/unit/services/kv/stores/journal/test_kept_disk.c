/* SPDX-License-Identifier: MIT
 *
 * A kept store on a disk that is full, fails or takes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/disk_shim.h"
#include "lib/kept_store.h"
#include "lib/store_client.h"
#include "lib/virtual_loop.h"

enum { FOR_EVER = 1000000 };

static int setup(void **state)
{
    (void)state;
    kept_plan = (struct kept_plan){.sync = "always"};
    kept_dir_make(kept_plan.dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    disk_shim_mend();
    kept_dir_remove(kept_plan.dir);
    return 0;
}

static enum kv_outcome do_one(struct store_client *client, enum kv_store_kind kind, const char *key,
                              size_t size)
{
    uint8_t *value = calloc(1, size + 1);
    assert_non_null(value);
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view(value, size)};
    enum kv_outcome outcome = store_client_do(client, kind, "t", &item, 1);
    if (outcome == KV_DONE)
        store_items_drop(&item, 1);
    free(value);
    return outcome;
}

static void test_full_disk_refuses_what_would_not_fit_before_it_takes_effect(void **state)
{
    (void)state;
    const struct kv_store store = kept_store(true);
    struct store_client client;
    char key[16];
    int kept = 0;
    store_client_init(&client, &store, 0);
    disk_shim_fail(DISK_fallocate, 0, FOR_EVER, ENOSPC);
    for (;; kept++) {
        (void)snprintf(key, sizeof key, "k%d", kept);
        enum kv_outcome outcome = do_one(&client, KV_MSET, key, 1 << 20);
        if (outcome == KV_DONE)
            continue;
        assert_int_equal(outcome, KV_FULL);
        break;
    }
    assert_in_range(kept, 1, 8);
    assert_false(store_client_has(&client, "t", key));
    assert_true(store_client_has(&client, "t", "k0"));
    /* Small writes may fit still, until only removals do. */
    while (do_one(&client, KV_MSET, "small", 4000) == KV_DONE)
        continue;
    assert_int_equal(do_one(&client, KV_MSET, "small", 4000), KV_FULL);
    assert_true(store_client_del(&client, "t", "k0"));

    disk_shim_mend();
    assert_int_equal(do_one(&client, KV_MSET, key, 1 << 20), KV_DONE);
    store_client_fini(&client);
    store_client_init(&client, &store, 0);
    assert_true(store_client_has(&client, "t", key));
    assert_false(store_client_has(&client, "t", "k0"));
    store_client_fini(&client);
}

/* A submitted write. */
struct pending {
    struct kv_op op;
    struct kv_item item;
    bool done;
    enum kv_outcome outcome;
};

static void pending_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct pending *pending = (struct pending *)op;
    pending->done = true;
    pending->outcome = outcome;
}

static void submit(struct store_client *client, struct pending *pending, const char *key)
{
    *pending = (struct pending){
        .item = {.key = weft_view_str(key), .value.bytes = weft_view_str("value")}};
    pending->op = (struct kv_op){.kind = KV_MSET,
                                 .table = weft_view_str("t"),
                                 .items = &pending->item,
                                 .count = 1,
                                 .done = pending_done};
    client->store->submit(client->session, &pending->op);
}

static void turn(struct store_client *client)
{
    virtual_loop_turn(client->loop);
    virtual_loop_turn(client->loop);
}

static void test_write_waits_for_room_where_none_can_be_reserved(void **state)
{
    (void)state;
    const struct kv_store store = kept_store(true);
    struct store_client client;
    struct pending waiting;
    disk_shim_fail(DISK_fallocate, 0, FOR_EVER, EOPNOTSUPP);
    store_client_init(&client, &store, 0);
    assert_int_equal(do_one(&client, KV_MSET, "before", 10), KV_DONE);
    disk_shim_fail(DISK_pwrite, 0, FOR_EVER, ENOSPC);
    submit(&client, &waiting, "waits");
    turn(&client);
    assert_false(waiting.done);
    assert_int_equal(do_one(&client, KV_MSET, "refused", 10), KV_FULL);
    assert_true(store_client_has(&client, "t", "before"));

    disk_shim_mend();
    turn(&client);
    assert_true(waiting.done);
    assert_int_equal(waiting.outcome, KV_DONE);
    assert_int_equal(do_one(&client, KV_MSET, "after", 10), KV_DONE);
    store_client_fini(&client);
    store_client_init(&client, &store, 0);
    assert_true(store_client_has(&client, "t", "waits"));
    assert_true(store_client_has(&client, "t", "after"));
    assert_false(store_client_has(&client, "t", "refused"));
    store_client_fini(&client);
}

static void fail_once(enum disk_call call)
{
    const struct kv_store store = kept_store(true);
    struct store_client client;
    struct pending waiting;
    store_client_init(&client, &store, 0);
    assert_int_equal(do_one(&client, KV_MSET, "answered", 10), KV_DONE);
    disk_shim_fail(call, 0, 1, EIO);
    submit(&client, &waiting, "waits");
    turn(&client);
    assert_true(waiting.done);
    assert_int_equal(waiting.outcome, KV_UNKNOWN);
    assert_int_equal(do_one(&client, KV_MSET, "late", 10), KV_FAILED);
    assert_int_equal(do_one(&client, KV_MDEL, "answered", 10), KV_FAILED);
    assert_true(store_client_has(&client, "t", "answered"));
    assert_false(store_client_has(&client, "t", "late"));
    store_client_fini(&client);
    store_client_init(&client, &store, 0);
    assert_true(store_client_has(&client, "t", "answered"));
    assert_false(store_client_has(&client, "t", "late"));
    store_client_fini(&client);
}

static void test_failed_write_ends_all_writing_and_reads_go_on(void **state)
{
    (void)state;
    fail_once(DISK_pwrite);
}

static void test_failed_sync_ends_all_writing_and_reads_go_on(void **state)
{
    (void)state;
    fail_once(DISK_fdatasync);
}

static void test_store_on_a_read_only_file_system_does_not_start(void **state)
{
    (void)state;
    const struct kv_store store = kept_store(true);
    struct weft_error error;
    const struct kv_store_options options = {.where = NULL};
    void *probe = calloc(1, store.store_size);
    assert_non_null(probe);
    disk_shim_fail(DISK_openat, 0, 1, EROFS);
    assert_int_equal(store.init(probe, &options, &error), -EROFS);
    assert_non_null(strstr(error.text, kept_plan.dir));
    assert_non_null(strstr(error.text, "Read-only file system"));
    free(probe);
}

static void test_snapshot_that_finds_no_room_leaves_the_journal(void **state)
{
    (void)state;
    static const enum disk_call calls[] = {DISK_openat, DISK_pwrite, DISK_pwritev, DISK_renameat};
    const struct kv_store store = kept_store(true);
    struct store_client client;
    char key[16];
    kept_plan.snapshot = 1000;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        store_client_init(&client, &store, 0);
        for (int k = 0; k < 40; k++) {
            /* A pwrite that fails may be the journal's, which would end all writing. */
            if (calls[i] != DISK_pwrite)
                disk_shim_fail(calls[i], 0, FOR_EVER, ENOSPC);
            (void)snprintf(key, sizeof key, "k%zu-%d", i, k);
            assert_int_equal(do_one(&client, KV_MSET, key, 100), KV_DONE);
            disk_shim_mend();
        }
        store_client_fini(&client);
    }
    store_client_init(&client, &store, 0);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (int k = 0; k < 40; k++) {
            (void)snprintf(key, sizeof key, "k%zu-%d", i, k);
            assert_true(store_client_has(&client, "t", key));
        }
    }
    store_client_fini(&client);
}

#define KEPT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(test_full_disk_refuses_what_would_not_fit_before_it_takes_effect),
        KEPT_TEST(test_write_waits_for_room_where_none_can_be_reserved),
        KEPT_TEST(test_failed_write_ends_all_writing_and_reads_go_on),
        KEPT_TEST(test_failed_sync_ends_all_writing_and_reads_go_on),
        KEPT_TEST(test_store_on_a_read_only_file_system_does_not_start),
        KEPT_TEST(test_snapshot_that_finds_no_room_leaves_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
