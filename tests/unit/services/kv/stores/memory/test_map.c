/* SPDX-License-Identifier: MIT
 *
 * A map by itself, whose whole is looked at after each step, and the account, which must have every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "lib/fault.h"
#include "lib/random.h"
#include "map_fixture.h"

enum { KEYS = 20000 };

static struct map_world world;
static struct kv_shared *const shared = &world.shared;
static struct kv_loop *const loop = &world.loop;
static struct kv_map map;
static bool present[KEYS];

static void begin(int64_t limit)
{
    memset(present, 0, sizeof present);
    map_world_begin(&world, limit);
    assert_int_equal(kv_map_init(&map, &loop->cache, kv_entry_free), 0);
    assert_true(kv_account_take(loop, kv_map_heap_size_min()));
}

static void next_turn(void)
{
    map_world_next_turn(&world);
}

static void finish(void)
{
    if (kv_map_is_dead(&map))
        kv_map_fini_dead(&map);
    else
        kv_map_fini(&map, &loop->cache);
    map_world_end_turns(&world);
    map_world_finish(&world);
}

static struct weft_view key_of(size_t i)
{
    static char key[32];
    (void)snprintf(key, sizeof key, "key %zu", i);
    return weft_view_str(key);
}

static struct kv_entry *get(size_t i)
{
    return kv_map_get(&map, kv_map_hash(loop, key_of(i)), key_of(i));
}

static int put(size_t i, const char *text)
{
    const struct kv_value value = {.bytes = weft_view_str(text)};
    struct kv_entry *entry = kv_entry_new(&loop->cache, key_of(i), &value, KV_NEVER), *old = NULL;
    if (!entry)
        return -ENOMEM;
    int err = kv_map_put(&map, loop, kv_map_hash(loop, key_of(i)), entry, &old);
    if (err < 0) {
        kv_entry_free(entry, &loop->cache);
        return err;
    }
    assert_int_equal(old != NULL, present[i]);
    present[i] = true;
    return 0;
}

static int take_out(size_t i)
{
    struct kv_entry *old = NULL;
    int err = kv_map_remove(&map, loop, kv_map_hash(loop, key_of(i)), key_of(i), &old);
    if (err < 0)
        return err;
    assert_int_equal(old != NULL, present[i]);
    present[i] = false;
    return 0;
}

static struct map_found check(void)
{
    struct map_found found = map_check(&world, &map);
    assert_int_equal(map_world_used(&world), found.bytes);
    return found;
}

static void check_keys(void)
{
    uint64_t count = 0;
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(get(i) != NULL, present[i]);
        count += present[i];
    }
    assert_int_equal(check().entries, count);
}

static void expect_smallest(void)
{
    const struct kv_directory *directory = kv_map_directory(&map);
    assert_int_equal(directory->depth, 0);
    assert_int_equal(kv_directory_segment(directory, 0)->slot_count, KV_SEGMENT_SLOTS_MIN);
    assert_true(kv_map_is_empty(&map));
}

static void test_map_grows_and_shrinks_with_its_keys(void **state)
{
    (void)state;
    begin(0);
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(put(i, "v"), 0);
        if (i % 1000 == 0 || i < 100)
            check();
        next_turn();
    }
    check_keys();
    size_t most = check().segments;
    assert_true(kv_map_directory(&map)->depth > 0);
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(take_out(i * 7919 % KEYS), 0);
        if (i % 1000 == 0 || i > KEYS - 100)
            check();
        if (i == KEYS / 10 * 9)
            assert_true(check().segments <= most / 2);
        next_turn();
    }
    check_keys();
    expect_smallest();
    finish();
}

static void test_segment_gets_room_for_a_quarter_more_when_it_grows(void **state)
{
    (void)state;
    begin(0);
    uint32_t slots = KV_SEGMENT_SLOTS_MIN, growths = 0;
    for (size_t i = 0; kv_map_directory(&map)->depth == 0; i++) {
        assert_int_equal(put(i, "v"), 0);
        const struct kv_segment *segment = kv_map_segment(&map, 0);
        if (segment->depth == 0 && segment->slot_count != slots) {
            assert_true(kv_segment_has_room(segment, (i + 1) / 4));
            slots = segment->slot_count;
            growths++;
        }
        next_turn();
    }
    assert_in_range(growths, 15, 40);
    finish();
}

static void test_replaced_value_is_accounted_for_and_found(void **state)
{
    static const char *const values[] = {"a", "b", "a much longer value than the one before", ""};
    (void)state;
    begin(0);
    for (size_t v = 0; v < sizeof values / sizeof *values; v++)
        for (size_t i = 0; i < 100; i++) {
            assert_int_equal(put(i, values[v]), 0);
            const struct kv_value value = kv_entry_value(get(i));
            assert_true(weft_view_equal(value.bytes, weft_view_str(values[v])));
            check();
            next_turn();
        }
    finish();
}

static void test_limit_refuses_and_leaves_everything_as_it_was(void **state)
{
    unsigned refused = 0;
    (void)state;
    begin(20000);
    for (size_t i = 0; i < KEYS; i++) {
        struct map_found before = check();
        int err = put(i, "some value");
        struct map_found after = check();
        if (err < 0) {
            assert_int_equal(err, -ENOSPC);
            assert_int_equal(after.bytes, before.bytes);
            assert_int_equal(after.segments, before.segments);
            if (++refused == 50)
                break;
        }
        assert_true(after.bytes <= 20000);
        next_turn();
    }
    assert_int_equal(refused, 50);
    assert_true(check().bytes > 15000);
    check_keys();
    finish();
}

static void fail_at_random(uint64_t seed)
{
    struct test_random random = {seed};
    unsigned failed = 0;
    begin(0);
    fault_arm_random(seed, 3);
    for (size_t step = 0; step < 6000; step++) {
        bool grows = step % 3000 < 1700;
        size_t i = test_random_below(&random, 2000);
        int err = (test_random_below(&random, 4) > 0) == grows ? put(i, "v") : take_out(i);
        assert_true(err == 0 || err == -ENOMEM);
        failed += err < 0;
        if (step % 64 == 0) {
            check();
            next_turn();
        }
    }
    assert_true(failed > 0);
    fault_arm(FAULT_ONE, SIZE_MAX);
    check_keys();
    finish();
}

static void test_map_stays_whole_where_memory_lacks_now_and_then(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        fail_at_random(seed);
}

static uint64_t state_of_the_segment(size_t i)
{
    return atomic_load(&kv_map_segment(&map, kv_map_hash(loop, key_of(i)))->state);
}

/* Readers without a lock compare the states before and after they looked. */
static void test_every_change_and_nothing_else_changes_the_state_of_its_segment(void **state)
{
    (void)state;
    begin(kv_map_heap_size_min() + 200);
    uint64_t before = state_of_the_segment(0);
    assert_int_equal(put(0, "v"), 0);
    assert_int_not_equal(state_of_the_segment(0), before);
    before = state_of_the_segment(0);
    assert_int_equal(put(0, "w"), 0);
    assert_int_not_equal(state_of_the_segment(0), before);
    before = state_of_the_segment(0);
    char large[400] = {0};
    memset(large, 'x', sizeof large - 1);
    assert_int_equal(put(1, large), -ENOSPC);
    assert_int_equal(take_out(2), 0);
    assert_int_equal(state_of_the_segment(0), before);
    assert_int_equal(take_out(0), 0);
    assert_int_not_equal(state_of_the_segment(0), before);
    finish();
}

