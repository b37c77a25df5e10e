/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fault.h"
#include "services/kv/stores/memory/pool.h"

enum { SLAB_SIZE = 64 * 1024, MANY = 5000 };

static struct kv_pool pool;
static struct kv_pool_cache cache;
static void *blocks[MANY];

static int setup(void **state)
{
    (void)state;
    fault_install();
    assert_int_equal(kv_pool_init(&pool), 0);
    kv_pool_cache_init(&cache, &pool);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_pool_cache_empty(&cache);
    kv_pool_fini(&pool);
    assert_int_equal(fault_live(), 0);
    fault_remove();
    return 0;
}

static void take_many(size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        blocks[i] = kv_pool_take(&cache, size);
        assert_non_null(blocks[i]);
        memset(blocks[i], (int)(i & 0xFF), size);
    }
}

static void give_many(size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++)
        kv_pool_give(&cache, blocks[i], size);
}

static void test_blocks_of_every_size_are_aligned_and_as_large_as_asked(void **state)
{
    (void)state;
    for (size_t size = 1; size <= KV_POOL_BLOCK_MAX + 8; size++) {
        uint8_t *block = kv_pool_take(&cache, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % KV_POOL_ALIGN, 0);
        memset(block, 0xA5, size);
        kv_pool_give(&cache, block, size);
    }
}

static void test_blocks_are_at_most_a_sixteenth_larger_than_asked(void **state)
{
    (void)state;
    for (size_t size = 1; size <= KV_POOL_BLOCK_MAX; size++) {
        size_t real = kv_pool_heap_size(size);
        assert_in_range(real, size, size + 7 + size / 16);
        assert_int_equal(kv_pool_heap_size(real), real);
    }
}

static void test_blocks_do_not_overlap(void **state)
{
    enum { SIZE = 88 };
    (void)state;
    take_many(MANY, SIZE);
    for (size_t i = 0; i < MANY; i++) {
        const uint8_t *block = blocks[i];
        for (size_t at = 0; at < SIZE; at++)
            assert_int_equal(block[at], i & 0xFF);
    }
    give_many(MANY, SIZE);
}

static void test_block_that_was_given_is_taken_next(void **state)
{
    (void)state;
    void *block = kv_pool_take(&cache, 50);
    kv_pool_give(&cache, block, 50);
    assert_ptr_equal(kv_pool_take(&cache, 49), block);
    kv_pool_give(&cache, block, 49);
}

static void test_slabs_go_back_when_their_blocks_do(void **state)
{
    (void)state;
    take_many(MANY, 100);
    size_t most = fault_live();
    assert_in_range(most, MANY * 100 / SLAB_SIZE, 2 * MANY * 100 / SLAB_SIZE);
    give_many(MANY, 100);
    assert_true(fault_live() < most / 2);
    kv_pool_cache_empty(&cache);
    assert_int_equal(fault_live(), 0);
}

static void test_slab_with_one_block_left_is_taken_from_again(void **state)
{
    (void)state;
    take_many(MANY, 1000);
    size_t most = fault_live();
    for (size_t i = 0; i < MANY; i += 2)
        kv_pool_give(&cache, blocks[i], 1000);
    for (size_t i = 0; i < MANY; i += 2)
        blocks[i] = kv_pool_take(&cache, 1000);
    assert_int_equal(fault_live(), most);
    give_many(MANY, 1000);
}

static void test_blocks_may_be_given_through_another_cache(void **state)
{
    struct kv_pool_cache other;
    (void)state;
    kv_pool_cache_init(&other, &pool);
    take_many(MANY, 24);
    for (size_t i = 0; i < MANY; i++)
        kv_pool_give(&other, blocks[i], 24);
    kv_pool_cache_empty(&other);
    kv_pool_cache_empty(&cache);
    assert_int_equal(fault_live(), 0);
}

