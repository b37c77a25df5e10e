/* SPDX-License-Identifier: MIT
 *
 * A node of Redis may send any bytes. They are read in pieces of a length that the first byte says, and each reply is
 * taken as an error and as a map of the slots. However the bytes are cut, the same replies come out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/kv/stores/redis/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLY_MAX = 1 << 16 };

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

/* A number that differs if a reply does. */
static uint64_t digest(uint64_t sum, const redisReply *reply)
{
    sum = sum * 31 + (uint64_t)reply->type + (uint64_t)reply->integer;
    for (size_t i = 0; reply->str && i < reply->len; i++)
        sum = sum * 31 + (unsigned char)reply->str[i];
    for (size_t i = 0; i < reply->elements; i++)
        sum = digest(sum, reply->element[i]);
    return sum;
}

static void use(struct redis_map *map, const struct redis_node *asked, const redisReply *reply)
{
    struct redis_redirect redirect;
    redisReply *copy = kv_redis_reply_copy(reply);

    must(copy && digest(0, copy) == digest(0, reply), "a copy is its reply");
    weft_free(copy);
    if (reply->type == REDIS_REPLY_ERROR)
        kv_redis_read_error(&redirect, reply);
    int got = kv_redis_map_read(map, reply, asked);
    must(got >= 0 || got == -EPROTO, "a map is one or is none");
    unsigned slots = 0;
    for (const struct redis_node *node = map->nodes; node; node = node->next)
        slots += node->slots;
    must(slots <= REDIS_SLOTS, "no slot is counted twice");
    kv_redis_map_sweep(map);
}

static uint64_t read_all(const uint8_t *data, size_t size, size_t piece)
{
    static struct redis_map map;
    static struct redis_counts counts;
    static struct redis_shared shared;
    static struct redis_node asked;
    struct redis_reader reader;
    redisReply *reply;
    uint64_t sum = 0;
    int got = 0;

    memset(&map, 0, sizeof map);
    map.model.link.counts = &counts;
    map.model.link.shared = &shared;
    snprintf(asked.link.host, sizeof asked.link.host, "asked");
    kv_redis_reader_init(&reader, REPLY_MAX);
    for (size_t at = 0; at < size && got >= 0; at += piece) {
        size_t left = size - at;
        uint8_t *exact = malloc(left < piece ? left : piece);
        must(exact != NULL, "no memory");
        memcpy(exact, data + at, left < piece ? left : piece);
        got = kv_redis_reader_feed(&reader, weft_view(exact, left < piece ? left : piece));
        free(exact);
        while (got >= 0 && (got = kv_redis_reader_next(&reader, &reply)) > 0) {
            sum = digest(sum, reply);
            use(&map, &asked, reply);
        }
    }
    kv_redis_reader_fini(&reader);
    kv_redis_map_fini(&map);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > REPLY_MAX / 2)
        return 0;
    uint64_t whole = read_all(data + 1, size - 1, size);
    must(read_all(data + 1, size - 1, (size_t)data[0] + 1) == whole, "the cuts do not matter");
    return 0;
}
