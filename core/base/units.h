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
 * text has another form, as "64KB", by which people mean 1000 or 1024; -ERANGE: it is over 2^63 - 1.
 * *bytes is set on success only. */
WEFT_MUST_USE int weft_parse_size(const char *text, uint64_t *bytes);

/* Reads decimal digits and nothing else. It fails as weft_parse_size does. */
WEFT_MUST_USE int weft_parse_count(const char *text, uint64_t *count);

/* Reads a time as nanoseconds: seconds, a fraction allowed ("0.25"), or with a unit: us, ms, s, m
 * (also min), h, d ("250ms", "1.5h"). It fails as weft_parse_size does; a part below a
 * nanosecond is -EINVAL. */
WEFT_MUST_USE int weft_parse_seconds(const char *text, uint64_t *nanoseconds);

/* Bytes that a formatted number needs at most, its NUL included. */
enum { WEFT_UNITS_TEXT = 32 };

/* Writes bytes in the largest unit that divides them, as weft_parse_size reads it back: "8MiB", "1500".
 * dst has room for WEFT_UNITS_TEXT bytes. Returns dst. */
char *weft_format_size(uint64_t bytes, char *dst);
/* Writes seconds without a unit, as weft_parse_seconds reads them back: "30", "0.5". dst has room for
 * WEFT_UNITS_TEXT bytes. Returns dst. */
char *weft_format_seconds(uint64_t nanoseconds, char *dst);

#ifdef __cplusplus
}
#endif

#endif
