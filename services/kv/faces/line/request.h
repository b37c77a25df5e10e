/* SPDX-License-Identifier: MIT
 *
 * Reads a line of words as a command. */
#ifndef KV_LINE_REQUEST_H
#define KV_LINE_REQUEST_H

#include "command.h"
#include "core/base/mem.h"
#include "core/base/settings.h"
#include "core/task.h"
#include "services/kv/update.h"

enum {
    KV_LINE_FEW = 4,   /* items for which no memory is needed */
    KV_LINE_WHY = 256, /* bytes of a refusal, its NUL included */
};

enum kv_line_read {
    KV_LINE_READ,      /* the call is set up */
    KV_LINE_ANSWERED,  /* ping or help: `why` is the answer, perhaps empty */
    KV_LINE_WRONG,     /* `why` says what is wrong with the line: 400 */
    KV_LINE_UNKNOWN,   /* there is no such command, as `why` says: 501 */
    KV_LINE_TOO_BIG,   /* it takes more than a limit allows, as `why` says: 413 */
    KV_LINE_NO_MEMORY, /* 503 */
};

/* A request being read; it lives as long as its call. */
struct kv_line_request {
    /* In. */
    struct weft_arena *arena;
    struct weft_loop *loop; /* for the calendar: weft_loop_wall */
    const struct weft_limits *limits;
    uint64_t max_elements; /* words of a request */

    /* Out. */
    const struct kv_line_command *command;
    char why[KV_LINE_WHY];

    /* The rest is the face's own. */
    struct kv_item few[KV_LINE_FEW];
    struct kv_update update; /* of all items that have one */
    int64_t expires;         /* of all items */
    bool has_expiry, has_condition;
};

/* Reads a line into *call, as far as kv_call_start wants it. Its views lie in the line, in the arena or in
 * *request. */
enum kv_line_read kv_line_request_read(struct kv_line_request *request, struct weft_view line,
                                       struct kv_call *call);

#endif
