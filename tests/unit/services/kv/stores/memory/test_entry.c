/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "lib/fault.h"
#include "services/kv/stores/memory/entry.h"

enum { EXPIRES = 123456789, LARGE = KV_RUN_PAGES_MAX * KV_PAGE };

static struct kv_pool pool;
static struct kv_pool_cache cache;

static int setup(void **state)
{
    (void)state;
    fault_install();
    if (kv_pool_init(&pool) < 0)
        return -1;
    kv_pool_cache_init(&cache, &pool);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_pool_cache_empty(&cache);
    int64_t resident = atomic_load(&pool.resident);
    kv_pool_fini(&pool);
    size_t live = fault_live();
    fault_remove();
    return live == 0 && resident == 0 ? 0 : -1;
}

static struct weft_view key_view(void)
{
    return weft_view_str("the key");
}

static struct kv_value value_of(size_t size, bool as_blob)
{
    static uint8_t bytes[10001];
    struct kv_value value = {.bytes = weft_view(bytes, size)};
    uint8_t *data;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    if (as_blob) {
        value.blob = weft_blob_new(size, &data);
        assert_non_null(value.blob);
        memcpy(data, bytes, size);
        value.bytes = weft_blob_view(value.blob);
    }
    return value;
}

static void check(const struct kv_entry *entry, const struct kv_value *value, int64_t expires)
{
    assert_non_null(entry);
    assert_true(weft_view_equal(kv_entry_key(entry), key_view()));
    assert_true(weft_view_equal(kv_entry_value(entry).bytes, value->bytes));
    assert_int_equal(kv_entry_expires(entry), expires);
    size_t head = sizeof *entry + key_view().size + (expires != KV_NEVER ? sizeof expires : 0);
    size_t size = value->blob ? kv_pool_heap_size(head + sizeof(void *)) +
                                    kv_pool_heap_size(weft_blob_memory(value->bytes.size))
                              : kv_pool_heap_size(head + value->bytes.size);
    assert_int_equal(kv_entry_heap_size(entry), size);
}

static void test_entry_of_each_kind_has_what_it_was_made_of(void **state)
{
    static const size_t sizes[] = {0, 1, 500, 5000, 10000};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int kind = 0; kind < 4; kind++) {
            int64_t expires = kind % 2 ? EXPIRES : KV_NEVER, later = kind % 2 ? KV_NEVER : EXPIRES;
            struct kv_value value = value_of(sizes[i] + (kind > 1), kind > 1);
            struct kv_entry *entry = kv_entry_new(&cache, key_view(), &value, expires);
            struct kv_entry *renewed = kv_entry_renew(entry, &cache, later);
            struct kv_entry *copy = kv_entry_copy(entry, &cache, false);
            check(entry, &value, expires);
            check(renewed, &value, later);
            check(copy, &value, expires);
            assert_true(copy != entry);
            /* Without a limit the blob is kept as it is. */
            assert_ptr_equal(kv_entry_value(entry).blob, value.blob);
            assert_ptr_equal(kv_entry_value(renewed).blob, value.blob);
            assert_ptr_equal(kv_entry_value(copy).blob, value.blob);
            kv_entry_free(entry, &cache);
            kv_entry_free(renewed, &cache);
            check(copy, &value, expires);
            kv_entry_free(copy, &cache);
            weft_blob_unref(value.blob);
        }
}

static void test_joined_value_is_its_parts_one_behind_the_other(void **state)
{
    const struct weft_view parts[] = {weft_view_str("ab"), weft_view_str(""), weft_view_str("cde")};
    const struct kv_value whole = {.bytes = weft_view_str("abcde")};
    (void)state;
    for (int timed = 0; timed < 2; timed++) {
        int64_t expires = timed ? EXPIRES : KV_NEVER;
        struct kv_entry *entry = kv_entry_join(&cache, key_view(), parts, 3, expires);
        check(entry, &whole, expires);
        kv_entry_free(entry, &cache);
    }
}

static void test_blob_is_copied_into_a_pool_with_a_limit_and_shared_from_there(void **state)
{
    (void)state;
    pool.resident_max = 10 << 20;
    struct kv_value value = value_of(6000, true);
    struct kv_entry *entry = kv_entry_new(&cache, key_view(), &value, KV_NEVER);
    struct weft_blob *blob = kv_entry_value(entry).blob;
    assert_true(blob != value.blob);
    assert_ptr_equal(weft_blob_home(blob), &pool.home);
    weft_blob_unref(value.blob);
    struct kv_entry *copy = kv_entry_copy(entry, &cache, false);
    assert_ptr_equal(kv_entry_value(copy).blob, blob);
    kv_entry_free(entry, &cache);
    assert_int_equal(kv_entry_value(copy).bytes.size, 6000);
    assert_int_equal(kv_entry_value(copy).bytes.data[999], (uint8_t)(999 * 7));
    kv_entry_free(copy, &cache);
}

