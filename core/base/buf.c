/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include <assert.h>
#include <errno.h>

#include "mem.h"

/* The first capacity is small, because a stranger may send a few bytes and then nothing. */
enum { CAP_MIN = 64 };

static uint8_t *grow(struct weft_buf *buf, size_t size)
{
    size_t unread = weft_buf_size(buf);
    if (size > SIZE_MAX / 2 - unread || buf->cap > SIZE_MAX / 2)
        return NULL;
    size_t cap = buf->cap ? 2 * buf->cap : CAP_MIN;
    if (cap < unread + size)
        cap = unread + size;

    /* realloc would copy the consumed bytes too, so it serves only where there are none. */
    uint8_t *data = buf->begin == 0 ? weft_realloc(buf->data, cap) : weft_malloc(cap);
    if (!data)
        return NULL;
    if (buf->begin > 0) {
        memcpy(data, buf->data + buf->begin, unread);
        weft_free(buf->data);
    }
    *buf = (struct weft_buf){.data = data, .begin = 0, .end = unread, .cap = cap};
    return data + unread;
}

uint8_t *weft_buf_reserve(struct weft_buf *buf, size_t size)
{
    if (buf->data && buf->cap - buf->end >= size)
        return buf->data + buf->end;

    /* The bytes are moved only if at least as many were consumed. Then each byte that leaves pays for
     * one that moves, and a large tail is never shifted in small steps. */
    size_t unread = weft_buf_size(buf);
    if (buf->data && buf->begin >= unread && buf->cap - unread >= size) {
        memmove(buf->data, buf->data + buf->begin, unread);
        buf->begin = 0;
        buf->end = unread;
        return buf->data + unread;
    }
    return grow(buf, size);
}

void weft_buf_commit(struct weft_buf *buf, size_t size)
{
    assert(size <= buf->cap - buf->end);
    buf->end += size;
}

int weft_buf_append(struct weft_buf *buf, struct weft_view view)
{
    if (view.size == 0)
        return 0;
    uint8_t *dst = weft_buf_reserve(buf, view.size);
    if (!dst)
        return -ENOMEM;
    memcpy(dst, view.data, view.size);
    weft_buf_commit(buf, view.size);
    return 0;
}

void weft_buf_consume(struct weft_buf *buf, size_t size)
{
    assert(size <= weft_buf_size(buf));
    buf->begin += size;
    if (buf->begin == buf->end)
        buf->begin = buf->end = 0;
}

void weft_buf_fini(struct weft_buf *buf)
{
    weft_free(buf->data);
    *buf = (struct weft_buf){0};
}
