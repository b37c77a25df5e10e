/* SPDX-License-Identifier: MIT */
#include "slow_log.h"

#include <pthread.h>
#include <stdatomic.h>

#include "mem.h"

struct weft_slow_log {
    pthread_mutex_t lock;
    _Atomic uint64_t threshold;
    uint64_t next; /* the id of the next entry */
    size_t length, capacity;
    struct weft_slow_entry entries[]; /* the entry `id` is at id % capacity */
};

struct weft_slow_log *weft_slow_log_new(size_t capacity, uint64_t threshold)
{
    struct weft_slow_log *log = weft_malloc(sizeof *log + capacity * sizeof log->entries[0]);
    if (!log)
        return NULL;
    log->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    atomic_init(&log->threshold, threshold);
    log->next = log->length = 0;
    log->capacity = capacity;
    return log;
}

void weft_slow_log_free(struct weft_slow_log *log)
{
    if (log)
        pthread_mutex_destroy(&log->lock);
    weft_free(log);
}

uint64_t weft_slow_log_threshold(const struct weft_slow_log *log)
{
    return atomic_load_explicit(&log->threshold, memory_order_relaxed);
}

void weft_slow_log_set_threshold(struct weft_slow_log *log, uint64_t threshold)
{
    atomic_store_explicit(&log->threshold, threshold, memory_order_relaxed);
}

void weft_slow_log_add(struct weft_slow_log *log, const struct weft_slow_entry *entry)
{
    pthread_mutex_lock(&log->lock);
    struct weft_slow_entry *place = &log->entries[log->next % log->capacity];
    *place = *entry;
    place->id = log->next++;
    log->length += log->length < log->capacity;
    pthread_mutex_unlock(&log->lock);
}

size_t weft_slow_log_get(struct weft_slow_log *log, struct weft_slow_entry *dst, size_t most)
{
    pthread_mutex_lock(&log->lock);
    size_t count = most < log->length ? most : log->length;
    for (size_t i = 0; i < count; i++)
        dst[i] = log->entries[(log->next - 1 - i) % log->capacity];
    pthread_mutex_unlock(&log->lock);
    return count;
}

size_t weft_slow_log_length(struct weft_slow_log *log)
{
    pthread_mutex_lock(&log->lock);
    size_t length = log->length;
    pthread_mutex_unlock(&log->lock);
    return length;
}

uint64_t weft_slow_log_total(struct weft_slow_log *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t total = log->next;
    pthread_mutex_unlock(&log->lock);
    return total;
}

void weft_slow_log_reset(struct weft_slow_log *log)
{
    pthread_mutex_lock(&log->lock);
    log->length = 0;
    pthread_mutex_unlock(&log->lock);
}
