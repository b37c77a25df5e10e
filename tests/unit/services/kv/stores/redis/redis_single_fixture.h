/* SPDX-License-Identifier: MIT
 *
 * A cluster of one node, and calls to it. */
#ifndef TEST_REDIS_SINGLE_FIXTURE_H
#define TEST_REDIS_SINGLE_FIXTURE_H

#include "redis_world.h"

#define NODE  "10.0.0.1:6379"
#define WHERE "//" NODE

extern struct test_call a, b, c, script_load;
extern struct script_end *node;

int setup(void **state);

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

void start(const char *options);

/* The hook `node_up` of a world that loads a script: `script_load`. */
void load(struct redis_world *w, struct redis_node *up);

#endif
