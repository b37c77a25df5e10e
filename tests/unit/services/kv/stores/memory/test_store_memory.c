/* SPDX-License-Identifier: MIT
 *
 * The memory store beyond the contract: how much it holds, and that it gives it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fault.h"
#include "lib/sample_text.h"
#include "lib/store_client.h"
#include "services/kv/stores/memory/memory.h"

static int forget_faults(void **state)
{
    (void)state;
    fault_remove();
    return 0;
}

static enum kv_outcome set_value(struct store_client *client, const char *table, const char *key,
                                 size_t size)
{
    uint8_t *data = calloc(1, size);
    assert_non_null(data);
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view(data, size)};
    enum kv_outcome outcome = store_client_do(client, KV_MSET, table, &item, 1);
    if (outcome == KV_DONE)
        store_items_drop(&item, 1);
    free(data);
    return outcome;
}

static void number_key(char *dst, size_t size, unsigned i)
{
    (void)snprintf(dst, size, "key %u", i);
}

/* Sets keys until the store is full; how many it took. */
static unsigned fill(struct store_client *client, const char *table)
{
    char key[16];
    unsigned count = 0;
    enum kv_outcome outcome;
    do {
        number_key(key, sizeof key, count);
        outcome = set_value(client, table, key, 1000);
    } while (outcome == KV_DONE && ++count < 10000);
    assert_int_equal(outcome, KV_FULL);
    return count;
}

static void test_full_store_refuses_writes_and_goes_on_reading(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init(&client, &weft_kv_store_memory, 1000 * 1000);
    unsigned count = fill(&client, "t");
    assert_in_range(count, 900, 1000);
    assert_true(store_client_has(&client, "t", "key 0"));
    assert_false(store_client_has(&client, "t", "key 9999"));
    store_client_fini(&client);
}

static void test_full_store_takes_writes_again_after_removals(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init(&client, &weft_kv_store_memory, 1000 * 1000);
    unsigned count = fill(&client, "t");
    for (unsigned i = 0; i < count; i++) {
        char key[16];
        number_key(key, sizeof key, i);
        assert_true(store_client_del(&client, "t", key));
    }
    assert_in_range(fill(&client, "t"), count - 20, count + 20);
    store_client_fini(&client);
}

static void test_full_store_takes_a_value_in_the_place_of_one_as_large(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init(&client, &weft_kv_store_memory, 1000 * 1000);
    (void)fill(&client, "t");
    assert_int_equal(set_value(&client, "t", "key 1", 1000), KV_DONE);
    assert_int_equal(set_value(&client, "t", "key 1", 10), KV_DONE);
    assert_int_equal(set_value(&client, "t", "key 1", 100 * 1000), KV_FULL);
    store_client_fini(&client);
}

static void test_full_store_refuses_batches_whole(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init(&client, &weft_kv_store_memory, 1000 * 1000);
    (void)fill(&client, "t");
    struct kv_item items[40];
    char keys[40][16];
    static const uint8_t value[4000];
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "new %u", i);
        items[i] = (struct kv_item){.key = weft_view_str(keys[i]),
                                    .value.bytes = weft_view(value, sizeof value)};
    }
    assert_int_equal(store_client_do(&client, KV_MSET, "t", items, 40), KV_FULL);
    for (unsigned i = 0; i < 40; i++)
        assert_false(store_client_has(&client, "t", keys[i]));
    store_client_fini(&client);
}

static void test_blobs_count_as_what_they_hold(void **state)
{
    struct store_client client;
    uint8_t *data;
    (void)state;
    store_client_init(&client, &weft_kv_store_memory, 1000 * 1000);
    struct weft_blob *blob = weft_blob_new(600 * 1000, &data);
    assert_non_null(blob);
    memset(data, 0, 600 * 1000);
    struct kv_item item = {.key = weft_view_str("a"), .value = {weft_blob_view(blob), blob}};
    assert_int_equal(store_client_do(&client, KV_MSET, "t", &item, 1), KV_DONE);
    item.key = weft_view_str("b");
    assert_int_equal(store_client_do(&client, KV_MSET, "t", &item, 1), KV_FULL);
    weft_blob_unref(blob);
    store_client_fini(&client);
}

