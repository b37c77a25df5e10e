/* SPDX-License-Identifier: MIT */
#include "redis_single_fixture.h"

struct test_call a, b, c, script_load;
struct script_end *node;

int setup(void **state)
{
    a = b = c = (struct test_call){0};
    node = NULL;
    int err = world_setup(state);
    node_listen(NODE);
    return err;
}

void start(const char *options)
{
    world_start(true, WHERE, options);
    node = node_accept(NODE);
}

void load(struct redis_world *w, struct redis_node *up)
{
    (void)w;
    script_load.call.node = up;
    submit(&script_load, "load", 0, "SCRIPT LOAD x", "");
}
