/* SPDX-License-Identifier: MIT
 *
 * An engine is a library that deflates and inflates (RFC 1951) whole messages in memory. gzip.c adds header
 * and trailer, says in words what is wrong, and chooses among the engines that were built. */
#ifndef WEFT_GZIP_ENGINE_H
#define WEFT_GZIP_ENGINE_H

#include <sys/types.h>

#include "core/base/bytes.h"

enum weft__inflated {
    WEFT__INFLATED,         /* exactly the size asked for, out of exactly the bytes given */
    WEFT__INFLATED_BROKEN,  /* not deflated bytes, or not all of them */
    WEFT__INFLATED_LARGER,  /* there is more than the size asked for */
    WEFT__INFLATED_SMALLER, /* they end with less */
    WEFT__INFLATED_EARLY,   /* they end before the bytes given do */
    WEFT__INFLATED_NO_MEMORY,
};

/* A state is made when it is first needed: *state is NULL, or was made by an earlier call. Use a state on
 * one thread at a time. */
struct weft__gzip_engine {
    /* CRC-32 of RFC 1952, section 8. */
    uint32_t (*crc)(struct weft_view view);

    /* Reads no byte beyond deflated and writes none beyond dst, which has size bytes and is not NULL
     * even if that is 0. If it fails, dst may hold anything. */
    enum weft__inflated (*inflate)(void **state, struct weft_view deflated, uint8_t *dst,
                                   size_t size);
    void (*inflater_free)(void *state);

    /* Deflates at most UINT32_MAX bytes to dst at a level of 1 to max_level: 1 is the fastest, and a
     * higher level gives smaller output. The bytes for one message may differ from state to state:
     * ISA-L 2.30, at levels 1 and 2, gives others for one message in some 5,000, depending on the
     * address of its state. Returns the number of bytes, 0 if they are more than cap, or -ENOMEM. An
     * engine may need up to WEFT__DEFLATE_SLACK bytes of cap more than it writes. */
    ssize_t (*deflate)(void **state, int level, struct weft_view message, uint8_t *dst, size_t cap);
    void (*deflater_free)(void *state);
    int max_level;

    /* Returns as weft__gzip_auto_level does. */
    int (*auto_level)(size_t size);
};

enum { WEFT__DEFLATE_SLACK = 8 };

/* The engines; the build has those whose libraries it found. */
extern const struct weft__gzip_engine weft__gzip_zlib, weft__gzip_libdeflate, weft__gzip_isal;

#endif