static void test_table_that_a_full_store_refused_is_not_left_behind(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init(&client, &weft_kv_store_memory, 1000 * 1000);
    (void)fill(&client, "t");
    fault_install();
    size_t before = fault_live();
    for (unsigned i = 0; i < 100; i++) {
        char table[16];
        (void)snprintf(table, sizeof table, "table %u", i);
        assert_int_equal(set_value(&client, table, "k", 10000), KV_FULL);
    }
    /* Nothing but the list of what is to be freed. */
    assert_in_range(fault_live() - before, 0, 2);
    fault_remove();
    store_client_fini(&client);
}

/* All keys of a table in batches of count. */
static void do_keys(struct store_client *client, enum kv_store_kind kind, unsigned keys,
                    unsigned count)
{
    struct kv_item *items = calloc(count, sizeof *items);
    char(*names)[16] = calloc(count, sizeof *names);
    assert_non_null(items);
    assert_non_null(names);
    for (unsigned begin = 0; begin < keys; begin += count) {
        for (unsigned i = 0; i < count; i++) {
            number_key(names[i], sizeof names[i], begin + i);
            items[i] = (struct kv_item){.key = weft_view_str(names[i]),
                                        .value.bytes = weft_view_str("value")};
        }
        assert_int_equal(store_client_do(client, kind, "t", items, count), KV_DONE);
        store_items_drop(items, count);
    }
    free(items);
    free(names);
}

static void assert_all_is_given_back(unsigned batch)
{
    static const uint8_t seed[16] = {1, 2, 3};
    struct store_client client;
    fault_install();
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    size_t before = fault_live();
    do_keys(&client, KV_MSET, 50 * batch, batch);
    assert_true(fault_live() > before + batch / 50);
    do_keys(&client, KV_MDEL, 50 * batch, batch);
    /* The lists of what is to be freed, and a slab or two of the sizes at hand. */
    assert_true(fault_live() <= before + 16);
    store_client_fini(&client);
    assert_int_equal(fault_live(), 0);
}

static void test_table_gives_everything_back_when_its_last_key_goes(void **state)
{
    (void)state;
    assert_all_is_given_back(1);
    assert_all_is_given_back(1000);
}

static void test_used_bytes_come_back_to_nothing(void **state)
{
    struct store_client client;
    (void)state;
    store_client_init(&client, &weft_kv_store_memory, 0);
    do_keys(&client, KV_MSET, 30000, 1000);
    int64_t full = kv_store_memory_used(client.state);
    assert_in_range(full, 30000 * 32, 30000 * 80);
    do_keys(&client, KV_MDEL, 30000, 1000);
    store_client_leave_loop(&client);
    assert_int_equal(kv_store_memory_used(client.state), 0);
    weft_kv_store_memory.fini(client.state);
    free(client.state);
}

/* A walker, and a writer on a loop of its own that writes while the walker is shown a page. */
struct meanwhile {
    struct store_client *writer;
    unsigned old, other;
    size_t count;
};

static bool write_meanwhile(void *arg, const struct kv_pair *pair)
{
    struct meanwhile *self = arg;
    self->old += weft_view_equal(pair->value.bytes, weft_view_str("value"));
    self->other += !weft_view_equal(pair->value.bytes, weft_view_str("value"));
    if (self->old + self->other > 1)
        return true;
    struct kv_item *items = calloc(self->count, sizeof *items);
    char(*names)[16] = calloc(self->count, sizeof *names);
    assert_true(items && names);
    for (unsigned i = 0; i < self->count; i++) {
        number_key(names[i], sizeof names[i], i);
        items[i] =
            (struct kv_item){.key = weft_view_str(names[i]), .value.bytes = weft_view_str("later")};
    }
    assert_int_equal(store_client_do(self->writer, KV_MSET, "t", items, self->count), KV_DONE);
    store_items_drop(items, self->count);
    free(items);
    free(names);
    return true;
}

static void test_page_shows_nothing_of_a_batch_that_came_after_it_began(void **state)
{
    static const size_t counts[] = {20, 500, 4000};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (int exact = 0; exact < 2; exact++) {
            struct store_client walker, writer;
            struct kv_cursor cursor = {0};
            store_client_init(&walker, &weft_kv_store_memory, 0);
            store_client_join_loop(&writer, &walker);
            do_keys(&walker, KV_MSET, (unsigned)counts[i], (unsigned)counts[i]);
            struct meanwhile self = {.writer = &writer, .count = counts[i]};
            enum kv_outcome outcome =
                exact ? store_client_exact_page(&walker, "t", 5000, &cursor, write_meanwhile, &self)
                      : store_client_page(&walker, "t", 5000, &cursor, write_meanwhile, &self);
            assert_int_equal(outcome, KV_DONE);
            assert_int_equal(self.other, 0);
            assert_int_equal(self.old, counts[i]);
            store_client_leave_loop(&writer);
            store_client_fini(&walker);
        }
    }
}

