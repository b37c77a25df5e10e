/* SPDX-License-Identifier: MIT
 *
 * Bytes in memory: a weft_view borrows them, a weft_bytes owns them. All sizes are in bytes. Any thread
 * may call these functions. */
#ifndef WEFT_BYTES_H
#define WEFT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A view is borrowed bytes that its holder may only read. The contract of each function that hands one
 * out names the event until which it is valid. data may be NULL if size is 0. */
struct weft_view {
    const uint8_t *data;
    size_t size;
};

/* A weft_bytes owns memory from weft_malloc, and weft_bytes_fini frees it. A zeroed struct is valid and
 * empty. */
struct weft_bytes {
    uint8_t *data;
    size_t size;
};

/* Returns a view of size bytes at data. */
static inline struct weft_view weft_view(const void *data, size_t size)
{
    struct weft_view view = {(const uint8_t *)data, size};
    return view;
}

/* Returns a view of text, without its NUL. */
static inline struct weft_view weft_view_str(const char *text)
{
    return weft_view(text, strlen(text));
}

/* Loads size bytes, at most 8, as a number in the machine's byte order. Numbers of the same size may be
 * compared for equality. Their order has no meaning. */
static inline uint64_t weft_load_native(const uint8_t *p, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, p, size);
    return word;
}

/* True if both have the same bytes. Most names and keys have 4 to 16 bytes. For those this compares the
 * first word and the last, which may overlap, because that is faster than a call of memcmp. */
static inline bool weft_view_equal(struct weft_view a, struct weft_view b)
{
    size_t size = a.size;
    if (size != b.size)
        return false;
    if (size >= 8 && size <= 16)
        return weft_load_native(a.data, 8) == weft_load_native(b.data, 8) &&
               weft_load_native(a.data + size - 8, 8) == weft_load_native(b.data + size - 8, 8);
    if (size >= 4 && size < 8)
        return weft_load_native(a.data, 4) == weft_load_native(b.data, 4) &&
               weft_load_native(a.data + size - 4, 4) == weft_load_native(b.data + size - 4, 4);
    return size == 0 || memcmp(a.data, b.data, size) == 0;
}

/* Returns the rest of view after its first n bytes; n <= view.size. */
static inline struct weft_view weft_view_skip(struct weft_view view, size_t n)
{
    return n == 0 ? view : weft_view(view.data + n, view.size - n);
}

/* These two load and store a number in network byte order (big endian), as frame headers have it. p
 * needs no alignment. */
static inline uint32_t weft_load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void weft_store_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* Makes *bytes a copy of view, to be freed with weft_bytes_fini. It does not free what *bytes held
 * before. -ENOMEM: *bytes is empty. */
WEFT_MUST_USE int weft_bytes_copy(struct weft_bytes *bytes, struct weft_view view);

/* Frees the memory and leaves *bytes empty. A zeroed struct is fine. */
void weft_bytes_fini(struct weft_bytes *bytes);

/* True if all of view is UTF-8 by RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF.
 * NUL is a character like any other. */
bool weft_utf8_valid(struct weft_view view);

/* Returns the length of the first character of view, 1 to 4 bytes, or 0 if view is empty or does not
 * begin with a whole valid character. */
size_t weft_utf8_length(struct weft_view view);

#ifdef __cplusplus
}
#endif

#endif
