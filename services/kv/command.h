/* SPDX-License-Identifier: MIT
 *
 * The commands of kv on neutral arguments and replies: nothing here knows of a message format or of
 * a connection. A face (face.h) turns a request into a kv_call and a kv_call's reply into bytes. */
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
    KV_TAKES_TABLE, /* and nothing else */
    KV_TAKES_PAGE,  /* where it begins and how many pairs it may have */
    KV_TAKES_KEYS,
    KV_TAKES_PAIRS
};

enum { KV_SCAN_LIMIT = 1000 };

struct kv_call;
struct kv_walk_step;

struct kv_command {
    const char *name; /* "hget" */
    enum kv_takes takes;
    bool many;   /* any number of keys or pairs; else one */
    bool writes; /* may change something */
    enum kv_store_kind does;
    /* Turns what the store found into call->reply. */
    void (*answer)(struct kv_call *call);
};

/* Static, indexed by enum kv_command_id. */
extern const struct kv_command kv_commands[KV_COMMAND_COUNT];

/* Codes as in HTTP. */
enum kv_status {
    KV_OK = 200,
    KV_BAD_REQUEST = 400,
    KV_NOT_FOUND = 404,
    KV_GONE = 410,
    KV_TOO_BIG = 413,
    KV_STORE_FAILED = 500,
    KV_NOT_IMPLEMENTED = 501,
    KV_RETRY = 503,
    KV_NO_ANSWER = 504,
    KV_STORE_FULL = 507
};

enum kv_gives {
    KV_GIVES_NOTHING, /* but the text, or the pairs that came by call->pair */
    KV_GIVES_VALUES,  /* one an item: found where present, else an empty one */
    KV_GIVES_BOOLS    /* one an item: present */
};

struct kv_reply {
    enum kv_status status;
    enum kv_gives gives;
    struct kv_text text;
    struct weft_view cursor; /* hscan: where the next page begins; empty: there is none */
};

/* One command being done. The caller's memory, unmoved from start to done. */
struct kv_call {
    const struct kv_command *command;
    struct weft_view table;
    struct kv_item *items; /* key, and for commands that take pairs value */
    size_t count;          /* of items; 1 where the command is not `many` */

    struct weft_view from; /* KV_TAKES_PAGE: the cursor of the page before; empty: the first */
    size_t limit;          /* KV_TAKES_PAGE: of pairs; 0: KV_SCAN_LIMIT */

    /* Commands that find pairs of their own (hgetall, hscan): one of them; views until it returns.
     * False: no more are wanted; the next page of hscan begins with this one. */
    bool (*pair)(struct kv_call *call, struct weft_view key, const struct kv_value *value);
    /* The reply is ready; it and what the items show is valid until this returns. */
    void (*done)(struct kv_call *call);
    const char *full_text; /* what a full store says: names the limit */

    struct kv_reply reply;

    /* Its own. */
    const struct kv_store *store;
    void *session;
    struct kv_op op;
    struct kv_walk_step *step;
    struct kv_cursor cursor;
};

/* Does call->command in a session of store. done comes from within this or later, exactly once; see
 * store.h. The first block of fields, pair, done and full_text are set by the caller, the rest need
 * not be. */
void kv_call_start(struct kv_call *call, const struct kv_store *store, void *session);

/* Sets a reply that has only a text. */
void kv_reply_text(struct kv_reply *reply, enum kv_status status, const char *text);

#endif
