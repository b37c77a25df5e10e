/* SPDX-License-Identifier: MIT
 *
 * A blob is immutable bytes that any number of owners share by counted references. Counting is atomic,
 * so any thread may use a blob that it holds a reference to. */
#ifndef WEFT_BLOB_H
#define WEFT_BLOB_H

#include "bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_blob;

/* Returns a blob of size bytes with one reference, which the caller owns, or NULL if there is no memory.
 * *data points to the bytes, which are not set yet. The caller writes them before it shares the blob with
 * another owner or thread. */
WEFT_MUST_USE struct weft_blob *weft_blob_new(size_t size, uint8_t **data);

/* A home lends memory to blobs that do not lie in the heap. The pool of a store can be one. A home lives
 * at least until the last of its blobs is freed. */
struct weft_blob_home {
    /* Takes back the memory that was given to weft_blob_new_at. The last unref of the blob calls it, on
     * whichever thread that is. size is weft_blob_memory() of the blob's size. */
    void (*free)(struct weft_blob_home *home, void *memory, size_t size);
};

/* Returns the bytes of memory that a blob of size bytes needs, its header included. It does not check
 * for overflow. */
size_t weft_blob_memory(size_t size);

/* Makes a blob in memory that home lends, and otherwise does what weft_blob_new does. memory has
 * weft_blob_memory(size) bytes and begins at a multiple of 8. This cannot fail. */
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
