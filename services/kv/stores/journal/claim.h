/* SPDX-License-Identifier: MIT
 *
 * Locks the directory of a kept store for this process. This is a file of its own because the memory store and the
 * stores on disk define different structs of the same name, so no file can include the headers of both. */
#ifndef KV_JOURNAL_CLAIM_H
#define KV_JOURNAL_CLAIM_H

#include "core/base/err.h"

/* Makes the directory if it does not exist, locks it, and sets *lock. Errors are those of kv_directory_open. */
WEFT_MUST_USE int kv_claim(int *lock, const char *path, struct weft_error *error);
/* Releases the lock. */
void kv_unclaim(int lock);

#endif
