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
    const char *command; /* static, as the service gave it */
    uint32_t status;
    _Atomic uint64_t requests, request_bytes, reply_bytes;
    _Atomic(struct weft_histogram *) latency; /* NULL until a request is timed */
};

/* The state of a loop. The cells are found by the address of a command's name, so a name that stands at two addresses
 * has two cells, which a collector merges. */
struct metrics_loop {
    struct weft_metrics *metrics;
    struct weft_loop *loop;
    uint32_t timed;  /* one in `timed` is */
    uint64_t random; /* chooses that one, so that it is not the same one of each batch */
    /* With a slow log: the requests until that one, when the last request ended, and weft_loop_now then. */
    uint32_t left;
    int64_t ended, turn;
    size_t count;
    _Atomic(struct metrics_cell *) cells[METRICS_SLOTS];
    struct metrics_cell other;       /* for what has no place in the table */
    struct metrics_cell *latest;     /* the cell in which the last request was counted */
    char endpoint[METRICS_ENDPOINT]; /* written under the lock */
    struct metrics_loop *next, **link;
};

struct weft_metrics {
    pthread_mutex_t lock; /* of the list, and of the endpoints' names, and of `gone` */
    struct metrics_loop *loops;
    struct metrics_loop gone; /* the last of the list: what loops have counted that were stopped */
    struct weft_slow_log *slow_log;
    int64_t (*clock)(void);
};

/* collect.c. The function frees the cells of a loop that counts no more. */
void metrics_free_cells(struct metrics_loop *self);
extern const char metrics_other[], metrics_any[];

#endif
