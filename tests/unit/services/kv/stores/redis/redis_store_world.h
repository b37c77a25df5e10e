/* SPDX-License-Identifier: MIT
 *
 * A session of the store redis-cluster over a server, for the tests of this folder. Tables have 4 buckets. */
#ifndef TEST_REDIS_STORE_WORLD_H
#define TEST_REDIS_STORE_WORLD_H

#include "lib/redis_stand_in.h"
#include "lib/store_client.h"

/* cmocka's fixtures: of the group, which starts the server, and of a test, whose state is a struct store_client over an
 * empty server. */
int redis_store_world_begin(void **state);
int redis_store_world_end(void **state);
int redis_store_world_setup(void **state);
int redis_store_world_teardown(void **state);

#define REDIS_STORE_TEST(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, redis_store_world_setup, redis_store_world_teardown)

/* Two keys that are in different buckets of a table. */
#define REDIS_KEY_ONE "one"
const char *redis_store_world_other_key(void);

/* Sets keys "0" to "count - 1" of a table to themselves. */
void redis_store_world_fill(struct store_client *client, const char *table, int count);

#endif
