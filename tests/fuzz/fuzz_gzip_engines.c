/* SPDX-License-Identifier: MIT
 *
 * Every engine that is here against zlib: the same deflated bytes are taken by all or by none, with
 * the same message, and what one writes all can read. Memory ends where it should, since the
 * engines may be built without sanitizers or written in assembly. */
#include <stdio.h>
#include <stdlib.h>

#include "codecs/compress/gzip_engine.h"
#include "lib/guarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct weft__gzip_engine *const engines[] = {&weft__gzip_zlib, WEFT_FUZZ_ENGINES};
enum { ENGINES = sizeof engines / sizeof *engines, SIZE_BYTES = 2, MAX_SIZE = 16384 };

/* Kept from one input to the next, because making them would take most of the time. */
static void *inflaters[ENGINES], *deflaters[ENGINES];

static void must(bool holds, const char *what, size_t engine)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold of engine %zu: %s\n", engine, what);
    abort();
}

/* Returns what an engine inflates the bytes to. data is NULL if it refuses them. */
static struct guarded inflated_by(size_t engine, struct weft_view deflated, size_t size)
{
    struct guarded in = guarded_copy(deflated.data, deflated.size), out = guarded_new(size);
    enum weft__inflated result = engines[engine]->inflate(
        &inflaters[engine], weft_view(in.data, deflated.size), out.data, size);
    guarded_free(&in);
    if (result != WEFT__INFLATED)
        guarded_free(&out);
    return out;
}

static void inflate_by_all(struct weft_view deflated, size_t size)
{
    struct guarded expected = inflated_by(0, deflated, size);
    for (size_t i = 1; i < ENGINES; i++) {
        struct guarded message = inflated_by(i, deflated, size);
        must(!message.data == !expected.data, "it takes what zlib takes", i);
        must(!message.data || memcmp(message.data, expected.data, size) == 0,
             "it reads what zlib reads", i);
        if (message.data)
            guarded_free(&message);
    }
    if (expected.data)
        guarded_free(&expected);
}

/* With room for all, and with exactly as much as the message has. */
static void deflate_by_one(size_t engine, int level, struct weft_view message, size_t cap)
{
    struct guarded in = guarded_copy(message.data, message.size), out = guarded_new(cap);
    ssize_t size = engines[engine]->deflate(&deflaters[engine], level,
                                            weft_view(in.data, message.size), out.data, cap);
    must(size >= 0 && (size_t)size <= cap, "it writes no more than it may", engine);
    must(size > 0 || cap <= message.size, "what fits is written", engine);
    for (size_t i = 0; size > 0 && i < ENGINES; i++) {
        struct guarded again = inflated_by(i, weft_view(out.data, (size_t)size), message.size);
        must(again.data && memcmp(again.data, in.data, message.size) == 0, "it reads all", i);
        guarded_free(&again);
    }
    guarded_free(&in);
    guarded_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SIZE_BYTES)
        return 0;
    size_t announced = (size_t)(data[0] | data[1] << 8) % MAX_SIZE;
    struct weft_view rest = weft_view(data + SIZE_BYTES, size - SIZE_BYTES);
    inflate_by_all(rest, announced);
    for (size_t i = 0; i < ENGINES; i++) {
        int level = 1 + data[0] % engines[i]->max_level;
        deflate_by_one(i, level, rest, rest.size + rest.size / 8 + 64);
        deflate_by_one(i, level, rest, rest.size);
    }
    return 0;
}
