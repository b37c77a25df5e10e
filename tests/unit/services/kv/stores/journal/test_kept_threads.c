/* SPDX-License-Identifier: MIT
 *
 * Four loops on threads of their own write to one kept store, whose thread writes the journal. The order of
 * the changes of a key in the journal is the order in which they took effect: what the store has at the end
 * it has after the next start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/kept_store.h"
#include "lib/random.h"
#include "lib/store_client.h"

enum { THREADS = 4, KEYS = 16, STEPS = 1500, TEXT = 24 };

struct worker {
    struct store_client client;
    unsigned number;
    bool good;
    pthread_t thread;
};

/* All workers fight for the same few keys, in batches and alone. */
static void *work(void *arg)
{
    struct worker *self = arg;
    struct test_random random = {self->number + 1};
    self->good = true;
    for (unsigned step = 0; step < STEPS; step++) {
        struct kv_item items[4];
        char keys[4][TEXT], value[TEXT];
        size_t count = 1 + test_random_next(&random) % 4;
        bool removes = test_random_next(&random) % 4 == 0;
        (void)snprintf(value, sizeof value, "%u-%u", self->number, step);
        for (size_t i = 0; i < count; i++) {
            (void)snprintf(keys[i], TEXT, "k%u", (unsigned)(test_random_next(&random) % KEYS));
            items[i] = (struct kv_item){.key = weft_view_str(keys[i]),
                                        .value.bytes = weft_view_str(value)};
        }
        if (store_client_do(&self->client, removes ? KV_MDEL : KV_MSET, "t", items, count) ==
            KV_DONE)
            store_items_drop(items, count);
        else
            self->good = false;
    }
    return NULL;
}

static void read_all(struct store_client *client, char values[KEYS][TEXT])
{
    char key[TEXT];
    for (unsigned k = 0; k < KEYS; k++) {
        (void)snprintf(key, sizeof key, "k%u", k);
        const char *got = store_client_get(client, "t", key);
        (void)snprintf(values[k], TEXT, "%s", got ? got : "(none)");
    }
}

static void run_crowd(bool late, const char *sync, uint64_t snapshot)
{
    const struct kv_store store = kept_store(late);
    struct store_client first;
    struct worker workers[THREADS];
    char before[KEYS][TEXT], after[KEYS][TEXT];
    kept_plan = (struct kept_plan){.sync = sync, .threads = true, .snapshot = snapshot};
    kept_dir_make(kept_plan.dir);
    store_client_init(&first, &store, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].number = i;
        store_client_join_loop(&workers[i].client, &first);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    /* The groups of the crowd had several changes; nobody else sends one now. */
    struct kv_item alone = {.key = weft_view_str("k0"), .value.bytes = weft_view_str("alone")};
    assert_int_equal(store_client_do(&first, KV_MSET, "t", &alone, 1), KV_DONE);
    store_items_drop(&alone, 1);
    read_all(&first, before);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_true(workers[i].good);
        store_client_leave_loop(&workers[i].client);
    }
    store_client_fini(&first);

    store_client_init(&first, &store, 0);
    read_all(&first, after);
    for (unsigned k = 0; k < KEYS; k++)
        assert_string_equal(after[k], before[k]);
    store_client_fini(&first);
    kept_dir_remove(kept_plan.dir);
}

static void test_journal_has_the_order_in_which_changes_took_effect(void **state)
{
    (void)state;
    run_crowd(true, "always", 0);
}

static void test_journal_without_sync_has_that_order_too(void **state)
{
    (void)state;
    run_crowd(false, "0.01", 0);
    run_crowd(false, "off", 0);
}

static void test_snapshots_under_load_lose_and_invent_nothing(void **state)
{
    (void)state;
    run_crowd(true, "always", 20000);
    run_crowd(false, "off", 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal_has_the_order_in_which_changes_took_effect),
        cmocka_unit_test(test_journal_without_sync_has_that_order_too),
        cmocka_unit_test(test_snapshots_under_load_lose_and_invent_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
