/* SPDX-License-Identifier: MIT
 *
 * The memory store under several loops at once. What must hold is checked on the threads, counted,
 * and asserted on the main one; ThreadSanitizer sees the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/random.h"
#include "lib/store_client.h"
#include "services/kv/stores/memory/memory.h"

enum { THREADS = 4, BATCH = 8, KEY_MAX = 24 };

struct crowd;

struct member {
    struct crowd *crowd;
    struct store_client client;
    struct test_random random;
    unsigned index;
    pthread_t thread;
};

struct crowd {
    struct store_client first;
    struct member members[THREADS];
    atomic_uint wrong;   /* checks that failed */
    atomic_uint working; /* members that have not come to their end */
};

static void crowd_init(struct crowd *crowd)
{
    store_client_init(&crowd->first, &weft_kv_store_memory, 0);
    atomic_init(&crowd->wrong, 0);
    atomic_init(&crowd->working, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        struct member *member = &crowd->members[i];
        member->crowd = crowd;
        member->index = i;
        member->random = (struct test_random){1000 + i};
        store_client_join_loop(&member->client, &crowd->first);
    }
}

static void crowd_fini(struct crowd *crowd)
{
    for (unsigned i = 0; i < THREADS; i++)
        store_client_leave_loop(&crowd->members[i].client);
    store_client_fini(&crowd->first);
}

/* Runs one body a member; how many checks failed. */
static unsigned crowd_run(struct crowd *crowd, void *(*const bodies[THREADS])(void *))
{
    atomic_store(&crowd->working, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&crowd->members[i].thread, NULL, bodies[i], &crowd->members[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(crowd->members[i].thread, NULL), 0);
    return atomic_load(&crowd->wrong);
}

static void check(struct member *member, bool holds)
{
    if (!holds)
        atomic_fetch_add(&member->crowd->wrong, 1);
}

static void leave(struct member *member)
{
    atomic_fetch_sub(&member->crowd->working, 1);
}

static struct weft_view number_view(const uint64_t *number)
{
    return weft_view(number, sizeof *number);
}

static uint64_t number_of(const struct kv_item *item)
{
    uint64_t number = 0;
    if (item->present && item->found.bytes.size == sizeof number)
        memcpy(&number, item->found.bytes.data, sizeof number);
    return number;
}

static void one(struct member *member, enum kv_store_kind kind, const char *table, const char *key,
                uint64_t *number, bool *present)
{
    uint64_t value = number ? *number : 0;
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = number_view(&value)};
    check(member, store_client_do(&member->client, kind, table, &item, 1) == KV_DONE);
    if (number)
        *number = number_of(&item);
    if (present)
        *present = item.present;
    store_items_drop(&item, 1);
}

/* Writes keys of its own, in one table with the others, and reads back what it wrote. */
static void *own_keys(void *arg)
{
    enum { KEYS = 3000, ROUNDS = 12000 };
    struct member *member = arg;
    static uint64_t values[THREADS][KEYS];
    uint64_t *mine = values[member->index];
    for (int i = 0; i < ROUNDS; i++) {
        size_t k = test_random_below(&member->random, KEYS);
        char key[KEY_MAX];
        (void)snprintf(key, sizeof key, "%u:%zu", member->index, k);
        uint64_t before = mine[k], number = 0;
        bool present;
        switch (test_random_below(&member->random, 4)) {
        case 0:
            one(member, KV_MDEL, "t", key, &number, &present);
            check(member, present == (before != 0) && number == before);
            mine[k] = 0;
            break;
        case 1:
            one(member, KV_MGET, "t", key, &number, &present);
            check(member, present == (before != 0) && number == before);
            break;
        default:
            number = mine[k] = test_random_next(&member->random) | 1;
            one(member, KV_MSET, "t", key, &number, &present);
            check(member, present == (before != 0) && number == before);
            break;
        }
    }
    for (size_t k = 0; k < KEYS; k++) {
        char key[KEY_MAX];
        uint64_t number = 0;
        (void)snprintf(key, sizeof key, "%u:%zu", member->index, k);
        one(member, KV_MGET, "t", key, &number, NULL);
        check(member, number == mine[k]);
        mine[k] = 0;
    }
    leave(member);
    return NULL;
}

static void test_loops_find_what_they_wrote_between_each_other(void **state)
{
    struct crowd crowd;
    (void)state;
    crowd_init(&crowd);
    assert_int_equal(
        crowd_run(&crowd, (void *(*const[])(void *)){own_keys, own_keys, own_keys, own_keys}), 0);
    crowd_fini(&crowd);
}

/* Names that lie in many segments once the table has grown. */
static const char *const batch_keys[BATCH] = {"a", "b", "c", "d", "e", "f", "g", "h"};

