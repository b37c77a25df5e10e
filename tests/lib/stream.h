/* SPDX-License-Identifier: MIT
 *
 * What the codec suite feeds: messages of known content, and bytes put together from frames. For
 * cmocka programs: without memory, or room, the test fails. */
#ifndef TEST_STREAM_H
#define TEST_STREAM_H

#include "core/base/bytes.h"

/* What compresses very well, somewhat, and not at all. */
enum content { ZEROS, TEXT, RANDOM, CONTENTS };

/* The same bytes for the same content and size; free(). */
uint8_t *content_new(enum content content, size_t size);

enum { STREAM_ROOM = 1 << 20, STREAM_FRAMES = 64 };

struct stream {
    uint8_t data[STREAM_ROOM];
    size_t size, count;
    size_t ends[STREAM_FRAMES]; /* of each frame, its end in data */
};

/* An empty one; free(). */
struct stream *stream_new(void);
void stream_add(struct stream *stream, const void *frame, size_t size);

static inline struct weft_view stream_view(const struct stream *stream)
{
    return weft_view(stream->data, stream->size);
}

#endif
