/* SPDX-License-Identifier: MIT
 *
 * Reads and writes numbers as people write them. Any thread may call these functions. */
#ifndef WEFT_UNITS_H
#define WEFT_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a size: "4096" bytes, or "64KiB", "8MiB", "1GiB", also written "64k", "8M", "1g". -EINVAL:
 * text has another form; -ERANGE: it is over 2^63 - 1. *bytes is set on success only. */
WEFT_MUST_USE int weft_parse_size(const char *text, uint64_t *bytes);

/* Reads decimal digits and nothing else. The errors of weft_parse_size. */
WEFT_MUST_USE int weft_parse_count(const char *text, uint64_t *count);

/* Reads a time as nanoseconds: seconds, a fraction allowed ("0.25"), or with a unit: us, ms, s, m
 * (also min), h, d ("250ms", "1.5h"). The errors of weft_parse_size; a part below a nanosecond is
 * -EINVAL. */
WEFT_MUST_USE int weft_parse_seconds(const char *text, uint64_t *nanoseconds);

/* Bytes that a formatted number needs at most, its NUL included. */
enum { WEFT_UNITS_TEXT = 32 };

/* Writes the shortest form that weft_parse_size reads back: "8MiB", "1500". dst has WEFT_UNITS_TEXT
 * bytes; returns dst. */
char *weft_format_size(uint64_t bytes, char *dst);
/* Writes seconds, which weft_parse_seconds reads back: "30", "0.5". dst has WEFT_UNITS_TEXT bytes;
 * returns dst. */
char *weft_format_seconds(uint64_t nanoseconds, char *dst);

#ifdef __cplusplus
}
#endif

#endif
