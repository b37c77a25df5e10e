/* SPDX-License-Identifier: MIT
 *
 * One segment: what is in its slots after any sequence of puts and removals, and when it counts as full or
 * as sparse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "lib/random.h"
#include "services/kv/stores/memory/segment.h"
#include "services/kv/stores/memory/segment_lock.h"

enum { KEYS = 64 };

static struct kv_pool pool;
static struct kv_pool_cache cache;
static struct kv_entry *entries[KEYS];
static bool present[KEYS];

static int setup(void **state)
{
    (void)state;
    if (kv_pool_init(&pool) < 0)
        return -1;
    kv_pool_cache_init(&cache, &pool);
    for (int i = 0; i < KEYS; i++) {
        char key[16];
        const struct kv_value value = {.bytes = weft_view_str("v")};
        (void)snprintf(key, sizeof key, "k%d", i);
        entries[i] = kv_entry_new(&cache, weft_view_str(key), &value, KV_NEVER);
        assert_non_null(entries[i]);
        present[i] = false;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++)
        kv_entry_free(entries[i], &cache);
    kv_pool_cache_empty(&cache);
    int64_t left = atomic_load(&pool.resident);
    kv_pool_fini(&pool);
    return left == 0 ? 0 : -1;
}

static struct kv_segment *new_segment(uint32_t slots)
{
    struct kv_segment *segment = kv_segment_new(&cache, 0, 0, slots);
    assert_non_null(segment);
    return segment;
}

/* Four keys have the same hash, and the last ones' probing begins at the last slot. */
static uint64_t hash_of(int i)
{
    uint64_t tag = (uint64_t)(i / 4) << 15;
    return i >= KEYS - 8 ? ((uint64_t)1 << KV_SLOT_TAG_BITS) - 1 : tag;
}

static struct kv_place find(struct kv_segment *segment, int i)
{
    return kv_segment_find(segment, hash_of(i), kv_entry_key(entries[i]));
}

static void put(struct kv_segment *segment, int i)
{
    struct kv_place place = find(segment, i);
    assert_true(present[i] ? place.entry == entries[i] : !place.entry);
    if (!place.entry && !kv_segment_has_room(segment, 1))
        return;
    kv_segment_put(segment, place, hash_of(i), entries[i]);
    present[i] = true;
}

static void take_out(struct kv_segment *segment, int i)
{
    struct kv_place place = find(segment, i);
    if (place.entry)
        kv_segment_remove(segment, place);
    present[i] = false;
}

/* Every key is found or not as it should; the counts are right; and nobody has to pass a removed slot before
 * an empty one. */
static void check(struct kv_segment *segment)
{
    uint32_t live = 0, used = 0;
    for (int i = 0; i < KEYS; i++) {
        live += present[i];
        assert_ptr_equal(kv_segment_get(segment, hash_of(i), kv_entry_key(entries[i])),
                         present[i] ? entries[i] : NULL);
        assert_ptr_equal(find(segment, i).entry, present[i] ? entries[i] : NULL);
    }
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        uint64_t slot = segment->slots[i];
        uint64_t next = segment->slots[(i + 1) % segment->slot_count];
        used += slot != KV_SLOT_EMPTY;
        assert_false(slot == KV_SLOT_REMOVED && next == KV_SLOT_EMPTY);
    }
    assert_int_equal(kv_segment_live(segment), live);
    assert_int_equal(segment->used, used);
    assert_true(used <= segment->slot_count / 5.0 * 4);
}

static void test_segment_has_what_was_put_and_not_removed(void **state)
{
    struct test_random random = {7};
    (void)state;
    for (uint32_t slots = KV_SEGMENT_SLOTS_MIN; slots <= 2 * KEYS; slots += 8) {
        struct kv_segment *segment = new_segment(slots);
        for (int i = 0; i < KEYS; i++)
            present[i] = false;
        for (int step = 0; step < 400; step++) {
            int i = (int)test_random_below(&random, KEYS);
            if (test_random_below(&random, step < 200 ? 3 : 2) > 0)
                put(segment, i);
            else
                take_out(segment, i);
            check(segment);
        }
        for (int i = 0; i < KEYS; i++)
            take_out(segment, i);
        check(segment);
        assert_int_equal(segment->used, 0);
        kv_segment_free(segment, &cache);
    }
}

static void test_free_slot_of_a_removed_key_is_used_again(void **state)
{
    (void)state;
    struct kv_segment *segment = new_segment(16);
    for (int i = 0; i < 3; i++)
        put(segment, i);
    _Atomic uint64_t *slot = find(segment, 1).slot;
    take_out(segment, 1);
    assert_ptr_equal(find(segment, 3).slot, slot);
    put(segment, 3);
    assert_int_equal(segment->used, 3);
    check(segment);
    kv_segment_free(segment, &cache);
}

