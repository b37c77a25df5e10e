/* SPDX-License-Identifier: MIT
 *
 * Reads the records of a file one after another. It takes memory as the file has bytes, whatever a frame's
 * header promises. */
#ifndef KV_JOURNAL_STREAM_H
#define KV_JOURNAL_STREAM_H

#include "framing.h"
#include "record.h"

struct kv_stream {
    int fd;
    uint64_t size;   /* of the file when it was opened */
    uint64_t offset; /* of the next frame */
    struct kv_framing framing;
    uint8_t *buffer;
    size_t capacity, begin, end; /* buffer[begin, end) lies at `offset` */
};

/* Reads fd, which stays the caller's, from its beginning. -ENOMEM or what fstat returned. */
WEFT_MUST_USE int kv_stream_init(struct kv_stream *stream, int fd);
void kv_stream_fini(struct kv_stream *stream);

/* Reads the record at stream->offset and moves on behind it. Its views are valid until the next call.
 * Returns 1, or 0 at the end of the file. -EBADMSG: there is no whole record at stream->offset, which stays.
 * -ENOMEM, or the error of read(2). */
WEFT_MUST_USE int kv_stream_next(struct kv_stream *stream, struct kv_record *record);

/* Looks in the rest of the file, behind a place where there is no record, for a record of the kind CHANGES
 * that shows that change `number` was on disk (kv_record.durable). Returns 1 if there is one, else 0, or
 * what kv_stream_next returns for other reasons than -EBADMSG. The stream is at its end afterwards. */
WEFT_MUST_USE int kv_stream_proves(struct kv_stream *stream, uint64_t number);

#endif
