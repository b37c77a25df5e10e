/* SPDX-License-Identifier: MIT
 *
 * What blob.c and frame_cache.c share: a blob's link to the frame that is kept for it. */
#ifndef WEFT_BLOB_FRAME_H
#define WEFT_BLOB_FRAME_H

#include <stdatomic.h>

#include "blob.h"

struct weft_frame_cache;
struct weft__kept_frame;

struct weft__blob_frame {
    /* The pool that has kept a frame of this blob, and whose stripe guards `kept`; a counted
     * reference that stays until the blob's end, so that the lock is there to be taken. NULL: there
     * was never a frame, and the blob's end takes no lock. */
    _Atomic(struct weft_frame_cache *) pool;
    struct weft__kept_frame *kept; /* NULL: none, or it was evicted */
};

/* For the last unref of a blob whose pool is not NULL: its frame is unlinked and dropped. */
void weft__frame_cache_forget(struct weft_blob *blob);

#endif
