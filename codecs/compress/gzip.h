/* SPDX-License-Identifier: MIT
 *
 * One gzip member (RFC 1952) at a time, whole messages in memory. Which library does the work is
 * the build's choice and known behind this header alone. */
#ifndef WEFT_GZIP_H
#define WEFT_GZIP_H

#include <sys/types.h>

#include "core/base/bytes.h"

enum { WEFT__GZIP_OVERHEAD = 18 }; /* bytes that our members have around the deflated ones */

/* The largest message a member can hold: ISIZE has 32 bits. */
#define WEFT__GZIP_MAX UINT32_MAX

/* The engines' states: one per loop, made when first used, kept until fini. A zeroed one is valid
 * and holds nothing. One thread at a time. */
struct weft__gzip {
    void *inflater, *fast, *strong;
};

void weft__gzip_fini(struct weft__gzip *gzip);

/* What a member says about itself. */
struct weft__gzip_member {
    struct weft_view deflated; /* within what was parsed */
    uint32_t size, crc;        /* of the message: ISIZE and CRC32 of the trailer */
};

/* Reads header and trailer without inflating. 0; WEFT_ETOOBIG: the message would be of
 * member->size, which is over max_size; WEFT_EMALFORMED: *why says what is wrong, static. ISIZE is
 * judged first, so that what is not gzip at all may be called too big. */
WEFT_MUST_USE int weft__gzip_parse(struct weft_view payload, uint64_t max_size,
                                   struct weft__gzip_member *member, const char **why);

/* Inflates to dst, which has member->size bytes and is not NULL even if that is 0. 0;
 * WEFT_EMALFORMED with *why: dst holds anything; -ENOMEM. */
WEFT_MUST_USE int weft__gzip_inflate(struct weft__gzip *gzip,
                                     const struct weft__gzip_member *member, uint8_t *dst,
                                     const char **why);

/* Writes one member of message (at most WEFT__GZIP_MAX bytes) at a level of 1..9 to dst, at most cap
 * bytes. It stands for the message and for nothing that was deflated before; but which of all such
 * members it is may differ from state to state. > 0: how many bytes; 0: it does not fit; -ENOMEM. */
WEFT_MUST_USE ssize_t weft__gzip_deflate(struct weft__gzip *gzip, int level,
                                         struct weft_view message, uint8_t *dst, size_t cap);

/* The level for a message of so many bytes where nobody has chosen one: what takes the engine no
 * more than about 5 ms. 0: no level does. */
int weft__gzip_auto_level(size_t size);

#endif