static void drop_nothing(void *object, void *context)
{
    (void)object, (void)context;
}

/* Retires nothings until there is room for one thing more. */
static void fill_the_list_of_retired(void)
{
    assert_int_equal(kv_epoch_reserve(&loop->epoch, 2), 0);
    while (loop->epoch.retired.capacity - loop->epoch.retired.count > 1)
        kv_epoch_retire(&loop->epoch, &map, drop_nothing);
}

/* A removal needs one place; the merge behind it, which needs two more, waits for a better time. */
static void test_segments_stay_apart_where_there_is_no_room_to_retire_them(void **state)
{
    (void)state;
    begin(0);
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(put(i, "v"), 0);
        next_turn();
    }
    for (size_t i = 0; i < KEYS; i++) {
        fill_the_list_of_retired();
        fault_arm(FAULT_ONE, 0);
        assert_int_equal(take_out(i), 0);
        fault_disarm();
        next_turn();
    }
    check_keys();
    finish();
}

static void test_only_an_empty_map_dies_and_then_for_good(void **state)
{
    (void)state;
    begin(0);
    assert_int_equal(put(1, "v"), 0);
    uint64_t version = kv_map_segment(&map, 0)->state;
    assert_int_equal(kv_map_kill(&map, loop), -EBUSY);
    assert_int_equal(kv_map_segment(&map, 0)->state, version); /* no reader has to look again */
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(put(i, "v"), 0);
    assert_int_equal(kv_map_kill(&map, loop), -EBUSY);
    check_keys();
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(take_out(i), 0);
    check_keys();
    assert_int_equal(kv_map_kill(&map, loop), 0);
    assert_true(kv_map_is_dead(&map));
    assert_int_equal(put(1, "v"), -ESTALE);
    assert_int_equal(take_out(1), -ESTALE);
    assert_null(get(1));
    assert_int_equal(kv_map_kill(&map, loop), -EBUSY);
    assert_int_equal(map_world_used(&world), 0);
    finish();
}

