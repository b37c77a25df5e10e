/* SPDX-License-Identifier: MIT
 *
 * Shared by the topics of the store suite: a session of the store under test, and many keys.
 * Private to the suite. */
#ifndef TEST_STORE_SUITE_WORLD_H
#define TEST_STORE_SUITE_WORLD_H

#include "lib/store_client.h"

enum { MANY = 20000, KEY_MAX = 16 };

struct store_world {
    struct store_client client;
    char (*keys)[KEY_MAX];
    unsigned *seen; /* how often a walk came past each key */
};

/* Which store the tests are of. Borrowed. */
void store_suite_choose(const struct kv_store *store);

/* The topics for stores with the flag of their name, and the one for all stores. Each returns how many
 * tests failed. */
int store_suite__run_walks(const struct kv_store *store);
int store_suite__run_updates(const struct kv_store *store);
int store_suite__run_expiry(const struct kv_store *store);
int store_suite__run_tables(const struct kv_store *store);
int store_suite__run_if_table(const struct kv_store *store);
int store_suite__run_changes(const struct kv_store *store);
int store_suite__run_oracle(const struct kv_store *store);

/* cmocka's fixtures; the state is a struct store_world over an empty store. */
int store_world_setup(void **state);
int store_world_teardown(void **state);

#define STORE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, store_world_setup, store_world_teardown)

/* The flags of the store under test. */
unsigned store_suite_flags(void);

/* True if a write that lacked memory may have this outcome, and then be there or not: a store elsewhere may have done it,
 * and lack the memory for the answer. */
bool store_suite_may_be_unknown(enum kv_outcome outcome);

/* An item that sets key to value with a condition, and without an expiry. */
struct kv_item item_to_set(const char *key, const char *value, const struct kv_update *update);

/* Does one update; *item has the results, but what was found is dropped. */
enum kv_outcome update_one(struct store_world *world, struct kv_item *item);

/* Sets or removes keys [begin, end) in batches; the value of each is the key. */
void do_range(struct store_world *world, enum kv_store_kind kind, int begin, int end);
void do_range_of(struct store_world *world, enum kv_store_kind kind, const char *table, int begin,
                 int end);

#endif
