/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/inspect.h"
#include "private.h"
#include "services/payload/samples/writer.h"

static const char json_type[] = "application/json";

static const struct weft_metric ready = {
    "weft_ready", NULL, "1 if the server is ready: neither loading nor draining", WEFT_GAUGE};

const char *admin_state_name(enum weft_admin_state state)
{
    return state == WEFT_ADMIN_LOADING ? "loading"
           : state == WEFT_ADMIN_READY ? "ready"
                                       : "draining";
}

static enum weft_admin_state state_of(const struct admin_loop *self)
{
    return (enum weft_admin_state)atomic_load(&self->admin->state);
}

static void collect(const struct admin_loop *self, struct weft_samples *samples)
{
    weft_samples_add(samples, &ready, NULL, 0, state_of(self) == WEFT_ADMIN_READY);
    weft_collectors_run(self->admin->collectors, samples);
}

/* Takes the format that is wanted most; Prometheus' own if several are. */
static enum weft_samples_format choose_format(struct weft_view accept)
{
    unsigned text = weft_http_quality(accept, "text/plain");
    unsigned open = weft_http_quality(accept, "application/openmetrics-text");
    unsigned json = weft_http_quality(accept, json_type);
    if (accept.size == 0 || (text >= open && text >= json))
        return WEFT_SAMPLES_PROMETHEUS;
    return open >= json ? WEFT_SAMPLES_OPENMETRICS : WEFT_SAMPLES_JSON;
}

void admin_view_metrics(const struct admin_loop *self, struct weft_request *request,
                        struct weft_view accept)
{
    struct weft_text text = {.failed = false};
    struct weft_samples_writer writer;
    weft_samples_writer_init(&writer, choose_format(accept), &text);
    collect(self, &writer.samples);
    weft_samples_writer_end(&writer);
    admin_answer(request, 200, weft_samples_type(writer.format), &text);
}

/* --- /info ----------------------------------------------------------------------------------------- */

/* Sums each metric over its samples. */
struct totals {
    struct weft_samples samples;
    struct weft_json_build *json;
    const struct weft_metric *metric;
    double sum;
};

static void tell_total(struct totals *totals)
{
    if (totals->metric)
        weft_json_number(totals->json, totals->metric->name, totals->sum);
}

static void take_total(struct weft_samples *samples, const struct weft_sample *sample)
{
    struct totals *totals = weft_container_of(samples, struct totals, samples);
    if (sample->metric->kind == WEFT_HISTOGRAM)
        return;
    if (sample->metric != totals->metric) {
        tell_total(totals);
        totals->metric = sample->metric;
        totals->sum = 0;
    }
    totals->sum += sample->value;
}

void admin_view_info(const struct admin_loop *self, struct weft_request *request)
{
    struct weft_text text = {.failed = false};
    struct weft_json_build json = {.text = &text};
    struct totals totals = {.samples = {take_total}, .json = &json};
    weft_json_open(&json, NULL, '{');
    for (size_t i = 0; self->admin->facts[i].name; i++)
        weft_json_string(&json, self->admin->facts[i].name, self->admin->facts[i].value);
    weft_json_string(&json, "state", admin_state_name(state_of(self)));
    weft_json_number(&json, "pid", getpid());
    if (self->admin->log)
        weft_json_string(&json, "log_level",
                         weft_log_level_name((enum weft_log_level)__atomic_load_n(
                             &self->admin->log->level, __ATOMIC_RELAXED)));
    weft_json_open(&json, "totals", '{');
    collect(self, &totals.samples);
    tell_total(&totals);
    weft_json_close(&json, '}');
    weft_json_close(&json, '}');
    weft_text_puts(&text, "\n");
    admin_answer(request, 200, json_type, &text);
}

/* --- /endpoints ------------------------------------------------------------------------------------ */

static void put_closed(struct weft_json_build *json, const struct weft_server_counts *counts)
{
    weft_json_open(json, "closed", '{');
    for (int reason = WEFT_REASON_NONE + 1; reason < WEFT_REASON_COUNT; reason++)
        weft_json_integer(json, weft_reason_name((enum weft_reason)reason), counts->closed[reason]);
    weft_json_close(json, '}');
}

