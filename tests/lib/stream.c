/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "random.h"

static bool printable;

void content_is_text(bool text)
{
    printable = text;
}

static uint8_t random_byte(struct test_random *random)
{
    uint64_t number = test_random_next(random);
    return (uint8_t)(printable ? ' ' + number % ('~' - ' ') : number);
}

uint8_t *content_new(enum content content, size_t size)
{
    static const char words[] = "{\"table\": \"score\", \"key\": \"u1\", \"value\": 42}, ";
    struct test_random random = {.state = size};
    uint8_t *data = calloc(1, size + 1);
    assert_non_null(data);
    memset(data, printable && content == ZEROS ? '0' : 0, size);
    for (size_t i = 0; i < size && content != ZEROS; i++)
        data[i] = content == TEXT ? (uint8_t)words[(i + i / 97) % (sizeof words - 1)]
                                  : random_byte(&random);
    return data;
}

struct stream *stream_new(void)
{
    struct stream *stream = calloc(1, sizeof *stream);
    assert_non_null(stream);
    return stream;
}

void stream_add(struct stream *stream, const void *frame, size_t size)
{
    assert_true(size <= STREAM_ROOM - stream->size && stream->count < STREAM_FRAMES);
    memcpy(stream->data + stream->size, frame, size);
    stream->size += size;
    stream->ends[stream->count++] = stream->size;
}
