/* SPDX-License-Identifier: MIT */
#include "writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_SIZE = 32 };

static const char *const kinds[] = {
    [WEFT_COUNTER] = "counter", [WEFT_GAUGE] = "gauge", [WEFT_HISTOGRAM] = "histogram"};

/* --- Prometheus and OpenMetrics -------------------------------------------------------------------- */

static const char *format_number(double value, char dst[NUMBER_SIZE])
{
    if (isinf(value))
        return value > 0 ? "+Inf" : "-Inf";
    if (fabs(value) < 9007199254740992.0 && floor(value) == value)
        (void)snprintf(dst, NUMBER_SIZE, "%" PRId64, (int64_t)value);
    else
        (void)snprintf(dst, NUMBER_SIZE, "%.15g", value);
    return dst;
}

/* Escapes what would end a label's value, or a line. */
static void put_escaped(struct weft_text *text, const char *value)
{
    while (*value) {
        size_t plain = strcspn(value, "\\\"\n");
        weft_text_add(text, weft_view(value, plain));
        value += plain;
        if (*value)
            weft_text_puts(text, *value == '\\' ? "\\\\" : *value == '"' ? "\\\"" : "\\n");
        value += *value != '\0';
    }
}

/* Writes a sample's line: NAME SUFFIX {LABELS, le} VALUE. le: NULL if it is not a bucket. */
static void put_line(struct weft_text *text, const struct weft_sample *sample, const char *suffix,
                     const char *le, double value)
{
    char number[NUMBER_SIZE];
    const char *separator = "{";
    weft_text_puts(text, sample->metric->name);
    weft_text_puts(text, suffix);
    for (size_t i = 0; i < sample->label_count; i++, separator = ",") {
        weft_text_puts(text, separator);
        weft_text_puts(text, sample->labels[i].name);
        weft_text_puts(text, "=\"");
        put_escaped(text, sample->labels[i].value);
        weft_text_puts(text, "\"");
    }
    if (le)
        weft_text_printf(text, "%sle=\"%s\"", separator, le);
    weft_text_printf(text, "%s %s\n", sample->label_count > 0 || le ? "}" : "",
                     format_number(value, number));
}

static void put_head(struct weft_samples_writer *writer, const struct weft_metric *metric)
{
    bool open = writer->format == WEFT_SAMPLES_OPENMETRICS;
    /* In OpenMetrics the metric of a counter lacks the suffix of its samples. */
    const char *suffix = metric->kind == WEFT_COUNTER && !open ? "_total" : "";
    weft_text_printf(writer->text, "# HELP %s%s %s.\n# TYPE %s%s %s\n", metric->name, suffix,
                     metric->help, metric->name, suffix, kinds[metric->kind]);
    if (open && metric->unit)
        weft_text_printf(writer->text, "# UNIT %s %s\n", metric->name, metric->unit);
}

static void take_line(struct weft_samples_writer *writer, const struct weft_sample *sample)
{
    const struct weft_metric *metric = sample->metric;
    if (metric != writer->metric)
        put_head(writer, metric);
    writer->metric = metric;
    if (metric->kind != WEFT_HISTOGRAM) {
        put_line(writer->text, sample, metric->kind == WEFT_COUNTER ? "_total" : "", NULL,
                 sample->value);
        return;
    }
    for (size_t i = 0; i < sample->bucket_count; i++) {
        char number[NUMBER_SIZE];
        put_line(writer->text, sample, "_bucket", format_number(sample->buckets[i].upper, number),
                 (double)sample->buckets[i].count);
    }
    put_line(writer->text, sample, "_sum", NULL, sample->value);
    put_line(writer->text, sample, "_count", NULL,
             (double)sample->buckets[sample->bucket_count - 1].count);
}

/* --- JSON ------------------------------------------------------------------------------------------ */

static void end_metric(struct weft_json_build *json)
{
    weft_json_close(json, ']');
    weft_json_close(json, '}');
}

static void begin_metric(struct weft_json_build *json, const struct weft_metric *metric)
{
    weft_json_open(json, NULL, '{');
    weft_json_string(json, "name", metric->name);
    weft_json_string(json, "kind", kinds[metric->kind]);
    weft_json_string(json, "unit", metric->unit);
    weft_json_string(json, "help", metric->help);
    weft_json_open(json, "samples", '[');
}

static void take_json(struct weft_samples_writer *writer, const struct weft_sample *sample)
{
    struct weft_json_build *json = &writer->json;
    if (sample->metric != writer->metric) {
        if (writer->metric)
            end_metric(json);
        begin_metric(json, sample->metric);
        writer->metric = sample->metric;
    }
    weft_json_open(json, NULL, '{');
    weft_json_open(json, "labels", '{');
    for (size_t i = 0; i < sample->label_count; i++)
        weft_json_string(json, sample->labels[i].name, sample->labels[i].value);
    weft_json_close(json, '}');
    if (sample->bucket_count == 0) {
        weft_json_number(json, "value", sample->value);
    } else {
        weft_json_number(json, "sum", sample->value);
        weft_json_integer(json, "count", sample->buckets[sample->bucket_count - 1].count);
        weft_json_open(json, "buckets", '[');
        for (size_t i = 0; i < sample->bucket_count; i++) {
            weft_json_open(json, NULL, '[');
            weft_json_number(json, NULL, sample->buckets[i].upper);
            weft_json_integer(json, NULL, sample->buckets[i].count);
            weft_json_close(json, ']');
        }
        weft_json_close(json, ']');
    }
    weft_json_close(json, '}');
}

/* --- the writer ------------------------------------------------------------------------------------ */

static void take(struct weft_samples *samples, const struct weft_sample *sample)
{
    struct weft_samples_writer *writer =
        weft_container_of(samples, struct weft_samples_writer, samples);
    if (writer->format == WEFT_SAMPLES_JSON)
        take_json(writer, sample);
    else
        take_line(writer, sample);
}

void weft_samples_writer_init(struct weft_samples_writer *writer, enum weft_samples_format format,
                              struct weft_text *text)
{
    *writer = (struct weft_samples_writer){.samples = {take}, .format = format, .text = text};
    writer->json.text = text;
    if (format != WEFT_SAMPLES_JSON)
        return;
    weft_json_open(&writer->json, NULL, '{');
    weft_json_open(&writer->json, "metrics", '[');
}

void weft_samples_writer_end(struct weft_samples_writer *writer)
{
    if (writer->format == WEFT_SAMPLES_OPENMETRICS)
        weft_text_puts(writer->text, "# EOF\n");
    if (writer->format != WEFT_SAMPLES_JSON)
        return;
    if (writer->metric)
        end_metric(&writer->json);
    weft_json_close(&writer->json, ']');
    weft_json_close(&writer->json, '}');
    weft_text_puts(writer->text, "\n");
}

const char *weft_samples_type(enum weft_samples_format format)
{
    switch (format) {
    case WEFT_SAMPLES_OPENMETRICS:
        return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case WEFT_SAMPLES_JSON:
        return "application/json";
    case WEFT_SAMPLES_PROMETHEUS:
        break;
    }
    return "text/plain; version=0.0.4; charset=utf-8";
}