static void put_endpoint(void *arg, const struct weft_endpoint_row *row)
{
    struct weft_json_build *json = arg;
    struct weft_endpoint_labels memory;
    struct weft_label labels[WEFT_ENDPOINT_LABELS];
    const struct weft_server_counts *counts = &row->counts;
    size_t label_count = weft_endpoint_label(&memory, row->line, labels);
    weft_json_open(json, NULL, '{');
    for (size_t k = 0; k < label_count; k++)
        weft_json_string(json, labels[k].name, labels[k].value);
    weft_json_string(json, "state", row->draining ? "draining" : "listening");
    weft_json_integer(json, "accepted", counts->accepted);
    weft_json_integer(json, "open", counts->open);
    weft_json_integer(json, "requests", counts->requests);
    weft_json_integer(json, "rejected", counts->rejected);
    weft_json_integer(json, "received_bytes", counts->bytes_in);
    weft_json_integer(json, "sent_bytes", counts->bytes_out);
    put_closed(json, counts);
    weft_json_close(json, '}');
}

void admin_view_endpoints(const struct admin_loop *self, struct weft_request *request)
{
    const struct weft_server *server = atomic_load(&self->admin->server);
    struct weft_text text = {.failed = false};
    struct weft_json_build json = {.text = &text};
    weft_json_open(&json, NULL, '{');
    weft_json_open(&json, "endpoints", '[');
    if (server)
        weft_server_each_endpoint(server, put_endpoint, &json);
    weft_json_close(&json, ']');
    weft_json_close(&json, '}');
    weft_text_puts(&text, "\n");
    admin_answer(request, 200, json_type, &text);
}

/* --- /slowlog -------------------------------------------------------------------------------------- */

static void put_entry(struct weft_json_build *json, const struct weft_slow_entry *entry)
{
    weft_json_open(json, NULL, '{');
    weft_json_integer(json, "id", entry->id);
    weft_json_number(json, "at", (double)entry->at / 1000);
    weft_json_number(json, "duration", (double)entry->duration / 1e9);
    weft_json_string(json, "command", entry->command);
    weft_json_string(json, "object", entry->object);
    weft_json_integer(json, "status", entry->status);
    weft_json_integer(json, "request_bytes", entry->request_bytes);
    weft_json_integer(json, "reply_bytes", entry->reply_bytes);
    weft_json_string(json, "endpoint", entry->endpoint);
    weft_json_integer(json, "connection", entry->connection);
    weft_json_string(json, "address", entry->address);
    weft_json_string(json, "user", *entry->user ? entry->user : NULL);
    weft_json_string(json, "name", *entry->label ? entry->label : NULL);
    weft_json_close(json, '}');
}

void admin_view_slow_log(const struct admin_loop *self, struct weft_request *request, size_t most)
{
    struct weft_slow_log *log = self->admin->slow_log;
    struct weft_text text = {.failed = false};
    struct weft_json_build json = {.text = &text};
    size_t length = log ? weft_slow_log_length(log) : 0, count = most < length ? most : length;
    struct weft_slow_entry *entries = count > 0 ? weft_malloc(count * sizeof *entries) : NULL;
    text.failed = count > 0 && !entries;
    weft_json_open(&json, NULL, '{');
    weft_json_bool(&json, "on", log);
    weft_json_number(&json, "threshold", log ? (double)weft_slow_log_threshold(log) / 1e9 : 0);
    weft_json_integer(&json, "length", length);
    weft_json_integer(&json, "total", log ? weft_slow_log_total(log) : 0);
    weft_json_open(&json, "entries", '[');
    if (entries)
        count = weft_slow_log_get(log, entries, count);
    for (size_t i = 0; entries && i < count; i++)
        put_entry(&json, &entries[i]);
    weft_json_close(&json, ']');
    weft_json_close(&json, '}');
    weft_text_puts(&text, "\n");
    weft_free(entries);
    admin_answer(request, 200, json_type, &text);
}
