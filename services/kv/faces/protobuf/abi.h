/* SPDX-License-Identifier: MIT
 *
 * The field numbers of proto/abi.proto, for the code that reads and writes its messages without the
 * structs that protobuf-c generates. Those of Value are enum kv_type. A test holds all of them
 * against the descriptors. */
#ifndef KV_ABI_H
#define KV_ABI_H

#include "services/kv/value.h"

/* CommandRequest has one field per command. */
enum {
    ABI_HGET = 1,
    ABI_HGETALL = 2,
    ABI_HMGET = 3,
    ABI_HSET = 4,
    ABI_HMSET = 5,
    ABI_HDEL = 6,
    ABI_HMDEL = 7,
    ABI_HEXIST = 8,
    ABI_HMEXIST = 9,
    ABI_HSCAN = 16,
};

/* Every command has its table, and its key, keys, pair or pairs, under the same two numbers. */
enum {
    ABI_COMMAND_TABLE = 1,
    ABI_COMMAND_ITEM = 2,
    ABI_HSCAN_CURSOR = 2,
    ABI_HSCAN_LIMIT = 3,
};

enum { ABI_PAIR_KEY = 1, ABI_PAIR_VALUE = 2 };

/* CommandResponse. */
enum {
    ABI_RESPONSE_STATUS = 1,
    ABI_RESPONSE_MESSAGE = 2,
    ABI_RESPONSE_VALUES = 3,
    ABI_RESPONSE_PAIRS = 4,
    ABI_RESPONSE_CURSOR = 5,
};

#endif
