/* SPDX-License-Identifier: MIT
 *
 * Reads the records of a file one after another. Its buffer grows only as far as the file has bytes, whatever
 * size a frame's header claims. One thread at a time uses a stream. */
#ifndef KV_JOURNAL_STREAM_H
#define KV_JOURNAL_STREAM_H

#include "framing.h"
#include "record.h"

struct kv_stream {
    int fd;
    uint64_t size;   /* bytes of the file when the stream was set up */
    uint64_t offset; /* where the next frame begins in the file */
    struct kv_framing framing;
    uint8_t *buffer;
    size_t capacity, begin, end; /* buffer[begin, end) lies at `offset` */
};

/* Sets up a stream at the beginning of fd, which remains the caller's. Returns 0, -ENOMEM, or the error of fstat(2). */
WEFT_MUST_USE int kv_stream_init(struct kv_stream *stream, int fd);
void kv_stream_fini(struct kv_stream *stream);

/* Reads the record at stream->offset and moves behind it. Its views are valid until the next call. Returns 1, or 0 at
 * the end of the file. Returns -EBADMSG, with the offset unchanged, if there is no intact record. Returns -ENOMEM or
 * the error of read(2). */
WEFT_MUST_USE int kv_stream_next(struct kv_stream *stream, struct kv_record *record);

/* Called where kv_stream_next has returned -EBADMSG. Searches the rest of the file for a record of the kind CHANGES
 * which shows that change `number` was on disk (kv_record.durable). Returns 1 if there is one, else 0, or another error
 * of kv_stream_next. Afterwards the stream is at the end of the file. */
WEFT_MUST_USE int kv_stream_proves(struct kv_stream *stream, uint64_t number);

#endif
