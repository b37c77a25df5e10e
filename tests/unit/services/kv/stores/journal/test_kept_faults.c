/* SPDX-License-Identifier: MIT
 *
 * A kept store with every allocation failing: what was answered as done is there after the next start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fault.h"
#include "lib/kept_store.h"
#include "lib/store_client.h"
#include "lib/virtual_loop.h"

enum { KEYS = 12, SIZE = 300 };

struct trouble {
    const struct kv_store *store;
    bool acknowledged[KEYS];
};

static enum kv_outcome do_one(struct store_client *client, enum kv_store_kind kind, int k,
                              bool *present)
{
    char key[16];
    uint8_t value[SIZE] = {0};
    (void)snprintf(key, sizeof key, "k%d", k);
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view(value, SIZE)};
    enum kv_outcome outcome = store_client_do(client, kind, "t", &item, 1);
    *present = outcome == KV_DONE && item.present;
    if (outcome == KV_DONE)
        store_items_drop(&item, 1);
    return outcome;
}

/* Starts as a program does, which may fail for want of memory. */
static bool start(struct store_client *client, const struct kv_store *store)
{
    struct weft_error error;
    const struct kv_store_options options = {.where = NULL};
    *client = (struct store_client){.store = store};
    client->state = calloc(1, store->store_size);
    client->loop_state = calloc(1, store->loop_size);
    client->session = calloc(1, store->session_size);
    assert_true(client->state && client->loop_state && client->session);
    if (store->init(client->state, &options, &error) < 0)
        return false;
    if (weft_loop_new(&client->loop, 0) < 0)
        goto err_after_init;
    if (store->start(client->loop_state, client->state, client->loop) < 0)
        goto err_after_loop;
    if (store->open(client->session, client->loop_state) == 0)
        return true;
    store->stop(client->loop_state);
err_after_loop:
    weft_loop_free(client->loop);
err_after_init:
    store->fini(client->state);
    return false;
}

static void end(struct store_client *client, bool started)
{
    if (started) {
        client->store->close(client->session);
        client->store->stop(client->loop_state);
        weft_loop_free(client->loop);
        client->store->fini(client->state);
    }
    free(client->session);
    free(client->loop_state);
    free(client->state);
}

static void live(void *arg)
{
    struct trouble *trouble = arg;
    struct store_client client;
    bool present;
    char dir[64];
    kept_dir_make(dir);
    (void)snprintf(kept_plan.dir, sizeof kept_plan.dir, "%s", dir);
    for (int k = 0; k < KEYS; k++)
        trouble->acknowledged[k] = false;
    for (int life = 0; life < 2; life++) {
        bool started = start(&client, trouble->store);
        for (int k = 0; started && k < KEYS; k++) {
            enum kv_outcome outcome = do_one(&client, KV_MGET, k, &present);
            if (outcome == KV_DONE && trouble->acknowledged[k])
                assert_true(present);
            outcome = do_one(&client, KV_MSET, k, &present);
            trouble->acknowledged[k] |= outcome == KV_DONE;
            assert_true(outcome == KV_DONE || fault_failed() > 0);
        }
        end(&client, started);
    }
    kept_dir_remove(dir);
}

static void test_kept_store_survives_every_failing_allocation(void **state)
{
    (void)state;
    const struct kv_store store = kept_store(true);
    struct trouble trouble = {.store = &store};
    fault_each(live, &trouble);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_store_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