static void test_larger_blocks_are_runs_of_pages_in_one_region(void **state)
{
    enum { LARGE = 200 };
    (void)state;
    for (size_t i = 0; i < LARGE; i++) {
        size_t size = KV_POOL_BLOCK_MAX + 1 + i * 97;
        blocks[i] = kv_pool_take(&cache, size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % KV_PAGE, 0);
        memset(blocks[i], (int)i, size);
    }
    assert_int_equal(fault_live(), 1);
    int64_t pages = 0;
    for (size_t i = 0; i < LARGE; i++) {
        size_t size = KV_POOL_BLOCK_MAX + 1 + i * 97;
        pages += (int64_t)kv_pool_heap_size(size);
        for (size_t at = 0; at < size; at++)
            assert_int_equal(((uint8_t *)blocks[i])[at], i);
    }
    assert_int_equal(atomic_load(&pool.resident), pages);
    for (size_t i = 0; i < LARGE; i++)
        kv_pool_give(&cache, blocks[i], KV_POOL_BLOCK_MAX + 1 + i * 97);
    assert_int_equal(atomic_load(&pool.resident), 0);
}

static void test_holes_between_runs_are_used_again(void **state)
{
    (void)state;
    size_t size = (size_t)KV_RUN_PAGES_MAX * KV_PAGE;
    /* Three of the largest fit into a region behind its first page. */
    for (size_t i = 0; i < 6; i++)
        blocks[i] = kv_pool_take(&cache, size);
    assert_int_equal(fault_live(), 2);
    kv_pool_give(&cache, blocks[1], size);
    void *small = kv_pool_take(&cache, size / 2), *other = kv_pool_take(&cache, size / 2);
    assert_int_equal(fault_live(), 2);
    kv_pool_give(&cache, small, size / 2);
    kv_pool_give(&cache, other, size / 2);
    blocks[1] = kv_pool_take(&cache, size);
    assert_int_equal(fault_live(), 2);
    for (size_t i = 0; i < 6; i++)
        kv_pool_give(&cache, blocks[i], size);
    assert_int_equal(fault_live(), 1);
}

static void test_blocks_larger_than_any_run_are_mallocs(void **state)
{
    (void)state;
    size_t size = (size_t)KV_RUN_PAGES_MAX * KV_PAGE + 1;
    void *block = kv_pool_take(&cache, size);
    assert_non_null(block);
    assert_int_equal(fault_live(), 1);
    assert_int_equal(atomic_load(&pool.resident), kv_pool_heap_size(size));
    kv_pool_give(&cache, block, size);
    assert_int_equal(fault_live(), 0);
    assert_int_equal(atomic_load(&pool.resident), 0);
}

static void test_limit_refuses_slabs_runs_and_mallocs_but_not_urgent_ones(void **state)
{
    (void)state;
    pool.resident_max = SLAB_SIZE;
    pool.reserve = KV_PAGE * 3;
    void *small = kv_pool_take(&cache, 5000);
    assert_non_null(small);
    assert_false(cache.refused);
    assert_null(kv_pool_take(&cache, 9000));
    assert_true(cache.refused);
    assert_null(kv_pool_take(&cache, 100));
    assert_null(kv_pool_take(&cache, (size_t)KV_RUN_PAGES_MAX * KV_PAGE + 1));
    cache.urgency = 1;
    void *urgent = kv_pool_take(&cache, 9000);
    assert_non_null(urgent);
    assert_null(kv_pool_take(&cache, 9000));
    cache.urgency = 2;
    void *more = kv_pool_take(&cache, 9000);
    assert_non_null(more);
    kv_pool_give(&cache, small, 5000);
    kv_pool_give(&cache, urgent, 9000);
    kv_pool_give(&cache, more, 9000);
}

/* Leaves every n-th of MANY blocks of 1000 bytes. */
static size_t leave_few(size_t n)
{
    size_t left = 0;
    take_many(MANY, 1000);
    for (size_t i = 0; i < MANY; i++) {
        if (i % n > 0)
            kv_pool_give(&cache, blocks[i], 1000);
        else
            blocks[left++] = blocks[i];
    }
    kv_pool_cache_empty(&cache);
    return left;
}

static void test_slabs_that_are_emptied_go_when_their_blocks_have_moved(void **state)
{
    (void)state;
    size_t left = leave_few(60), before = fault_live();
    assert_int_equal(kv_pool_evacuate(&pool, left * 1024), before - 1);
    for (size_t i = 0; i < left; i++) {
        if (!kv_pool_must_move(&pool, blocks[i], 1000))
            continue;
        void *copy = kv_pool_take(&cache, 1000);
        assert_false(kv_pool_must_move(&pool, copy, 1000));
        kv_pool_give(&cache, blocks[i], 1000);
        blocks[i] = copy;
    }
    assert_true(kv_pool_is_evacuated(&pool));
    kv_pool_evacuate_end(&pool);
    assert_in_range(fault_live(), 1, left * 1008 / SLAB_SIZE + 2);
    for (size_t i = 0; i < left; i++)
        kv_pool_give(&cache, blocks[i], 1000);
}

