/* SPDX-License-Identifier: MIT
 *
 * The memory that one operation of the memory store asks of the allocator and gives back to it, together with
 * the turn it is done in: a few blocks of bounded size, however many keys a table has had. The time
 * that takes is measured elsewhere (tests/bench/store_pauses.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "lib/store_client.h"
#include "services/kv/stores/memory/memory.h"

enum {
    KEYS = 60000,
    SLAB_SIZE = 64 * 1024,
    REGION_SIZE = 16 << 20, /* addresses, of which pages are taken one run at a time */
    /* A split asks for the doubled directory, a first write for a table and its directory, both for
     * a little for what is to be freed; two segments and an entry may be the first of their slabs. */
    MOST_BLOCKS = 3,
    MOST_BYTES = 16 * 1024,
    MOST_SLABS = 3,
    /* A turn frees what it took out of the table, and of slabs those of a batch of blocks. */
    MOST_FREED = 4,
    MOST_SLABS_FREED = 64 + 3,
};

static struct {
    size_t blocks, bytes, freed, slabs, slabs_freed;
} step;

static void *count_malloc(size_t size)
{
    step.blocks++;
    step.bytes += size;
    return malloc(size);
}

static void *count_realloc(void *p, size_t size)
{
    step.blocks++;
    step.bytes += size;
    return realloc(p, size);
}

static void count_free(void *p)
{
    step.freed += p != NULL;
    free(p);
}

static void *count_pages_new(size_t size)
{
    assert_true(size == SLAB_SIZE || size == REGION_SIZE);
    step.slabs++;
    return weft_mem_system()->pages_new(size);
}

static int count_pages_free(void *p, size_t size)
{
    step.slabs_freed++;
    return weft_mem_system()->pages_free(p, size);
}

static int setup(void **state)
{
    static const struct weft_allocator counting = {
        .malloc = count_malloc,
        .realloc = count_realloc,
        .free = count_free,
        .pages_new = count_pages_new,
        .pages_free = count_pages_free,
    };
    static const uint8_t seed[16] = {1};
    static struct store_client client;
    weft_mem_use(&counting);
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    *state = &client;
    return 0;
}

static int teardown(void **state)
{
    store_client_fini(*state);
    weft_mem_use(NULL);
    return 0;
}

static void assert_step_was_small(void)
{
    assert_in_range(step.blocks, 0, MOST_BLOCKS);
    assert_in_range(step.bytes, 0, MOST_BYTES);
    assert_in_range(step.slabs, 0, MOST_SLABS);
    assert_in_range(step.freed, 0, MOST_FREED);
    assert_in_range(step.slabs_freed, 0, MOST_SLABS_FREED);
}

/* The store's own part: what is found is left where it is. */
static void do_key(struct store_client *client, enum kv_store_kind kind, unsigned number)
{
    char key[16];
    (void)snprintf(key, sizeof key, "key %u", number);
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view_str("value")};
    memset(&step, 0, sizeof step);
    assert_int_equal(store_client_do(client, kind, "t", &item, 1), KV_DONE);
    store_items_drop(&item, 1);
    assert_step_was_small();
}

static void test_no_write_takes_or_frees_much_while_a_table_grows(void **state)
{
    for (unsigned i = 0; i < KEYS; i++)
        do_key(*state, KV_MSET, i);
}

static void test_no_removal_takes_or_frees_much_while_a_table_shrinks(void **state)
{
    for (unsigned i = 0; i < KEYS; i++)
        do_key(*state, KV_MSET, i);
    for (unsigned i = 0; i < KEYS; i++)
        do_key(*state, KV_MDEL, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_write_takes_or_frees_much_while_a_table_grows,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_removal_takes_or_frees_much_while_a_table_shrinks,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
