/* SPDX-License-Identifier: MIT
 *
 * A thousand power cuts of a kept store. Whatever the disk has kept of what was not synced, the store has after
 * the next start what it had after some first part of the operations, each whole and with its expiries, and that part
 * has every operation that had been answered. Keys that expired while there was no power are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/disk_shim.h"
#include "lib/kept_store.h"
#include "lib/random.h"
#include "lib/store_client.h"
#include "lib/virtual_loop.h"

enum { OPERATIONS = 240, MOST_AT_ONCE = 6, KEYS = 8, BATCH = 4, TEXT = 24, CUTS = 1000 };

static const int64_t hour = 3600 * 1000;

/* Returns when the keys expire that operation `number` has set: never, in an hour, or much later. */
static int64_t expiry_of(int number)
{
    switch (number % 3) {
    case 0:
        return KV_NEVER;
    case 1:
        return VIRTUAL_LOOP_WALL_BEGIN + hour + number;
    default:
        return VIRTUAL_LOOP_WALL_BEGIN + 1000 * hour + number;
    }
}

static bool has_expired(int number, int64_t now)
{
    return number > 0 && expiry_of(number) != KV_NEVER && expiry_of(number) <= now;
}

struct operation {
    struct kv_op op;
    struct kv_item items[BATCH];
    char keys[BATCH][TEXT], value[TEXT];
    size_t answered_at; /* calls of the disk before the answer; SIZE_MAX: none came */
};

static struct {
    struct operation operations[OPERATIONS];
    int states[OPERATIONS + 1]
              [KEYS]; /* after the first i operations: of each key, the number of the
                                         operation that set it, or 0 */
} history;

static void operation_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct operation *operation = (struct operation *)op;
    if (outcome == KV_DONE)
        operation->answered_at = disk_shim_recorded();
}

/* Values are long, now and then, so that records span sectors and snapshots begin. */
static void submit(struct store_client *client, int i, struct test_random *random)
{
    static char padding[3000];
    struct operation *operation = &history.operations[i];
    bool removes = test_random_next(random) % 5 == 0;
    size_t count = 1 + test_random_next(random) % BATCH;
    memset(padding, 'p', sizeof padding);
    (void)snprintf(padding, sizeof padding, "%d", i + 1);
    padding[strlen(padding)] = ' ';
    size_t size = test_random_next(random) % 8 == 0 ? sizeof padding : 16;
    memcpy(history.states[i + 1], history.states[i], sizeof history.states[i]);
    for (size_t k = 0; k < count; k++) {
        unsigned key = (unsigned)(test_random_next(random) % KEYS);
        (void)snprintf(operation->keys[k], TEXT, "k%u", key);
        operation->items[k] = (struct kv_item){.key = weft_view_str(operation->keys[k]),
                                               .value.bytes = weft_view(padding, size),
                                               .expires = removes ? KV_NEVER : expiry_of(i + 1)};
        history.states[i + 1][key] = removes ? 0 : i + 1;
    }
    operation->answered_at = SIZE_MAX;
    operation->op = (struct kv_op){.kind = removes ? KV_MDEL : KV_MSET,
                                   .table = weft_view_str("t"),
                                   .items = operation->items,
                                   .count = count,
                                   .done = operation_done};
    client->store->submit(client->session, &operation->op);
}

static void live(const struct kv_store *store)
{
    struct store_client client;
    struct test_random random = {11};
    kept_dir_make(kept_plan.dir);
    kept_plan.sync = "always";
    kept_plan.snapshot = 6000;
    disk_shim_record();
    store_client_init(&client, store, 0);
    for (int i = 0; i < OPERATIONS;) {
        int together = 1 + (int)(test_random_next(&random) % MOST_AT_ONCE);
        while (together-- > 0 && i < OPERATIONS)
            submit(&client, i++, &random);
        virtual_loop_turn(client.loop);
        virtual_loop_turn(client.loop);
    }
    disk_shim_stop();
    store_client_fini(&client);
    kept_dir_remove(kept_plan.dir);
    for (int i = 0; i < OPERATIONS; i++)
        assert_true(history.operations[i].answered_at != SIZE_MAX);
}

/* Reads what there is at the time `now`. */
static void read_state(const struct kv_store *store, int64_t now, int state[KEYS])
{
    struct store_client client;
    char key[TEXT];
    store_client_init(&client, store, 0);
    virtual_loop_set_wall(client.loop, now);
    assert_true(virtual_loop_advance(client.loop, 1000000));
    for (int k = 0; k < KEYS; k++) {
        (void)snprintf(key, sizeof key, "k%d", k);
        struct kv_item item = {.key = weft_view_str(key)};
        assert_int_equal(store_client_do(&client, KV_MGET, "t", &item, 1), KV_DONE);
        state[k] = item.present ? atoi((const char *)item.found.bytes.data) : 0;
        if (item.present)
            assert_true(item.found_expires == expiry_of(state[k]));
        store_items_drop(&item, 1);
    }
    store_client_fini(&client);
}

/* Returns how many operations were answered before that many calls of the disk. */
static int answered_before(size_t calls)
{
    int count = 0;
    while (count < OPERATIONS && history.operations[count].answered_at <= calls)
        count++;
    return count;
}

static bool is_state(const int state[KEYS], int after, int64_t now)
{
    for (int k = 0; k < KEYS; k++) {
        int number = history.states[after][k];
        if (state[k] != (has_expired(number, now) ? 0 : number))
            return false;
    }
    return true;
}

static void assert_is_a_first_part(const int state[KEYS], int64_t now, int least, unsigned cut)
{
    for (int i = least; i <= OPERATIONS; i++)
        if (is_state(state, i, now))
            return;
    fail_msg("cut %u: the store has no state from operation %d on", cut, least);
}

static void test_thousand_power_cuts_lose_nothing_answered_and_halve_no_batch(void **state)
{
    (void)state;
    const struct kv_store store = kept_store(true);
    struct test_random random = test_random_start(5);
    int found[KEYS];
    live(&store);
    kept_plan.snapshot = 0;
    for (unsigned cut = 0; cut < CUTS; cut++) {
        size_t calls = test_random_next(&random) % (disk_shim_recorded() + 1);
        kept_dir_make(kept_plan.dir);
        disk_shim_cut(kept_plan.dir, calls, &random);
        int64_t now = VIRTUAL_LOOP_WALL_BEGIN + (cut % 2 ? 2 * hour : 0);
        read_state(&store, now, found);
        assert_is_a_first_part(found, now, answered_before(calls), cut);
        kept_dir_remove(kept_plan.dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousand_power_cuts_lose_nothing_answered_and_halve_no_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
