/* SPDX-License-Identifier: MIT
 *
 * A body is a message on its way out that need not lie in memory yet: it knows its size and how to
 * write itself. A codec writes the frame's header, and lets the body write itself directly behind it,
 * so that no copy is made. */
#ifndef WEFT_BODY_H
#define WEFT_BODY_H

#include "blob.h"
#include "bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A body has either `write` or `blob`, and the other is NULL. A body that needs more than its size to
 * write itself is the first member of a larger struct, as in weft_body_bytes. It is borrowed until the
 * call that it is handed to returns. */
struct weft_body {
    size_t size;
    /* Writes exactly size bytes to dst. It cannot fail, must not call anything of the library that
     * allocates, and must write the same bytes each time: an encoder may call it twice. */
    void (*write)(const struct weft_body *body, uint8_t *dst);
    /* The message is all of this blob, and size is the blob's size. Whoever needs it for longer than
     * the call adds a reference. */
    struct weft_blob *blob;
    /* True if the maker of the body keeps the blob after this reply and may send it again. Then it is
     * worth it for a codec to keep the frame it makes. */
    bool lasting;
};

/* A body that copies its bytes from a view when it is written. */
struct weft_body_bytes {
    struct weft_body body;
    struct weft_view view;
};

/* Returns a body of the bytes of view, which must be valid while the body is used. */
struct weft_body_bytes weft_body_from_view(struct weft_view view);

/* Returns a body that is all of blob. It borrows the caller's reference. `lasting` is false; the caller
 * may set it. */
struct weft_body weft_body_from_blob(struct weft_blob *blob);

/* Writes a body of either kind to dst, which has room for body->size bytes. */
void weft_body_write(const struct weft_body *body, uint8_t *dst);

#ifdef __cplusplus
}
#endif

#endif
