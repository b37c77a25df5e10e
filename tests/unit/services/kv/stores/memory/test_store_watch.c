/* SPDX-License-Identifier: MIT
 *
 * A watch of the memory store: it sees every change before it takes effect, in order, and what it refuses
 * leaves the store as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "lib/store_client.h"
#include "services/kv/stores/memory/memory.h"
#include "services/kv/stores/memory/watch.h"
#include "services/kv/update.h"

/* A copy of the store whose init puts the watch of this test. */
struct witness {
    struct kv_watch watch;
    int answer;
    unsigned calls, puts, removals, drops;
    char last_table[16], last_key[16];
};

static struct witness witness;

static int see(struct kv_watch *watch, struct kv_loop *loop, struct weft_view table,
               const struct kv_touch *touches, size_t count)
{
    (void)watch, (void)loop;
    witness.calls++;
    for (size_t i = 0; i < count; i++) {
        witness.puts += touches[i].fresh && touches[i].fresh != touches[i].old;
        witness.removals += !touches[i].fresh && touches[i].old;
        (void)snprintf(witness.last_key, sizeof witness.last_key, "%.*s",
                       (int)touches[i].item->key.size, (const char *)touches[i].item->key.data);
    }
    (void)snprintf(witness.last_table, sizeof witness.last_table, "%.*s", (int)table.size,
                   (const char *)table.data);
    return witness.answer;
}

static int see_drop(struct kv_watch *watch, struct kv_loop *loop, struct weft_view table)
{
    (void)watch, (void)loop;
    witness.drops++;
    (void)snprintf(witness.last_table, sizeof witness.last_table, "%.*s", (int)table.size,
                   (const char *)table.data);
    return witness.answer;
}

static int watched_init(void *store, const struct kv_store_options *options,
                        struct weft_error *error)
{
    int err = weft_kv_store_memory.init(store, options, error);
    witness = (struct witness){.watch = {see, see_drop}};
    kv_store_memory_shared(store)->watch = &witness.watch;
    return err;
}

static struct kv_store watched_store(void)
{
    struct kv_store store = weft_kv_store_memory;
    store.init = watched_init;
    return store;
}

static enum kv_outcome do_many(struct store_client *client, enum kv_store_kind kind, int from,
                               int count)
{
    struct kv_item *items = calloc((size_t)count, sizeof *items);
    char(*keys)[16] = calloc((size_t)count, sizeof *keys);
    assert_true(items && keys);
    for (int i = 0; i < count; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%d", from + i);
        items[i] =
            (struct kv_item){.key = weft_view_str(keys[i]), .value.bytes = weft_view_str(keys[i])};
    }
    enum kv_outcome outcome = store_client_do(client, kind, "t", items, (size_t)count);
    if (outcome == KV_DONE)
        store_items_drop(items, (size_t)count);
    free(items);
    free(keys);
    return outcome;
}

static void test_every_change_is_shown_once_with_its_table(void **state)
{
    (void)state;
    const struct kv_store store = watched_store();
    struct store_client client;
    store_client_init(&client, &store, 0);
    store_client_set(&client, "first", "a", "1");
    assert_int_equal(witness.calls, 1);
    assert_string_equal(witness.last_table, "first");
    assert_string_equal(witness.last_key, "a");
    store_client_set(&client, "first", "a", "2");
    assert_int_equal(witness.puts, 2);
    assert_true(store_client_del(&client, "first", "a"));
    assert_int_equal(witness.removals, 1);
    assert_int_equal(witness.calls, 3);
    store_client_fini(&client);
}

static void test_what_changes_nothing_is_not_shown(void **state)
{
    (void)state;
    const struct kv_store store = watched_store();
    struct store_client client;
    store_client_init(&client, &store, 0);
    store_client_set(&client, "t", "a", "1");
    assert_false(store_client_del(&client, "t", "b"));
    assert_false(store_client_del(&client, "u", "b"));
    assert_true(store_client_has(&client, "t", "a"));
    assert_int_equal(witness.calls, 1);
    store_client_fini(&client);
}

static void test_batches_of_every_size_are_shown_as_one_change(void **state)
{
    (void)state;
    static const int sizes[] = {2, 30, 64, 65, 1000, 5000};
    const struct kv_store store = watched_store();
    struct store_client client;
    store_client_init(&client, &store, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned calls = witness.calls, puts = witness.puts;
        assert_int_equal(do_many(&client, KV_MSET, (int)i * 10000, sizes[i]), KV_DONE);
        assert_int_equal(witness.calls, calls + 1);
        assert_int_equal(witness.puts, puts + (unsigned)sizes[i]);
        unsigned removals = witness.removals;
        assert_int_equal(do_many(&client, KV_MDEL, (int)i * 10000, sizes[i]), KV_DONE);
        assert_int_equal(witness.calls, calls + 2);
        assert_int_equal(witness.removals, removals + (unsigned)sizes[i]);
    }
    store_client_fini(&client);
}

static void assert_same_shape(const struct store_client *client, const struct kv_memory_shape *then)
{
    struct kv_memory_shape now;
    kv_store_memory_shape(client->state, &now);
    assert_int_equal(now.used, then->used);
    assert_int_equal(now.tables, then->tables);
    assert_int_equal(now.segments, then->segments);
    assert_int_equal(now.entries, then->entries);
}

