/* SPDX-License-Identifier: MIT
 *
 * A body is an outgoing message that need not lie in memory yet: it knows its size and how to write
 * itself. A codec writes the frame's header and lets the body write itself directly behind it. So the
 * message is not copied on its way. */
#ifndef WEFT_BODY_H
#define WEFT_BODY_H

#include "blob.h"
#include "bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A body has either `write` or `blob`, and the other is NULL. If `write` needs data, the body is the
 * first member of a larger struct that has them, as in weft_body_bytes. A function that is handed a body
 * borrows it until it returns. */
struct weft_body {
    size_t size;
    /* Writes exactly size bytes to dst. It cannot fail and must not call a function of the library that
     * allocates. It must write the same bytes each time, because an encoder may call it twice. */
    void (*write)(const struct weft_body *body, uint8_t *dst);
    /* The message is all of this blob, and size is the blob's size. The body has no reference of its
     * own. A function that needs the blob for longer than its call adds one. */
    struct weft_blob *blob;
    /* True if the maker of the body keeps the blob after this message and may send it again. Then it
     * pays for a codec to keep the frame that it makes (frame_cache.h). It has no meaning without a blob. */
    bool lasting;
};

/* A body that copies its bytes from a view when it is written. */
struct weft_body_bytes {
    struct weft_body body;
    struct weft_view view;
};

/* Returns a body of the bytes of view, which must be valid while the body is used. */
struct weft_body_bytes weft_body_from_view(struct weft_view view);

/* Returns a body that is all of blob. The caller keeps its reference for as long as the body is used.
 * `lasting` is false, and the caller may set it. */
struct weft_body weft_body_from_blob(struct weft_blob *blob);

/* A body of two parts: a head, and a content that is part of a blob. Any codec can write it. One that knows of
 * it (weft_body_parts_of) can send the content in another form, and keep that for the blob (frame_cache.h). So all
 * bodies that a service makes of one blob must show the same content. The views and the blob are borrowed. */
struct weft_body_parts {
    struct weft_body body; /* first: its write casts it back */
    struct weft_view head, content;
    struct weft_blob *blob;
    bool lasting; /* as in weft_body, whose own `lasting` is false here */
};

/* Returns a body of head and content, which lies in blob. `lasting` is false, and the caller may set it. */
struct weft_body_parts weft_body_from_parts(struct weft_view head, struct weft_blob *blob,
                                            struct weft_view content);

/* Returns the parts of a body that weft_body_from_parts has made, or NULL if body is of another kind. */
const struct weft_body_parts *weft_body_parts_of(const struct weft_body *body);

/* Writes a body of either kind to dst, which has room for body->size bytes. */
void weft_body_write(const struct weft_body *body, uint8_t *dst);

#ifdef __cplusplus
}
#endif

#endif
