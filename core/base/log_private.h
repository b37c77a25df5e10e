/* SPDX-License-Identifier: MIT
 *
 * The parts of the log: log.c writes lines, log_json.c makes them objects, log_limiter.c leaves some out. Private to
 * core/base. */
#ifndef WEFT_LOG_PRIVATE_H
#define WEFT_LOG_PRIVATE_H

#include "log.h"
#include "log_limiter.h"

/* The bytes of a line: of text, its newline included, and of the object made of it. Both are at most what one write to
 * a pipe keeps together. */
enum { WEFT__LOG_LINE = 1024, WEFT__LOG_JSON_LINE = 4096 };

/* Writes `{"time":"TIME","level":"LEVEL","event":"EVENT",...}` without a newline to dst, which has WEFT__LOG_JSON_LINE
 * bytes, with the pairs of `words`. Returns the size. The event and the words together are shorter than
 * WEFT__LOG_LINE; each of their bytes becomes at most three, so that the object always fits. */
size_t weft__log_json(char *dst, const char *time, const char *level, struct weft_view event,
                      struct weft_view words);

/* Returns true if a line of `event` may be written at `now` (nanoseconds of any clock that does not go
 * back). Sets *left_out to the lines of that event which were left out before and of which nothing was said
 * yet: the caller says so. A NULL limiter admits every line. */
bool weft__log_admit(struct weft_log_limiter *limiter, const char *event, int64_t now,
                     uint64_t *left_out);

/* Finds an event of which lines were left out before the second of `now`, or at any time if `last`, and counts them as
 * told. Returns it, which is its caller's text, or NULL if there is none. */
const char *weft__log_next_left_out(struct weft_log_limiter *limiter, int64_t now, bool last,
                                    uint64_t *left_out);

#endif
