/* SPDX-License-Identifier: MIT
 *
 * The counters of one endpoint on one loop. layer.c counts, collect.c reads them on any thread. */
#ifndef WEFT_METRICS_PRIVATE_H
#define WEFT_METRICS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/histogram.h"
#include "metrics.h"

enum {
    METRICS_SLOTS = 128, /* of a loop's table; a power of two */
    METRICS_CELLS = 96,  /* cells that it has at most */
    METRICS_ENDPOINT = 256
};

/* The counters of one command and status. Only its loop writes them. */
struct metrics_cell {
    struct weft_tally tally; /* its action is the command, or NULL: the service does not ask */
    _Atomic(struct weft_histogram *) latency; /* NULL until a request is timed */
};

/* The state of a loop. The cells are found by the address of a command's name, so a name that stands at two addresses
 * has two cells, which a collector merges. */
struct metrics_loop {
    struct weft_metrics *metrics;
    struct metrics_group *group;
    struct weft_loop *loop;
    uint32_t timed;  /* one in `timed` is */
    uint64_t random; /* chooses that one, so that it is not the same one of each batch */
    /* With a slow log: the requests until that one, when the last request ended, and weft_loop_now then. */
    uint32_t left;
    int64_t ended, turn;
    size_t count;
    _Atomic(struct metrics_cell *) cells[METRICS_SLOTS];
    struct metrics_cell other;       /* for what has no place in the table */
    char endpoint[METRICS_ENDPOINT]; /* written under the lock */
    struct metrics_loop *next, **link;
};

/* The loops of an endpoint. They stop one after another, so what the first have counted stays the endpoint's until the last
 * one stops: a counter that fell by one loop's share would look as if the server had started again. */
struct metrics_group {
    const void *config; /* what start has got, by which the loops of an endpoint know each other */
    size_t running;
    struct metrics_loop stopped; /* what stopped loops had counted; listed once there is one */
    struct metrics_group *next;
};

struct weft_metrics {
    pthread_mutex_t lock; /* of all here, of the endpoints' names, and of the groups */
    struct metrics_group *groups;
    struct metrics_loop *loops;
    struct metrics_loop gone; /* the last of the list: what loops have counted that were stopped */
    struct weft_slow_log *slow_log;
    int64_t (*clock)(void);
};

/* collect.c. The function frees the cells of a loop that counts no more. */
void metrics_free_cells(struct metrics_loop *self);
extern const char metrics_other[];

#endif
