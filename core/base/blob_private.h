/* SPDX-License-Identifier: MIT
 *
 * The part of a blob that only the rest of base sees. Private to core/base. */
#ifndef WEFT_BLOB_PRIVATE_H
#define WEFT_BLOB_PRIVATE_H

#include <stdatomic.h>

#include "blob.h"

/* An object that keeps something for blobs and has to know when one ends. */
struct weft__blob_keeper {
    /* Called by the last unref, on whichever thread that is, while the blob's memory still lives. */
    void (*blob_ended)(struct weft__blob_keeper *keeper, struct weft_blob *blob);
};

struct weft__blob_link {
    /* Set at most once in a blob's life. NULL: nobody has kept anything, and the blob's end calls
     * nobody. */
    _Atomic(struct weft__blob_keeper *) keeper;
    void *kept; /* the keeper's, guarded by the keeper's lock */
};

struct weft__blob_link *weft__blob_link(struct weft_blob *blob);

/* The bytes for a vector of writev, which knows no const. Nobody writes to them. */
uint8_t *weft__blob_data(struct weft_blob *blob);

#endif