static void test_change_that_is_refused_leaves_the_store_as_it_was(void **state)
{
    (void)state;
    static const struct {
        int answer;
        enum kv_outcome outcome;
    } refusals[] = {{-ENOMEM, KV_UNAVAILABLE}, {-ENOSPC, KV_FULL}, {-EIO, KV_FAILED}};
    static const int sizes[] = {1, 2, 64, 65, 3000};
    const struct kv_store store = watched_store();
    struct store_client client;
    store_client_init(&client, &store, 0);
    for (int held = 0; held <= 1000; held += 500) {
        if (held > 0)
            assert_int_equal(do_many(&client, KV_MSET, 0, held), KV_DONE);
        struct kv_memory_shape before;
        kv_store_memory_shape(client.state, &before);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            for (size_t k = 0; k < sizeof refusals / sizeof *refusals; k++) {
                witness.answer = refusals[k].answer;
                assert_int_equal(do_many(&client, KV_MSET, 250, sizes[i]), refusals[k].outcome);
                assert_same_shape(&client, &before);
                if (held > 0)
                    assert_int_equal(do_many(&client, KV_MDEL, 250, sizes[i]), refusals[k].outcome);
                assert_same_shape(&client, &before);
            }
        }
        witness.answer = 0;
    }
    store_client_fini(&client);
}

static void test_updates_are_shown_as_what_they_come_to(void **state)
{
    static const struct kv_update set = {.when = KV_IF_ABSENT, .then = KV_THEN_SET};
    static const struct kv_update keep = {.then = KV_THEN_KEEP};
    static const struct kv_update remove = {.when = KV_IF_PRESENT, .then = KV_THEN_REMOVE};
    (void)state;
    const struct kv_store store = watched_store();
    struct store_client client;
    store_client_init(&client, &store, 0);
    store_client_set(&client, "t", "b", "1");
    store_client_set(&client, "t", "c", "1");
    struct kv_item items[] = {
        {.key = weft_view_str("a"), .value.bytes = weft_view_str("v"), .update = &set},
        {.key = weft_view_str("b"), .update = &remove},
        {.key = weft_view_str("c"), .update = &keep},
    };
    unsigned calls = witness.calls, puts = witness.puts;
    assert_int_equal(store_client_update(&client, "t", items, 3, false), KV_DONE);
    store_items_drop(items, 3);
    assert_int_equal(witness.calls, calls + 1);
    assert_int_equal(witness.puts, puts + 1);
    assert_int_equal(witness.removals, 1);
    /* Now the first and the second are refused. */
    assert_int_equal(store_client_update(&client, "t", items, 3, false), KV_UNMET);
    store_items_drop(items, 3);
    assert_int_equal(store_client_update(&client, "t", items, 3, true), KV_DONE);
    store_items_drop(items, 3);
    assert_int_equal(witness.calls, calls + 1);
    store_client_fini(&client);
}

static void test_update_that_is_refused_leaves_the_store_as_it_was(void **state)
{
    static const struct kv_update set = {.then = KV_THEN_SET};
    (void)state;
    const struct kv_store store = watched_store();
    struct store_client client;
    store_client_init(&client, &store, 0);
    for (int there = 0; there < 2; there++) {
        struct kv_item item = {
            .key = weft_view_str("a"), .value.bytes = weft_view_str("v"), .update = &set};
        struct kv_memory_shape before;
        kv_store_memory_shape(client.state, &before);
        witness.answer = -EIO;
        assert_int_equal(store_client_update(&client, "t", &item, 1, false), KV_FAILED);
        assert_same_shape(&client, &before);
        witness.answer = 0;
        store_client_set(&client, "t", "b", "1");
    }
    store_client_fini(&client);
}

static void test_drop_is_shown_and_may_be_refused(void **state)
{
    uint64_t total;
    (void)state;
    const struct kv_store store = watched_store();
    struct store_client client;
    store_client_init(&client, &store, 0);
    assert_int_equal(store_client_total(&client, KV_DROP, "t", &total), KV_DONE);
    assert_int_equal(witness.drops, 0);
    assert_int_equal(do_many(&client, KV_MSET, 0, 3000), KV_DONE);
    struct kv_memory_shape before;
    kv_store_memory_shape(client.state, &before);
    witness.answer = -EIO;
    assert_int_equal(store_client_total(&client, KV_DROP, "t", &total), KV_FAILED);
    assert_int_equal(witness.drops, 1);
    assert_string_equal(witness.last_table, "t");
    assert_same_shape(&client, &before);
    witness.answer = 0;
    assert_int_equal(do_many(&client, KV_MSET, 0, 3000), KV_DONE);
    assert_int_equal(store_client_total(&client, KV_DROP, "t", &total), KV_DONE);
    assert_int_equal(total, 3000);
    witness.watch.drop = NULL;
    store_client_set(&client, "t", "a", "1");
    assert_int_equal(store_client_total(&client, KV_DROP, "t", &total), KV_FAILED);
    store_client_fini(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_change_is_shown_once_with_its_table),
        cmocka_unit_test(test_what_changes_nothing_is_not_shown),
        cmocka_unit_test(test_batches_of_every_size_are_shown_as_one_change),
        cmocka_unit_test(test_change_that_is_refused_leaves_the_store_as_it_was),
        cmocka_unit_test(test_updates_are_shown_as_what_they_come_to),
        cmocka_unit_test(test_update_that_is_refused_leaves_the_store_as_it_was),
        cmocka_unit_test(test_drop_is_shown_and_may_be_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
