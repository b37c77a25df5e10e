/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "log_private.h"

enum { PRIORITY_TEXT = sizeof "<6>" };

static const char *const level_names[] = {
    [WEFT_LOG_ERROR] = "error", [WEFT_LOG_WARN] = "warn",   [WEFT_LOG_INFO] = "info",
    [WEFT_LOG_DEBUG] = "debug", [WEFT_LOG_TRACE] = "trace",
};

enum { LEVEL_COUNT = sizeof level_names / sizeof *level_names };

int weft_log_level_parse(const char *text, enum weft_log_level *level)
{
    for (unsigned i = 0; i < LEVEL_COUNT; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum weft_log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

int weft_log_format_parse(const char *text, enum weft_log_format *format)
{
    static const char *const names[] = {[WEFT_LOG_TEXT] = "text", [WEFT_LOG_JSON] = "json"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *format = (enum weft_log_format)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *weft_log_level_name(enum weft_log_level level)
{
    return (unsigned)level < LEVEL_COUNT ? level_names[level] : "unknown";
}

/* Returns the number of characters that snprintf has written, from its result n. */
static size_t written(int n, size_t size)
{
    if (n < 0)
        return 0;
    return (size_t)n < size ? (size_t)n : size - 1;
}

enum { TIME_TEXT = 64 };

/* Writes "2026-01-31T12:00:00.000Z". */
static void write_time(char dst[TIME_TEXT])
{
    struct timespec now = {0};
    struct tm tm = {0};
    char date[32] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(dst, TIME_TEXT, "%s.%03ldZ", date, now.tv_nsec / 1000000);
}

static void write_all(int fd, const char *line, size_t size)
{
    ssize_t n;
    do
        n = write(fd, line, size);
    while (n < 0 && errno == EINTR);
}

/* Writes "<4>", if the log has priorities, and returns its size. */
static size_t write_priority(const struct weft_log *log, enum weft_log_level level,
                             char dst[PRIORITY_TEXT])
{
    /* Those of syslog(3): err, warning, info, debug. */
    static const char priorities[] = {
        [WEFT_LOG_ERROR] = '3', [WEFT_LOG_WARN] = '4',  [WEFT_LOG_INFO] = '6',
        [WEFT_LOG_DEBUG] = '7', [WEFT_LOG_TRACE] = '7',
    };
    if (!__atomic_load_n(&log->priorities, __ATOMIC_RELAXED))
        return 0;
    return written(snprintf(dst, PRIORITY_TEXT, "<%c>", priorities[level]), PRIORITY_TEXT);
}

/* One event must be one line, whatever its values hold. */
static void flatten(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20)
            text[i] = ' ';
    }
}

WEFT_PRINTF(4, 0)
static void write_line(const struct weft_log *log, enum weft_log_level level, const char *event,
                       const char *fmt, va_list args)
{
    char time[TIME_TEXT], text[WEFT__LOG_LINE], line[PRIORITY_TEXT + WEFT__LOG_JSON_LINE];
    const char *level_name = weft_log_level_name(level);
    write_time(time);
    size_t size = written(snprintf(text, sizeof text, "time=%s level=%s event=", time, level_name),
                          sizeof text);
    struct weft_view name = {.data = (const uint8_t *)text + size};
    name.size = written(snprintf(text + size, sizeof text - size, "%s", event), sizeof text - size);
    size += name.size;
    size += written(snprintf(text + size, sizeof text - size, " "), sizeof text - size);
    const size_t words = size;
    size += written(vsnprintf(text + size, sizeof text - size, fmt, args), sizeof text - size);
    flatten(text, size);

    size_t used = write_priority(log, level, line);
    if (__atomic_load_n(&log->format, __ATOMIC_RELAXED) == WEFT_LOG_JSON) {
        used += weft__log_json(line + used, time, level_name, name,
                               weft_view(text + words, size - words));
    } else {
        memcpy(line + used, text, size);
        used += size;
    }
    line[used++] = '\n';
    write_all(log->fd, line, used);
}

WEFT_PRINTF(4, 5)
static void write_words(const struct weft_log *log, enum weft_log_level level, const char *event,
                        const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    write_line(log, level, event, fmt, args);
    va_end(args);
}

static void tell_left_out(const struct weft_log *log, const char *event, uint64_t lines)
{
    write_words(log, WEFT_LOG_WARN, "left-out", "of=%s lines=%" PRIu64, event, lines);
}

static int64_t monotonic_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void weft_log_write(const struct weft_log *log, enum weft_log_level level, const char *event,
                    const char *fmt, ...)
{
    if (!weft_log_on(log, level))
        return;

    /* A caller that logs an error often still needs its errno. */
    int saved = errno;
    uint64_t left_out = 0;
    bool admitted = level > WEFT_LOG_INFO || !log->limiter ||
                    weft__log_admit(log->limiter, event, monotonic_now(), &left_out);
    if (left_out > 0)
        tell_left_out(log, event, left_out);
    if (admitted) {
        va_list args;
        va_start(args, fmt);
        write_line(log, level, event, fmt, args);
        va_end(args);
    }
    errno = saved;
}

void weft_log_tell_left_out(const struct weft_log *log, bool last)
{
    uint64_t left_out;
    const char *event;

    if (!log || !log->limiter)
        return;
    while ((event = weft__log_next_left_out(log->limiter, monotonic_now(), last, &left_out)))
        tell_left_out(log, event, left_out);
}

/* Writes the first character of text to dst as it stands in a quoted text. Returns how many bytes of text
 * it is. */
static size_t quote_character(struct weft_view text, char *dst, size_t size)
{
    uint8_t c = text.data[0];
    size_t length = weft_utf8_length(text);
    bool control = c < 0x20 || c == 0x7F || (c == 0xC2 && length == 2 && text.data[1] < 0xA0);

    if (c == '\n' || c == '\r' || c == '\t') {
        snprintf(dst, size, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        return 1;
    }
    if (length == 0 || control) {
        snprintf(dst, size, "\\x%02x", c);
        return 1;
    }
    if (c == '"' || c == '\\') {
        snprintf(dst, size, "\\%c", c);
        return 1;
    }
    memcpy(dst, text.data, length);
    dst[length] = '\0';
    return length;
}

char *weft_log_quote(struct weft_view text, char *dst)
{
    /* The dots stand behind the closing quote, where no text can put them. */
    static const char whole[] = "\"", cut[] = "\"...";
    size_t used = 1;
    size_t cut_at = used; /* the last place that leaves room for the dots */

    dst[0] = '"';
    while (text.size > 0) {
        char piece[8];
        size_t taken = quote_character(text, piece, sizeof piece);
        size_t length = strlen(piece);
        if (used + length > WEFT_LOG_QUOTE_TEXT - sizeof whole) {
            memcpy(dst + cut_at, cut, sizeof cut);
            return dst;
        }
        memcpy(dst + used, piece, length);
        used += length;
        if (used <= WEFT_LOG_QUOTE_TEXT - sizeof cut)
            cut_at = used;
        text = weft_view_skip(text, taken);
    }
    memcpy(dst + used, whole, sizeof whole);
    return dst;
}
