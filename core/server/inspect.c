/* SPDX-License-Identifier: MIT
 *
 * The samples of a server, and walks that no connection asks for. Everything here reads what any thread may read:
 * atomic counters, what does not change once the server listens, and the list of addresses under its lock. */
#include "core/inspect.h"

#include <stdio.h>

#include "core/conn/walk.h"
#include "server_private.h"

static const double nanosecond = 1e-9;

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void copy_part(char *dst, size_t size, const char *from, size_t length)
{
    size_t taken = length < size ? length : size - 1;
    memcpy(dst, from, taken);
    dst[taken] = '\0';
}

/* Copies the word behind `key`, or an empty text. */
static void copy_word(char *dst, size_t size, const char *line, const char *key)
{
    const char *found = strstr(line, key);
    const char *word = found ? found + strlen(key) : "";
    copy_part(dst, size, word, strcspn(word, " "));
}

size_t weft_endpoint_label(struct weft_endpoint_labels *memory, const char *line,
                           struct weft_label labels[WEFT_ENDPOINT_LABELS])
{
    copy_part(memory->address, sizeof memory->address, line, strcspn(line, " "));
    copy_word(memory->codec, sizeof memory->codec, line, " codec=");
    copy_word(memory->service, sizeof memory->service, line, " service=");
    labels[0] = (struct weft_label){"endpoint", memory->address};
    labels[1] = (struct weft_label){"codec", memory->codec};
    labels[2] = (struct weft_label){"service", memory->service};
    return WEFT_ENDPOINT_LABELS;
}

/* --- endpoints ------------------------------------------------------------------------------------- */

static const struct {
    struct weft_metric metric;
    size_t offset; /* in struct weft__counts */
    double unit;
} by_endpoint[] = {
    {{"weft_connections_accepted", NULL,
      "Connections that were accepted, those that were turned away included", WEFT_COUNTER},
     offsetof(struct weft__counts, accepted),
     1},
    {{"weft_connections_open", NULL, "Connections that are open", WEFT_GAUGE},
     offsetof(struct weft__counts, open),
     1},
    {{"weft_frames_decoded", NULL, "Frames that were decoded, bad ones included", WEFT_COUNTER},
     offsetof(struct weft__counts, requests),
     1},
    {{"weft_rejections", NULL, "Requests, replies and connections that were rejected",
      WEFT_COUNTER},
     offsetof(struct weft__counts, rejected),
     1},
    {{"weft_received_bytes", "bytes", "Bytes received from peers", WEFT_COUNTER},
     offsetof(struct weft__counts, bytes_in),
     1},
    {{"weft_sent_bytes", "bytes", "Bytes sent to peers", WEFT_COUNTER},
     offsetof(struct weft__counts, bytes_out),
     1},
    {{"weft_deflated_messages", NULL, "Messages that were deflated, if the server measures",
      WEFT_COUNTER},
     offsetof(struct weft__counts, deflated),
     1},
    {{"weft_deflated_message_bytes", "bytes", "Size of these messages", WEFT_COUNTER},
     offsetof(struct weft__counts, deflated_from),
     1},
    {{"weft_deflated_frame_bytes", "bytes", "Size of their frames", WEFT_COUNTER},
     offsetof(struct weft__counts, deflated_to),
     1},
    {{"weft_deflate_seconds", "seconds", "Time in which they were deflated", WEFT_COUNTER},
     offsetof(struct weft__counts, deflating),
     1e-9},
    {{"weft_inflated_messages", NULL, "Messages that were inflated", WEFT_COUNTER},
     offsetof(struct weft__counts, inflated),
     1},
    {{"weft_inflated_frame_bytes", "bytes", "Size of their frames", WEFT_COUNTER},
     offsetof(struct weft__counts, inflated_from),
     1},
    {{"weft_inflated_message_bytes", "bytes", "Size of these messages", WEFT_COUNTER},
     offsetof(struct weft__counts, inflated_to),
     1},
};

static const struct weft_metric closed = {"weft_connections_closed", NULL,
                                          "Connections that have ended, by reason", WEFT_COUNTER};

/* Calls `each` with every endpoint: those that serve, in their order, then the removed ones that drain. */
static void visit_ports(const struct weft_server *server,
                        void (*each)(void *arg, const struct weft__port *port), void *arg)
{
    for (size_t a = 0; a < server->address_count; a++)
        for (size_t i = 0; i < server->addresses[a]->count; i++)
            each(arg, &server->addresses[a]->ports[i]);
    for (const struct weft__address *at = server->removed; at; at = at->next)
        for (size_t i = 0; i < at->count; i++)
            each(arg, &at->ports[i]);
}

