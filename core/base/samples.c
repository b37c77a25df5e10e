/* SPDX-License-Identifier: MIT */
#include "samples.h"

void weft_samples_add(struct weft_samples *samples, const struct weft_metric *metric,
                      const struct weft_label *labels, size_t label_count, double value)
{
    const struct weft_sample sample = {
        .metric = metric, .labels = labels, .label_count = label_count, .value = value};
    samples->take(samples, &sample);
}

void weft_collectors_add(struct weft_collectors *collectors, struct weft_collector *collector)
{
    pthread_mutex_lock(&collectors->lock);
    struct weft_collector **link = &collectors->first;
    while (*link)
        link = &(*link)->next;
    collector->next = NULL;
    *link = collector;
    pthread_mutex_unlock(&collectors->lock);
}

void weft_collectors_remove(struct weft_collectors *collectors, struct weft_collector *collector)
{
    pthread_mutex_lock(&collectors->lock);
    struct weft_collector **link = &collectors->first;
    while (*link && *link != collector)
        link = &(*link)->next;
    if (*link)
        *link = collector->next;
    pthread_mutex_unlock(&collectors->lock);
}

void weft_collectors_run(struct weft_collectors *collectors, struct weft_samples *samples)
{
    if (!collectors)
        return;
    pthread_mutex_lock(&collectors->lock);
    for (struct weft_collector *at = collectors->first; at; at = at->next)
        at->collect(at->context, samples);
    pthread_mutex_unlock(&collectors->lock);
}
