/* SPDX-License-Identifier: MIT
 *
 * The service of a simulation: it answers as each request says, now, later or in parts, and counts.
 * Whatever breaks the contract of core/service.h aborts. */
#ifndef TEST_SIM_SERVICE_H
#define TEST_SIM_SERVICE_H

#include "core/layer.h"
#include "sim_plan.h"

enum { SIM_CLIENTS = 512 };

/* Registered as its context. */
struct sim_record {
    uint32_t called[SIM_CLIENTS]; /* requests of a client that the service has seen */
    size_t unended, open;
    size_t layered;            /* begins of layers whose ends have not come */
    struct test_random random; /* decides how it takes a cancellation */
};

extern const struct weft_service sim_service;

/* Two layers that see every request begin and end, and abort where one does not, or where the state they
 * have of it is not theirs. Their context is the record, whose `layered` counts the unended. */
extern const struct weft_layer sim_watch_layer, sim_guard_layer;
/* An observer that sees all requests, and aborts at one whose begin it has not seen. It counts in `layered` as well. */
extern const struct weft_layer sim_observer_layer;

#endif
