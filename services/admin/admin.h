/* SPDX-License-Identifier: MIT
 *
 * The admin service: what an operator sees of another server of the process, and does to it, over HTTP. docs/admin.md
 * describes the resources.
 *
 * It is to be served by a server of its own, with a loop and a thread of its own. So it answers while the other
 * server is at max-connections, drains, or has busy loops, and no request of it takes time from the others. What only
 * the first loop of that server may do is posted there. */
#ifndef WEFT_ADMIN_H
#define WEFT_ADMIN_H

#include <stdatomic.h>

#include "core/base/samples.h"
#include "core/base/slow_log.h"
#include "core/server.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Speaks "http", and is named "admin". Register it with a struct weft_admin as its context. Its option
 * `host=NAME,...` lists names by which browsers may reach it, beside localhost and IP addresses. */
extern const struct weft_service weft_admin_service;

enum weft_admin_state { WEFT_ADMIN_LOADING, WEFT_ADMIN_READY, WEFT_ADMIN_DRAINING };

enum weft_admin_action {
    WEFT_ADMIN_DRAIN,     /* POST /drain */
    WEFT_ADMIN_LOG_LEVEL, /* POST /log-level: the argument is the level's name */
    WEFT_ADMIN_SNAPSHOT,  /* POST /snapshot */
    WEFT_ADMIN_RELOAD     /* POST /reload */
};

enum { WEFT_ADMIN_TEXT = 1200, WEFT_ADMIN_TABLES = 8, WEFT_ADMIN_FACTS = 16 };

/* An order to the program. */
struct weft_admin_order {
    enum weft_admin_action action;
    const char *argument; /* "" if there is none */
    /* Out, after 0: what was done, as in "changed=users restart=threads"; words with spaces between. It is "" at
     * first. */
    char result[WEFT_ADMIN_TEXT];
};

/* A program zeroes it, sets the fields, and leaves it in place until the server that serves the service is freed. All
 * that is borrowed lives as long. */
struct weft_admin {
    struct weft_collectors *collectors;
    struct weft_slow_log *slow_log; /* NULL: there is none */
    /* Facts of the program for /info, as pairs: "store", "memory". A NULL name ends them. */
    struct {
        const char *name, *value;
    } facts[WEFT_ADMIN_FACTS + 1];
    const struct weft_log *log;
    /* Further tables of limits, each with the struct that it describes, which does not change. A NULL table ends them. */
    struct {
        const struct weft_limit *table;
        const void *values;
    } limits[WEFT_ADMIN_TABLES + 1];
    /* Carries an order out. Called within a turn of the first loop of `server`. Returns 0; or an error with one line in
     * *error: -ENOTSUP if the program has no such thing, WEFT_ECONFIG if the argument or a file is wrong. */
    int (*act)(void *context, struct weft_admin_order *order, struct weft_error *error);
    void *context;
    /* Carries POST /drain out while there is no server to drain yet: ends the program. Called on the service's own
     * loop, before the answer leaves. NULL: the order is refused. */
    void (*stop_loading)(void *context);
    /* A service for paths below /v1/, which the console's view of the data uses: see weft_admin_set_data. NULL: none. */
    const struct weft_service *data;
    void *data_context;
    struct weft_service service;
    /* The server that it is about. It is set once that listens, by weft_admin_set_server, and NULL before. */
    _Atomic(struct weft_server *) server;
    _Atomic int state; /* enum weft_admin_state */
    /* Set by weft_admin_set_progress. unit is NULL before. */
    _Atomic uint64_t loaded, load_total;
    const char *_Atomic load_unit;
};

/* Makes admin->service, which is weft_admin_service and serves the paths below /v1/ by `data`: register that instead,
 * under the same name, with `admin` as its context. data speaks "http" and is configured without options, but for
 * `cors`, which lets pages in, because this service judges whose pages may ask. It must call weft_request_ask
 * (asks). data and context outlive the server. */
void weft_admin_set_data(struct weft_admin *admin, const struct weft_service *data, void *context);

/* All three on any thread. The server lives until the one that serves the service has ended its run. */
void weft_admin_set_server(struct weft_admin *admin, struct weft_server *server);
void weft_admin_set_state(struct weft_admin *admin, enum weft_admin_state state);
/* Says how much is loaded, for /readyz. total is 0 if nobody knows; unit is static, as in "bytes". */
void weft_admin_set_progress(struct weft_admin *admin, uint64_t done, uint64_t total,
                             const char *unit);

#ifdef __cplusplus
}
#endif

#endif
