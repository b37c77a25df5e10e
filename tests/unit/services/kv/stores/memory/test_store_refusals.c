/* SPDX-License-Identifier: MIT
 *
 * A write that the memory store refuses leaves the store as it was: bytes, segments, directories,
 * tables and entries, whatever the reason was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fault.h"
#include "lib/store_client.h"
#include "services/kv/stores/memory/memory.h"
#include "services/kv/update.h"

static const uint8_t seed[16] = {4, 2};

static const struct kv_update set_always = {.then = KV_THEN_SET};
static const struct kv_update remove_always = {.then = KV_THEN_REMOVE};

/* The update that do_batch makes of each key if it is told KV_MUPDATE. */
static const struct kv_update *batch_update = &set_always;

static int forget_faults(void **state)
{
    (void)state;
    fault_remove();
    batch_update = &set_always;
    return 0;
}

static struct kv_memory_shape shape_of(const struct store_client *client)
{
    struct kv_memory_shape shape;
    kv_store_memory_shape(client->state, &shape);
    return shape;
}

static void assert_same_shape(const struct kv_memory_shape *now, const struct kv_memory_shape *then)
{
    assert_int_equal(now->used, then->used);
    assert_int_equal(now->tables, then->tables);
    assert_int_equal(now->segments, then->segments);
    assert_int_equal(now->slots, then->slots);
    assert_int_equal(now->directories, then->directories);
    assert_int_equal(now->entries, then->entries);
}

/* Keys `prefix 0` to `prefix count-1` in one batch, all with a value of `size` bytes but the last,
 * which has `last` bytes. */
static enum kv_outcome do_batch(struct store_client *client, enum kv_store_kind kind,
                                const char *table, const char *prefix, size_t count, size_t size,
                                size_t last)
{
    struct kv_item *items = calloc(count, sizeof *items);
    char(*keys)[24] = calloc(count, sizeof *keys);
    uint8_t *value = calloc(1, size > last ? size : last);
    assert_true(items && keys && value);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%s %zu", prefix, i);
        items[i].key = weft_view_str(keys[i]);
        items[i].value.bytes = weft_view(value, i + 1 < count ? size : last);
        items[i].update = batch_update;
    }
    enum kv_outcome outcome = store_client_do(client, kind, table, items, count);
    if (outcome == KV_DONE)
        store_items_drop(items, count);
    free(items);
    free(keys);
    free(value);
    return outcome;
}

static enum kv_outcome set_one(struct store_client *client, const char *table, const char *key,
                               size_t size)
{
    uint8_t *value = calloc(1, size + 1);
    assert_non_null(value);
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view(value, size)};
    enum kv_outcome outcome = store_client_do(client, KV_MSET, table, &item, 1);
    if (outcome == KV_DONE)
        store_items_drop(&item, 1);
    free(value);
    return outcome;
}

static void test_batch_over_the_limit_leaves_a_fresh_store_fresh(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, 1 << 20, seed);
    struct kv_memory_shape before = shape_of(&client);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(do_batch(&client, KV_MSET, "t", "k", 100000, 1, 1), KV_FULL);
        struct kv_memory_shape after = shape_of(&client);
        assert_same_shape(&after, &before);
    }
    assert_int_equal(set_one(&client, "t", "k", 1), KV_DONE);
    store_client_fini(&client);
}

static void test_batch_over_the_limit_leaves_a_large_table_as_it_was(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, 1 << 20, seed);
    assert_int_equal(do_batch(&client, KV_MSET, "t", "old", 8000, 8, 8), KV_DONE);
    struct kv_memory_shape before = shape_of(&client);
    static const size_t counts[] = {2, 30, 60, 1000, 20000};
    static const enum kv_store_kind kinds[] = {KV_MSET, KV_MUPDATE};
    for (size_t i = 0; i < 2 * sizeof counts / sizeof *counts; i++) {
        assert_int_equal(do_batch(&client, kinds[i % 2], "t", "new", counts[i / 2], 8, 1 << 20),
                         KV_FULL);
        struct kv_memory_shape after = shape_of(&client);
        assert_same_shape(&after, &before);
    }
    assert_int_equal(do_batch(&client, KV_MSET, "t", "new", 30, 8, 8), KV_DONE);
    store_client_fini(&client);
}

static void test_key_over_the_limit_leaves_its_segment_and_no_table(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, 1 << 20, seed);
    char key[16];
    /* At every number of keys, so that some of the refused writes would make the segment grow. */
    for (unsigned i = 0; i < 2000; i++) {
        struct kv_memory_shape before = shape_of(&client);
        assert_int_equal(set_one(&client, "t", "large", 1 << 20), KV_FULL);
        assert_int_equal(set_one(&client, "other", "large", 1 << 20), KV_FULL);
        struct kv_memory_shape after = shape_of(&client);
        assert_same_shape(&after, &before);
        (void)snprintf(key, sizeof key, "%u", i);
        assert_int_equal(set_one(&client, "t", key, 1), KV_DONE);
    }
    store_client_fini(&client);
}

