/* SPDX-License-Identifier: MIT
 *
 * A kv_call's reply -> CommandResponse: the outgoing half of kv's protobuf face. */
#ifndef KV_REPLY_H
#define KV_REPLY_H

#include "core/base/body.h"
#include "services/kv/command.h"
#include "services/kv/pairs.h"

/* A reply to one value over this many bytes is worth keeping whole: the value is stored as a blob
 * that is the reply. It is the default threshold of the length-delimited-gzip codec, so that what
 * is compressed is compressed once. */
enum { KV_REPLY_INLINE_MAX = 1436 };

/* Field 4 of CommandResponse with one pair: its size, and its bytes. */
size_t kv_reply_pair_size(struct weft_view key, struct weft_view value);
void kv_reply_put_pair(uint8_t *dst, struct weft_view key, struct weft_view value);

/* A reply as a body; shows the call and the pairs, which must live as long. */
struct kv_reply_body {
    struct weft_body body; /* first: it is cast back */
    const struct kv_reply *reply;
    const struct kv_item *items;
    size_t count;
    const struct kv_pairs *pairs; /* may be NULL */
    struct weft_view value;       /* of a reply that is one value, and nothing above is read */
};

/* reply with its items, of which only those of call are read where it gives some. */
void kv_reply_body_init(struct kv_reply_body *self, const struct kv_reply *reply,
                        const struct kv_call *call, const struct kv_pairs *pairs);

/* kv_reply_keep where the reply may be over the limit. */
WEFT_MUST_USE int kv__reply_keep_large(struct kv_value *value);

/* Makes value, if its reply is over KV_REPLY_INLINE_MAX, a blob that is the reply: value shows it,
 * with one reference, the caller's. Else leaves it. -ENOMEM. */
WEFT_MUST_USE static inline int kv_reply_keep(struct kv_value *value)
{
    /* What stands before a value has fewer bytes than that. */
    enum { HEAD_MAX = 16 };
    return value->bytes.size <= KV_REPLY_INLINE_MAX - HEAD_MAX ? 0 : kv__reply_keep_large(value);
}

#endif
