/* SPDX-License-Identifier: MIT */
#include "store_suite_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct kv_store *store_under_test;

void store_suite_choose(const struct kv_store *store)
{
    store_under_test = store;
}

unsigned store_suite_flags(void)
{
    return store_under_test->flags;
}

bool store_suite_may_be_unknown(enum kv_outcome outcome)
{
    return outcome == KV_UNKNOWN && !(store_under_test->flags & KV_STORE_ATOMIC);
}

int store_world_setup(void **state)
{
    struct store_world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->keys = calloc(MANY, sizeof *world->keys);
    world->seen = calloc(MANY, sizeof *world->seen);
    assert_non_null(world->keys);
    assert_non_null(world->seen);
    for (int i = 0; i < MANY; i++)
        (void)snprintf(world->keys[i], KEY_MAX, "%d", i);
    store_client_init(&world->client, store_under_test, 0);
    *state = world;
    return 0;
}

int store_world_teardown(void **state)
{
    struct store_world *world = *state;
    store_client_fini(&world->client);
    free(world->keys);
    free(world->seen);
    free(world);
    return 0;
}

void do_range(struct store_world *world, enum kv_store_kind kind, int begin, int end)
{
    do_range_of(world, kind, "t", begin, end);
}

void do_range_of(struct store_world *world, enum kv_store_kind kind, const char *table, int begin,
                 int end)
{
    enum { BATCH = 500 };
    static struct kv_item items[BATCH];
    while (begin < end) {
        int count = end - begin < BATCH ? end - begin : BATCH;
        for (int i = 0; i < count; i++) {
            struct weft_view key = weft_view_str(world->keys[begin + i]);
            items[i] = (struct kv_item){.key = key, .value.bytes = key};
        }
        assert_int_equal(store_client_do(&world->client, kind, table, items, (size_t)count),
                         KV_DONE);
        store_items_drop(items, (size_t)count);
        begin += count;
    }
}

struct kv_item item_to_set(const char *key, const char *value, const struct kv_update *update)
{
    return (struct kv_item){
        .key = weft_view_str(key), .value.bytes = weft_view_str(value), .update = update};
}

enum kv_outcome update_one(struct store_world *world, struct kv_item *item)
{
    enum kv_outcome outcome = store_client_update(&world->client, "t", item, 1, false);
    bool present = item->present;
    if (outcome == KV_DONE || outcome == KV_UNMET)
        store_items_drop(item, 1);
    item->present = present;
    return outcome;
}
