/* SPDX-License-Identifier: MIT
 *
 * A body: a message on its way out, described rather than stored, so that it is written once, in
 * place, behind its frame header. */
#ifndef WEFT_BODY_H
#define WEFT_BODY_H

#include "blob.h"
#include "bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Either `write` or `blob`. Whoever needs more than a size puts the struct first in one of its own.
 * Borrowed until the call that takes it returns. */
struct weft_body {
    size_t size;
    /* Writes exactly size bytes to dst. Cannot fail, calls nothing of the library that allocates,
     * and gives the same bytes however often it is called (an encoder may call it twice). */
    void (*write)(const struct weft_body *body, uint8_t *dst);
    /* Not NULL: the message is all of this blob (size is the blob's) and write is NULL. The taker
     * references it for as long as it needs it. */
    struct weft_blob *blob;
    /* With a blob: whoever made the body keeps the blob beyond this reply and may well send it
     * again, so that a codec that compresses should remember the frame. */
    bool lasting;
};

/* A body that is a copy of bytes lying elsewhere. */
struct weft_body_bytes {
    struct weft_body body;
    struct weft_view view;
};

/* view must live as long as the body is borrowed. */
struct weft_body_bytes weft_body_from_view(struct weft_view view);

/* Borrows the caller's reference. Not lasting until the caller says so. */
struct weft_body weft_body_from_blob(struct weft_blob *blob);

/* Writes a body of either kind to dst, which has body->size bytes. */
void weft_body_write(const struct weft_body *body, uint8_t *dst);

#ifdef __cplusplus
}
#endif

#endif
