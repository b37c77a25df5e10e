/* SPDX-License-Identifier: MIT
 *
 * A tour of all tables, in steps, while tables come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "map_fixture.h"
#include "services/kv/stores/memory/tour.h"

enum { TABLES = 300 };

static struct map_world world;
static struct kv_loop *const loop = &world.loop;
static struct kv_tables tables;
static struct kv_table_cache cache;

struct test_tour {
    struct kv_tour tour;
    size_t visits, segments;
    struct kv_table *last;
    bool stays; /* tables are not finished by one visit */
};

static struct weft_view name_of(size_t i)
{
    static char name[32];
    (void)snprintf(name, sizeof name, "table %zu", i);
    return weft_view_str(name);
}

static int put_one(void *arg, struct kv_map *map)
{
    const struct kv_value value = {.bytes = weft_view_str("v")};
    struct kv_entry *old, *entry = kv_entry_new(&loop->cache, weft_view_str("k"), &value, KV_NEVER);
    (void)arg;
    return entry ? kv_map_put(map, loop, kv_map_hash(loop, weft_view_str("k")), entry, &old)
                 : -ENOMEM;
}

static void begin(size_t table_count)
{
    map_world_begin(&world, 0);
    cache = (struct kv_table_cache){.table = NULL};
    assert_int_equal(kv_tables_init(&tables, &loop->cache), 0);
    for (size_t i = 0; i < table_count; i++) {
        assert_int_equal(kv_tables_write(&tables, loop, name_of(i), put_one, NULL, 1), 0);
        map_world_next_turn(&world);
    }
}

static void finish(void)
{
    map_world_end_turns(&world);
    kv_tables_fini(&tables, &loop->cache);
    map_world_finish(&world);
}

static int visit(struct kv_tour *tour, struct kv_table *table, int budget)
{
    struct test_tour *self = weft_container_of(tour, struct test_tour, tour);
    self->visits++;
    self->last = table;
    tour->key_from = self->stays ? 1 : 0;
    return self->stays ? 0 : budget - 1;
}

static void see_segment(struct kv_tour *tour, struct kv_segment *segment)
{
    struct test_tour *self = weft_container_of(tour, struct test_tour, tour);
    assert_ptr_equal(segment, kv_map_segment(&tables.index, tour->table_from));
    self->segments++;
}

static void drop_table(struct kv_table *table)
{
    struct weft_view key = weft_view_str("k");
    struct kv_entry *old;
    assert_int_equal(kv_map_remove(&table->map, loop, kv_map_hash(loop, key), key, &old), 0);
    kv_tables_drop(&tables, loop, table);
    map_world_next_turn(&world);
}

static void test_tour_visits_every_table_once_whatever_its_steps(void **state)
{
    (void)state;
    begin(TABLES);
    for (int budget = 1; budget < 2 * TABLES; budget += 1 + budget / 2) {
        struct test_tour self = {.tour = {.table = visit, .index = see_segment}};
        while (!kv_tour_step(&self.tour, &tables, loop, budget))
            ;
        assert_int_equal(self.visits, TABLES);
    }
    finish();
}

static void test_tour_sees_every_segment_of_the_index_once_if_it_is_not_interrupted(void **state)
{
    (void)state;
    begin(TABLES);
    struct test_tour self = {.tour = {.table = visit, .index = see_segment}};
    assert_true(kv_tour_step(&self.tour, &tables, loop, 2 * TABLES));
    assert_int_equal(self.segments, map_check(&world, &tables.index).segments);
    finish();
}

static void test_tour_comes_back_to_the_table_that_it_has_not_finished(void **state)
{
    (void)state;
    begin(3);
    struct test_tour self = {.tour = {.table = visit}, .stays = true};
    assert_false(kv_tour_step(&self.tour, &tables, loop, 100));
    const struct kv_table *first = self.last;
    assert_false(kv_tour_step(&self.tour, &tables, loop, 100));
    assert_ptr_equal(self.last, first);
    self.stays = false;
    assert_true(kv_tour_step(&self.tour, &tables, loop, 100));
    assert_int_equal(self.visits, 2 + 3);
    finish();
}

static void test_tour_goes_on_where_the_table_that_it_has_not_finished_has_gone(void **state)
{
    (void)state;
    begin(3);
    struct test_tour self = {.tour = {.table = visit}, .stays = true};
    assert_false(kv_tour_step(&self.tour, &tables, loop, 100));
    drop_table(self.last);
    self.stays = false;
    assert_true(kv_tour_step(&self.tour, &tables, loop, 100));
    assert_int_equal(self.visits, 1 + 2);
    finish();
}

static void test_tour_ends_where_the_last_table_has_gone_before_it_was_finished(void **state)
{
    (void)state;
    begin(1);
    struct test_tour self = {.tour = {.table = visit}, .stays = true};
    assert_false(kv_tour_step(&self.tour, &tables, loop, 100));
    drop_table(self.last);
    assert_true(kv_tour_step(&self.tour, &tables, loop, 100));
    assert_int_equal(self.visits, 1);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tour_visits_every_table_once_whatever_its_steps),
        cmocka_unit_test(test_tour_sees_every_segment_of_the_index_once_if_it_is_not_interrupted),
        cmocka_unit_test(test_tour_comes_back_to_the_table_that_it_has_not_finished),
        cmocka_unit_test(test_tour_goes_on_where_the_table_that_it_has_not_finished_has_gone),
        cmocka_unit_test(test_tour_ends_where_the_last_table_has_gone_before_it_was_finished),
    };
    return cmocka_run_group_tests_name("tour", tests, NULL, NULL);
}
