/* SPDX-License-Identifier: MIT
 *
 * Batches on a map by itself: all or nothing, of any number of keys, some of which come twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "lib/fault.h"
#include "lib/random.h"
#include "map_fixture.h"
#include "services/kv/stores/memory/batch.h"

enum { KEYS = 4000, MOST = 600 };

static struct map_world world;
static struct kv_loop *const loop = &world.loop;
static struct kv_map map;
static struct kv_entry *expected[KEYS]; /* what each key has, or NULL */
static char keys[KEYS][16];
static struct kv_item items[MOST];
static size_t numbers[MOST];
static struct test_random dice;

static void begin(int64_t limit)
{
    dice.state = 11;
    memset(expected, 0, sizeof expected);
    for (size_t i = 0; i < KEYS; i++)
        (void)snprintf(keys[i], sizeof keys[i], "key %zu", i);
    map_world_begin(&world, limit);
    assert_int_equal(kv_map_init(&map, &loop->cache, kv_entry_free), 0);
    assert_true(kv_account_take(loop, kv_map_heap_size_min()));
}

static void finish(void)
{
    kv_map_fini(&map, &loop->cache);
    map_world_end_turns(&world);
    map_world_finish(&world);
}

static struct map_found check(void)
{
    struct map_found found = map_check(&world, &map);
    assert_int_equal(map_world_used(&world), found.bytes);
    return found;
}

/* Makes items of count keys below most, of which some come more than once. */
static void choose(size_t count, size_t most)
{
    for (size_t i = 0; i < count; i++) {
        numbers[i] = test_random_below(&dice, most);
        items[i] = (struct kv_item){.key = weft_view_str(keys[numbers[i]])};
    }
}

/* Makes an entry for each of the items, whose values have up to size bytes. */
static bool make_entries(size_t count, size_t size)
{
    static const uint8_t bytes[5000];
    for (size_t i = 0; i < count; i++) {
        size_t n = size > 0 ? test_random_below(&dice, size) : 0;
        const struct kv_value value = {.bytes = weft_view(bytes, n)};
        items[i].scratch.pointer = kv_entry_new(&loop->cache, items[i].key, &value, KV_NEVER);
        if (!items[i].scratch.pointer) {
            while (i-- > 0)
                kv_entry_free(items[i].scratch.pointer, &loop->cache);
            return false;
        }
    }
    return true;
}

static int put(size_t count, size_t size)
{
    static struct kv_entry *made[MOST];
    if (!make_entries(count, size))
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        made[i] = items[i].scratch.pointer;
    int err = kv_batch_put(&map, loop, items, count);
    for (size_t i = 0; i < count; i++) {
        if (err < 0) {
            kv_entry_free(made[i], &loop->cache);
            continue;
        }
        assert_ptr_equal(items[i].scratch.pointer, expected[numbers[i]]);
        expected[numbers[i]] = made[i];
    }
    return err;
}

static int take_out(size_t count)
{
    int err = kv_batch_remove(&map, loop, items, count);
    for (size_t i = 0; i < count && err == 0; i++) {
        assert_ptr_equal(items[i].scratch.pointer, expected[numbers[i]]);
        expected[numbers[i]] = NULL;
    }
    return err;
}

static void expect_all(void)
{
    for (size_t at = 0; at < KEYS; at += MOST) {
        size_t count = KEYS - at < MOST ? KEYS - at : MOST;
        for (size_t i = 0; i < count; i++)
            items[i] = (struct kv_item){.key = weft_view_str(keys[at + i])};
        assert_int_equal(kv_batch_get(&map, loop, items, count), 0);
        for (size_t i = 0; i < count; i++)
            assert_ptr_equal(items[i].scratch.pointer, expected[at + i]);
    }
    uint64_t count = 0;
    for (size_t i = 0; i < KEYS; i++)
        count += expected[i] != NULL;
    assert_int_equal(check().entries, count);
}

/* A number of keys: mostly few, now and then about as many as are written in place, or many. */
static size_t some_count(void)
{
    switch (test_random_below(&dice, 4)) {
    case 0:
        return 60 + test_random_below(&dice, 10);
    case 1:
        return 1 + test_random_below(&dice, MOST);
    default:
        return 1 + test_random_below(&dice, 8);
    }
}

