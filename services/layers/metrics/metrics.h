/* SPDX-License-Identifier: MIT
 *
 * Metrics: a layer (core/layer.h) that counts what its endpoint's requests were about, how they ended and how long
 * they took, and that writes the slow ones to a slow log.
 *
 *     tcp://127.0.0.1:9527?layers=metrics
 *
 * Each loop counts for itself, so no request waits for another thread. Numbers are kept per endpoint, command and
 * status. A command is the name of an action, as the service tells it to weft_request_ask; a service that does not
 * ask has the one command `request`. The number of series is bounded: after 96 combinations of command and status an
 * endpoint counts further ones as the command `other`.
 *
 * To read the clock costs more than all counting. So one request in 64, on average, is timed, chosen at random. With a
 * slow log every request is, and its object noted, which takes five times as much. So there are two layers of that
 * name, and a program registers one of them. */
#ifndef WEFT_METRICS_H
#define WEFT_METRICS_H

#include "core/base/histogram.h"
#include "core/base/samples.h"
#include "core/base/slow_log.h"
#include "core/layer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Register one with a struct weft_metrics as its context, which all endpoints and loops share: the second one if that
 * has a slow log. The option `timed=N` times one request in N; 1: each one. */
extern const struct weft_layer weft_metrics_layer, weft_metrics_slow_layer;

struct weft_metrics;

struct weft_metrics_options {
    struct weft_slow_log *slow_log; /* borrowed; NULL: there is none */
    /* Returns the nanoseconds of a monotonic clock. Any thread. NULL: that of the system. */
    int64_t (*clock)(void);
};

/* Returns 0, or -ENOMEM. */
WEFT_MUST_USE int weft_metrics_new(struct weft_metrics **metrics,
                                   const struct weft_metrics_options *options);
/* Called after every server that uses it is freed. NULL: does nothing. */
void weft_metrics_free(struct weft_metrics *metrics);

/* For a struct weft_collector, whose context is the struct weft_metrics. */
void weft_metrics_collect(void *metrics, struct weft_samples *samples);

/* A command of one endpoint, over all loops. */
struct weft_metrics_row {
    const char *endpoint; /* the line that weft_server_endpoint has; "" before the server listens */
    const char *command;
    uint32_t status;
    uint64_t requests, request_bytes, reply_bytes;
    const struct weft_histogram_sum *latency; /* of the requests that were timed */
};

/* Calls `each` with every command and status that came. A row is borrowed for its call. Any thread. Returns 0, or
 * -ENOMEM: none was shown. */
WEFT_MUST_USE int weft_metrics_each(struct weft_metrics *metrics,
                                    void (*each)(void *arg, const struct weft_metrics_row *row),
                                    void *arg);

#ifdef __cplusplus
}
#endif

#endif
