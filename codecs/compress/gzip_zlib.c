/* SPDX-License-Identifier: MIT
 *
 * zlib, which is found everywhere. */
#include <errno.h>

#define ZLIB_CONST
#include <zlib.h>

#include "gzip_engine.h"
#include "core/base/mem.h"

/* A negative number asks for no zlib header or trailer; its size, for the largest window. */
enum { RAW_DEFLATE = -MAX_WBITS };

static uint32_t crc(struct weft_view view)
{
    return (uint32_t)crc32_z(0, view.data, view.size);
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

/* Returns a new stream for zlib to initialise, or NULL if there is no memory. */
static z_stream *stream_new(void)
{
    z_stream *stream = weft_calloc(1, sizeof *stream);
    if (stream) {
        stream->zalloc = zlib_alloc;
        stream->zfree = zlib_free;
    }
    return stream;
}

static z_stream *inflater(void **state)
{
    z_stream *stream = *state;
    if (stream) {
        (void)inflateReset(stream); /* fails only if this is no stream */
        return stream;
    }
    stream = stream_new();
    if (stream && inflateInit2(stream, RAW_DEFLATE) != Z_OK) {
        weft_free(stream);
        return NULL;
    }
    *state = stream;
    return stream;
}

static enum weft__inflated zlib_inflate(void **state, struct weft_view deflated, uint8_t *dst,
                                        size_t size)
{
    z_stream *stream = inflater(state);
    if (!stream)
        return WEFT__INFLATED_NO_MEMORY;
    stream->next_in = deflated.data;
    stream->avail_in = (uInt)deflated.size;
    stream->next_out = dst;
    stream->avail_out = (uInt)size;
    int result = inflate(stream, Z_FINISH);
    if (result == Z_MEM_ERROR)
        return WEFT__INFLATED_NO_MEMORY;
    if (result == Z_BUF_ERROR && stream->avail_out == 0)
        return WEFT__INFLATED_LARGER;
    if (result != Z_STREAM_END)
        return WEFT__INFLATED_BROKEN;
    if (stream->avail_out > 0)
        return WEFT__INFLATED_SMALLER;
    return stream->avail_in > 0 ? WEFT__INFLATED_EARLY : WEFT__INFLATED;
}

static void inflater_free(void *state)
{
    if (state)
        (void)inflateEnd(state);
    weft_free(state);
}

/* The order of the two calls matters: right after a reset, zlib changes the level without writing. */
static z_stream *deflater(void **state, int level)
{
    z_stream *stream = *state;
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
    *state = stream;
    return stream;
}

static ssize_t zlib_deflate(void **state, int level, struct weft_view message, uint8_t *dst,
                            size_t cap)
{
    z_stream *stream = deflater(state, level);
    if (!stream)
        return -ENOMEM;
    stream->next_in = message.data;
    stream->avail_in = (uInt)message.size;
    stream->next_out = dst;
    stream->avail_out = (uInt)(cap < UINT32_MAX ? cap : UINT32_MAX);
    return deflate(stream, Z_FINISH) == Z_STREAM_END ? (ssize_t)stream->total_out : 0;
}

static void deflater_free(void *state)
{
    if (state)
        (void)deflateEnd(state);
    weft_free(state);
}

/* Level 6, the best that is worth its time, deflates 55 to 80 MB/s of text, and 45 MB/s of data that does not
 * shrink; level 1 deflates 165 to 175 MB/s, and 47. So 64 KiB take 1.4 ms at worst, and 256 KiB 5.6 ms. */
static int auto_level(size_t size)
{
    if (size <= 64 << 10)
        return 6;
    return size <= 256 << 10 ? 1 : 0;
}

const struct weft__gzip_engine weft__gzip_zlib = {
    .crc = crc,
    .inflate = zlib_inflate,
    .inflater_free = inflater_free,
    .deflate = zlib_deflate,
    .deflater_free = deflater_free,
    .max_level = 9,
    .auto_level = auto_level,
};
