/* SPDX-License-Identifier: MIT
 *
 * The log consists of lines of `key=value` words (logfmt), or of JSON objects with the same keys. Each line is
 * one write(2), so lines of several threads do not mix. Only lines of the level trace may show what users store:
 * callers see to that. */
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

enum weft_log_format { WEFT_LOG_TEXT, WEFT_LOG_JSON };

struct weft_log_limiter; /* log_limiter.h */

/* main() makes a log, and everything that logs borrows it. While threads use it, its fields must not change but by
 * weft_log_set_level and weft_log_set_format. The file behind fd may be replaced with dup3(2). */
struct weft_log {
    enum weft_log_level level;
    int fd; /* where the lines go, usually 2 */
    enum weft_log_format format;
    bool
        priorities; /* each line begins with its priority, as `<4>`, for the systemd journal: sd-daemon(3) */
    struct weft_log_limiter
        *limiter; /* bounds the lines per event and second; NULL: nothing does */
};

/* True if lines of this level are written. Ask it before you prepare an expensive line. A NULL log writes
 * nothing. */
static inline bool weft_log_on(const struct weft_log *log, enum weft_log_level level)
{
    return log && level <= __atomic_load_n(&log->level, __ATOMIC_RELAXED);
}

/* Changes the level, for lines that are written from now on. Any thread. */
static inline void weft_log_set_level(struct weft_log *log, enum weft_log_level level)
{
    __atomic_store_n(&log->level, level, __ATOMIC_RELAXED);
}

/* Changes the form of the lines that are written from now on. Any thread. */
static inline void weft_log_set_format(struct weft_log *log, enum weft_log_format format,
                                       bool priorities)
{
    __atomic_store_n(&log->format, format, __ATOMIC_RELAXED);
    __atomic_store_n(&log->priorities, priorities, __ATOMIC_RELAXED);
}

/* Writes one line if the level is on: `time=2026-01-31T12:00:00.000Z level=info event=EVENT ` and then
 * the text that fmt makes, which should be `key=value` words. Characters below 0x20 become spaces, and a
 * line of more than 1 KiB, its newline included, is cut. A write that fails is not reported. errno is
 * unchanged. `event` is static, one of a small set. Any thread.
 *
 * With the format JSON the line is one object: {"time":"...","level":"info","event":"EVENT","key":"value"}.
 * Values that are whole numbers of at most 15 digits become numbers. Words that are no `key=value` become the
 * value of "message". */
void weft_log_write(const struct weft_log *log, enum weft_log_level level, const char *event,
                    const char *fmt, ...) WEFT_PRINTF(4, 5);

/* Bytes that a quoted text needs at most, its NUL included. */
enum { WEFT_LOG_QUOTE_TEXT = 128 };

/* Writes text, which may come from a peer, as one safe value to dst and returns dst. The value is in
 * quotes. Quotes and backslashes in it, control characters, and bytes that are not UTF-8 are escaped. A
 * long text is cut, and then "..." follows the closing quote. dst has room for WEFT_LOG_QUOTE_TEXT bytes. */
char *weft_log_quote(struct weft_view text, char *dst);

/* Sets *level by its name, "error" to "trace". -EINVAL: there is no such level. */
WEFT_MUST_USE int weft_log_level_parse(const char *text, enum weft_log_level *level);
/* Sets *format by its name, "text" or "json". -EINVAL: there is no such format. */
WEFT_MUST_USE int weft_log_format_parse(const char *text, enum weft_log_format *format);
/* Returns the name of level. It is static and never NULL. */
const char *weft_log_level_name(enum weft_log_level level);

#ifdef __cplusplus
}
#endif

#endif
