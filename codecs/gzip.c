/* SPDX-License-Identifier: MIT
 *
 * Header and trailer are our own, whatever the engine, so that every engine accepts and writes the
 * same; the engine sees deflated bytes only. Now it is zlib. */
#include "codecs/gzip.h"

#include <errno.h>

#define ZLIB_CONST
#include <zlib.h>

#include "core/mem.h"

/* RFC 1952, 2.3. */
enum {
    HEADER_SIZE = 10,
    TRAILER_SIZE = 8,
    FHCRC = 1 << 1,
    FEXTRA = 1 << 2,
    FNAME = 1 << 3,
    FCOMMENT = 1 << 4,
    RESERVED = 0xe0
};

/* The most bytes that one deflated byte can stand for (RFC 1951: 258 bytes in two bits). */
enum { DEFLATE_MAX_RATIO = 1032 };

/* No zlib header or trailer, the largest window. */
enum { RAW_DEFLATE = -MAX_WBITS };

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

static uint32_t crc_of(struct weft_view view)
{
    return (uint32_t)crc32_z(0, view.data, view.size);
}

/* The offset behind the zero that ends the text at `at`; 0 where there is none. */
static size_t skip_text(struct weft_view view, size_t at)
{
    const uint8_t *zero = memchr(view.data + at, 0, view.size - at);
    return zero ? (size_t)(zero - view.data) + 1 : 0;
}

/* The size of the header at the beginning of view, which has HEADER_SIZE bytes or more; 0: *why. */
static size_t header_size(struct weft_view view, const char **why)
{
    const uint8_t *p = view.data;
    size_t at = HEADER_SIZE;

    *why = "not a gzip member";
    if (p[0] != 0x1f || p[1] != 0x8b)
        return 0;
    *why = "gzip with an unknown method or flag";
    if (p[2] != Z_DEFLATED || (p[3] & RESERVED))
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
        if (load_le16(p + at) != (crc_of(weft_view(p, at)) & 0xffff))
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

static voidpf zlib_alloc(voidpf opaque, uInt count, uInt size)
{
    (void)opaque;
    return weft_calloc(count, size);
}

static void zlib_free(voidpf opaque, voidpf p)
{
    (void)opaque;
    weft_free(p);
}

/* A new stream for zlib to initialise; NULL: no memory. */
static z_stream *stream_new(void)
{
    z_stream *stream = weft_calloc(1, sizeof *stream);
    if (stream) {
        stream->zalloc = zlib_alloc;
        stream->zfree = zlib_free;
    }
    return stream;
}

static z_stream *inflater(struct weft__gzip *gzip)
{
    z_stream *stream = gzip->inflater;
    if (stream) {
        (void)inflateReset(stream); /* fails only for a stream that is none */
        return stream;
    }
    stream = stream_new();
    if (stream && inflateInit2(stream, RAW_DEFLATE) != Z_OK) {
        weft_free(stream);
        return NULL;
    }
    gzip->inflater = stream;
    return stream;
}

/* The order of the two calls matters: after a reset, zlib changes the level without output. */
static z_stream *deflater(struct weft__gzip *gzip, int level)
{
    z_stream *stream = gzip->deflater;
    if (stream) {
        (void)deflateReset(stream);
        (void)deflateParams(stream, level, Z_DEFAULT_STRATEGY);
        return stream;
    }
    stream = stream_new();
    if (stream && deflateInit2(stream, level, Z_DEFLATED, RAW_DEFLATE, MAX_MEM_LEVEL - 1,
                               Z_DEFAULT_STRATEGY) != Z_OK) {
        weft_free(stream);
        return NULL;
    }
    gzip->deflater = stream;
    return stream;
}

void weft__gzip_fini(struct weft__gzip *gzip)
{
    if (gzip->inflater)
        (void)inflateEnd(gzip->inflater);
    if (gzip->deflater)
        (void)deflateEnd(gzip->deflater);
    weft_free(gzip->inflater);
    weft_free(gzip->deflater);
    *gzip = (struct weft__gzip){0};
}

int weft__gzip_inflate(struct weft__gzip *gzip, const struct weft__gzip_member *member,
                       uint8_t *dst, const char **why)
{
    z_stream *stream = inflater(gzip);
    if (!stream)
        return -ENOMEM;
    stream->next_in = member->deflated.data;
    stream->avail_in = (uInt)member->deflated.size;
    stream->next_out = dst;
    stream->avail_out = member->size;
    int result = inflate(stream, Z_FINISH);
    if (result == Z_MEM_ERROR)
        return -ENOMEM;

    *why = "gzip with broken or missing data";
    if (result != Z_STREAM_END) {
        if (result == Z_BUF_ERROR && stream->avail_out == 0)
            *why = "gzip that is larger than it says";
        return WEFT_EMALFORMED;
    }
    *why = "gzip that is smaller than it says";
    if (stream->avail_out > 0)
        return WEFT_EMALFORMED;
    *why = "something behind the gzip member";
    if (stream->avail_in > 0)
        return WEFT_EMALFORMED;
    *why = "gzip with a wrong checksum";
    return crc_of(weft_view(dst, member->size)) == member->crc ? 0 : WEFT_EMALFORMED;
}

ssize_t weft__gzip_deflate(struct weft__gzip *gzip, int level, struct weft_view message,
                           uint8_t *dst, size_t cap)
{
    /* No time, no name, "unknown" as the operating system: nothing but the message. */
    static const uint8_t header[HEADER_SIZE] = {0x1f, 0x8b, Z_DEFLATED, [9] = 0xff};

    if (cap <= WEFT__GZIP_OVERHEAD)
        return 0;
    z_stream *stream = deflater(gzip, level);
    if (!stream)
        return -ENOMEM;
    stream->next_in = message.data;
    stream->avail_in = (uInt)message.size;
    stream->next_out = dst + HEADER_SIZE;
    /* zlib does not say that it is done when the last byte fills the output, so it may have the
     * trailer's room too. */
    stream->avail_out = (uInt)((cap < UINT32_MAX ? cap : UINT32_MAX) - HEADER_SIZE);
    if (deflate(stream, Z_FINISH) != Z_STREAM_END || stream->avail_out < TRAILER_SIZE)
        return 0;

    memcpy(dst, header, HEADER_SIZE);
    store_le32(stream->next_out, crc_of(message));
    store_le32(stream->next_out + 4, (uint32_t)message.size);
    return (ssize_t)(stream->total_out + WEFT__GZIP_OVERHEAD);
}

/* A loop should not stand still for more than about 5 ms. zlib deflates JSON-like text at some 40
 * MB/s at level 6, the best that is worth its time, and at 100 MB/s at level 1: that is 1.6 ms for
 * 64 KiB at level 6 and 5 ms for 512 KiB at level 1. */
int weft__gzip_auto_level(size_t size)
{
    if (size <= 64 << 10)
        return 6;
    return size <= 512 << 10 ? 1 : 0;
}
