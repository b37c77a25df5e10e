/* SPDX-License-Identifier: MIT
 *
 * Numbers as people write them. Any thread. */
#ifndef WEFT_UNITS_H
#define WEFT_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "4096", "64KiB", "8MiB", "1GiB": bytes. -EINVAL: not of this form; -ERANGE: over 2^63 - 1. *bytes
 * is set on success only. */
WEFT_MUST_USE int weft_parse_size(const char *text, uint64_t *bytes);

/* Decimal digits and nothing else. The same errors. */
WEFT_MUST_USE int weft_parse_count(const char *text, uint64_t *count);

/* Seconds, a fraction allowed ("0.25"), as nanoseconds. The same errors. */
WEFT_MUST_USE int weft_parse_seconds(const char *text, uint64_t *nanoseconds);

enum { WEFT_UNITS_TEXT = 32 };

/* The shortest form that parse_size reads back: "8MiB", "1500". dst has WEFT_UNITS_TEXT bytes;
 * returns dst. */
char *weft_format_size(uint64_t bytes, char *dst);
/* "30", "0.5". The same. */
char *weft_format_seconds(uint64_t nanoseconds, char *dst);

#ifdef __cplusplus
}
#endif

#endif
