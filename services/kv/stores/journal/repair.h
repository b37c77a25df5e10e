/* SPDX-License-Identifier: MIT
 *
 * Repairs the directory of a kept store. */
#ifndef KV_JOURNAL_REPAIR_H
#define KV_JOURNAL_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

/* Says in lines what is damaged, and drops it if `drop` is true: what comes after the damage goes too, into files
 * `NAME.dropped`. Returns the number of bytes that are, or would be, dropped, or an error with one line in
 * *error. */
WEFT_MUST_USE int64_t kv_repair(const char *path, bool drop,
                                void (*say)(void *arg, const char *line), void *arg,
                                struct weft_error *error);

#endif
