/* SPDX-License-Identifier: MIT
 *
 * Samples are what a process has counted, at one moment. Each part that counts has a collector, which tells its
 * samples when it is asked. Nothing is computed while nobody asks.
 *
 *     collectors (the server, each layer, the store) -> weft_collectors_run -> samples->take, once per sample
 *
 * The taker decides about the form: text for Prometheus, JSON, the INFO of Redis. */
#ifndef WEFT_SAMPLES_H
#define WEFT_SAMPLES_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum weft_metric_kind {
    WEFT_COUNTER,  /* it only grows while the process lives */
    WEFT_GAUGE,    /* it goes up and down */
    WEFT_HISTOGRAM /* how often values of each size came */
};

/* A metric is a thing that is counted. It is static. */
struct weft_metric {
    const char *name; /* "weft_received_bytes": in base units, and the unit stands at its end */
    const char *unit; /* "bytes", "seconds"; NULL: it counts things */
    const char *help; /* one sentence without its full stop */
    enum weft_metric_kind kind;
};

/* A label tells the samples of a metric apart. Its value must be one of a bounded set: an endpoint, a command, a
 * status; never a key, a table, a user or an address of a peer. */
struct weft_label {
    const char *name, *value;
};

/* The values up to `upper`, those of the buckets before included. */
struct weft_bucket {
    double upper;
    uint64_t count;
};

/* A sample is borrowed for the call of take. */
struct weft_sample {
    const struct weft_metric *metric;
    const struct weft_label *labels;
    size_t label_count;
    double value; /* of a histogram: the sum of the values that it has counted */
    /* A histogram has these: they are sorted, and the last one's upper is infinite. */
    const struct weft_bucket *buckets;
    size_t bucket_count;
};

/* Whoever takes samples embeds this. All samples of a metric come one after another. */
struct weft_samples {
    void (*take)(struct weft_samples *samples, const struct weft_sample *sample);
};

/* Tells a sample of a counter or a gauge. */
void weft_samples_add(struct weft_samples *samples, const struct weft_metric *metric,
                      const struct weft_label *labels, size_t label_count, double value);

/* A part that counts embeds or makes one. */
struct weft_collector {
    /* Tells all samples of the part. It is called on any thread, while loops run, so it reads only what may be read
     * then: atomic counters, and what never changes. It must not block. No two collectors tell one metric. */
    void (*collect)(void *context, struct weft_samples *samples);
    void *context;
    struct weft_collector *next; /* the list's */
};

/* The list of a process. Use the functions below, not the fields. */
struct weft_collectors {
    pthread_mutex_t lock;
    struct weft_collector *first;
};

#define WEFT_COLLECTORS_INIT                                                                       \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                          \
    }

/* Adds a collector at the end. It stays the caller's and is used until it is removed. Any thread. */
void weft_collectors_add(struct weft_collectors *collectors, struct weft_collector *collector);
/* Removes a collector, which is not running and will not run once this has returned. Does nothing to one that was not
 * added. Any thread, but not from a collector. */
void weft_collectors_remove(struct weft_collectors *collectors, struct weft_collector *collector);
/* Runs all collectors, in the order added. Any thread; two threads take turns. NULL: does nothing. */
void weft_collectors_run(struct weft_collectors *collectors, struct weft_samples *samples);

#ifdef __cplusplus
}
#endif

#endif
