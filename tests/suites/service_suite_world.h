/* SPDX-License-Identifier: MIT
 *
 * One service as a server has it: configured, started on a loop of virtual time, with connections open.
 * Private to the suite. Its own memory comes from the C library, so that failing allocations are the
 * service's (and the loop's). */
#ifndef TEST_SERVICE_SUITE_WORLD_H
#define TEST_SERVICE_SUITE_WORLD_H

#include "lib/fake_request.h"
#include "service_suite.h"

enum { SERVICE_CONNECTIONS = 2, SERVICE_ARENA = 1 << 20 };

struct service_world {
    const struct weft_service_suite *suite;
    struct weft_limits limits;
    struct weft_loop *loop;
    void *config, *loop_state, *connections[SERVICE_CONNECTIONS];
    int open; /* of connections */
};

/* Fails the test where the service cannot be configured, started or opened. */
void service_world_init(struct service_world *world, const struct weft_service_suite *suite);
/* Returns what the first failing slot returned, and nothing is held then; or 0. */
int service_world_try_init(struct service_world *world, const struct weft_service_suite *suite);
void service_world_fini(struct service_world *world);

/* Hands the request to call(), within a turn. */
void service_world_call(struct service_world *world, size_t connection,
                        struct fake_request *request);
/* Tells an unended request, within a turn, that nobody will read its answer. */
void service_world_cancel(struct service_world *world, struct fake_request *request);

/* Turns, and time, until nothing is left to do. */
void service_world_settle(struct service_world *world);
/* Settles, and calls on_room whenever the request is owed it. */
void service_world_settle_with(struct service_world *world, struct fake_request *request);

#endif
