/* SPDX-License-Identifier: MIT */
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const uint64_t nanoseconds_per_second = 1000000000u;

static const struct unit {
    const char *name;
    unsigned shift;
} units[] = {{"GiB", 30}, {"MiB", 20}, {"KiB", 10}};

/* A unit of time is `times` seconds, or one of `parts` equal parts of a second. */
static const struct time_unit {
    const char *name;
    uint32_t times, parts;
} time_units[] = {{"", 1, 1},   {"s", 1, 1},    {"ms", 1, 1000}, {"us", 1, 1000000},
                  {"m", 60, 1}, {"min", 60, 1}, {"h", 3600, 1},  {"d", 86400, 1}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads the digits at *text, at least one, and moves *text behind them. */
static int parse_digits(const char **text, uint64_t *number)
{
    const char *p = *text;
    if (!is_digit(*p))
        return -EINVAL;

    const uint64_t most = INT64_MAX;
    uint64_t sum = 0;
    bool over = false;
    for (; is_digit(*p); p++) {
        unsigned digit = (unsigned)(*p - '0');
        over = over || sum > (most - digit) / 10;
        if (!over)
            sum = 10 * sum + digit;
    }
    *text = p;
    *number = sum;
    return over ? -ERANGE : 0;
}

int weft_parse_count(const char *text, uint64_t *count)
{
    uint64_t number;
    int rc = parse_digits(&text, &number);
    if (rc != -EINVAL && *text != '\0')
        return -EINVAL;
    if (rc == 0)
        *count = number;
    return rc;
}

/* "KiB", "kib", "K" and "k" are one unit. "KB" is none: people mean 1000 and 1024 by it. */
static bool is_unit(const char *text, const char *name)
{
    return strcasecmp(text, name) == 0 ||
           (text[0] != '\0' && text[1] == '\0' && strncasecmp(text, name, 1) == 0);
}

int weft_parse_size(const char *text, uint64_t *bytes)
{
    uint64_t number;
    int rc = parse_digits(&text, &number);
    if (rc == -EINVAL)
        return rc;

    unsigned shift = 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (is_unit(text, units[i].name))
            shift = units[i].shift;
    }
    if (shift == 0 && *text != '\0')
        return -EINVAL;
    if (rc < 0 || number > (uint64_t)INT64_MAX >> shift)
        return -ERANGE;
    *bytes = number << shift;
    return 0;
}

/* Reads the digits behind a point as billionths. -EINVAL: there is none, or one is below a
 * billionth, which would be lost; and 0 may mean "no limit". */
static int parse_fraction(const char **text, uint64_t *billionths)
{
    const char *p = *text;
    uint64_t scale = nanoseconds_per_second;
    *billionths = 0;
    if (!is_digit(*p))
        return -EINVAL;
    for (; is_digit(*p); p++) {
        if (scale == 1)
            return -EINVAL;
        scale /= 10;
        *billionths += scale * (unsigned)(*p - '0');
    }
    *text = p;
    return 0;
}

static const struct time_unit *find_time_unit(const char *name)
{
    for (size_t i = 0; i < sizeof time_units / sizeof *time_units; i++) {
        if (strcmp(time_units[i].name, name) == 0)
            return &time_units[i];
    }
    return NULL;
}

int weft_parse_seconds(const char *text, uint64_t *nanoseconds)
{
    uint64_t number, fraction = 0;
    int rc = parse_digits(&text, &number);
    if (rc == -EINVAL)
        return rc;
    if (*text == '.') {
        text++;
        if (parse_fraction(&text, &fraction) < 0)
            return -EINVAL;
    }
    const struct time_unit *unit = find_time_unit(text);
    if (!unit || fraction % unit->parts != 0)
        return -EINVAL;

    uint64_t whole = nanoseconds_per_second / unit->parts * unit->times;
    uint64_t part = fraction / unit->parts * unit->times;
    if (rc < 0 || number > (INT64_MAX - part) / whole)
        return -ERANGE;
    *nanoseconds = number * whole + part;
    return 0;
}

char *weft_format_size(uint64_t bytes, char *dst)
{
    /* A unit takes three characters and saves at least three digits. */
    for (size_t i = 0; bytes > 0 && i < sizeof units / sizeof *units; i++) {
        uint64_t number = bytes >> units[i].shift;
        if (number << units[i].shift == bytes) {
            snprintf(dst, WEFT_UNITS_TEXT, "%" PRIu64 "%s", number, units[i].name);
            return dst;
        }
    }
    snprintf(dst, WEFT_UNITS_TEXT, "%" PRIu64, bytes);
    return dst;
}

char *weft_format_seconds(uint64_t nanoseconds, char *dst)
{
    uint64_t seconds = nanoseconds / nanoseconds_per_second;
    uint64_t fraction = nanoseconds % nanoseconds_per_second;
    if (fraction == 0) {
        snprintf(dst, WEFT_UNITS_TEXT, "%" PRIu64, seconds);
        return dst;
    }
    int digits = 9;
    for (; fraction % 10 == 0; fraction /= 10)
        digits--;
    snprintf(dst, WEFT_UNITS_TEXT, "%" PRIu64 ".%0*" PRIu64, seconds, digits, fraction);
    return dst;
}
