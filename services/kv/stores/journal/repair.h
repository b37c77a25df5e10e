/* SPDX-License-Identifier: MIT
 *
 * Repairs the directory of a kept store. */
#ifndef KV_JOURNAL_REPAIR_H
#define KV_JOURNAL_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

/* Calls say with lines that describe the damage in the directory `path`. If `drop` is true, the damage and what comes
 * after it are dropped; the bytes are kept in files `NAME.dropped`. Returns the number of bytes that were or would be
 * dropped, or an error with one line in *error. */
WEFT_MUST_USE int64_t kv_repair(const char *path, bool drop,
                                void (*say)(void *arg, const char *line), void *arg,
                                struct weft_error *error);

#endif
