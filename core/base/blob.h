/* SPDX-License-Identifier: MIT
 *
 * A blob: bytes that are immutable from birth and shared by counted references, across threads. */
#ifndef WEFT_BLOB_H
#define WEFT_BLOB_H

#include "bytes.h"

struct weft_blob;

/* A blob of size bytes with one reference, the caller's. Its bytes may be written through *data
 * until the blob is first shared with another owner or thread. NULL: no memory. */
WEFT_MUST_USE struct weft_blob *weft_blob_new(size_t size, uint8_t **data);

/* One more reference, counted; returns blob. Any thread that holds a reference. */
struct weft_blob *weft_blob_ref(struct weft_blob *blob);

/* Gives a reference up; the last frees the blob, on whichever thread it is. NULL is fine. */
void weft_blob_unref(struct weft_blob *blob);

/* Valid as long as the caller's reference. Any thread. */
struct weft_view weft_blob_view(const struct weft_blob *blob);

/* The same bytes for a vector of writev, which knows no const; nobody writes to them. */
uint8_t *weft__blob_data(struct weft_blob *blob);

/* What core/base/frame_cache.c notes of the frame that is kept for blob. */
struct weft__blob_frame;
struct weft__blob_frame *weft__blob_frame(struct weft_blob *blob);

#endif
