/* SPDX-License-Identifier: MIT
 *
 * Samples (core/base/samples.h) as a text: in the format of Prometheus 0.0.4, in OpenMetrics 1.0, or as JSON:
 *
 *     {"metrics":[{"name":"weft_requests","kind":"counter","unit":null,"help":"...","samples":[
 *         {"labels":{"command":"hget"},"value":12}]}]}
 *
 * A sample of a histogram has, in place of `value`, its `sum`, its `count` and `buckets`, an array of [upper, count],
 * where the upper end of the last one is null. */
#ifndef WEFT_SAMPLES_WRITER_H
#define WEFT_SAMPLES_WRITER_H

#include "core/base/samples.h"
#include "services/payload/json/build.h"

enum weft_samples_format { WEFT_SAMPLES_PROMETHEUS, WEFT_SAMPLES_OPENMETRICS, WEFT_SAMPLES_JSON };

struct weft_samples_writer {
    struct weft_samples samples; /* hand this to the collectors */
    enum weft_samples_format format;
    struct weft_text *text;
    const struct weft_metric *metric; /* of the last sample, or NULL */
    struct weft_json_build json;
};

/* Begins a text. */
void weft_samples_writer_init(struct weft_samples_writer *writer, enum weft_samples_format format,
                              struct weft_text *text);
/* Ends it. */
void weft_samples_writer_end(struct weft_samples_writer *writer);
/* Returns the Content-Type of a format. */
const char *weft_samples_type(enum weft_samples_format format);

#endif
