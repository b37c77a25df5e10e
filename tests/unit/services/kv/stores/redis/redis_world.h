/* SPDX-License-Identifier: MIT
 *
 * A client of Redis on a virtual loop, whose nodes the test plays: what is sent to them is read as commands, and what
 * they answer is written as it is on the wire. */
#ifndef TEST_REDIS_WORLD_H
#define TEST_REDIS_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/registry.h"
#include "lib/fault.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/redis/redis.h"
#include "services/kv/stores/redis/subscription.h"

#define MS(n) ((int64_t)(n)*1000000)

enum { TEST_WORDS = 8, TEST_NODES = 64 };

struct redis_world {
    struct weft_loop *loop;
    struct weft_registry registry;
    struct redis_shared *shared;
    struct redis_cluster *cluster;
    struct weft_error error;
    void (*node_up)(struct redis_world *world, struct redis_node *node);
    unsigned changes; /* of the slots */
    /* The test holds these. */
    struct script_end *ends[TEST_NODES];
    char names[TEST_NODES][64];
    char log[4096]; /* what the calls have ended with: "a=OK b=? c=!" */
};
extern struct redis_world world;

int world_setup(void **state);
int world_teardown(void **state);
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

/* Makes a client: where as "//10.0.0.1:7000", options as "?ack=master&timeout=1" or NULL. Returns the error. */
int world_try(bool single, const char *where, const char *options);
/* Makes one, which must succeed. */
void world_start(bool single, const char *where, const char *options);
void world_stop(void);
void world_turns(void);
/* Adds the transport to the registry; setup has done so. */
void world_add_transport(void);
void world_pass(int64_t ns);

/* A call whose end is noted in the log under its name. */
struct test_call {
    struct redis_call call;
    struct weft_view words[TEST_WORDS];
    char text[128];
    const char *name;
    void (*done)(struct test_call *call);
    unsigned ended;
};
/* Submits a command, as "GET a", for a slot; `how` has letters: w (write), a (write with ack). */
void submit(struct test_call *call, const char *name, int slot, const char *command,
            const char *how);
/* Compares what has ended since the last time, in order. */
void expect_log(const char *text);

/* A node of the test's begins to listen. */
void node_listen(const char *name);
/* Returns the connection to a node that is new, before its greeting. */
struct script_end *node_take(const char *name);
/* Takes one, and answers the greeting of a client without a password. */
struct script_end *node_accept(const char *name);
/* The commands that have come, a `|` between: "GET a|GET b". */
void expect_commands(struct script_end *node, const char *commands);
void node_say(struct script_end *node, const char *answer);
/* Answers each command that has come: CLUSTER SLOTS with `map`, PING with +PONG, WAIT with :1 and others with `other`.
 * Returns how many of CLUSTER SLOTS and of the others there were. */
struct served {
    unsigned maps, others;
};
struct served node_serve(struct script_end *node, const char *map, const char *other);
/* Does so for all nodes, with +OK, and takes connections that are new. */
void world_serve(const char *map);
/* Ends all connections and forgets all nodes. */
void world_close_nodes(void);
/* Ends the connection, in order or by a reset. */
void node_close(struct script_end *node);
void node_reset(struct script_end *node);

#endif