static bool must_move(const void *block, size_t size)
{
    return kv_pool_must_move(&shared->pool, block, size);
}

/* The segments and the directory of a map whose neighbours in their slabs have gone. */
static void test_segments_and_directory_move_out_of_slabs_to_be_emptied(void **state)
{
    enum { MAPS = 6000, KEPT = 150 };
    static struct kv_map others[MAPS];
    unsigned moved_segments = 0, moved_directories = 0;
    (void)state;
    begin(0);
    for (size_t i = 0; i < MAPS; i++)
        assert_int_equal(kv_map_init(&others[i], &loop->cache, kv_entry_free), 0);
    for (size_t i = 0; i < MAPS; i++)
        if (i % KEPT > 0)
            kv_map_fini(&others[i], &loop->cache);
    kv_pool_cache_empty(&loop->cache);
    assert_true(kv_pool_evacuate(&shared->pool, 1 << 20) > 0);
    for (size_t i = 0; i < MAPS; i += KEPT) {
        const struct kv_segment *segment = kv_map_segment(&others[i], 0);
        const struct kv_directory *directory = kv_map_directory(&others[i]);
        size_t size = kv_segment_block_size(segment);
        bool segment_moves = must_move(segment, size);
        bool directory_moves = must_move(directory, sizeof *directory + sizeof(void *));
        kv_map_move(&others[i], loop, 0);
        assert_int_equal(kv_map_segment(&others[i], 0) != segment, segment_moves);
        assert_int_equal(kv_map_directory(&others[i]) != directory, directory_moves);
        assert_false(must_move(kv_map_segment(&others[i], 0), size));
        assert_int_equal(kv_map_directory(&others[i])->full, 1);
        moved_segments += segment_moves;
        moved_directories += directory_moves;
        next_turn();
    }
    kv_map_move(&map, loop, 0);
    assert_true(moved_segments > 0);
    assert_true(moved_directories > 0);
    next_turn();
    kv_pool_cache_empty(&loop->cache);
    assert_true(kv_pool_is_evacuated(&shared->pool));
    kv_pool_evacuate_end(&shared->pool);
    for (size_t i = 0; i < MAPS; i += KEPT)
        kv_map_fini(&others[i], &loop->cache);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_grows_and_shrinks_with_its_keys),
        cmocka_unit_test(test_segment_gets_room_for_a_quarter_more_when_it_grows),
        cmocka_unit_test(test_replaced_value_is_accounted_for_and_found),
        cmocka_unit_test(test_limit_refuses_and_leaves_everything_as_it_was),
        cmocka_unit_test(test_map_stays_whole_where_memory_lacks_now_and_then),
        cmocka_unit_test(test_every_change_and_nothing_else_changes_the_state_of_its_segment),
        cmocka_unit_test(test_segments_stay_apart_where_there_is_no_room_to_retire_them),
        cmocka_unit_test(test_only_an_empty_map_dies_and_then_for_good),
        cmocka_unit_test(test_segments_and_directory_move_out_of_slabs_to_be_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
