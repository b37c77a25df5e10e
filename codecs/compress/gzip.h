/* SPDX-License-Identifier: MIT
 *
 * Reads and writes one gzip member (RFC 1952) at a time, whole messages in memory. The build chooses the
 * library that does the work; only the files behind this header know which. */
#ifndef WEFT_GZIP_H
#define WEFT_GZIP_H

#include <sys/types.h>

#include "core/base/bytes.h"

enum { WEFT__GZIP_OVERHEAD = 18 }; /* bytes of header and trailer in a member that we write */

/* The largest message a member can hold: ISIZE has 32 bits. */
#define WEFT__GZIP_MAX UINT32_MAX

/* The engines' states, one set per loop. Each is made when it is first used, and kept until fini. A zeroed
 * struct is valid and holds nothing. Use it on one thread at a time. */
struct weft__gzip {
    void *inflater, *fast, *strong;
};

void weft__gzip_fini(struct weft__gzip *gzip);

/* A member's own claims. */
struct weft__gzip_member {
    struct weft_view deflated; /* within what was parsed */
    uint32_t size, crc;        /* of the message: ISIZE and CRC32 of the trailer */
};

/* Reads header and trailer without inflating. Returns 0; WEFT_ETOOBIG if member->size, the size of the
 * message, is over max_size; or WEFT_EMALFORMED, and *why is static text that says what is wrong. ISIZE
 * is judged first, so bytes that are no gzip at all may be called too big. */
WEFT_MUST_USE int weft__gzip_parse(struct weft_view payload, uint64_t max_size,
                                   struct weft__gzip_member *member, const char **why);

/* Inflates to dst, which has member->size bytes and is not NULL even if that is 0. Returns 0;
 * WEFT_EMALFORMED with *why, and dst may hold anything; or -ENOMEM. */
WEFT_MUST_USE int weft__gzip_inflate(struct weft__gzip *gzip,
                                     const struct weft__gzip_member *member, uint8_t *dst,
                                     const char **why);

/* Writes message (at most WEFT__GZIP_MAX bytes) to dst as one member, at a level of 1 to 9 and with at
 * most cap bytes. The member inflates to the message alone, whatever was deflated before; its bytes may
 * differ from one time to the next. Returns its size, 0 if it does not fit, or -ENOMEM. */
WEFT_MUST_USE ssize_t weft__gzip_deflate(struct weft__gzip *gzip, int level,
                                         struct weft_view message, uint8_t *dst, size_t cap);

/* Returns the level for a message of this size if nobody has chosen one: the highest that takes the engine
 * no more than about 5 ms, or 0 if none does. */
int weft__gzip_auto_level(size_t size);

#endif
