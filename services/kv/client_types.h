/* SPDX-License-Identifier: MIT
 *
 * The requests and replies of client.h as plain values: the messages of proto/abi.proto, whose
 * names and meanings they have. Views are borrowed. */
#ifndef KV_CLIENT_TYPES_H
#define KV_CLIENT_TYPES_H

#include "core/base/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The members of `Value`. */
enum weft_kv_type {
    WEFT_KV_EMPTY,
    WEFT_KV_STRING,
    WEFT_KV_BINARY,
    WEFT_KV_INTEGER,
    WEFT_KV_FLOAT,
    WEFT_KV_BOOL
};

struct weft_kv_value {
    enum weft_kv_type type;
    union {
        struct weft_view bytes; /* WEFT_KV_STRING (UTF-8, NUL is a character), WEFT_KV_BINARY */
        int64_t integer;
        double number;
        bool boolean;
    };
};

struct weft_kv_pair {
    struct weft_view key;
    struct weft_kv_value value;
};

enum weft_kv_op {
    WEFT_KV_HGET = 1, /* the numbers are those of CommandRequest's fields */
    WEFT_KV_HGETALL,
    WEFT_KV_HMGET,
    WEFT_KV_HSET,
    WEFT_KV_HMSET,
    WEFT_KV_HDEL,
    WEFT_KV_HMDEL,
    WEFT_KV_HEXIST,
    WEFT_KV_HMEXIST,
    WEFT_KV_HSCAN = 16,
    WEFT_KV_HPUT,
    WEFT_KV_HINCR,
    WEFT_KV_HEXPIRE,
    WEFT_KV_TABLES,
    WEFT_KV_DROP,
    WEFT_KV_COUNT
};

/* When a key expires. A zeroed one says nothing: a value stored with it never expires, and a key that
 * keeps its value keeps its expiry. */
struct weft_kv_expiry {
    enum weft_kv_expire {
        WEFT_KV_EXPIRE_UNSAID,
        WEFT_KV_EXPIRE_AFTER, /* milliseconds from now */
        WEFT_KV_EXPIRE_AT,    /* milliseconds since 1970, UTC */
        WEFT_KV_EXPIRE_NEVER,
        WEFT_KV_EXPIRE_KEEP /* as before; not for hexpire */
    } when;
    uint64_t milliseconds;
};

/* The change that an hput makes to one key. */
struct weft_kv_change {
    struct weft_view key;
    enum weft_kv_what {
        WEFT_KV_LEAVE, /* the key keeps its value; its expiry may change */
        WEFT_KV_STORE, /* it gets `value` */
        WEFT_KV_REMOVE /* it is removed */
    } what;
    struct weft_kv_value value;
    struct weft_kv_expiry expiry;
    enum weft_kv_condition {
        WEFT_KV_ALWAYS,
        WEFT_KV_IF_ABSENT,
        WEFT_KV_IF_PRESENT,
        WEFT_KV_IF_VERSION /* it has that version; an empty one: it is absent */
    } condition;
    struct weft_view version; /* as in a state: 16 bytes or none */
};

/* One command. hget, hdel, hexist and hincr take exactly one key; hmget, hmdel, hmexist and hexpire take
 * any number. hset takes exactly one pair, hmset any number; hput takes any number of changes, each of
 * another key. The others take no keys, pairs or changes. */
struct weft_kv_request {
    enum weft_kv_op op;
    struct weft_view table; /* not for tables */
    const struct weft_view *keys;
    size_t key_count;
    const struct weft_kv_pair *pairs;
    size_t pair_count;
    const struct weft_kv_change *changes;
    size_t change_count;
    struct weft_view cursor;    /* hscan, tables: that of the page before; empty: the first page */
    uint32_t limit;             /* hscan, tables: the most of a page; 0: the server chooses */
    struct weft_view prefix;    /* hscan, tables: only keys or names that begin with it */
    struct weft_view match;     /* hscan: only keys that match this pattern; empty: all */
    bool keys_only;             /* hscan: no values */
    bool state;                 /* hget, hmget, hput, hscan: the reply has states, too */
    struct weft_kv_value delta; /* hincr: an integer or a float */
    struct weft_kv_expiry expiry; /* hexpire: unsaid only asks */
};

/* The state of a key, besides its value. That of a key that is not there is zeroed. */
struct weft_kv_state {
    struct weft_view version; /* 16 bytes, or none if none was asked for */
    uint64_t expires;         /* milliseconds since 1970, UTC; 0: never */
    uint64_t left;            /* the milliseconds until then, by the server's clock; 0: never */
    bool unmet;               /* the change's condition does not hold */
};

struct weft_kv_table {
    struct weft_view name;
    uint64_t count; /* the number of its keys, about */
};

/* The server's answer. */
struct weft_kv_reply {
    uint32_t status;          /* 200, 404, ...: docs/wire.md */
    struct weft_view message; /* the server's text, empty with 200 */
    const struct weft_kv_value *values;
    size_t value_count;
    const struct weft_kv_pair *pairs;
    size_t pair_count;
    struct weft_view cursor; /* hscan, tables: where the next page begins; empty: it was the last */
    const struct weft_kv_state *states; /* one per value or pair; with 412 one per change */
    size_t state_count;
    const struct weft_kv_table *tables;
    size_t table_count;
};

#ifdef __cplusplus
}
#endif

#endif
