/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

enum { FIRST_CAPACITY = 256 << 10 };

int kv_stream_init(struct kv_stream *stream, int fd)
{
    struct stat info;
    *stream = (struct kv_stream){.fd = fd, .capacity = FIRST_CAPACITY};
    if (fstat(fd, &info) < 0)
        return -errno;
    stream->size = (uint64_t)info.st_size;
    stream->buffer = weft_malloc(stream->capacity);
    if (!stream->buffer)
        return -ENOMEM;
    int err = kv_framing_init(&stream->framing);
    if (err < 0)
        weft_free(stream->buffer);
    return err;
}

void kv_stream_fini(struct kv_stream *stream)
{
    kv_framing_fini(&stream->framing);
    weft_free(stream->buffer);
}

/* Makes room for `need` bytes from begin on. */
static int make_room(struct kv_stream *stream, size_t need)
{
    memmove(stream->buffer, stream->buffer + stream->begin, stream->end - stream->begin);
    stream->end -= stream->begin;
    stream->begin = 0;
    if (need <= stream->capacity)
        return 0;
    uint8_t *grown = weft_realloc(stream->buffer, need);
    if (!grown)
        return -ENOMEM;
    stream->buffer = grown;
    stream->capacity = need;
    return 0;
}

/* Reads on until at least `need` bytes are there, all that has room, or the file ends. */
static int fill(struct kv_stream *stream, size_t need)
{
    int err = make_room(stream, need);
    while (err == 0 && stream->end < need) {
        uint64_t at = stream->offset + stream->end;
        if (at >= stream->size)
            break;
        size_t room = stream->capacity - stream->end;
        if (room > stream->size - at)
            room = (size_t)(stream->size - at);
        ssize_t n = pread(stream->fd, stream->buffer + stream->end, room, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            stream->size = at;
        stream->end += (size_t)n;
    }
    return err;
}

static struct weft_view in_buffer(const struct kv_stream *stream)
{
    return weft_view(stream->buffer + stream->begin, stream->end - stream->begin);
}

static void skip(struct kv_stream *stream, size_t size)
{
    stream->begin += size;
    stream->offset += size;
}

int kv_stream_next(struct kv_stream *stream, struct kv_record *record)
{
    for (;;) {
        struct weft_view in = in_buffer(stream), message;
        uint64_t left = stream->size - stream->offset;
        size_t need = KV_RECORD_FRAME;
        if (left == 0)
            return 0;
        if (in.size >= need) {
            ssize_t n = kv_framing_decode(&stream->framing, in, &message, &need);
            if (n < 0)
                return (int)n;
            if (n > 0) {
                if (kv_record_read(message, record) < 0)
                    return -EBADMSG;
                skip(stream, (size_t)n);
                return 1;
            }
        }
        need = need > in.size ? need : in.size + 1;
        if (need > left)
            return -EBADMSG;
        int err = fill(stream, need);
        if (err < 0)
            return err;
        if (stream->end - stream->begin < need)
            return -EBADMSG;
    }
}

/* True if a frame that is not compressed begins here and holds such a record. */
static bool proves(struct weft_view in, uint64_t number)
{
    struct kv_record record;
    uint32_t size = weft_load_be32(in.data);
    if (size < KV_RECORD_HEAD || size > in.size - KV_RECORD_FRAME ||
        in.data[KV_RECORD_FRAME + 4] != KV_RECORD_CHANGES)
        return false;
    return kv_record_read(weft_view(in.data + KV_RECORD_FRAME, size), &record) == 0 &&
           record.durable >= number && record.number > record.durable;
}

int kv_stream_proves(struct kv_stream *stream, uint64_t number)
{
    while (stream->offset < stream->size) {
        struct weft_view in = in_buffer(stream);
        size_t least = KV_RECORD_FRAME + KV_RECORD_HEAD;
        if (stream->size - stream->offset < least)
            break;
        /* A frame that ends behind the buffer is looked at when all of it is there. */
        size_t need = in.size < least ? least : KV_RECORD_FRAME + weft_load_be32(in.data);
        if (in.size < need && need <= stream->size - stream->offset) {
            if (in.size >= least && in.data[KV_RECORD_FRAME + 4] != KV_RECORD_CHANGES) {
                skip(stream, 1);
                continue;
            }
            int err = fill(stream, need);
            if (err < 0)
                return err;
            if (stream->end - stream->begin < need)
                break;
            continue;
        }
        if (in.size >= need && proves(in, number))
            return 1;
        skip(stream, 1);
    }
    return 0;
}