/* All keys get one number, by way of another that nobody may ever see. */
static void *write_batches(void *arg)
{
    enum { ROUNDS = 4000, ODD = 2 };
    struct member *member = arg;
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        uint64_t hidden = UINT64_MAX, number = i * ODD + member->index % ODD;
        struct kv_item items[2 * BATCH];
        for (int k = 0; k < BATCH; k++) {
            struct weft_view key = weft_view_str(batch_keys[k]);
            items[k] = (struct kv_item){.key = key, .value.bytes = number_view(&hidden)};
            items[BATCH + k] = (struct kv_item){.key = key, .value.bytes = number_view(&number)};
        }
        check(member, store_client_do(&member->client, KV_MSET, "t", items, 2 * BATCH) == KV_DONE);
        for (int k = 1; k < BATCH; k++)
            check(member, number_of(&items[k]) == number_of(&items[0]));
        store_items_drop(items, 2 * BATCH);
    }
    leave(member);
    return NULL;
}

/* Fills the table meanwhile, so that segments split under the batches. */
static void *fill_table(void *arg)
{
    struct member *member = arg;
    for (uint64_t i = 0; atomic_load(&member->crowd->working) > 1; i++) {
        char key[KEY_MAX];
        (void)snprintf(key, sizeof key, "filler %u", (unsigned)(i % 20000));
        uint64_t number = i;
        one(member, i / 20000 % 2 ? KV_MDEL : KV_MSET, "t", key, &number, NULL);
    }
    leave(member);
    return NULL;
}

static void *read_batches(void *arg)
{
    struct member *member = arg;
    while (atomic_load(&member->crowd->working) > 2) {
        struct kv_item items[BATCH];
        for (int k = 0; k < BATCH; k++)
            items[k] = (struct kv_item){.key = weft_view_str(batch_keys[k])};
        check(member, store_client_do(&member->client, KV_MGET, "t", items, BATCH) == KV_DONE);
        for (int k = 0; k < BATCH; k++) {
            check(member, number_of(&items[k]) == number_of(&items[0]));
            check(member, number_of(&items[k]) != UINT64_MAX);
        }
        store_items_drop(items, BATCH);
    }
    leave(member);
    return NULL;
}

static void test_batch_is_seen_whole_or_not_at_all_by_batches(void **state)
{
    struct crowd crowd;
    (void)state;
    crowd_init(&crowd);
    assert_int_equal(crowd_run(&crowd, (void *(*const[])(void *)){write_batches, write_batches,
                                                                  read_batches, fill_table}),
                     0);
    crowd_fini(&crowd);
}

/* One writer, so that numbers only grow: who reads one key and then another never sees the second
 * older than the first. */
static void *read_singles(void *arg)
{
    struct member *member = arg;
    while (atomic_load(&member->crowd->working) > 3) {
        uint64_t last = 0;
        for (int k = 0; k < BATCH; k++) {
            uint64_t number = 0;
            one(member, KV_MGET, "t", batch_keys[k], &number, NULL);
            check(member, number != UINT64_MAX);
            check(member, number >= last);
            last = number;
        }
    }
    leave(member);
    return NULL;
}

static void test_batch_is_seen_whole_or_not_at_all_by_single_reads(void **state)
{
    struct crowd crowd;
    (void)state;
    crowd_init(&crowd);
    assert_int_equal(crowd_run(&crowd, (void *(*const[])(void *)){write_batches, read_singles,
                                                                  read_singles, fill_table}),
                     0);
    crowd_fini(&crowd);
}

struct sight {
    struct member *member;
    uint64_t first; /* the number of the first batch key that came, 0: none did */
    unsigned count;
};

static bool see_batch(void *arg, const struct kv_pair *pair)
{
    struct sight *sight = arg;
    uint64_t number = 0;
    if (pair->key.size != 1)
        return true;
    if (pair->value.bytes.size == sizeof number)
        memcpy(&number, pair->value.bytes.data, sizeof number);
    check(sight->member, number != UINT64_MAX);
    check(sight->member, sight->count == 0 || number == sight->first);
    sight->first = number;
    sight->count++;
    return true;
}

/* All keys of a batch lie in one page, for there are few others. */
static void *walk_batches(void *arg)
{
    struct member *member = arg;
    while (atomic_load(&member->crowd->working) > 2) {
        for (int exact = 0; exact < 2; exact++) {
            struct sight sight = {.member = member};
            struct kv_cursor cursor = {0};
            enum kv_outcome outcome =
                exact ? store_client_exact_page(&member->client, "t", 3000, &cursor, see_batch,
                                                &sight)
                      : store_client_page(&member->client, "t", 3000, &cursor, see_batch, &sight);
            check(member, outcome == KV_DONE);
            check(member, sight.count == 0 || sight.count == BATCH);
        }
    }
    leave(member);
    return NULL;
}

