/* SPDX-License-Identifier: MIT
 *
 * A blob: immutable bytes that any number of owners share by counted references. Any thread may use
 * a blob that it holds a reference to; counting is atomic. */
#ifndef WEFT_BLOB_H
#define WEFT_BLOB_H

#include "bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_blob;

/* Returns a blob of size bytes with one reference, which is the caller's, or NULL: no memory. *data
 * is where the caller writes the bytes, before it shares the blob with another owner or thread. */
WEFT_MUST_USE struct weft_blob *weft_blob_new(size_t size, uint8_t **data);

/* A home lends memory to blobs that do not lie in the heap, such as a pool's. It lives at least until
 * the last of its blobs is freed. */
struct weft_blob_home {
    /* Takes back the memory that weft_blob_new_at was given. The last unref of the blob calls it, on
     * whichever thread that is. size is all of that memory: weft_blob_memory of the blob's size. */
    void (*free)(struct weft_blob_home *home, void *memory, size_t size);
};

/* Returns the memory in bytes that a blob of size bytes needs, its header included. */
size_t weft_blob_memory(size_t size);

/* Makes a blob as weft_blob_new does, but in memory that home lends. memory has weft_blob_memory(size)
 * bytes and begins at a multiple of 8. This cannot fail. */
struct weft_blob *weft_blob_new_at(void *memory, size_t size, struct weft_blob_home *home,
                                   uint8_t **data);

/* Returns the home of a blob, or NULL if it lies in the heap. */
struct weft_blob_home *weft_blob_home(const struct weft_blob *blob);

/* Adds a reference and returns blob. */
struct weft_blob *weft_blob_ref(struct weft_blob *blob);

/* Drops a reference. The last one frees the blob, on whichever thread that is. NULL is fine. */
void weft_blob_unref(struct weft_blob *blob);

/* Returns the bytes. They stay where they are until the caller drops its reference. */
struct weft_view weft_blob_view(const struct weft_blob *blob);

#ifdef __cplusplus
}
#endif

#endif