static void test_batches_of_every_size_do_what_they_say(void **state)
{
    (void)state;
    begin(0);
    for (unsigned step = 0; step < 600; step++) {
        size_t count = some_count();
        choose(count, step % 200 < 20 ? 30 : KEYS);
        if (test_random_below(&dice, 100) < (step % 300 < 150 ? 70 : 30))
            assert_int_equal(put(count, 100), 0);
        else
            assert_int_equal(take_out(count), 0);
        if (step % 10 == 0)
            expect_all();
        map_world_next_turn(&world);
    }
    expect_all();
    for (size_t at = 0; at < KEYS; at += 100) {
        for (size_t i = 0; i < 100; i++) {
            numbers[i] = at + i;
            items[i] = (struct kv_item){.key = weft_view_str(keys[at + i])};
        }
        assert_int_equal(take_out(100), 0);
        map_world_next_turn(&world);
    }
    expect_all();
    assert_int_equal(check().segments, 1);
    assert_int_equal(check().bytes, kv_map_heap_size_min());
    finish();
}

static void test_refused_batch_leaves_everything_as_it_was(void **state)
{
    unsigned refused = 0, removed = 0;
    (void)state;
    begin(200000);
    for (unsigned step = 0; step < 600; step++) {
        size_t count = some_count();
        struct map_found before = check();
        choose(count, KEYS);
        if (step % 8 > 0) {
            int err = put(count, 300);
            assert_true(err == 0 || err == -ENOSPC);
            if (err < 0) {
                struct map_found after = check();
                refused++;
                assert_int_equal(after.entries, before.entries);
                assert_int_equal(after.segments, before.segments);
                assert_int_equal(after.bytes, before.bytes);
            }
        } else {
            assert_int_equal(take_out(count), 0);
            removed++;
        }
        assert_true(map_world_used(&world) <= 200000);
        map_world_next_turn(&world);
    }
    expect_all();
    assert_true(refused > 50);
    assert_true(removed > 50);
    finish();
}

static void test_batch_without_memory_leaves_everything_as_it_was(void **state)
{
    unsigned failed = 0;
    (void)state;
    begin(0);
    fault_arm_random(5, 3);
    for (unsigned step = 0; step < 500; step++) {
        size_t count = some_count();
        struct map_found before = check();
        choose(count, KEYS);
        int err = test_random_below(&dice, 100) < (step < 250 ? 70 : 30) ? put(count, 100)
                                                                         : take_out(count);
        assert_true(err == 0 || err == -ENOMEM);
        if (err < 0) {
            assert_int_equal(check().bytes, before.bytes);
            assert_int_equal(check().segments, before.segments);
            failed++;
        }
        map_world_next_turn(&world);
    }
    fault_arm(FAULT_ONE, SIZE_MAX);
    assert_true(failed > 0);
    expect_all();
    finish();
}

static void test_batch_that_is_not_larger_than_64_keys_moves_no_segment(void **state)
{
    (void)state;
    begin(0);
    for (size_t at = 0; at < 128; at += 64) {
        for (size_t i = 0; i < 64; i++) {
            numbers[i] = at + i;
            items[i] = (struct kv_item){.key = weft_view_str(keys[at + i])};
        }
        assert_int_equal(put(64, 10), 0);
        map_world_next_turn(&world);
    }
    const struct kv_segment *segment = kv_map_segment(&map, 0);
    assert_int_equal(segment->depth, 0);
    for (size_t i = 0; i < 64; i++) {
        numbers[i] = 2 * i;
        items[i] = (struct kv_item){.key = weft_view_str(keys[2 * i])};
    }
    assert_int_equal(put(64, 10), 0);
    assert_ptr_equal(kv_map_segment(&map, 0), segment);
    map_world_next_turn(&world);
    for (size_t i = 0; i < 65; i++) {
        numbers[i] = i;
        items[i] = (struct kv_item){.key = weft_view_str(keys[i])};
    }
    assert_int_equal(put(65, 10), 0);
    assert_true(kv_map_segment(&map, 0) != segment);
    expect_all();
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_of_every_size_do_what_they_say),
        cmocka_unit_test(test_refused_batch_leaves_everything_as_it_was),
        cmocka_unit_test(test_batch_without_memory_leaves_everything_as_it_was),
        cmocka_unit_test(test_batch_that_is_not_larger_than_64_keys_moves_no_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
