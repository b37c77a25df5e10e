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

/* Reads a size: "4096" bytes, or "64KiB", "8MiB", "1GiB", which may be written "64k", "8M", "1g" too.
 * -EINVAL: text has another form. "64KB" is refused as well, because some mean 1000 by it and some 1024.
 * -ERANGE: the size is over 2^63 - 1. *bytes is set on success only. */
WEFT_MUST_USE int weft_parse_size(const char *text, uint64_t *bytes);

/* Reads a number of decimal digits and nothing else. -EINVAL: text has another form. -ERANGE: the number
 * is over 2^63 - 1. *count is set on success only. */
WEFT_MUST_USE int weft_parse_count(const char *text, uint64_t *count);

/* Reads a time and stores it as nanoseconds. A number without a unit is seconds ("30", "0.25"). The units
 * are us, ms, s, m or min, h, and d ("250ms", "1.5h"). -EINVAL: text has another form, more than nine
 * digits behind the point, or a part below a nanosecond. -ERANGE: the time is over 2^63 - 1 nanoseconds.
 * *nanoseconds is set on success only. */
WEFT_MUST_USE int weft_parse_seconds(const char *text, uint64_t *nanoseconds);

/* The most bytes that a formatted number needs, its NUL included. */
enum { WEFT_UNITS_TEXT = 32 };

/* Writes bytes to dst in the largest unit that divides them ("8MiB", "1500"). weft_parse_size reads it
 * back. dst has room for WEFT_UNITS_TEXT bytes. Returns dst. */
char *weft_format_size(uint64_t bytes, char *dst);
/* Writes a time to dst as seconds without a unit ("30", "0.5"). weft_parse_seconds reads it back. dst has
 * room for WEFT_UNITS_TEXT bytes. Returns dst. */
char *weft_format_seconds(uint64_t nanoseconds, char *dst);

#ifdef __cplusplus
}
#endif

#endif
