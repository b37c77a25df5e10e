/* SPDX-License-Identifier: MIT
 *
 * Takes the directory of a kept store for this process alone. It stands apart because the memory store and the
 * stores on disk have different structs of one name. */
#ifndef KV_JOURNAL_CLAIM_H
#define KV_JOURNAL_CLAIM_H

#include "core/base/err.h"

/* Makes the directory if there is none, and locks it. The errors of kv_directory_open. */
WEFT_MUST_USE int kv_claim(int *lock, const char *path, struct weft_error *error);
void kv_unclaim(int lock);

#endif
