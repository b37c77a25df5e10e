/* SPDX-License-Identifier: MIT
 *
 * The table of kv's commands: the name of each, its arguments and its operation of the store. command.h executes
 * them. */
#ifndef KV_COMMAND_TABLE_H
#define KV_COMMAND_TABLE_H

#include "store.h"

enum kv_command_id {
    KV_HGET,
    KV_HGETALL,
    KV_HMGET,
    KV_HSET,
    KV_HMSET,
    KV_HDEL,
    KV_HMDEL,
    KV_HEXIST,
    KV_HMEXIST,
    KV_HSCAN,
    KV_HGET_STATE,  /* an hget whose reply also has the key's state */
    KV_HMGET_STATE, /* an hmget whose reply also has the states of the keys */
    KV_HPUT,
    KV_HINCR,
    KV_HEXPIRE,
    KV_HTTL, /* an hexpire that changes nothing: it asks when keys expire */
    KV_TABLES_PAGE,
    KV_TABLE_DROP,
    KV_TABLE_COUNT,
    KV_COMMAND_COUNT
};

/* The fields of struct kv_call that a command takes, besides `table`. */
enum kv_takes {
    KV_TAKES_TABLE,  /* no others */
    KV_TAKES_PAGE,   /* from, limit, filter and states */
    KV_TAKES_NAMES,  /* from, limit and filter.prefix, but no table */
    KV_TAKES_KEYS,   /* items with key */
    KV_TAKES_PAIRS,  /* items with key, value and expires */
    KV_TAKES_CHANGES /* items with key, value, expires and update; and states. An update may be NULL:
                        then the value is stored unconditionally */
};

enum { KV_SCAN_LIMIT = 1000 }; /* the most pairs of a page if the request names no limit */

struct kv_call;

struct kv_command {
    const char *name; /* "hget" */
    enum kv_takes takes;
    bool many;               /* takes any number of items; else exactly one */
    bool writes;             /* may change the store */
    enum kv_store_kind does; /* the store's operation that executes the command */
    /* For changes: a refused item does not stop the others, and a key may come twice. The verdicts are in the
     * items. */
    bool apart;
    /* For pairs, with KV_STORE_IF_TABLE: op.if_table is set, and the reply may be KV_NOT_MET. */
    bool if_table;
    /* For pages: the limit is approximate (op.exact is false), and call->pair must take every pair. With
     * KV_STORE_CURSOR64 the cursors have 8 bytes. */
    bool rough;
    /* Sets call->reply from the results of the store. */
    void (*answer)(struct kv_call *call);
};

/* The table of commands, indexed by enum kv_command_id. */
extern const struct kv_command kv_commands[KV_COMMAND_COUNT];

/* True if the items of the command have values, whose blobs the store may keep. */
static inline bool kv_takes_values(const struct kv_command *command)
{
    return command->takes >= KV_TAKES_PAIRS;
}

/* True if the command replies with one page, and the cursor of the next. */
static inline bool kv_is_paged(const struct kv_command *command)
{
    return command->takes == KV_TAKES_PAGE || command->takes == KV_TAKES_NAMES;
}

#endif