static void test_copy_has_the_entries_and_not_the_removed_slots(void **state)
{
    (void)state;
    struct kv_segment *segment = new_segment(2 * KEYS), *copy = new_segment(KEYS);
    for (int i = 0; i < KEYS; i++)
        put(segment, i);
    for (int i = 0; i < KEYS; i++)
        if (i % 3 > 0)
            take_out(segment, i);
    kv_segment_note_due(segment, 77);
    kv_segment_adopt_all(copy, segment);
    check(copy);
    assert_int_equal(copy->used, kv_segment_live(copy));
    assert_int_equal(kv_segment_due(copy), 77);
    kv_segment_free(segment, &cache);
    kv_segment_free(copy, &cache);
}

static void test_due_is_the_earliest_that_was_noted(void **state)
{
    (void)state;
    struct kv_segment *segment = new_segment(8);
    assert_int_equal(kv_segment_due(segment), KV_UNTIMED);
    kv_segment_note_due(segment, 50);
    kv_segment_note_due(segment, 60);
    assert_int_equal(kv_segment_due(segment), 50);
    kv_segment_note_due(segment, 40);
    assert_int_equal(kv_segment_due(segment), 40);
    kv_segment_free(segment, &cache);
}

static void test_room_is_four_fifths_of_the_slots(void **state)
{
    (void)state;
    for (uint32_t slots = KV_SEGMENT_SLOTS_MIN; slots <= KV_SEGMENT_SLOTS_MAX; slots += 8) {
        struct kv_segment *segment = new_segment(slots);
        uint32_t most = slots * 4 / 5;
        assert_true(kv_segment_has_room(segment, most));
        assert_false(kv_segment_has_room(segment, most + 1));
        segment->used = (uint16_t)(most - 1);
        assert_true(kv_segment_has_room(segment, 1));
        assert_false(kv_segment_has_room(segment, 2));
        kv_segment_free(segment, &cache);
    }
}

static void test_slots_for_some_entries_have_room_for_a_quarter_more(void **state)
{
    (void)state;
    for (size_t live = 0; live * 25 / 16 <= KV_SEGMENT_SLOTS_MAX; live++) {
        size_t slots = kv_segment_slots_for(live);
        assert_true(slots >= KV_SEGMENT_SLOTS_MIN);
        assert_int_equal(slots % 8, 0); /* whole cache lines */
        assert_true(slots * 4 / 5 >= live + live / 4);
        assert_true(slots == KV_SEGMENT_SLOTS_MIN || slots < live * 25 / 16 + 9);
    }
}

static void test_segment_is_sparse_under_a_quarter_unless_it_is_the_smallest_of_all(void **state)
{
    (void)state;
    for (uint32_t depth = 0; depth < 2; depth++)
        for (uint32_t slots = KV_SEGMENT_SLOTS_MIN; slots <= 64; slots += 8) {
            struct kv_segment *segment = kv_segment_new(&cache, 0, depth, slots);
            for (uint32_t live = 0; live < slots; live++) {
                bool may_shrink = depth > 0 || slots > KV_SEGMENT_SLOTS_MIN;
                segment->live = (uint16_t)live;
                assert_int_equal(kv_segment_is_sparse(segment), may_shrink && live < slots / 4);
            }
            kv_segment_free(segment, &cache);
        }
}

static void test_state_says_what_happened_under_the_lock(void **state)
{
    (void)state;
    struct kv_segment *segment = new_segment(8);
    assert_true(kv_segment_lock(segment, KV_SEGMENT_BATCH));
    assert_int_equal(segment->state, KV_SEGMENT_LOCKED | KV_SEGMENT_BATCH);
    kv_segment_unlock(segment, false);
    assert_int_equal(segment->state, 0);
    assert_true(kv_segment_lock(segment, 0));
    kv_segment_unlock(segment, true);
    assert_int_equal(segment->state, KV_SEGMENT_VERSION);
    assert_true(kv_segment_lock(segment, KV_SEGMENT_FROZEN));
    kv_segment_kill(segment);
    assert_int_equal(segment->state, KV_SEGMENT_VERSION | KV_SEGMENT_DEAD);
    assert_false(kv_segment_lock(segment, 0));
    assert_int_equal(segment->state, KV_SEGMENT_VERSION | KV_SEGMENT_DEAD);
    kv_segment_free(segment, &cache);
}

static void test_steps_of_waiting_are_counted(void **state)
{
    (void)state;
    unsigned steps = 0;
    for (unsigned i = 1; i <= 200; i++) {
        kv_segment_wait(&steps);
        assert_int_equal(steps, i);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_segment_has_what_was_put_and_not_removed),
        TEST(test_free_slot_of_a_removed_key_is_used_again),
        TEST(test_copy_has_the_entries_and_not_the_removed_slots),
        TEST(test_due_is_the_earliest_that_was_noted),
        TEST(test_room_is_four_fifths_of_the_slots),
        TEST(test_slots_for_some_entries_have_room_for_a_quarter_more),
        TEST(test_segment_is_sparse_under_a_quarter_unless_it_is_the_smallest_of_all),
        TEST(test_state_says_what_happened_under_the_lock),
        TEST(test_steps_of_waiting_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