static void test_slabs_that_could_not_be_emptied_are_used_again(void **state)
{
    (void)state;
    size_t left = leave_few(60), before = fault_live();
    assert_true(kv_pool_evacuate(&pool, SLAB_SIZE) > 0);
    assert_false(kv_pool_is_evacuated(&pool));
    kv_pool_evacuate_end(&pool);
    assert_true(kv_pool_is_evacuated(&pool));
    void *again[1000];
    for (size_t i = 0; i < 1000; i++)
        again[i] = kv_pool_take(&cache, 1000);
    assert_int_equal(fault_live(), before);
    for (size_t i = 0; i < 1000; i++)
        kv_pool_give(&cache, again[i], 1000);
    for (size_t i = 0; i < left; i++)
        kv_pool_give(&cache, blocks[i], 1000);
}

static void test_only_slab_of_its_size_is_not_emptied(void **state)
{
    (void)state;
    take_many(1, 1000);
    kv_pool_cache_empty(&cache);
    assert_int_equal(kv_pool_evacuate(&pool, SLAB_SIZE), 0);
    give_many(1, 1000);
}

static void test_blob_lives_in_the_pool_until_its_last_reference_goes(void **state)
{
    static const size_t sizes[] = {1, 5000, 100000, 5000000};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *data;
        struct weft_blob *blob = weft_blob_new(sizes[i], &data);
        assert_non_null(blob);
        memset(data, 7, sizes[i]);
        struct weft_blob *copy = kv_pool_copy_blob(&cache, blob);
        assert_non_null(copy);
        assert_int_equal(copy == blob, sizes[i] == 5000000);
        assert_true(weft_view_equal(weft_blob_view(copy), weft_blob_view(blob)));
        weft_blob_unref(blob);
        assert_ptr_equal(weft_blob_ref(copy), copy);
        weft_blob_unref(copy);
        weft_blob_unref(copy);
    }
}

static void test_no_memory_for_a_slab_is_told_and_passes(void **state)
{
    (void)state;
    fault_arm(FAULT_ONE, 0);
    assert_null(kv_pool_take(&cache, 64));
    take_many(1, 64);
    give_many(1, 64);
}

static void test_memory_that_the_system_refuses_does_not_count(void **state)
{
    static const size_t sizes[] = {64, 9000, (size_t)KV_RUN_PAGES_MAX * KV_PAGE + 1};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fault_arm(FAULT_FROM, 0);
        assert_null(kv_pool_take(&cache, sizes[i]));
        assert_int_equal(atomic_load(&pool.resident), 0);
        assert_false(cache.refused);
    }
}

static void test_limit_of_resident_memory_may_be_met_to_its_last_byte(void **state)
{
    (void)state;
    pool.resident_max = (int64_t)5 * KV_PAGE;
    void *some = kv_pool_take(&cache, (size_t)3 * KV_PAGE);
    assert_null(kv_pool_take(&cache, (size_t)2 * KV_PAGE + 1));
    assert_true(cache.refused);
    assert_int_equal(atomic_load(&pool.resident), 3 * KV_PAGE);
    pool.resident_max = (int64_t)6 * KV_PAGE;
    void *rest = kv_pool_take(&cache, (size_t)3 * KV_PAGE);
    assert_non_null(rest);
    assert_int_equal(cache.debt, 6 * KV_PAGE);
    kv_pool_give(&cache, some, (size_t)3 * KV_PAGE);
    kv_pool_give(&cache, rest, (size_t)3 * KV_PAGE);
    assert_int_equal(atomic_load(&pool.resident), 0);
}

/* Returns the number of a block's slab among those seen so far. */
static size_t slab_of(const void *block, uintptr_t *slabs)
{
    size_t i = 0;
    while (slabs[i] != 0 && slabs[i] != (uintptr_t)block / SLAB_SIZE)
        i++;
    slabs[i] = (uintptr_t)block / SLAB_SIZE;
    return i;
}