static struct weft_server *lock(const struct weft_server *server)
{
    struct weft_server *locked = (struct weft_server *)(uintptr_t)server;
    pthread_mutex_lock(&locked->lock);
    return locked;
}

static uint64_t read_at(const struct weft__counts *counts, size_t offset)
{
    const char *at = (const char *)counts + offset;
    return read_counter((const _Atomic uint64_t *)(const void *)at);
}

/* A counter of the endpoints with one line, summed over them and over the workers. An address that has come back has the
 * line of the one that still drains. */
struct summing {
    const char *line;
    size_t offset; /* in struct weft__counts */
    uint64_t sum;
};

static void add_port(void *arg, const struct weft__port *port)
{
    struct summing *summing = arg;
    if (weft__port_line(port) != summing->line)
        return;
    for (size_t t = 0; t < port->address->server->thread_count; t++)
        summing->sum += read_at(&weft__port_binding(port, t)->counts, summing->offset);
}

/* Samples of one counter, under the labels of each endpoint and one more. */
struct telling {
    const struct weft_server *server;
    struct weft_samples *samples;
    const struct weft_metric *metric;
    const struct weft_label *label; /* NULL: none more */
    size_t offset;
    double unit;
    const struct weft__port *before; /* in seen_before: the port, and then NULL once it was met */
    bool seen;
};

static void look_for(void *arg, const struct weft__port *port)
{
    struct telling *telling = arg;
    if (port == telling->before)
        telling->before = NULL;
    if (telling->before && weft__port_line(port) == weft__port_line(telling->before))
        telling->seen = true;
}

/* True if an endpoint before this one has its line. */
static bool seen_before(struct telling *telling, const struct weft__port *port)
{
    telling->before = port;
    telling->seen = false;
    visit_ports(telling->server, look_for, telling);
    return telling->seen;
}

static void tell_counter(const struct telling *telling, const char *line, uint64_t value)
{
    struct weft_endpoint_labels memory;
    struct weft_label labels[WEFT_ENDPOINT_LABELS + 1];
    size_t count = weft_endpoint_label(&memory, line, labels);
    if (telling->label)
        labels[count++] = *telling->label;
    weft_samples_add(telling->samples, telling->metric, labels, count,
                     (double)value * telling->unit);
}

static void tell_port(void *arg, const struct weft__port *port)
{
    struct telling *telling = arg;
    struct summing summing = {.line = weft__port_line(port), .offset = telling->offset};
    if (seen_before(telling, port))
        return;
    visit_ports(telling->server, add_port, &summing);
    tell_counter(telling, summing.line, summing.sum);
}

/* Endpoints that have gone are one, so that totals do not fall. */
static void tell_all(struct telling *telling)
{
    visit_ports(telling->server, tell_port, telling);
    if (telling->server->has_gone)
        tell_counter(telling, WEFT_ENDPOINT_GONE, read_at(&telling->server->gone, telling->offset));
}

static void collect_closed(const struct weft_server *server, struct weft_samples *samples)
{
    for (int reason = WEFT_REASON_NONE + 1; reason < WEFT_REASON_COUNT; reason++) {
        const struct weft_label label = {"reason", weft_reason_name((enum weft_reason)reason)};
        struct telling telling = {.server = server,
                                  .samples = samples,
                                  .metric = &closed,
                                  .label = &label,
                                  .offset = offsetof(struct weft__counts, closed) +
                                            (size_t)reason * sizeof(_Atomic uint64_t),
                                  .unit = 1};
        tell_all(&telling);
    }
}

static void collect_endpoints(const struct weft_server *shared, struct weft_samples *samples)
{
    struct weft_server *server = lock(shared);
    for (size_t i = 0; i < sizeof by_endpoint / sizeof *by_endpoint; i++) {
        struct telling telling = {.server = server,
                                  .samples = samples,
                                  .metric = &by_endpoint[i].metric,
                                  .offset = by_endpoint[i].offset,
                                  .unit = by_endpoint[i].unit};
        tell_all(&telling);
    }
    collect_closed(server, samples);
    pthread_mutex_unlock(&server->lock);
}

/* Passes each endpoint on. */
struct showing {
    void (*each)(void *arg, const struct weft_endpoint_row *row);
    void *arg;
};

static void show(void *arg, const struct weft__port *port)
{
    const struct showing *showing = arg;
    struct weft_endpoint_row row = {.line = weft__port_line(port),
                                    .draining = port->address->removed};
    weft__port_count(port, &row.counts);
    showing->each(showing->arg, &row);
}

