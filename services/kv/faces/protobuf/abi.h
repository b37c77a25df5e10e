/* SPDX-License-Identifier: MIT
 *
 * The field numbers of proto/abi.proto, for the code that reads and writes its messages without the structs that
 * protobuf-c generates. The fields of Value are in enum kv_type (value.h). A test compares all of them with the
 * descriptors. */
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
    ABI_SUBSCRIBE = 10,
    ABI_UNSUBSCRIBE = 11,
    ABI_PUBLISH = 12,
    ABI_HSCAN = 16,
    ABI_HPUT = 17,
    ABI_HINCR = 18,
    ABI_HEXPIRE = 19,
    ABI_TABLES = 20,
    ABI_DROP = 21,
    ABI_COUNT = 22,
    ABI_WATCH = 23,
    ABI_LOGIN = 40,
};

/* In every command of the store the table has the same number, and so has its key, keys, pair, pairs or changes. Tables has a prefix
 * in place of the table. */
enum {
    ABI_COMMAND_TABLE = 1,
    ABI_COMMAND_ITEM = 2,
    ABI_COMMAND_STATE = 3, /* in Hget, Hmget and Hput */
};

/* The fields of Hscan. Tables has the first two of them. */
enum {
    ABI_PAGE_CURSOR = 2,
    ABI_PAGE_LIMIT = 3,
    ABI_HSCAN_PREFIX = 4,
    ABI_HSCAN_MATCH = 5,
    ABI_HSCAN_KEYS_ONLY = 6,
    ABI_HSCAN_STATE = 7,
};

enum { ABI_HINCR_INTEGER = 3, ABI_HINCR_FLOAT = 4 };

/* The fields of Change. Hexpire has the same numbers for its expiry. */
enum {
    ABI_CHANGE_KEY = 1,
    ABI_CHANGE_VALUE = 2,
    ABI_EXPIRE_AFTER = 3,
    ABI_EXPIRE_AT = 4,
    ABI_EXPIRE_NEVER = 5,
    ABI_EXPIRE_KEEP = 6,
    ABI_CHANGE_REMOVE = 7,
    ABI_CHANGE_IF_ABSENT = 8,
    ABI_CHANGE_IF_PRESENT = 9,
    ABI_CHANGE_IF_VERSION = 10,
};

/* The fields of Watch behind its table. */
enum {
    ABI_WATCH_KEY = 2,
    ABI_WATCH_PREFIX = 3,
    ABI_WATCH_FROM = 4,
    ABI_WATCH_ALL_TABLES = 5,
    ABI_WATCH_ONLY_NUMBER = 6,
    ABI_WATCH_VERSIONS = 7,
};

enum {
    ABI_CHANGED_NUMBER = 1,
    ABI_CHANGED_TABLE = 2,
    ABI_CHANGED_KEY = 3,
    ABI_CHANGED_VALUE = 4,
    ABI_CHANGED_REMOVED = 5,
    ABI_CHANGED_EXPIRED = 6,
    ABI_CHANGED_DROPPED = 7,
    ABI_CHANGED_EXPIRES = 8,
    ABI_CHANGED_VERSION = 9,
};

/* The fields of Subscribe, Unsubscribe and Publish; the topic of each has the number of a table. */
enum {
    ABI_SUBSCRIBE_PATTERN = 2,
    ABI_SUBSCRIBE_END_IF_SLOW = 3,
    ABI_UNSUBSCRIBE_ID = 2,
    ABI_PUBLISH_DATA = 2,
};

enum { ABI_LOGIN_USER = 1, ABI_LOGIN_PASSWORD = 2 };

enum { ABI_PAIR_KEY = 1, ABI_PAIR_VALUE = 2 };

/* The fields of CommandResponse. */
enum {
    ABI_RESPONSE_STATUS = 1,
    ABI_RESPONSE_MESSAGE = 2,
    ABI_RESPONSE_VALUES = 3,
    ABI_RESPONSE_PAIRS = 4,
    ABI_RESPONSE_CURSOR = 5,
    ABI_RESPONSE_TOPIC = 6,
    ABI_RESPONSE_STATES = 7,
    ABI_RESPONSE_TABLES = 8,
    ABI_RESPONSE_CHANGES = 9,
    ABI_RESPONSE_NUMBER = 10,
};

enum { ABI_STATE_VERSION = 1, ABI_STATE_EXPIRES = 2, ABI_STATE_LEFT = 3, ABI_STATE_UNMET = 4 };

enum { ABI_TABLE_NAME = 1, ABI_TABLE_COUNT = 2 };

#endif
