/* SPDX-License-Identifier: MIT
 *
 * Requests of kv and the replies they must get, written byte by byte after docs/wire.md and with
 * none of the library's code. */
#ifndef SOAK_KV_FRAMES_H
#define SOAK_KV_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing buffer; a zeroed one is empty. Without memory the program ends. */
struct bytes {
    uint8_t *data;
    size_t size, capacity;
};
uint8_t *bytes_add(struct bytes *bytes, size_t size); /* room for size more, which count as there */
void bytes_put(struct bytes *bytes, const void *data, size_t size);
void bytes_fini(struct bytes *bytes);

/* protobuf: tag and length before the data. */
void put_varint(struct bytes *bytes, uint64_t n);
void put_field(struct bytes *bytes, uint8_t tag, const void *data, size_t size);

/* The tags of CommandRequest's fields. */
enum kv_op {
    KV_HGET = 0x0a,
    KV_HMGET = 0x1a,
    KV_HSET = 0x22,
    KV_HMSET = 0x2a,
    KV_HDEL = 0x32,
    KV_HMDEL = 0x3a,
    KV_HEXIST = 0x42,
    KV_HMEXIST = 0x4a
};

/* The packed Value that version of a key holds; the same bytes each time. Version 0 is absent: no
 * bytes, which is also how an empty Value is packed. */
void put_value(struct bytes *bytes, uint64_t owner, unsigned key, uint64_t version);

/* A key's field or, for hset and hmset, a pair's, as it stands in the request's message. */
void put_key(struct bytes *bytes, enum kv_op op, unsigned key, const struct bytes *value);

/* The request's message: op, table, and the keys and pairs already put. */
void put_request(struct bytes *bytes, enum kv_op op, const char *table, const struct bytes *keys);

/* CommandResponse.status 200; values follow, a field each. */
void put_ok(struct bytes *bytes);
void put_reply_value(struct bytes *bytes, const struct bytes *value);
void put_not_found(struct bytes *bytes, const char *table, unsigned key);

#endif
