/* SPDX-License-Identifier: MIT
 *
 * A link from a blob to one other object, which learns when the blob ends, and a pointer to the blob's
 * bytes. The frame cache uses the link to drop a frame with its blob. Private to core/base. */
#ifndef WEFT_BLOB_PRIVATE_H
#define WEFT_BLOB_PRIVATE_H

#include <stdatomic.h>

#include "blob.h"

/* A keeper is an object that keeps something for blobs. It has this struct as a member. */
struct weft__blob_keeper {
    /* The last unref of a blob calls this, on whichever thread that is, before it frees the memory. */
    void (*blob_ended)(struct weft__blob_keeper *keeper, struct weft_blob *blob);
};

/* Each blob has one link. It is empty when the blob is made. */
struct weft__blob_link {
    /* It is set at most once in a blob's life and never cleared, so a blob has one keeper at most. While
     * it is NULL, the blob's end calls nobody. */
    _Atomic(struct weft__blob_keeper *) keeper;
    void *kept; /* what the keeper keeps for this blob; the keeper's own lock guards it */
};

/* Returns the link of blob. It is valid as long as the blob is. */
struct weft__blob_link *weft__blob_link(struct weft_blob *blob);

/* Returns the bytes of blob without const, because the iovec of writev has no const pointer. Nobody may
 * write to them. */
uint8_t *weft__blob_data(struct weft_blob *blob);

#endif