void weft_server_each_endpoint(const struct weft_server *shared,
                               void (*each)(void *arg, const struct weft_endpoint_row *row),
                               void *arg)
{
    struct showing showing = {each, arg};
    struct weft_server *server = lock(shared);
    visit_ports(server, show, &showing);
    pthread_mutex_unlock(&server->lock);
}

/* --- the server and its loops ---------------------------------------------------------------------- */

static const struct weft_metric states = {
    "weft_connections", NULL, "Connections in each state, over all endpoints", WEFT_GAUGE};

static void collect_states(const struct weft_server *server, struct weft_samples *samples)
{
    for (int state = 0; state < WEFT_CONNECTION_STATES; state++) {
        const struct weft_label label = {
            "state", weft_connection_state_name((enum weft_connection_state)state)};
        uint64_t sum = 0;
        for (size_t t = 0; t < server->thread_count; t++)
            sum += read_counter(&server->threads[t].worker.states[state]);
        weft_samples_add(samples, &states, &label, 1, (double)sum);
    }
}

enum loop_metric { CONNECTIONS, TURNS, POSTS, LONGEST, DURATIONS };

static const struct weft_metric by_loop[] = {
    [CONNECTIONS] = {"weft_loop_connections", NULL, "Connections that a loop serves", WEFT_GAUGE},
    [TURNS] = {"weft_loop_turns", NULL, "Turns that a loop has made", WEFT_COUNTER},
    [POSTS] = {"weft_loop_posts", NULL, "Calls from other threads that a loop has run",
               WEFT_COUNTER},
    [LONGEST] = {"weft_loop_turn_longest_seconds", "seconds",
                 "The longest turn of the latest 30 to 60 seconds in which the loop had turns",
                 WEFT_GAUGE},
    [DURATIONS] = {"weft_loop_turn_duration_seconds", "seconds", "Time that a turn of a loop takes",
                   WEFT_HISTOGRAM},
};

static void collect_loop(const struct weft__worker *worker, enum loop_metric metric,
                         const struct weft_label *label, struct weft_samples *samples)
{
    const struct weft__measures *measures = worker->measures;
    struct weft_loop_counts counts;
    double value = 0;
    weft_loop_count(worker->loop, &counts);
    if (metric == DURATIONS) {
        struct weft_histogram_sum sum = {.total = 0};
        weft_histogram_add(&sum, &measures->turns);
        weft_samples_add_histogram(samples, &by_loop[metric], label, 1, &sum);
        return;
    }
    if (metric == CONNECTIONS)
        value = (double)read_counter(&worker->living);
    else if (metric == TURNS)
        value = (double)counts.turns;
    else if (metric == POSTS)
        value = (double)counts.posts;
    else {
        uint64_t now = read_counter(&measures->longest),
                 before = read_counter(&measures->longest_before);
        value = (double)(now > before ? now : before) * nanosecond;
    }
    weft_samples_add(samples, &by_loop[metric], label, 1, value);
}

static void collect_loops(const struct weft_server *server, struct weft_samples *samples)
{
    int last = server->options.measure ? DURATIONS : POSTS;
    for (int metric = CONNECTIONS; metric <= last; metric++) {
        for (size_t t = 0; t < server->thread_count; t++) {
            char name[24];
            const struct weft_label label = {"loop", name};
            snprintf(name, sizeof name, "%zu", t);
            collect_loop(&server->threads[t].worker, (enum loop_metric)metric, &label, samples);
        }
    }
}

static const struct weft_metric cached = {"weft_frame_cache_bytes", "bytes",
                                          "Memory of the compressed replies that are kept",
                                          WEFT_GAUGE},
                                hit = {"weft_frame_cache_hits", NULL,
                                       "Replies whose frame was kept", WEFT_COUNTER},
                                missed = {"weft_frame_cache_misses", NULL,
                                          "Replies that were encoded because no frame was kept",
                                          WEFT_COUNTER};

static void collect_frames(struct weft_frame_cache *frames, struct weft_samples *samples)
{
    uint64_t hits, misses;
    weft_frame_cache_counts(frames, &hits, &misses);
    weft_samples_add(samples, &cached, NULL, 0, (double)weft_frame_cache_bytes(frames));
    weft_samples_add(samples, &hit, NULL, 0, (double)hits);
    weft_samples_add(samples, &missed, NULL, 0, (double)misses);
}

void weft_server_collect(void *context, struct weft_samples *samples)
{
    const struct weft_server *server = context;
    collect_endpoints(server, samples);
    collect_states(server, samples);
    collect_loops(server, samples);
    if (server->frames)
        collect_frames(server->frames, samples);
}

void weft_server_walk(struct weft_server *server, struct weft_loop *home, struct weft_walk *walk)
{
    weft__walk_begin(&server->threads[0].worker, home, NULL, walk);
}
