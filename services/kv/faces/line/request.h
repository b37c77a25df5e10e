/* SPDX-License-Identifier: MIT
 *
 * Reads a line of words as a command: the incoming half of the line face. */
#ifndef KV_LINE_REQUEST_H
#define KV_LINE_REQUEST_H

#include "command.h"
#include "core/base/mem.h"
#include "core/base/settings.h"
#include "core/task.h"
#include "services/kv/subscription.h"
#include "services/kv/update.h"

enum {
    KV_LINE_FEW = 4,   /* commands with at most this many items allocate no memory for them */
    KV_LINE_WHY = 256, /* the size of the buffer for a text, its NUL included */
};

/* The result of reading a line. The numbers are the statuses of the replies. */
enum kv_line_read {
    KV_LINE_READ,      /* the call is set up */
    KV_LINE_ANSWERED,  /* ping or help: `why` is the answer, which may be empty */
    KV_LINE_LOGIN,     /* login: user and secret are set */
    KV_LINE_TOPIC,     /* subscribe, unsubscribe or publish: `topic` is set */
    KV_LINE_WRONG,     /* `why` says what is wrong with the line: 400 */
    KV_LINE_UNKNOWN,   /* there is no such command, as `why` says: 501 */
    KV_LINE_TOO_BIG,   /* the line exceeds a limit, as `why` says: 413 */
    KV_LINE_NO_MEMORY, /* there is no memory: 503 */
};

/* A request that is being read. It lives as long as its call, which has views of it. */
struct kv_line_request {
    /* In. */
    struct weft_arena *arena;
    struct weft_loop *loop; /* for weft_loop_wall */
    const struct weft_limits *limits;
    uint64_t max_elements; /* the most words of a request */

    /* Out. */
    const struct kv_line_command *command;
    char why[KV_LINE_WHY];
    struct weft_view user, secret; /* of a login; the secret lies in the arena */
    struct kv_topic_spec topic;

    struct kv_item few[KV_LINE_FEW]; /* private to faces/line */
    struct kv_update update;         /* shared by all items that have an update */
    int64_t expires;                 /* the expiry of all items */
    bool has_expiry, has_condition;
};

/* Reads a line and sets the fields of *call that kv_call_start needs, except pair and done. The views of *call lie in
 * the line, in the arena or in *request. */
enum kv_line_read kv_line_request_read(struct kv_line_request *request, struct weft_view line,
                                       struct kv_call *call);

/* For another face that takes these commands in a form of its own. It sets `arena` to `command` of the request, calls
 * begin, then sets the table, the items, kv_line_option_set (options.h), for hincr the update's number and for hexpire
 * `expires`, and calls finish, which sets the rest. */
void kv_line_request_begin(struct kv_line_request *request, struct kv_call *call);
void kv_line_request_finish(struct kv_line_request *request, struct kv_call *call);

#endif
