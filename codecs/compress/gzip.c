/* SPDX-License-Identifier: MIT
 *
 * Header and trailer are read and written here for every engine, so all builds accept the same members and
 * write the same header. An engine sees deflated bytes only, and each deflates a message to bytes of its
 * own. */
#include "gzip.h"

#include <assert.h>
#include <errno.h>

#include "gzip_engine.h"

/* The build chooses the engines (codecs/CMakeLists.txt): one inflates, one deflates at the levels that it
 * has, and one at the levels above those. */
static const struct weft__gzip_engine *const inflater = &WEFT_GZIP_INFLATER;
static const struct weft__gzip_engine *const fast = &WEFT_GZIP_FAST;
static const struct weft__gzip_engine *const strong = &WEFT_GZIP_STRONG;

/* RFC 1952, 2.3. */
enum {
    HEADER_SIZE = 10,
    TRAILER_SIZE = 8,
    DEFLATED = 8,
    FHCRC = 1 << 1,
    FEXTRA = 1 << 2,
    FNAME = 1 << 3,
    FCOMMENT = 1 << 4,
    RESERVED = 0xe0
};

/* The most bytes that one deflated byte can stand for (RFC 1951: 258 bytes in two bits). */
enum { DEFLATE_MAX_RATIO = 1032 };

static uint32_t load_le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

static uint32_t load_le32(const uint8_t *p)
{
    return load_le16(p + 2) << 16 | load_le16(p);
}

static void store_le32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

/* Returns the offset behind the zero that ends the text at `at`, or 0 if there is none. */
static size_t skip_text(struct weft_view view, size_t at)
{
    const uint8_t *zero = memchr(view.data + at, 0, view.size - at);
    return zero ? (size_t)(zero - view.data) + 1 : 0;
}

/* Returns the size of the header at the beginning of view, which has HEADER_SIZE bytes or more. 0: it is
 * bad, and *why says how. */
static size_t header_size(struct weft_view view, const char **why)
{
    const uint8_t *p = view.data;
    size_t at = HEADER_SIZE;

    *why = "not a gzip member";
    if (p[0] != 0x1f || p[1] != 0x8b)
        return 0;
    *why = "gzip with an unknown method or flag";
    if (p[2] != DEFLATED || (p[3] & RESERVED))
        return 0;

    *why = "gzip header cut short";
    if (p[3] & FEXTRA) {
        if (view.size - at < 2)
            return 0;
        size_t extra = load_le16(p + at);
        at += 2;
        if (view.size - at < extra)
            return 0;
        at += extra;
    }
    if ((p[3] & FNAME) && !(at = skip_text(view, at)))
        return 0;
    if ((p[3] & FCOMMENT) && !(at = skip_text(view, at)))
        return 0;
    if (p[3] & FHCRC) {
        if (view.size - at < 2)
            return 0;
        *why = "gzip header with a wrong checksum";
        if (load_le16(p + at) != (inflater->crc(weft_view(p, at)) & 0xffff))
            return 0;
        at += 2;
    }
    return at;
}

int weft__gzip_parse(struct weft_view payload, uint64_t max_size, struct weft__gzip_member *member,
                     const char **why)
{
    *why = "too short for a gzip member";
    if (payload.size < HEADER_SIZE + TRAILER_SIZE)
        return WEFT_EMALFORMED;
    struct weft_view front = weft_view(payload.data, payload.size - TRAILER_SIZE);
    const uint8_t *trailer = payload.data + front.size;
    member->crc = load_le32(trailer);
    member->size = load_le32(trailer + 4);
    if (member->size > max_size)
        return WEFT_ETOOBIG;
    *why = "gzip that cannot be as large as it says";
    if (member->size > (uint64_t)DEFLATE_MAX_RATIO * payload.size)
        return WEFT_EMALFORMED;
    size_t header = header_size(front, why);
    if (header == 0)
        return WEFT_EMALFORMED;
    member->deflated = weft_view_skip(front, header);
    return 0;
}

void weft__gzip_fini(struct weft__gzip *gzip)
{
    inflater->inflater_free(gzip->inflater);
    fast->deflater_free(gzip->fast);
    strong->deflater_free(gzip->strong);
    *gzip = (struct weft__gzip){0};
}

int weft__gzip_inflate(struct weft__gzip *gzip, const struct weft__gzip_member *member,
                       uint8_t *dst, const char **why)
{
    switch (inflater->inflate(&gzip->inflater, member->deflated, dst, member->size)) {
    case WEFT__INFLATED:
        *why = "gzip with a wrong checksum";
        return inflater->crc(weft_view(dst, member->size)) == member->crc ? 0 : WEFT_EMALFORMED;
    case WEFT__INFLATED_BROKEN:
        *why = "gzip with broken or missing data";
        return WEFT_EMALFORMED;
    case WEFT__INFLATED_LARGER:
        *why = "gzip that is larger than it says";
        return WEFT_EMALFORMED;
    case WEFT__INFLATED_SMALLER:
        *why = "gzip that is smaller than it says";
        return WEFT_EMALFORMED;
    case WEFT__INFLATED_EARLY:
        *why = "something behind the gzip member";
        return WEFT_EMALFORMED;
    case WEFT__INFLATED_NO_MEMORY:
        break;
    }
    return -ENOMEM;
}

ssize_t weft__gzip_deflate(struct weft__gzip *gzip, int level, struct weft_view message,
                           uint8_t *dst, size_t cap)
{
    /* There is no time, no name, and the operating system is "unknown". */
    static const uint8_t header[HEADER_SIZE] = {0x1f, 0x8b, DEFLATED, [9] = 0xff};
    static_assert((int)TRAILER_SIZE >= (int)WEFT__DEFLATE_SLACK,
                  "the trailer's room is the engine's slack");

    if (cap <= WEFT__GZIP_OVERHEAD)
        return 0;
    bool is_fast = level <= fast->max_level;
    ssize_t size =
        is_fast
            ? fast->deflate(&gzip->fast, level, message, dst + HEADER_SIZE, cap - HEADER_SIZE)
            : strong->deflate(&gzip->strong, level, message, dst + HEADER_SIZE, cap - HEADER_SIZE);
    if (size < 0)
        return size;
    if (size == 0 || (size_t)size > cap - WEFT__GZIP_OVERHEAD)
        return 0;

    uint8_t *trailer = dst + HEADER_SIZE + size;
    memcpy(dst, header, HEADER_SIZE);
    store_le32(trailer, inflater->crc(message));
    store_le32(trailer + 4, (uint32_t)message.size);
    return size + WEFT__GZIP_OVERHEAD;
}

int weft__gzip_auto_level(size_t size)
{
    return fast->auto_level(size);
}