/* Four slabs of one size, of which each has twice the blocks of the one before. */
static void test_sparsest_slabs_go_first_and_with_no_more_bytes_than_allowed(void **state)
{
    enum { SIZE = 1000, SLABS = 4, TAKEN = 240 }; /* 63 fit into a slab */
    unsigned left[SLABS] = {4, 8, 16, 32};
    uintptr_t slabs[SLABS + 1] = {0};
    size_t count = 0, block_size = kv_pool_heap_size(SIZE);
    (void)state;
    take_many(TAKEN, SIZE);
    for (size_t i = 0; i < TAKEN; i++) {
        size_t k = slab_of(blocks[i], slabs);
        assert_true(k < SLABS);
        if (left[k] > 0 && left[k]--)
            blocks[count++] = blocks[i];
        else
            kv_pool_give(&cache, blocks[i], SIZE);
    }
    kv_pool_cache_empty(&cache);
    assert_int_equal(kv_pool_evacuate(&pool, 12 * block_size), 2);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(kv_pool_must_move(&pool, blocks[i], SIZE), slab_of(blocks[i], slabs) < 2);
    kv_pool_evacuate_end(&pool);
    assert_int_equal(kv_pool_evacuate(&pool, 4 * block_size - 1), 0);
    assert_int_equal(kv_pool_evacuate(&pool, 4 * block_size), 1);
    kv_pool_evacuate_end(&pool);
    give_many(count, SIZE);
}

static void test_blocks_at_hand_go_out_before_memory_is_asked_for(void **state)
{
    (void)state;
    take_many(1, 2000);
    fault_arm(FAULT_FROM, 0);
    size_t count = 1;
    while ((blocks[count] = kv_pool_take(&cache, 2000)))
        count++;
    assert_in_range(count, SLAB_SIZE / 2048 - 1, SLAB_SIZE / 2048);
    give_many(count, 2000);
}

static int keep_pages(void *p, size_t size)
{
    (void)p;
    (void)size;
    return -ENOMEM;
}

static void *kept;

static void *new_pages(size_t size)
{
    assert_null(kept);
    kept = aligned_alloc(size, size);
    assert_non_null(kept);
    memset(kept, 0, size);
    return kept;
}

static void test_pages_that_the_system_does_not_take_back_are_used_again(void **state)
{
    static const struct weft_allocator stingy = {.malloc = malloc,
                                                 .realloc = realloc,
                                                 .free = free,
                                                 .pages_new = new_pages,
                                                 .pages_free = keep_pages};
    (void)state;
    weft_mem_use(&stingy);
    for (int i = 0; i < 3; i++) {
        take_many(10, 80);
        give_many(10, 80);
        kv_pool_cache_empty(&cache);
    }
    free(kept);
    fault_install();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_blocks_of_every_size_are_aligned_and_as_large_as_asked),
        TEST(test_blocks_are_at_most_a_sixteenth_larger_than_asked),
        TEST(test_blocks_do_not_overlap),
        TEST(test_block_that_was_given_is_taken_next),
        TEST(test_slabs_go_back_when_their_blocks_do),
        TEST(test_slab_with_one_block_left_is_taken_from_again),
        TEST(test_blocks_may_be_given_through_another_cache),
        TEST(test_larger_blocks_are_runs_of_pages_in_one_region),
        TEST(test_holes_between_runs_are_used_again),
        TEST(test_blocks_larger_than_any_run_are_mallocs),
        TEST(test_limit_refuses_slabs_runs_and_mallocs_but_not_urgent_ones),
        TEST(test_slabs_that_are_emptied_go_when_their_blocks_have_moved),
        TEST(test_slabs_that_could_not_be_emptied_are_used_again),
        TEST(test_only_slab_of_its_size_is_not_emptied),
        TEST(test_blob_lives_in_the_pool_until_its_last_reference_goes),
        TEST(test_no_memory_for_a_slab_is_told_and_passes),
        TEST(test_memory_that_the_system_refuses_does_not_count),
        TEST(test_limit_of_resident_memory_may_be_met_to_its_last_byte),
        TEST(test_sparsest_slabs_go_first_and_with_no_more_bytes_than_allowed),
        TEST(test_blocks_at_hand_go_out_before_memory_is_asked_for),
        TEST(test_pages_that_the_system_does_not_take_back_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
