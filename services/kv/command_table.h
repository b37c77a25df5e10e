/* SPDX-License-Identifier: MIT
 *
 * The table of kv's commands: what each is called, takes and does. command.h says how one is done. */
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
    KV_HGET_STATE,  /* an hget whose reply has the key's state, too */
    KV_HMGET_STATE, /* an hmget with the states of the keys */
    KV_HPUT,
    KV_HINCR,
    KV_HEXPIRE,
    KV_HTTL, /* an hexpire that only asks */
    KV_TABLES_PAGE,
    KV_TABLE_DROP,
    KV_TABLE_COUNT,
    KV_COMMAND_COUNT
};

enum kv_takes {
    KV_TAKES_TABLE, /* nothing but the table */
    KV_TAKES_PAGE,  /* from, limit, filter and states */
    KV_TAKES_NAMES, /* from, limit and filter.prefix, but no table */
    KV_TAKES_KEYS,
    KV_TAKES_PAIRS,  /* items with value and expires */
    KV_TAKES_CHANGES /* items with value, expires and update, and states. All updates are set, or
                        NULL for an item that is stored whatever is there */
};

enum { KV_SCAN_LIMIT = 1000 }; /* the most pairs of a page if the request names no limit */

struct kv_call;

struct kv_command {
    const char *name; /* "hget" */
    enum kv_takes takes;
    bool many;               /* takes any number of keys or pairs; else exactly one */
    bool writes;             /* may change the store */
    enum kv_store_kind does; /* the operation that the store is asked for */
    /* For changes: a refused item stops no other, and a key may come twice. The verdicts are in the items. */
    bool apart;
    /* For pages: a page has about as many pairs as it may have, and call->pair takes them all. With
     * KV_STORE_CURSOR64 its cursors have 8 bytes. */
    bool rough;
    /* Makes call->reply of what the store found. */
    void (*answer)(struct kv_call *call);
};

/* The table of commands, indexed by enum kv_command_id. */
extern const struct kv_command kv_commands[KV_COMMAND_COUNT];

/* True if the items of the command have values, which the store may keep. */
static inline bool kv_takes_values(const struct kv_command *command)
{
    return command->takes >= KV_TAKES_PAIRS;
}

/* True if the command answers a page, with the cursor of the next one. */
static inline bool kv_is_paged(const struct kv_command *command)
{
    return command->takes == KV_TAKES_PAGE || command->takes == KV_TAKES_NAMES;
}

#endif
