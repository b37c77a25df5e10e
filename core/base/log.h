/* SPDX-License-Identifier: MIT
 *
 * The log: lines of `key=value` on standard error (after logfmt). A line is written with one
 * write(2), so lines of several threads do not mix. A log never holds values of users, but at
 * trace. */
#ifndef WEFT_LOG_H
#define WEFT_LOG_H

#include <stdbool.h>

#include "bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum weft_log_level {
    WEFT_LOG_ERROR,
    WEFT_LOG_WARN,
    WEFT_LOG_INFO,
    WEFT_LOG_DEBUG,
    WEFT_LOG_TRACE
};

/* Made by main() and borrowed by everything below it; constant while shared. */
struct weft_log {
    enum weft_log_level level;
    int fd; /* usually 2 */
};

/* Asked before a line is made, so that a silent level costs a comparison. NULL logs nothing. */
static inline bool weft_log_on(const struct weft_log *log, enum weft_log_level level)
{
    return log && level <= log->level;
}

/* One line: `time=2026-01-31T12:00:00.000Z level=info event=EVENT ` and then what fmt makes, which
 * is `key=value` words. Writes nothing where the level is off. A line over 1 KiB is cut. Any
 * thread. */
void weft_log_write(const struct weft_log *log, enum weft_log_level level, const char *event,
                    const char *fmt, ...) WEFT_PRINTF(4, 5);

enum { WEFT_LOG_QUOTE_TEXT = 128 };

/* Text of a peer or a user as one safe value: quoted, control characters and bytes that are not
 * UTF-8 escaped, cut with "..." . dst has WEFT_LOG_QUOTE_TEXT bytes; returns dst. */
char *weft_log_quote(struct weft_view text, char *dst);

/* "error" ... "trace". -EINVAL: none of them. */
WEFT_MUST_USE int weft_log_level_parse(const char *text, enum weft_log_level *level);
const char *weft_log_level_name(enum weft_log_level level);

#ifdef __cplusplus
}
#endif

#endif