/* Puts and removes batches of keys of its own meanwhile, in place and by copies. */
static void *write_and_remove_batches(void *arg)
{
    enum { KEYS = 600 };
    struct member *member = arg;
    static char keys[KEYS][KEY_MAX];
    static struct kv_item items[KEYS];
    for (unsigned i = 0; atomic_load(&member->crowd->working) > 2; i++) {
        size_t count = i % 4 < 2 ? 20 : KEYS;
        uint64_t number = i;
        for (size_t k = 0; k < count; k++) {
            (void)snprintf(keys[k], KEY_MAX, "other %zu", k);
            items[k] = (struct kv_item){.key = weft_view_str(keys[k]),
                                        .value.bytes = number_view(&number)};
        }
        check(member, store_client_do(&member->client, i % 2 ? KV_MDEL : KV_MSET, "t", items,
                                      count) == KV_DONE);
        store_items_drop(items, count);
    }
    leave(member);
    return NULL;
}

static void test_batch_is_seen_whole_or_not_at_all_in_a_page(void **state)
{
    struct crowd crowd;
    (void)state;
    crowd_init(&crowd);
    assert_int_equal(
        crowd_run(&crowd, (void *(*const[])(void *)){write_batches, write_batches, walk_batches,
                                                     write_and_remove_batches}),
        0);
    crowd_fini(&crowd);
}

enum { STABLE = 500 };

static bool see(void *arg, const struct kv_pair *pair)
{
    bool *seen = arg;
    char text[KEY_MAX] = {0};
    memcpy(text, pair->key.data, pair->key.size < sizeof text ? pair->key.size : sizeof text - 1);
    unsigned i;
    if (sscanf(text, "stable %u", &i) == 1 && i < STABLE)
        seen[i] = true;
    return true;
}

static void *walk_table(void *arg)
{
    enum { WALKS = 40 };
    struct member *member = arg;
    for (int i = 0; i < WALKS; i++) {
        bool seen[STABLE] = {false};
        struct kv_cursor cursor = {0};
        do
            check(member,
                  store_client_page(&member->client, "t", 50, &cursor, see, seen) == KV_DONE);
        while (cursor.size > 0);
        for (int k = 0; k < STABLE; k++)
            check(member, seen[k]);
    }
    leave(member);
    return NULL;
}

static void test_walk_misses_nothing_that_stays_while_others_write(void **state)
{
    struct crowd crowd;
    (void)state;
    crowd_init(&crowd);
    for (unsigned i = 0; i < STABLE; i++) {
        char key[KEY_MAX];
        (void)snprintf(key, sizeof key, "stable %u", i);
        store_client_set(&crowd.first, "t", key, "v");
    }
    assert_int_equal(crowd_run(&crowd, (void *(*const[])(void *)){walk_table, walk_table,
                                                                  walk_table, fill_table}),
                     0);
    crowd_fini(&crowd);
}

/* Tables that come and go under each other's hands. */
static void *own_keys_of_short_lived_tables(void *arg)
{
    enum { ROUNDS = 6000, TABLES = 3 };
    struct member *member = arg;
    char key[KEY_MAX];
    (void)snprintf(key, sizeof key, "%u", member->index);
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        char table[] = {(char)('a' + test_random_below(&member->random, TABLES)), 0};
        uint64_t number = i;
        bool present;
        one(member, KV_MSET, table, key, &number, &present);
        check(member, !present);
        one(member, KV_MGET, table, key, &number, &present);
        check(member, present && number == i);
        number = 0;
        one(member, KV_MDEL, table, key, &number, &present);
        check(member, present && number == i);
    }
    leave(member);
    return NULL;
}

static void test_tables_are_made_and_dropped_under_each_others_hands(void **state)
{
    struct crowd crowd;
    (void)state;
    crowd_init(&crowd);
    assert_int_equal(crowd_run(&crowd, (void *(*const[])(void *)){own_keys_of_short_lived_tables,
                                                                  own_keys_of_short_lived_tables,
                                                                  own_keys_of_short_lived_tables,
                                                                  own_keys_of_short_lived_tables}),
                     0);
    crowd_fini(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loops_find_what_they_wrote_between_each_other),
        cmocka_unit_test(test_batch_is_seen_whole_or_not_at_all_by_batches),
        cmocka_unit_test(test_batch_is_seen_whole_or_not_at_all_by_single_reads),
        cmocka_unit_test(test_batch_is_seen_whole_or_not_at_all_in_a_page),
        cmocka_unit_test(test_walk_misses_nothing_that_stays_while_others_write),
        cmocka_unit_test(test_tables_are_made_and_dropped_under_each_others_hands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
