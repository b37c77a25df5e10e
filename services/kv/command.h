/* SPDX-License-Identifier: MIT
 *
 * The commands of kv on neutral arguments and replies: nothing here knows a message format or a
 * connection. A face (face.h) turns a request into a kv_call and a kv_call's reply into bytes. */
#ifndef KV_COMMAND_H
#define KV_COMMAND_H

#include "filter.h"
#include "store.h"
#include "text.h"
#include "update.h"

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
struct kv_walk_step;

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

/* The statuses of replies, with the numbers of HTTP. docs/wire.md says when each is sent. */
enum kv_status {
    KV_OK = 200,
    KV_BAD_REQUEST = 400,
    KV_NOT_KNOWN = 401,
    KV_DENIED = 403,
    KV_NOT_FOUND = 404,
    KV_CONFLICT = 409,
    KV_GONE = 410,
    KV_NOT_MET = 412,
    KV_TOO_BIG = 413,
    KV_TOO_OFTEN = 429,
    KV_STORE_FAILED = 500,
    KV_NOT_IMPLEMENTED = 501,
    KV_RETRY = 503,
    KV_NO_ANSWER = 504,
    KV_STORE_FULL = 507
};

/* The parts of a reply beside its text: the pairs that call->pair took, and one of these. */
enum kv_gives {
    KV_GIVES_NOTHING,
    KV_GIVES_VALUES, /* one value per item: found if present, else the empty value */
    KV_GIVES_BOOLS,  /* one bool per item: present */
    KV_GIVES_VALUE   /* the one value reply->value */
};

struct kv_reply {
    enum kv_status status;
    enum kv_gives gives;
    bool states; /* one state per item, too, which kv_call_state returns */
    struct kv_text text;
    struct weft_view cursor; /* the cursor of the next page; empty if there is none */
    struct weft_view value;  /* KV_GIVES_VALUE: in its packed form */
};

/* One command under way. It lies in the caller's memory and must not move from start to done. */
struct kv_call {
    const struct kv_command *command;
    struct weft_view table;
    struct kv_item *items; /* for commands that take keys, pairs or changes */
    size_t count;          /* of items; 1 where the command is not `many` */

    struct weft_view from;   /* the cursor of the page; empty for the first */
    size_t limit;            /* the most pairs of the page; 0: KV_SCAN_LIMIT */
    struct kv_filter filter; /* what the page shows */
    bool states;             /* the reply shall have states: of pairs, their expiry */

    /* Takes one pair that a walk found, or one table. The views are valid until it returns. False: no
     * more pairs are wanted, and the next page begins with this one. */
    bool (*pair)(struct kv_call *call, const struct kv_pair *pair);
    /* The reply is ready. It and the views of the items are valid until this returns. */
    void (*done)(struct kv_call *call);

    struct kv_reply reply;

    /* The rest is the commands' own. */
    const struct kv_store *store;
    void *session;
    struct kv_op op;
    struct kv_walk_step *step;
    size_t shown, steps; /* of a page with a filter: its pairs, and what has been compared */
    struct kv_cursor cursor;
    uint8_t packed[KV_NEXT_BYTES]; /* reply.value may show it */
};

/* Does call->command in a session of the store. Calls done exactly once, before this returns or in a
 * later turn, as store.h says. The caller sets command, table, items, count, from, limit, filter and
 * states as far as the command takes them, and pair and done. The rest may be undefined. */
void kv_call_start(struct kv_call *call, const struct kv_store *store, void *session);

/* The state of a key, besides its value. */
struct kv_state {
    bool present;
    bool unmet; /* the condition of its update does not hold, so nothing was changed */
    bool has_version;
    uint8_t version[KV_VERSION_SIZE];
    int64_t expires; /* or KV_NEVER */
};

/* Sets *state to the state of an item's key once the command is done: from within call->done only, and
 * for a command that takes keys or changes. now: weft_loop_wall. */
void kv_call_state(const struct kv_call *call, size_t index, int64_t now, struct kv_state *state);

/* Makes *reply one that has only a status and a text. text must live as long as the reply. */
void kv_reply_text(struct kv_reply *reply, enum kv_status status, const char *text);

#endif
