/* SPDX-License-Identifier: MIT
 *
 * The input of the codec suite: messages of known content, and bytes put together from frames. For
 * cmocka programs: without memory, or room, the test fails. */
#ifndef TEST_STREAM_H
#define TEST_STREAM_H

#include <stdbool.h>

#include "core/base/bytes.h"

/* Bytes that compress very well, somewhat, and not at all. */
enum content { ZEROS, TEXT, RANDOM, CONTENTS };

/* From now on content is printable text, or any bytes again. Main thread. */
void content_is_text(bool text);

/* Returns bytes that follow from content and size alone. Freed by the caller with free(). */
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
