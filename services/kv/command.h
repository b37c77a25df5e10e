/* SPDX-License-Identifier: MIT
 *
 * The commands of kv on neutral arguments and replies: nothing here knows a message format or a
 * connection. A face (face.h) turns a request into a kv_call and a kv_call's reply into bytes. */
#ifndef KV_COMMAND_H
#define KV_COMMAND_H

#include "text.h"
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
    KV_COMMAND_COUNT
};

enum kv_takes {
    KV_TAKES_TABLE, /* nothing but the table */
    KV_TAKES_PAGE,  /* the cursor of a page and the most pairs it may have */
    KV_TAKES_KEYS,
    KV_TAKES_PAIRS
};

enum { KV_SCAN_LIMIT = 1000 }; /* the most pairs of a page if the request names no limit */

struct kv_call;
struct kv_walk_step;

struct kv_command {
    const char *name; /* "hget" */
    enum kv_takes takes;
    bool many;               /* takes any number of keys or pairs; else exactly one */
    bool writes;             /* may change the store */
    enum kv_store_kind does; /* the operation that the store is asked for */
    /* Makes call->reply of what the store found. */
    void (*answer)(struct kv_call *call);
};

/* The table of commands, indexed by enum kv_command_id. */
extern const struct kv_command kv_commands[KV_COMMAND_COUNT];

/* The statuses of replies, with the numbers of HTTP. docs/wire.md says when each is sent. */
enum kv_status {
    KV_OK = 200,
    KV_BAD_REQUEST = 400,
    KV_NOT_KNOWN = 401,
    KV_DENIED = 403,
    KV_NOT_FOUND = 404,
    KV_GONE = 410,
    KV_TOO_BIG = 413,
    KV_TOO_OFTEN = 429,
    KV_STORE_FAILED = 500,
    KV_NOT_IMPLEMENTED = 501,
    KV_RETRY = 503,
    KV_NO_ANSWER = 504,
    KV_STORE_FULL = 507
};

/* The part of a call's items that belongs into the reply. */
enum kv_gives {
    KV_GIVES_NOTHING, /* no item: the reply has a text, or the pairs that call->pair took */
    KV_GIVES_VALUES,  /* one value per item: found if present, else the empty value */
    KV_GIVES_BOOLS    /* one bool per item: present */
};

struct kv_reply {
    enum kv_status status;
    enum kv_gives gives;
    struct kv_text text;
    struct weft_view cursor; /* hscan: the cursor of the next page; empty if there is none */
};

/* One command under way. It lies in the caller's memory and must not move from start to done. */
struct kv_call {
    const struct kv_command *command;
    struct weft_view table;
    struct kv_item *items; /* key; also value, for commands that take pairs */
    size_t count;          /* of items; 1 where the command is not `many` */

    struct weft_view from; /* KV_TAKES_PAGE: the cursor of the page; empty for the first */
    size_t limit;          /* KV_TAKES_PAGE: the most pairs of the page; 0: KV_SCAN_LIMIT */

    /* Takes one pair that hgetall or hscan found. The views are valid until it returns. False: no more
     * pairs are wanted, and the next page of an hscan begins with this one. */
    bool (*pair)(struct kv_call *call, struct weft_view key, const struct kv_value *value);
    /* The reply is ready. It and the views of the items are valid until this returns. */
    void (*done)(struct kv_call *call);

    struct kv_reply reply;

    /* The rest is command.c's. */
    const struct kv_store *store;
    void *session;
    struct kv_op op;
    struct kv_walk_step *step;
    struct kv_cursor cursor;
};

/* Does call->command in a session of the store. Calls done exactly once, before this returns or in a
 * later turn, as store.h says. The caller sets command, table, items, count, from and limit as far as
 * the command takes them, and pair and done. The rest may be undefined. */
void kv_call_start(struct kv_call *call, const struct kv_store *store, void *session);

/* Makes *reply one that has only a status and a text. text must live as long as the reply. */
void kv_reply_text(struct kv_reply *reply, enum kv_status status, const char *text);

#endif
