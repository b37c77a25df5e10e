/* SPDX-License-Identifier: MIT
 *
 * A client may send any bytes as a cursor of a walk over Redis. Whatever place they are read as: only the bytes that the
 * store itself makes of that place are proven, and they are read as that place again. The first byte says how many
 * buckets the table has, the second whether it is the list of tables, the third which process of Redis answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/kv/stores/redis/cursors.h"
#include "services/kv/stores/redis/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 3, SHORT = 8 };

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static bool is_same(const struct kv_redis_place *a, const struct kv_redis_place *b)
{
    return a->bucket == b->bucket && a->scan == b->scan && a->partial == b->partial &&
           a->until == b->until && a->hash == b->hash;
}

static void use(const struct kv_redis_walk *walk, const struct kv_cursor *given, uint64_t process)
{
    struct kv_redis_place place, again;
    struct kv_cursor made;

    if (!kv_redis_read_cursor(given, walk, &place))
        return;
    must(place.bucket < walk->buckets, "a place is in the table");
    memset(&made, 0, sizeof made);
    must(kv_redis_write_cursor(&made, walk, &place, process, given->size != SHORT),
         "what was read can be written");
    bool is_ours = made.size == given->size && memcmp(made.bytes, given->bytes, made.size) == 0;
    must(kv_redis_prove_cursor(given, walk, &place, process) == is_ours,
         "only what the store makes is proven");
    must(kv_redis_read_cursor(&made, walk, &again) && is_same(&place, &again),
         "a cursor is read as its place");
    must(kv_redis_prove_cursor(&made, walk, &again, process), "what the store makes is proven");
    must(made.size != SHORT || !(made.bytes[SHORT - 1] & 1), "the lowest bit is the user's");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kv_cursor cursor = {0};

    if (size < HEAD || size - HEAD > KV_CURSOR_MAX)
        return 0;
    const struct kv_redis_walk walk = {.table = weft_view(data, HEAD),
                                       .is_list = data[1] & 1,
                                       .buckets = (unsigned)data[0] * 64 + 1};
    cursor.size = (uint16_t)(size - HEAD);
    memcpy(cursor.bytes, data + HEAD, size - HEAD);
    use(&walk, &cursor, data[2]);
    return 0;
}
