/* SPDX-License-Identifier: MIT
 *
 * A contiguous input buffer: bytes are added at the end and consumed from the beginning. One thread at
 * a time uses it.
 *
 *      data          begin           end            cap
 *       |  consumed    |   unread     |   reserved    |
 *
 * The places are offsets, not pointers, because a reserve may move the bytes. A zeroed buf is valid and
 * empty. */
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

/* Returns the number of unread bytes. */
static inline size_t weft_buf_size(const struct weft_buf *buf)
{
    return buf->end - buf->begin;
}

/* Returns the unread bytes. The view is valid until the next reserve, append or fini. */
static inline struct weft_view weft_buf_view(const struct weft_buf *buf)
{
    return weft_view(buf->data ? buf->data + buf->begin : NULL, weft_buf_size(buf));
}

/* Makes room for at least size more bytes behind the unread ones and returns where to write them, valid
 * until the next call on buf. All room up to cap may be used. The capacity grows geometrically. NULL:
 * no memory, and nothing has changed. */
WEFT_MUST_USE uint8_t *weft_buf_reserve(struct weft_buf *buf, size_t size);

/* Makes the first size bytes of the room part of the unread bytes. The caller has written them;
 * size <= cap - end. */
void weft_buf_commit(struct weft_buf *buf, size_t size);

/* Adds a copy of view to the unread bytes. -ENOMEM: nothing has changed. */
WEFT_MUST_USE int weft_buf_append(struct weft_buf *buf, struct weft_view view);

/* Drops the first size unread bytes; size <= weft_buf_size(). The memory is kept. */
void weft_buf_consume(struct weft_buf *buf, size_t size);

/* Frees the memory and leaves the buf empty. */
void weft_buf_fini(struct weft_buf *buf);

#ifdef __cplusplus
}
#endif

#endif
