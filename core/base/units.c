/* SPDX-License-Identifier: MIT */
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const uint64_t nanoseconds_per_second = 1000000000u;

static const struct unit {
    const char *name;
    unsigned shift;
} units[] = {{"GiB", 30}, {"MiB", 20}, {"KiB", 10}};

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

int weft_parse_size(const char *text, uint64_t *bytes)
{
    uint64_t number;
    int rc = parse_digits(&text, &number);
    if (rc == -EINVAL)
        return rc;

    unsigned shift = 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(text, units[i].name) == 0)
            shift = units[i].shift;
    }
    if (shift == 0 && *text != '\0')
        return -EINVAL;
    if (rc < 0 || number > (uint64_t)INT64_MAX >> shift)
        return -ERANGE;
    *bytes = number << shift;
    return 0;
}

int weft_parse_seconds(const char *text, uint64_t *nanoseconds)
{
    uint64_t seconds;
    int rc = parse_digits(&text, &seconds);
    if (rc == -EINVAL)
        return rc;

    uint64_t fraction = 0;
    if (*text == '.') {
        const char *first = ++text;
        if (!is_digit(*first))
            return -EINVAL;
        uint64_t scale = nanoseconds_per_second;
        for (; is_digit(*text); text++) {
            /* A digit below the nanosecond would be lost, and 0 may mean "no limit". */
            if (scale == 1)
                return -EINVAL;
            scale /= 10;
            fraction += scale * (unsigned)(*text - '0');
        }
    }
    if (*text != '\0')
        return -EINVAL;
    if (rc < 0 || seconds > (INT64_MAX - fraction) / nanoseconds_per_second)
        return -ERANGE;
    *nanoseconds = seconds * nanoseconds_per_second + fraction;
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
