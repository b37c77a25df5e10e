/* SPDX-License-Identifier: MIT
 *
 * Requests and replies of kv for tests. Keys may hold NUL. */
#ifndef TEST_KV_MESSAGE_H
#define TEST_KV_MESSAGE_H

#include "core/base/bytes.h"

/* Field numbers of CommandRequest. */
enum {
    ASK_HGET = 1,
    ASK_HGETALL,
    ASK_HMGET,
    ASK_HSET,
    ASK_HMSET,
    ASK_HDEL,
    ASK_HMDEL,
    ASK_HEXIST,
    ASK_HMEXIST,
    ASK_HSCAN = 16
};

struct ask_pair {
    struct weft_view key;
    struct weft_view value; /* packed Value */
};

/* Each returns a request in heap memory of the C library: the caller calls free() on its data. */
struct weft_bytes ask_keys(int command, const char *table, const struct weft_view *keys,
                           size_t count);
struct weft_bytes ask_key(int command, const char *table, const char *key);
struct weft_bytes ask_pairs(int command, const char *table, const struct ask_pair *pairs,
                            size_t count);
struct weft_bytes ask_hset(const char *table, const char *key, struct weft_view value);

struct weft_bytes ask_hscan(const char *table, struct weft_view cursor, uint32_t limit);

/* Returns a packed Value: a string of `size` times `fill`. The caller calls free() on its data. */
struct weft_bytes string_value(size_t size, char fill);

enum { TOLD_MAX = 64 };

/* The fields of a reply, as views of it. Values and pairs beyond TOLD_MAX are counted but not kept. */
struct told {
    uint64_t status;
    struct weft_view message;
    struct weft_view cursor;
    size_t value_count, pair_count;
    struct weft_view values[TOLD_MAX]; /* packed Value */
    struct ask_pair pairs[TOLD_MAX];
};

/* Reads a reply; a malformed one fails the test. */
struct told told_of(struct weft_view reply);

#endif
