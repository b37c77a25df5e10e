/* SPDX-License-Identifier: MIT
 *
 * A function for encode slots of codecs whose frames are a header and then a body. Private to codecs/. */
#ifndef WEFT__APPEND_H
#define WEFT__APPEND_H

#include <errno.h>

#include "core/codec.h"

/* Appends the `size` bytes of header, then the body. A blob is appended with weft_chain_append_blob; any
 * other body writes itself directly behind the header. Returns 0, or -ENOMEM with *out unchanged. The
 * function is inline, so that a header of constant size is copied by one store. */
WEFT_MUST_USE static inline int weft__append_frame(struct weft_chain *out, const uint8_t *header,
                                                   size_t size, const struct weft_body *body)
{
    struct weft_chain_mark before;
    if (body->blob)
        before = weft_chain_mark(out);
    uint8_t *frame = weft_chain_reserve(out, size + (body->blob ? 0 : body->size));
    if (!frame)
        return -ENOMEM;
    memcpy(frame, header, size);
    if (!body->blob) {
        body->write(body, frame + size);
        weft_chain_commit(out, size + body->size);
        return 0;
    }
    weft_chain_commit(out, size);
    int err = weft_chain_append_blob(out, body->blob);
    if (err < 0)
        weft_chain_rollback(out, before);
    return err;
}

#endif
