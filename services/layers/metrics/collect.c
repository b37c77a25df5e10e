/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/inspect.h"
#include "private.h"

const char metrics_other[] = "other";

static int64_t read_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void free_latency(struct metrics_cell *cell)
{
    weft_free(atomic_load_explicit(&cell->latency, memory_order_relaxed));
}

void metrics_free_cells(struct metrics_loop *self)
{
    for (size_t i = 0; i < METRICS_SLOTS; i++) {
        struct metrics_cell *cell = atomic_load_explicit(&self->cells[i], memory_order_relaxed);
        if (cell)
            free_latency(cell);
        weft_free(cell);
    }
    free_latency(&self->other);
}

int weft_metrics_new(struct weft_metrics **out, const struct weft_metrics_options *options)
{
    struct weft_metrics *metrics = weft_calloc(1, sizeof *metrics);
    *out = metrics;
    if (!metrics)
        return -ENOMEM;
    metrics->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    metrics->loops = &metrics->gone;
    metrics->gone.link = &metrics->loops;
    metrics->gone.other.tally.action = metrics_other;
    /* The server has this name for them, too: weft_endpoint_gone of core/inspect.h. */
    snprintf(metrics->gone.endpoint, sizeof metrics->gone.endpoint, "removed");
    metrics->slow_log = options->slow_log;
    metrics->clock = options->clock ? options->clock : read_clock;
    return 0;
}

void weft_metrics_free(struct weft_metrics *metrics)
{
    if (!metrics)
        return;
    metrics_free_cells(&metrics->gone);
    pthread_mutex_destroy(&metrics->lock);
    weft_free(metrics);
}

/* --- merging --------------------------------------------------------------------------------------- */

/* A cell with the loop that it belongs to. */
struct found {
    const struct metrics_loop *loop;
    const struct metrics_cell *cell;
};

static const char *command_of(const struct metrics_cell *cell)
{
    return cell->tally.action ? cell->tally.action : "request";
}

static int compare(const void *a, const void *b)
{
    const struct found *one = a, *other = b;
    int order = strcmp(one->loop->endpoint, other->loop->endpoint);
    if (order == 0)
        order = strcmp(command_of(one->cell), command_of(other->cell));
    if (order == 0)
        order = (one->cell->tally.status > other->cell->tally.status) -
                (one->cell->tally.status < other->cell->tally.status);
    return order;
}

static uint64_t read_counter(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static size_t find_cells(const struct weft_metrics *metrics, struct found *found)
{
    size_t count = 0;
    for (const struct metrics_loop *loop = metrics->loops; loop; loop = loop->next) {
        for (size_t i = 0; i < METRICS_SLOTS; i++) {
            const struct metrics_cell *cell =
                atomic_load_explicit(&loop->cells[i], memory_order_acquire);
            if (cell)
                found[count++] = (struct found){loop, cell};
        }
        if (read_counter(&loop->other.tally.requests) > 0)
            found[count++] = (struct found){loop, &loop->other};
    }
    return count;
}

/* Sets *row to the sum of the cells that compare equal to the first. Returns how many those are. */
static size_t sum_equal(const struct found *found, size_t count, struct weft_metrics_row *row,
                        struct weft_histogram_sum *latency)
{
    size_t i = 0;
    *latency = (struct weft_histogram_sum){.total = 0};
    *row = (struct weft_metrics_row){.endpoint = found->loop->endpoint,
                                     .command = command_of(found->cell),
                                     .status = found->cell->tally.status,
                                     .latency = latency};
    for (; i < count && compare(found, &found[i]) == 0; i++) {
        const struct metrics_cell *cell = found[i].cell;
        const struct weft_histogram *own =
            atomic_load_explicit(&cell->latency, memory_order_acquire);
        row->requests += read_counter(&cell->tally.requests);
        row->request_bytes += read_counter(&cell->tally.request_bytes);
        row->reply_bytes += read_counter(&cell->tally.reply_bytes);
        if (own)
            weft_histogram_add(latency, own);
    }
    return i;
}

int weft_metrics_each(struct weft_metrics *metrics,
                      void (*each)(void *arg, const struct weft_metrics_row *row), void *arg)
{
    size_t loops = 0;
    pthread_mutex_lock(&metrics->lock);
    for (const struct metrics_loop *loop = metrics->loops; loop; loop = loop->next)
        loops++;
    struct found *found = weft_malloc((loops * (METRICS_CELLS + 1) + 1) * sizeof *found);
    size_t count = found ? find_cells(metrics, found) : 0;
    if (count > 0)
        qsort(found, count, sizeof *found, compare);
    for (size_t i = 0; i < count;) {
        struct weft_metrics_row row;
        struct weft_histogram_sum latency;
        i += sum_equal(&found[i], count - i, &row, &latency);
        each(arg, &row);
    }
    pthread_mutex_unlock(&metrics->lock);
    weft_free(found);
    return found ? 0 : -ENOMEM;
}

/* --- samples --------------------------------------------------------------------------------------- */

static const struct weft_metric
    requests = {"weft_requests", NULL, "Requests that have ended, by endpoint, command and status",
                WEFT_COUNTER},
    request_bytes = {"weft_request_bytes", "bytes",
                     "Size of the messages of requests that have ended, before encoding",
                     WEFT_COUNTER},
    reply_bytes = {"weft_reply_bytes", "bytes", "Size of the messages of replies, before encoding",
                   WEFT_COUNTER},
    latency = {"weft_request_duration_seconds", "seconds",
               "Time from a request's begin to its end, of the requests that are timed: one in 64, "
               "chosen at "
               "random, unless timed= says otherwise",
               WEFT_HISTOGRAM};

enum kind { REQUESTS, REQUEST_BYTES, REPLY_BYTES, LATENCY };

struct pass {
    struct weft_samples *samples;
    enum kind kind;
};

static void tell(void *arg, const struct weft_metrics_row *row)
{
    const struct pass *pass = arg;
    struct weft_endpoint_labels endpoint;
    struct weft_label labels[WEFT_ENDPOINT_LABELS + 2];
    char status[16];
    size_t count = weft_endpoint_label(&endpoint, row->endpoint, labels);
    (void)snprintf(status, sizeof status, "%u", (unsigned)row->status);
    labels[count++] = (struct weft_label){"command", row->command};
    labels[count++] = (struct weft_label){"status", row->status == 0 ? "none" : status};
    switch (pass->kind) {
    case REQUESTS:
        weft_samples_add(pass->samples, &requests, labels, count, (double)row->requests);
        break;
    case REQUEST_BYTES:
        weft_samples_add(pass->samples, &request_bytes, labels, count, (double)row->request_bytes);
        break;
    case REPLY_BYTES:
        weft_samples_add(pass->samples, &reply_bytes, labels, count, (double)row->reply_bytes);
        break;
    case LATENCY:
        if (row->latency->total > 0)
            weft_samples_add_histogram(pass->samples, &latency, labels, count, row->latency);
        break;
    }
}

static const struct weft_metric slow = {"weft_slow_requests", NULL,
                                        "Requests that were written to the slow log", WEFT_COUNTER};

/* A metric's samples come one after another, so the rows are gone through once per metric. */
void weft_metrics_collect(void *context, struct weft_samples *samples)
{
    struct weft_metrics *metrics = context;
    for (int kind = REQUESTS; kind <= LATENCY; kind++) {
        struct pass pass = {samples, (enum kind)kind};
        if (weft_metrics_each(metrics, tell, &pass) < 0)
            return;
    }
    if (metrics->slow_log)
        weft_samples_add(samples, &slow, NULL, 0, (double)weft_slow_log_total(metrics->slow_log));
}
