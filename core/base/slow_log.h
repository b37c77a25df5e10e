/* SPDX-License-Identifier: MIT
 *
 * The slow log: the latest requests that took longer than a threshold. It has a fixed number of entries, and a new one
 * replaces the oldest. Entries say what was asked and by whom, but show no key and no value. Any thread may call any
 * function: a lock is held while an entry is copied, and slow requests are rare. */
#ifndef WEFT_SLOW_LOG_H
#define WEFT_SLOW_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_slow_log;

/* Texts end with a NUL and are cut where they are too long. */
struct weft_slow_entry {
    uint64_t id;         /* counts from 0; set by weft_slow_log_add */
    int64_t at;          /* when it ended: milliseconds of the calendar since 1970 */
    uint64_t duration;   /* nanoseconds */
    uint64_t connection; /* its number */
    uint64_t request_bytes, reply_bytes; /* of the messages */
    uint32_t status;                     /* the service's own */
    char command[32];                    /* "hset" */
    char object[32];                     /* the table or topic, printable; "" if it concerns none */
    char endpoint[128];                  /* "tcp://127.0.0.1:9527 codec=raw service=kv" */
    char address[64], user[64], label[64]; /* of the peer; "" if nobody has set one */
};

/* Returns an empty log of that many entries, or NULL if there is no memory. A request that took `threshold` nanoseconds
 * or longer belongs in; 0: every one. */
struct weft_slow_log *weft_slow_log_new(size_t capacity, uint64_t threshold);
/* NULL: does nothing. */
void weft_slow_log_free(struct weft_slow_log *log);

uint64_t weft_slow_log_threshold(const struct weft_slow_log *log);
/* Changes the threshold, for requests that end from now on. */
void weft_slow_log_set_threshold(struct weft_slow_log *log, uint64_t threshold);

/* Adds a copy of the entry. */
void weft_slow_log_add(struct weft_slow_log *log, const struct weft_slow_entry *entry);
/* Copies the latest entries to dst, the newest first, at most `most`. Returns how many. */
size_t weft_slow_log_get(struct weft_slow_log *log, struct weft_slow_entry *dst, size_t most);
/* Returns the number of entries in the log, and of all that were ever added. */
size_t weft_slow_log_length(struct weft_slow_log *log);
uint64_t weft_slow_log_total(struct weft_slow_log *log);
/* Removes all entries. The numbers go on. */
void weft_slow_log_reset(struct weft_slow_log *log);

#ifdef __cplusplus
}
#endif

#endif