static void test_full_store_is_filled_to_the_byte_and_never_beyond(void **state)
{
    enum { LIMIT = 1 << 20 };
    struct store_client client;
    char key[16];
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, LIMIT, seed);
    unsigned refused = 0;
    for (unsigned i = 0; i < 40000; i++) {
        (void)snprintf(key, sizeof key, "%u", i);
        enum kv_outcome outcome = set_one(&client, "t", key, i % 300);
        refused += outcome == KV_FULL;
        assert_true(outcome == KV_DONE || outcome == KV_FULL);
        assert_true(kv_store_memory_used(client.state) <= LIMIT);
    }
    assert_true(refused > 0);
    struct kv_memory_shape shape = shape_of(&client);
    assert_in_range(shape.used, LIMIT - 64, LIMIT);
    store_client_fini(&client);
}

/* Does one write while the n-th allocation fails, for each n, until none does. */
static void refuse_at_each_allocation(struct store_client *client, enum kv_store_kind kind,
                                      const char *table, size_t count)
{
    for (size_t n = 0;; n++) {
        struct kv_memory_shape before = shape_of(client);
        fault_arm(FAULT_FROM, n);
        enum kv_outcome outcome = do_batch(client, kind, table, "new", count, 8, 8);
        size_t failed = fault_failed();
        fault_disarm();
        if (outcome == KV_DONE && failed == 0)
            return;
        if (outcome == KV_DONE)
            continue;
        assert_int_equal(outcome, KV_UNAVAILABLE);
        struct kv_memory_shape after = shape_of(client);
        assert_same_shape(&after, &before);
    }
}

static void test_writes_refused_for_memory_leave_everything_as_it_was(void **state)
{
    static const size_t counts[] = {1, 2, 60, 3000};
    (void)state;
    fault_install();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct store_client client;
        store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
        for (unsigned k = 0; k < 5; k++) {
            char table[16];
            (void)snprintf(table, sizeof table, "table %u", k);
            assert_int_equal(do_batch(&client, KV_MSET, table, "old", 1305, 8, 8), KV_DONE);
        }
        refuse_at_each_allocation(&client, KV_MSET, "table 0", counts[i]);
        refuse_at_each_allocation(&client, KV_MSET, "no table", counts[i]);
        refuse_at_each_allocation(&client, KV_MUPDATE, "table 1", counts[i]);
        refuse_at_each_allocation(&client, KV_MUPDATE, "nor this", counts[i]);
        store_client_fini(&client);
        assert_int_equal(fault_live(), 0);
    }
}

static void test_removals_are_done_when_there_is_no_memory_for_copies(void **state)
{
    struct store_client client;
    (void)state;
    fault_install();
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    assert_int_equal(do_batch(&client, KV_MSET, "t", "new", 5000, 8, 8), KV_DONE);
    struct kv_memory_shape before = shape_of(&client);
    for (size_t n = 0;; n++) {
        fault_arm(FAULT_FROM, n);
        enum kv_outcome outcome = do_batch(&client, KV_MDEL, "t", "new", 5000, 8, 8);
        fault_disarm();
        if (outcome == KV_DONE)
            break;
        struct kv_memory_shape after = shape_of(&client);
        assert_same_shape(&after, &before);
        /* The list of touches, and the list of what is to be freed. */
        assert_in_range(n, 0, 1);
    }
    assert_false(store_client_has(&client, "t", "new 1"));
    store_client_fini(&client);
    assert_int_equal(fault_live(), 0);
}

static void test_updates_that_remove_are_done_in_a_full_store(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, 1 << 20, seed);
    unsigned keys = 0;
    char key[24];
    do
        (void)snprintf(key, sizeof key, "k %u", keys++);
    while (set_one(&client, "t", key, 8) == KV_DONE);
    assert_int_equal(do_batch(&client, KV_MUPDATE, "t", "other", 300, 8, 8), KV_FULL);
    batch_update = &remove_always;
    assert_int_equal(do_batch(&client, KV_MUPDATE, "t", "k", 1, 8, 8), KV_DONE);
    assert_int_equal(do_batch(&client, KV_MUPDATE, "t", "k", 64, 8, 8), KV_DONE);
    assert_int_equal(do_batch(&client, KV_MUPDATE, "t", "k", keys, 8, 8), KV_DONE);
    batch_update = &set_always;
    struct kv_memory_shape after = shape_of(&client);
    assert_int_equal(after.entries, 0);
    assert_int_equal(after.tables, 0);
    store_client_fini(&client);
}

static void test_table_that_could_not_shrink_goes_with_its_last_key(void **state)
{
    struct store_client client;
    char key[24];
    (void)state;
    fault_install();
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    struct kv_memory_shape empty = shape_of(&client);
    assert_int_equal(do_batch(&client, KV_MSET, "t", "k", 50000, 8, 8), KV_DONE);
    fault_arm_random(7, 2);
    for (unsigned i = 0; i < 49999; i++) {
        (void)snprintf(key, sizeof key, "k %u", i);
        struct kv_item item = {.key = weft_view_str(key)};
        while (store_client_do(&client, KV_MDEL, "t", &item, 1) != KV_DONE)
            continue;
        store_items_drop(&item, 1);
    }
    fault_disarm();
    assert_true(store_client_del(&client, "t", "k 49999"));
    struct kv_memory_shape after = shape_of(&client);
    assert_same_shape(&after, &empty);
    store_client_fini(&client);
    assert_int_equal(fault_live(), 0);
}