static void test_entry_moves_if_its_block_or_its_blob_does(void **state)
{
    enum { COUNT = 6000, SIZE = 2000, KEPT_EVERY = 400 };
    static struct kv_entry *entries[COUNT];
    unsigned moved_blobs = 0, moved_entries = 0;
    (void)state;
    pool.resident_max = 100 << 20;
    for (int i = 0; i < COUNT; i++) {
        struct kv_value value = value_of(i % 2 ? SIZE : 20, i % 2);
        entries[i] = kv_entry_new(&cache, key_view(), &value, i % 3 ? EXPIRES : KV_NEVER);
        weft_blob_unref(value.blob);
    }
    for (int i = 0; i < COUNT; i++)
        if (i % KEPT_EVERY > 1) {
            kv_entry_free(entries[i], &cache);
            entries[i] = NULL;
        }
    kv_pool_cache_empty(&cache);
    assert_true(kv_pool_evacuate(&pool, 1 << 20) > 0);
    for (int i = 0; i < COUNT; i++) {
        struct kv_entry *entry = entries[i];
        if (!entry)
            continue;
        struct weft_blob *blob = kv_entry_value(entry).blob;
        bool blob_moves = blob && kv_pool_must_move_blob(&pool, blob);
        bool moves = kv_pool_must_move(&pool, entry, 1);
        assert_int_equal(kv_entry_must_move(entry, &pool, false), moves || blob_moves);
        assert_int_equal(kv_entry_must_move(entry, &pool, true), moves);
        if (!moves && !blob_moves)
            continue;
        const struct kv_value value = value_of(i % 2 ? SIZE : 20, false);
        struct kv_entry *copy = kv_entry_copy(entry, &cache, false);
        assert_true(weft_view_equal(kv_entry_value(copy).bytes, value.bytes));
        assert_int_equal(kv_entry_expires(copy), i % 3 ? EXPIRES : KV_NEVER);
        assert_false(kv_entry_must_move(copy, &pool, false));
        assert_int_equal(kv_entry_value(copy).blob != blob, blob_moves);
        kv_entry_free(entry, &cache);
        entries[i] = copy;
        moved_entries += moves;
        moved_blobs += blob_moves;
    }
    assert_true(moved_entries > 0);
    assert_true(moved_blobs > 0);
    assert_true(kv_pool_is_evacuated(&pool));
    kv_pool_evacuate_end(&pool);
    for (int i = 0; i < COUNT; i++)
        if (entries[i])
            kv_entry_free(entries[i], &cache);
}

static void test_entry_of_the_index_points_to_a_table_that_it_does_not_own(void **state)
{
    int table;
    (void)state;
    struct kv_entry *entry = kv_entry_new_index(&cache, key_view(), &table);
    struct kv_entry *copy = kv_entry_copy(entry, &cache, true);
    assert_ptr_equal(kv_entry_reference(entry), &table);
    assert_ptr_equal(kv_entry_reference(copy), &table);
    assert_true(weft_view_equal(kv_entry_key(copy), key_view()));
    assert_int_equal(kv_entry_heap_size(entry),
                     kv_pool_heap_size(sizeof *entry + sizeof(void *) + key_view().size));
    assert_false(kv_entry_must_move(entry, &pool, true));
    kv_entry_free_index(entry, &cache);
    kv_entry_free_index(copy, &cache);
}

static void test_key_and_value_over_a_gigabyte_are_refused_unread(void **state)
{
    uint8_t byte = 0;
    const struct weft_view large = weft_view(&byte, (size_t)KV_ENTRY_SIZE_MAX + 1);
    const struct kv_value small = {.bytes = weft_view_str("v")}, huge = {.bytes = large};
    (void)state;
    assert_null(kv_entry_new(&cache, large, &small, KV_NEVER));
    assert_null(kv_entry_new(&cache, key_view(), &huge, KV_NEVER));
    assert_null(kv_entry_new(&cache, key_view(), &huge, EXPIRES));
    assert_int_equal(fault_allocations(), 0);
}

static void test_entry_without_memory_holds_nothing(void **state)
{
    struct kv_value value = {.bytes = weft_view_str("v")};
    uint8_t *data;
    (void)state;
    fault_arm(FAULT_FROM, 0);
    assert_null(kv_entry_new(&cache, key_view(), &value, KV_NEVER));
    assert_null(kv_entry_new(&cache, key_view(), &value, EXPIRES));
    assert_null(kv_entry_new_index(&cache, key_view(), &value));
    fault_arm(FAULT_FROM, 1);
    value.blob = weft_blob_new(10000, &data);
    value.bytes = weft_blob_view(value.blob);
    assert_null(kv_entry_new(&cache, key_view(), &value, KV_NEVER));
    pool.resident_max = 1 << 20;
    assert_null(kv_entry_new(&cache, key_view(), &value, KV_NEVER));
    weft_blob_unref(value.blob);
}

/* An allocator whose large blocks begin where a slot cannot say. */
static void *odd_malloc(size_t size)
{
    uint8_t *block = malloc(size + 4);
    return block ? block + 4 : NULL;
}

static unsigned odd_frees;

static void odd_free(void *block)
{
    odd_frees += block != NULL;
    free(block ? (uint8_t *)block - 4 : NULL);
}

static void test_block_at_an_address_that_no_slot_can_hold_is_given_back(void **state)
{
    static uint8_t bytes[LARGE];
    static const struct weft_allocator odd = {.malloc = odd_malloc, .free = odd_free};
    const struct kv_value value = {.bytes = weft_view(bytes, LARGE)};
    (void)state;
    weft_mem_use(&odd);
    odd_frees = 0;
    assert_null(kv_entry_new(&cache, key_view(), &value, KV_NEVER));
    assert_null(kv_entry_new(&cache, key_view(), &value, EXPIRES));
    assert_int_equal(odd_frees, 2);
    fault_install();
    assert_int_equal(atomic_load(&pool.resident), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_entry_of_each_kind_has_what_it_was_made_of),
        TEST(test_joined_value_is_its_parts_one_behind_the_other),
        TEST(test_blob_is_copied_into_a_pool_with_a_limit_and_shared_from_there),
        TEST(test_entry_moves_if_its_block_or_its_blob_does),
        TEST(test_entry_of_the_index_points_to_a_table_that_it_does_not_own),
        TEST(test_key_and_value_over_a_gigabyte_are_refused_unread),
        TEST(test_entry_without_memory_holds_nothing),
        TEST(test_block_at_an_address_that_no_slot_can_hold_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