struct order {
    uint64_t sum;
};

static bool add_to_order(void *arg, const struct kv_pair *pair)
{
    struct order *order = arg;
    for (size_t i = 0; i < pair->key.size; i++)
        order->sum = order->sum * 31 + pair->key.data[i];
    return true;
}

static uint64_t order_with(const uint8_t *seed)
{
    struct store_client client;
    struct order order = {0};
    struct kv_cursor cursor = {0};
    store_client_init_seeded(&client, &weft_kv_store_memory, 0, seed);
    do_keys(&client, KV_MSET, 100, 1);
    do
        assert_int_equal(store_client_page(&client, "t", 1000, &cursor, add_to_order, &order),
                         KV_DONE);
    while (cursor.size > 0);
    store_client_fini(&client);
    return order.sum;
}

static void test_same_seed_walks_in_the_same_order(void **state)
{
    static const uint8_t seed[16] = {1, 2, 3};
    (void)state;
    assert_int_equal(order_with(seed), order_with(seed));
}

static void test_random_seeds_walk_in_orders_of_their_own(void **state)
{
    (void)state;
    errno = EINTR; /* of some call before */
    assert_int_not_equal(order_with(NULL), order_with(NULL));
}

static void make_store(void *arg)
{
    struct store_client client;
    (void)arg;
    struct kv_store_options options = {.max_memory = 0};
    struct weft_error error;
    client.state = calloc(1, weft_kv_store_memory.store_size);
    assert_non_null(client.state);
    int err = weft_kv_store_memory.init(client.state, &options, &error);
    if (fault_failed() > 0) {
        assert_true(err < 0);
        assert_string_equal(error.text, "memory store: Cannot allocate memory");
    } else {
        assert_int_equal(err, 0);
        weft_kv_store_memory.fini(client.state);
    }
    free(client.state);
}

static void test_store_that_cannot_begin_holds_nothing(void **state)
{
    (void)state;
    fault_each(make_store, NULL);
}

#define TEST(name) cmocka_unit_test_teardown(name, forget_faults)

static double count_entries(struct store_client *client)
{
    static struct sample_text text;
    const char *const all[] = {NULL};
    sample_text_init(&text);
    kv_store_memory_collect(client->state, &text.samples);
    return sample_text_sum(&text, "weft_store_entries", all);
}

static void test_entries_of_all_tables_are_counted(void **state)
{
    struct store_client client;
    char table[16];
    (void)state;
    store_client_init(&client, &weft_kv_store_memory, 0);
    assert_true(count_entries(&client) == 0);
    do_keys(&client, KV_MSET, 200000, 1000); /* more segments than a step takes */
    assert_true(count_entries(&client) == 200000);
    for (unsigned i = 0; i < 300; i++) {
        (void)snprintf(table, sizeof table, "table %u", i);
        assert_int_equal(set_value(&client, table, "a", 1), KV_DONE);
        assert_int_equal(set_value(&client, table, "b", 1), KV_DONE);
        assert_int_equal(set_value(&client, table, "b", 2), KV_DONE);
    }
    assert_true(count_entries(&client) == 200600);
    do_keys(&client, KV_MDEL, 200000, 1000);
    assert_true(count_entries(&client) == 600);
    assert_true(store_client_del(&client, "table 7", "a"));
    assert_true(count_entries(&client) == 599);
    store_client_fini(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_full_store_refuses_writes_and_goes_on_reading),
        TEST(test_full_store_takes_writes_again_after_removals),
        TEST(test_full_store_takes_a_value_in_the_place_of_one_as_large),
        TEST(test_full_store_refuses_batches_whole),
        TEST(test_blobs_count_as_what_they_hold),
        TEST(test_table_that_a_full_store_refused_is_not_left_behind),
        TEST(test_table_gives_everything_back_when_its_last_key_goes),
        TEST(test_used_bytes_come_back_to_nothing),
        TEST(test_page_shows_nothing_of_a_batch_that_came_after_it_began),
        TEST(test_same_seed_walks_in_the_same_order),
        TEST(test_random_seeds_walk_in_orders_of_their_own),
        TEST(test_store_that_cannot_begin_holds_nothing),
        TEST(test_entries_of_all_tables_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