static void test_table_that_shrank_has_the_shape_of_one_that_never_grew(void **state)
{
    enum { GROWN = 40000 }; /* segments of the last depth have grown too */
    struct store_client client;
    char key[24];
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    assert_int_equal(set_one(&client, "t", "k 0", 8), KV_DONE);
    struct kv_memory_shape small = shape_of(&client);
    for (int i = 1; i < GROWN; i++) {
        (void)snprintf(key, sizeof key, "k %d", i);
        assert_int_equal(set_one(&client, "t", key, 8), KV_DONE);
    }
    struct kv_memory_shape grown = shape_of(&client);
    assert_in_range(grown.directories, 10 * small.directories, 10 * grown.segments);
    for (int i = 1; i < GROWN; i++) {
        (void)snprintf(key, sizeof key, "k %d", i);
        assert_true(store_client_del(&client, "t", key));
    }
    struct kv_memory_shape after = shape_of(&client);
    assert_same_shape(&after, &small);
    store_client_fini(&client);
}

static void test_table_goes_with_its_last_keys_in_one_batch(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    struct kv_memory_shape empty = shape_of(&client);
    for (size_t count = 1; count <= 100000; count *= 10) {
        assert_int_equal(do_batch(&client, KV_MSET, "t", "k", count, 8, 8), KV_DONE);
        assert_int_equal(do_batch(&client, KV_MDEL, "t", "k", count, 8, 8), KV_DONE);
        struct kv_memory_shape after = shape_of(&client);
        assert_same_shape(&after, &empty);
    }
    store_client_fini(&client);
}

static void test_key_that_comes_twice_counts_once(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    static const size_t counts[] = {2, 100};
    for (size_t i = 0; i < 2; i++) {
        struct kv_item items[100];
        for (size_t k = 0; k < counts[i]; k++)
            items[k] = (struct kv_item){.key = weft_view_str("k"),
                                        .value.bytes = weft_view_str(k % 2 ? "short" : "")};
        assert_int_equal(store_client_do(&client, KV_MSET, "t", items, counts[i]), KV_DONE);
        store_items_drop(items, counts[i]);
        struct kv_memory_shape twice = shape_of(&client);
        assert_int_equal(twice.entries, 1);
        assert_true(store_client_del(&client, "t", "k"));
        struct kv_item one = {.key = weft_view_str("k"), .value.bytes = weft_view_str("short")};
        assert_int_equal(store_client_do(&client, KV_MSET, "t", &one, 1), KV_DONE);
        struct kv_memory_shape once = shape_of(&client);
        assert_same_shape(&twice, &once);
        for (size_t k = 0; k < counts[i]; k++)
            items[k] = (struct kv_item){.key = weft_view_str("k")};
        assert_int_equal(store_client_do(&client, KV_MDEL, "t", items, counts[i]), KV_DONE);
        assert_true(items[0].present);
        assert_false(items[1].present);
        store_items_drop(items, counts[i]);
    }
    store_client_fini(&client);
}

static void test_blob_under_an_empty_key_is_freed_with_it(void **state)
{
    struct store_client client;
    uint8_t *data;
    (void)state;
    fault_install();
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    struct weft_blob *blob = weft_blob_new(100, &data);
    assert_non_null(blob);
    memset(data, 0, 100);
    struct kv_item item = {.key = weft_view_str(""), .value = {weft_blob_view(blob), blob}};
    assert_int_equal(store_client_do(&client, KV_MSET, "t", &item, 1), KV_DONE);
    weft_blob_unref(blob);
    assert_true(store_client_del(&client, "t", ""));
    store_client_fini(&client);
    assert_int_equal(fault_live(), 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, forget_faults)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_batch_over_the_limit_leaves_a_fresh_store_fresh),
        TEST(test_batch_over_the_limit_leaves_a_large_table_as_it_was),
        TEST(test_key_over_the_limit_leaves_its_segment_and_no_table),
        TEST(test_full_store_is_filled_to_the_byte_and_never_beyond),
        TEST(test_writes_refused_for_memory_leave_everything_as_it_was),
        TEST(test_removals_are_done_when_there_is_no_memory_for_copies),
        TEST(test_updates_that_remove_are_done_in_a_full_store),
        TEST(test_table_that_could_not_shrink_goes_with_its_last_key),
        TEST(test_table_that_shrank_has_the_shape_of_one_that_never_grew),
        TEST(test_table_goes_with_its_last_keys_in_one_batch),
        TEST(test_key_that_comes_twice_counts_once),
        TEST(test_blob_under_an_empty_key_is_freed_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
