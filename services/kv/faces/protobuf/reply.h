/* SPDX-License-Identifier: MIT
 *
 * Writes a kv_call's reply as a CommandResponse: the outgoing half of kv's protobuf face. */
#ifndef KV_REPLY_H
#define KV_REPLY_H

#include "core/base/body.h"
#include "services/kv/command.h"
#include "services/kv/pairs.h"

/* A value whose reply is larger than this is stored as a blob that is the whole reply, so that hget
 * copies nothing and the codec compresses it once (core/base/frame_cache.h). The number is the default
 * threshold of the length-delimited-gzip codec. */
enum { KV_REPLY_INLINE_MAX = 1436 };

/* These measure and write one pair that `call` has found as fields of CommandResponse. now:
 * weft_loop_wall, of interest only if the call asks for states; the same for both. */
size_t kv_reply_pair_size(const struct kv_call *call, const struct kv_pair *pair, int64_t now);
void kv_reply_put_pair(uint8_t *dst, const struct kv_call *call, const struct kv_pair *pair,
                       int64_t now);

/* A reply as a body. It has views of the call and of the pairs, which must live as long. */
struct kv_reply_body {
    struct weft_body body; /* first: write() casts it back */
    const struct kv_reply *reply;
    const struct kv_call *call;
    const struct kv_pairs *pairs; /* may be NULL */
    int64_t now;                  /* if the reply has states */
    struct weft_view value;       /* if the reply is one value; then `reply` to `now` are unset */
};

/* Makes *self the body of reply. call's items are read if the reply gives any; else call may be NULL.
 * loop: where the call is done; may be NULL if the reply has no states. */
void kv_reply_body_init(struct kv_reply_body *self, const struct kv_reply *reply,
                        const struct kv_call *call, const struct kv_pairs *pairs,
                        struct weft_loop *loop);

/* True if a value whose packed form has `size` bytes is to be stored as such a blob. */
bool kv_reply_is_large(size_t size);
/* Makes the blob, for faces that write the packed form themselves: *packed is where it goes. NULL: no
 * memory. The one reference is the caller's. */
WEFT_MUST_USE struct weft_blob *kv_reply_blob(size_t size, uint8_t **packed);

/* The part of kv_reply_keep that is not inline. */
WEFT_MUST_USE int kv__reply_keep_large(struct kv_value *value);

/* If the reply of value is larger than KV_REPLY_INLINE_MAX, makes that reply a blob and lets value show
 * the end of it. The one reference is the caller's. Leaves smaller values as they are. Returns 0 or
 * -ENOMEM. */
WEFT_MUST_USE static inline int kv_reply_keep(struct kv_value *value)
{
    /* The bytes before a value in its reply: status, tag and length have at most 13. */
    enum { HEAD_MAX = 16 };
    return value->bytes.size <= KV_REPLY_INLINE_MAX - HEAD_MAX ? 0 : kv__reply_keep_large(value);
}

#endif
