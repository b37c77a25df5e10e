/* SPDX-License-Identifier: MIT
 *
 * The commands of kv on neutral arguments and replies: nothing here knows a message format or a
 * connection. A face (face.h) turns a request into a kv_call and a kv_call's reply into bytes. */
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

/* Does what kv_call_state does, but leaves the version zeroed: a digest costs a pass over the value, and the
 * size of a reply does not depend on it. */
void kv_call_state_outline(const struct kv_call *call, size_t index, int64_t now,
                           struct kv_state *state);

/* Makes *reply one that has only a status and a text. text must live as long as the reply. */
void kv_reply_text(struct kv_reply *reply, enum kv_status status, const char *text);

#endif
