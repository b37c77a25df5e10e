/* SPDX-License-Identifier: MIT
 *
 * A contiguous input buffer: bytes come in at the end and leave at the beginning. One thread.
 *
 *      data          begin           end            cap
 *       |  consumed    |   unread     |   reserved    |
 *
 * Offsets, not pointers: a reserve may move the bytes. A zeroed buf is valid, empty, and owns
 * nothing. */
#ifndef WEFT_BUF_H
#define WEFT_BUF_H

#include "bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_buf {
    uint8_t *data;
    size_t begin, end, cap;
};

static inline size_t weft_buf_size(const struct weft_buf *buf)
{
    return buf->end - buf->begin;
}

/* The unread bytes; valid until the next reserve, append or fini. */
static inline struct weft_view weft_buf_view(const struct weft_buf *buf)
{
    return weft_view(buf->data ? buf->data + buf->begin : NULL, weft_buf_size(buf));
}

/* Room for size more bytes after the unread ones; returns where to write, valid until the next call
 * on buf. Capacity grows geometrically. NULL: no memory, nothing changed. */
WEFT_MUST_USE uint8_t *weft_buf_reserve(struct weft_buf *buf, size_t size);

/* Makes size bytes of the last reserve unread ones. */
void weft_buf_commit(struct weft_buf *buf, size_t size);

/* reserve, copy, commit. -ENOMEM: nothing changed. */
WEFT_MUST_USE int weft_buf_append(struct weft_buf *buf, struct weft_view view);

/* Drops the first size unread bytes; size <= weft_buf_size(). Keeps the memory. */
void weft_buf_consume(struct weft_buf *buf, size_t size);

/* Frees the memory and leaves the buf empty. */
void weft_buf_fini(struct weft_buf *buf);

#ifdef __cplusplus
}
#endif

#endif
