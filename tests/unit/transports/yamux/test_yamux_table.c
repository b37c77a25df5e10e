/* SPDX-License-Identifier: MIT
 *
 * The table of a session's streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transports/yamux/protocol.h"

enum { FLOWS = 1000 };

static struct weft__yamux_flow flows[FLOWS];

/* Adds streams as one side opens them, from the first id on. */
static void fill(struct weft__yamux_table *table, uint32_t first)
{
    *table = (struct weft__yamux_table){.count = 0};
    for (uint32_t i = 0; i < FLOWS; i++) {
        flows[i] = (struct weft__yamux_flow){.id = first + 2 * i};
        assert_int_equal(weft__yamux_table_add(table, &flows[i]), 0);
    }
}

static size_t longest_run(const struct weft__yamux_table *table)
{
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < 2 * table->capacity; i++) {
        run = table->slots[i % table->capacity] ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* A search ends at a free slot, so a run is what each search may have to pass. */
static void test_ids_in_a_row_leave_no_long_run_of_full_slots(void **state)
{
    static const uint32_t firsts[] = {1, 2, 99999, UINT32_MAX - 2 * FLOWS};
    (void)state;
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        struct weft__yamux_table table;
        fill(&table, firsts[i]);
        assert_true(longest_run(&table) <= 4);
        weft__yamux_table_fini(&table);
    }
}

static void test_streams_are_found_while_others_come_and_go(void **state)
{
    struct weft__yamux_table table;
    (void)state;
    fill(&table, 1);
    for (uint32_t round = 0; round < 20; round++)
        for (uint32_t i = round % 3; i < FLOWS; i += 3) {
            weft__yamux_table_remove(&table, flows[i].id);
            assert_null(weft__yamux_table_find(&table, flows[i].id));
            flows[i].id += 2 * FLOWS;
            assert_int_equal(weft__yamux_table_add(&table, &flows[i]), 0);
        }
    for (size_t i = 0; i < FLOWS; i++)
        assert_ptr_equal(weft__yamux_table_find(&table, flows[i].id), &flows[i]);
    weft__yamux_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_in_a_row_leave_no_long_run_of_full_slots),
        cmocka_unit_test(test_streams_are_found_while_others_come_and_go),
    };
    return cmocka_run_group_tests_name("yamux table", tests, NULL, NULL);
}
