/* SPDX-License-Identifier: MIT
 *
 * The commands of kv, on arguments and replies that depend on no message format and no connection. A face (face.h)
 * turns a request into a kv_call, and the kv_call's reply into bytes. All functions run on the call's loop. */
#ifndef KV_COMMAND_H
#define KV_COMMAND_H

#include "command_table.h"
#include "filter.h"
#include "store.h"
#include "text.h"
#include "update.h"

struct kv_walk_step;

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

/* The contents of a reply besides its text and the pairs that call->pair has taken. */
enum kv_gives {
    KV_GIVES_NOTHING,
    KV_GIVES_VALUES, /* one value per item: found if present, else the empty value */
    KV_GIVES_BOOLS,  /* one bool per item: present */
    KV_GIVES_VALUE   /* the one value reply->value */
};

struct kv_reply {
    enum kv_status status;
    enum kv_gives gives;
    bool states;         /* the reply also has one state per item, which kv_call_state returns */
    struct kv_text text; /* about an error; empty with KV_OK */
    struct weft_view cursor; /* the cursor of the next page; empty if there is none */
    struct weft_view value;  /* KV_GIVES_VALUE: in its packed form (value.h) */
};

/* One command in progress. It lies in the caller's memory and must not move from kv_call_start to done. */
struct kv_call {
    const struct kv_command *command;
    struct weft_view table;
    struct kv_item *items; /* for commands that take keys, pairs or changes */
    size_t count;          /* the number of items; 1 if the command is not `many` */

    struct weft_view from;   /* the cursor of the page; empty for the first page */
    size_t limit;            /* the most pairs of the page; 0: KV_SCAN_LIMIT */
    struct kv_filter filter; /* which pairs the page shows */
    bool states;             /* the reply is to have states; for the pairs of a page, the expiry */

    /* Called for each pair or table that a walk finds. The views are valid until it returns. False: the caller wants
     * no more pairs, and the next page begins with this one. */
    bool (*pair)(struct kv_call *call, const struct kv_pair *pair);
    /* Called once, when the reply is set. The reply and the views of the items are valid until this returns. */
    void (*done)(struct kv_call *call);

    struct kv_reply reply;

    /* The rest is private to the commands. */
    const struct kv_store *store;
    void *session;
    struct kv_op op;
    struct kv_walk_step *step;
    /* For a page with a filter: its pairs, and the characters that were compared. */
    size_t shown, steps;
    struct kv_cursor cursor;
    uint8_t packed[KV_NEXT_BYTES]; /* reply.value may show it */
};

/* Starts call->command in `session`, a session of the store. Calls done exactly once, before this returns or in a
 * later turn of the loop (store.h). The caller has set command, pair and done, and of table, items, count, from,
 * limit, filter and states those that the command takes (enum kv_takes). The rest may be undefined. */
void kv_call_start(struct kv_call *call, const struct kv_store *store, void *session);

/* The version and expiry of a key. */
struct kv_state {
    bool present;
    bool unmet; /* the condition of the key's update does not hold, so nothing was changed */
    bool has_version;
    uint8_t version[KV_VERSION_SIZE];
    int64_t expires; /* or KV_NEVER */
};

/* Sets *state to the state that the key of item `index` has after the command. now is weft_loop_wall. It may be
 * called from within call->done only, and for a command that takes keys or changes. */
void kv_call_state(const struct kv_call *call, size_t index, int64_t now, struct kv_state *state);

/* Does what kv_call_state does, but leaves the version zeroed. The size of a reply does not depend on the version,
 * and to compute it costs a pass over the value. */
void kv_call_state_outline(const struct kv_call *call, size_t index, int64_t now,
                           struct kv_state *state);

/* Sets *reply to one that has only a status and a text. `text` is borrowed as long as the reply is used. */
void kv_reply_text(struct kv_reply *reply, enum kv_status status, const char *text);

#endif
