/* SPDX-License-Identifier: MIT
 *
 * Updates of the memory store that others spoil: what was decided is decided again, and after some tries
 * with the locks held. The others come in while the update asks for memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "lib/fault.h"
#include "lib/store_client.h"
#include "services/kv/stores/memory/segment_lock.h"
#include "services/kv/stores/memory/memory.h"
#include "services/kv/stores/memory/tables.h"
#include "services/kv/update.h"

/* An entry over this size is malloc's. */
enum { LARGE = 5 << 20, TRIES = 16 };

static struct {
    struct store_client client; /* of another loop */
    bool armed;
    unsigned most, count; /* writes of the other loop */
    bool locked; /* the key's segment was, when the update asked for memory the last time */
    char value[8];
} other;

static bool is_locked(void)
{
    struct kv_tables *tables = kv_store_memory_tables(other.client.state);
    struct kv_loop *loop = kv_store_memory_part(other.client.loop_state);
    struct kv_table_cache cache = {0};
    const struct kv_table *table = kv_tables_find(tables, loop, &cache, weft_view_str("t"));
    uint64_t hash = kv_map_hash(loop, weft_view_str("k"));
    return kv_map_segment(&table->map, hash)->state & KV_SEGMENT_LOCKED;
}

static void write_meanwhile(size_t size)
{
    if (!other.armed || size < LARGE)
        return;
    other.armed = false;
    other.locked = is_locked();
    if (other.count < other.most) {
        other.count++;
        other.value[0]++;
        store_client_set(&other.client, "t", "k", other.value);
    }
    other.armed = true;
}

static void *disturbing_malloc(size_t size)
{
    write_meanwhile(size);
    return malloc(size);
}

static int setup(void **state)
{
    static struct weft_allocator allocator;
    static struct store_client client;
    allocator = *weft_mem_system();
    allocator.malloc = disturbing_malloc;
    weft_mem_use(&allocator);
    store_client_init(&client, &weft_kv_store_memory, 0);
    store_client_join_loop(&other.client, &client);
    other.armed = false;
    other.count = 0;
    (void)strcpy(other.value, "a");
    *state = &client;
    return 0;
}

static int teardown(void **state)
{
    store_client_leave_loop(&other.client);
    store_client_fini(*state);
    weft_mem_use(NULL);
    return 0;
}

/* Updates k, and one more key if two, while the other loop writes k `most` times. */
static enum kv_outcome update_meanwhile(struct store_client *client, enum kv_if when, unsigned most,
                                        bool two, struct kv_item items[2])
{
    static const struct kv_update set = {.then = KV_THEN_SET};
    static uint8_t large[LARGE];
    const struct kv_update update = {.when = when, .then = KV_THEN_SET};
    items[0] = (struct kv_item){.key = weft_view_str("k"),
                                .value.bytes = weft_view(large, sizeof large),
                                .update = &update};
    items[1] = (struct kv_item){
        .key = weft_view_str("l"), .value.bytes = weft_view_str("v"), .update = &set};
    other.most = most;
    other.armed = true;
    enum kv_outcome outcome = store_client_update(client, "t", items, two ? 2 : 1, false);
    other.armed = false;
    return outcome;
}

static void test_spoilt_update_finds_what_the_other_wrote(void **state)
{
    for (int two = 0; two < 2; two++) {
        struct kv_item items[2];
        store_client_set(*state, "t", "k", "old");
        other.count = 0;
        assert_int_equal(update_meanwhile(*state, KV_IF_PRESENT, 3, two, items), KV_DONE);
        assert_int_equal(other.count, 3);
        assert_false(other.locked);
        assert_true(weft_view_equal(items[0].found.bytes, weft_view_str(other.value)));
        store_items_drop(items, two ? 2 : 1);
        assert_int_equal(store_client_has(*state, "t", "l"), two);
    }
}

static void test_condition_is_judged_again_when_the_key_came_meanwhile(void **state)
{
    struct kv_item items[2];
    store_client_set(*state, "t", "another", "old");
    assert_int_equal(update_meanwhile(*state, KV_IF_ABSENT, 1, true, items), KV_UNMET);
    assert_int_equal(items[0].verdict, KV_VERDICT_UNMET);
    assert_int_equal(items[1].verdict, KV_VERDICT_STORE);
    assert_true(weft_view_equal(items[0].found.bytes, weft_view_str("b")));
    store_items_drop(items, 2);
    assert_false(store_client_has(*state, "t", "l"));
}

static void test_update_spoilt_too_often_is_decided_under_the_lock(void **state)
{
    for (int two = 0; two < 2; two++) {
        struct kv_item items[2];
        store_client_set(*state, "t", "k", "old");
        other.count = 0;
        assert_int_equal(update_meanwhile(*state, KV_IF_PRESENT, TRIES, two, items), KV_DONE);
        assert_int_equal(other.count, TRIES);
        assert_true(other.locked);
        assert_true(weft_view_equal(items[0].found.bytes, weft_view_str(other.value)));
        store_items_drop(items, two ? 2 : 1);
        struct kv_item item = {.key = weft_view_str("k")};
        assert_int_equal(store_client_do(*state, KV_MGET, "t", &item, 1), KV_DONE);
        assert_int_equal(item.found.bytes.size, LARGE);
        store_items_drop(&item, 1);
    }
}

static void test_update_that_a_full_store_refuses_holds_nothing(void **state)
{
    static const struct kv_update set = {.then = KV_THEN_SET};
    struct store_client client;
    unsigned refused = 0;
    (void)state;
    fault_install();
    store_client_init(&client, &weft_kv_store_memory, 100 << 10);
    for (unsigned i = 0; refused < 100; i++) {
        char keys[70][16];
        struct kv_item items[70];
        size_t count = i % 3 == 0 ? 1 : i % 3 == 1 ? 3 : 70;
        for (size_t k = 0; k < count; k++) {
            (void)snprintf(keys[k], sizeof keys[k], "%u %zu", i, k % 60);
            items[k] = (struct kv_item){.key = weft_view_str(keys[k]),
                                        .value.bytes = weft_view_str("some value or other"),
                                        .update = &set};
        }
        enum kv_outcome outcome = store_client_update(&client, "t", items, count, false);
        assert_true(outcome == KV_DONE || outcome == KV_FULL);
        refused += outcome == KV_FULL;
        if (outcome == KV_DONE)
            store_items_drop(items, count);
    }
    store_client_fini(&client);
    assert_int_equal(fault_live(), 0);
    fault_remove();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_spoilt_update_finds_what_the_other_wrote),
        TEST(test_condition_is_judged_again_when_the_key_came_meanwhile),
        TEST(test_update_spoilt_too_often_is_decided_under_the_lock),
        cmocka_unit_test(test_update_that_a_full_store_refuses_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
