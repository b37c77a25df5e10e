/* SPDX-License-Identifier: MIT
 *
 * Writes a reply as one line of fields, as docs/wire.md describes. */
#ifndef KV_LINE_REPLY_H
#define KV_LINE_REPLY_H

#include "core/base/body.h"
#include "services/kv/command.h"
#include "services/kv/pairs.h"

/* A reply as a weft_body. The reply, call and pairs must live as long. */
struct kv_line_body {
    struct weft_body body; /* first: it is cast back */
    const struct kv_reply *reply;
    const struct kv_call *call;
    const struct kv_pairs *pairs;
    int64_t now; /* weft_loop_wall, to compute the seconds until keys expire */
};

/* Makes *self the body of reply. call and pairs may be NULL if the reply has no items and no pairs. */
void kv_line_body_init(struct kv_line_body *self, const struct kv_reply *reply,
                       const struct kv_call *call, const struct kv_pairs *pairs, int64_t now);

/* Writes a packed value as a field has it, without the TAB. If dst is NULL it writes nothing. Returns its size. */
size_t kv_line_put_value(uint8_t *dst, struct weft_view packed);

/* Writes the fields of one pair of a walk, or of one table, to dst. If dst is NULL it writes nothing. Returns their
 * size in bytes. now is weft_loop_wall. */
size_t kv_line_put_pair(uint8_t *dst, const struct kv_call *call, const struct kv_pair *pair,
                        int64_t now);

#endif
