/* SPDX-License-Identifier: MIT
 *
 * Writes replies as one line of fields, as docs/wire.md has it. */
#ifndef KV_LINE_REPLY_H
#define KV_LINE_REPLY_H

#include "core/base/body.h"
#include "services/kv/command.h"
#include "services/kv/pairs.h"

/* A reply as a body. Everything it was made of must live as long. */
struct kv_line_body {
    struct weft_body body; /* first: it is cast back */
    const struct kv_reply *reply;
    const struct kv_call *call;
    const struct kv_pairs *pairs;
    int64_t now; /* the calendar's time, for the seconds that are left to keys */
};

/* call and pairs may be NULL if the reply gives no items. */
void kv_line_body_init(struct kv_line_body *self, const struct kv_reply *reply,
                       const struct kv_call *call, const struct kv_pairs *pairs, int64_t now);

/* Writes the fields of one pair of a walk, or of one table, to dst, or only counts them if dst is NULL.
 * Returns their size. now: as in struct kv_line_body. */
size_t kv_line_put_pair(uint8_t *dst, const struct kv_call *call, const struct kv_pair *pair,
                        int64_t now);

#endif
