/* SPDX-License-Identifier: MIT
 *
 * The requests and replies of client.h as plain structs. They have the names and meanings of the messages of
 * proto/abi.proto, which docs/wire.md explains. All views and arrays are borrowed: those of a request until the
 * function that sends it returns, those of a reply until its done returns. */
#ifndef KV_CLIENT_TYPES_H
#define KV_CLIENT_TYPES_H

#include "core/base/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The types of a value. */
enum weft_kv_type {
    WEFT_KV_EMPTY, /* no value: what a zeroed weft_kv_value is */
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

/* Reads a value from its packed form, a message `Value` of proto/abi.proto, as files and other programs hold it; its
 * bytes lie in `packed`. Any thread. Returns 0, or WEFT_EMALFORMED if `packed` is no such message. */
WEFT_MUST_USE int weft_kv_value_read(struct weft_view packed, struct weft_kv_value *value);

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
    WEFT_KV_SUBSCRIBE, /* client_topics.h, as the next two */
    WEFT_KV_UNSUBSCRIBE,
    WEFT_KV_PUBLISH,
    WEFT_KV_HSCAN = 16,
    WEFT_KV_HPUT,
    WEFT_KV_HINCR,
    WEFT_KV_HEXPIRE,
    WEFT_KV_TABLES,
    WEFT_KV_DROP,
    WEFT_KV_COUNT,
    WEFT_KV_NUMBER = 23 /* client_watch.h */
};

/* When a key expires. If it is zeroed (UNSAID), a value that is stored never expires, and a key that keeps its
 * value keeps its expiry. */
struct weft_kv_expiry {
    enum weft_kv_expire {
        WEFT_KV_EXPIRE_UNSAID,
        WEFT_KV_EXPIRE_AFTER, /* `milliseconds` after the server gets the request */
        WEFT_KV_EXPIRE_AT,    /* `milliseconds` after the beginning of 1970, UTC */
        WEFT_KV_EXPIRE_NEVER,
        WEFT_KV_EXPIRE_KEEP /* the key keeps its expiry; not for hexpire */
    } when;
    uint64_t milliseconds;
};

/* The change that an hput makes to one key. */
struct weft_kv_change {
    struct weft_view key;
    enum weft_kv_what {
        WEFT_KV_LEAVE, /* the key keeps its value; its expiry may change */
        WEFT_KV_STORE, /* the key gets `value` */
        WEFT_KV_REMOVE /* the key is removed */
    } what;
    struct weft_kv_value value;
    struct weft_kv_expiry expiry;
    enum weft_kv_condition {
        WEFT_KV_ALWAYS,
        WEFT_KV_IF_ABSENT,
        WEFT_KV_IF_PRESENT,
        WEFT_KV_IF_VERSION /* the key has `version`; if that is empty, the key is absent */
    } condition;
    struct weft_view version; /* 16 bytes, from a weft_kv_state; or empty */
};

/* One command. Fields that the op does not use are zero. hget, hdel, hexist and hincr take exactly one key; hmget,
 * hmdel, hmexist and hexpire take any number. hset takes exactly one pair; hmset takes any number. hput takes any
 * number of changes, each for a different key. The others take no keys, pairs or changes. */
struct weft_kv_request {
    enum weft_kv_op op;
    struct weft_view table; /* for all but WEFT_KV_TABLES; the topic of the three about topics */
    const struct weft_view *keys;
    size_t key_count;
    const struct weft_kv_pair *pairs;
    size_t pair_count;
    const struct weft_kv_change *changes;
    size_t change_count;
    /* For hscan and tables: the cursor of the page before; empty: the first page. */
    struct weft_view cursor;
    uint32_t limit;          /* hscan, tables: the most pairs or tables; 0: the server chooses */
    struct weft_view prefix; /* hscan, tables: shows only keys or names that begin with it */
    /* hscan: shows only keys that match this pattern, as the names of files do in a shell: `*` is any text, `?` one
     * character, `[a-z]` one of these and `[!a-z]` one that is not, and `\x` the character x. Empty: all keys. */
    struct weft_view match;
    bool keys_only;                     /* hscan: the pairs have no values */
    bool state;                         /* hget, hmget, hput, hscan: the reply has states too */
    struct weft_kv_value delta;         /* hincr: an integer or a float */
    struct weft_kv_expiry expiry;       /* hexpire: UNSAID changes nothing and only asks */
    const struct weft_kv_value *values; /* publish */
    size_t value_count;
    bool pattern;     /* subscribe: the topic is a pattern, as `match` */
    bool end_if_slow; /* subscribe: ends if messages are lost */
    uint32_t id;      /* unsubscribe; 0: any */
};

/* The version and expiry of a key. For an absent key all but `unmet` is zero. */
struct weft_kv_state {
    struct weft_view version; /* a digest of the value, 16 bytes; empty if the command gives none */
    uint64_t expires;         /* milliseconds since 1970, UTC; 0: never */
    uint64_t left; /* milliseconds until then by the server's clock; 0: it never expires */
    bool unmet;    /* hput: the condition of the change does not hold */
};

struct weft_kv_table {
    struct weft_view name;
    uint64_t count; /* the approximate number of its keys */
};

/* A change of the store, as a watch tells it (client_watch.h). */
struct weft_kv_changed {
    uint64_t number; /* rises from change to change, with gaps */
    struct weft_view table, key;
    enum weft_kv_changed_how {
        WEFT_KV_CHANGED_SET,     /* the key has `value` now */
        WEFT_KV_CHANGED_REMOVED, /* a command removed the key */
        WEFT_KV_CHANGED_EXPIRED, /* the key has expired, perhaps some seconds ago */
        WEFT_KV_CHANGED_DROPPED  /* the table was dropped with all its keys; `key` is empty */
    } how;
    struct weft_kv_value value;
    uint64_t expires; /* with a value: milliseconds since 1970, UTC; 0: never */
    struct weft_view
        version; /* with a value: 16 bytes if the watch asks for versions; otherwise empty */
};

/* The server's answer. */
struct weft_kv_reply {
    uint32_t status;          /* 200, 404 and others, as docs/wire.md lists them */
    struct weft_view message; /* the server's text about an error; empty with 200 */
    const struct weft_kv_value *values;
    size_t value_count;
    const struct weft_kv_pair *pairs;
    size_t pair_count;
    /* For hscan and tables: where the next page begins; empty: this is the last page. */
    struct weft_view cursor;
    /* One per value or pair; with 412 one per change, as a line only the first unmet one. */
    const struct weft_kv_state *states;
    size_t state_count;
    const struct weft_kv_table *tables;
    size_t table_count;
    /* To a watch only. */
    const struct weft_kv_changed *changes;
    size_t change_count;
    uint64_t
        number; /* of a watch: it has been told all changes up to this; of a subscription: messages that are lost */
    /* To a subscription only, of the messages behind its reply. */
    bool is_push;
    struct weft_view topic;
};

#ifdef __cplusplus
}
#endif

#endif
