/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 1024 }; /* the newline counted */

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

static size_t write_prefix(char *dst, size_t size, enum weft_log_level level, const char *event)
{
    struct timespec now = {0};
    struct tm tm = {0};
    char date[32] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    return written(snprintf(dst, size, "time=%s.%03ldZ level=%s event=%s ", date,
                            now.tv_nsec / 1000000, weft_log_level_name(level), event),
                   size);
}

void weft_log_write(const struct weft_log *log, enum weft_log_level level, const char *event,
                    const char *fmt, ...)
{
    if (!weft_log_on(log, level))
        return;

    /* A caller that logs an error often still needs its errno. */
    int saved = errno;
    char line[LINE_SIZE];
    size_t size = write_prefix(line, sizeof line, level, event);

    va_list args;
    va_start(args, fmt);
    size += written(vsnprintf(line + size, sizeof line - size, fmt, args), sizeof line - size);
    va_end(args);

    /* One event must be one line, whatever its values hold. */
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    }
    line[size++] = '\n';

    ssize_t n;
    do
        n = write(log->fd, line, size);
    while (n < 0 && errno == EINTR);
    errno = saved;
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
