/* SPDX-License-Identifier: MIT
 *
 * Writes a kv_call's reply as a CommandResponse: the outgoing half of kv's protobuf face. */
#ifndef KV_REPLY_H
#define KV_REPLY_H

#include "core/base/body.h"
#include "services/kv/command.h"
#include "services/kv/pairs.h"

/* A value whose reply has more bytes than this is stored in a blob that is the whole reply. So hget copies nothing, and
 * the codec compresses the reply once (core/base/frame_cache.h). The number is the default threshold of the codec
 * length-delimited-gzip. */
enum { KV_REPLY_INLINE_MAX = 1436 };

/* These return the size of one pair that `call` has found, as fields of CommandResponse, and write them. now is
 * weft_loop_wall, the same in both calls; it is used only if the call asks for states. */
size_t kv_reply_pair_size(const struct kv_call *call, const struct kv_pair *pair, int64_t now);
void kv_reply_put_pair(uint8_t *dst, const struct kv_call *call, const struct kv_pair *pair,
                       int64_t now);

/* A reply as a weft_body. It has views of the reply, the call and the pairs, which must live as long. */
struct kv_reply_body {
    struct weft_body body; /* first: write() casts it back */
    const struct kv_reply *reply;
    const struct kv_call *call;
    const struct kv_pairs *pairs; /* may be NULL */
    int64_t now;                  /* set if the reply has states */
    struct weft_view value; /* set if the reply is one value; then `reply` to `now` are not set */
};

/* Makes *self the body of reply. call may be NULL if the reply has no items. loop is the loop of the call; it may be
 * NULL if the reply has no states. */
void kv_reply_body_init(struct kv_reply_body *self, const struct kv_reply *reply,
                        const struct kv_call *call, const struct kv_pairs *pairs,
                        struct weft_loop *loop);

/* True if a value whose packed form has `size` bytes is to be stored in a blob that is its whole reply. */
bool kv_reply_is_large(size_t size);
/* Makes such a blob for a face that writes the packed form itself, `size` bytes at *packed. The caller owns the one
 * reference. NULL: there is no memory. */
WEFT_MUST_USE struct weft_blob *kv_reply_blob(size_t size, uint8_t **packed);

/* The part of kv_reply_keep that is not inline. */
WEFT_MUST_USE int kv__reply_keep_large(struct kv_value *value);

/* If the reply to an hget of value is larger than KV_REPLY_INLINE_MAX, copies value into a blob that is that reply and
 * makes value show the end of the blob. The caller owns the one reference. A smaller value is left unchanged. Returns 0
 * or -ENOMEM. */
WEFT_MUST_USE static inline int kv_reply_keep(struct kv_value *value)
{
    /* The bytes before a value in its reply: status, tag and length have at most 13. */
    enum { HEAD_MAX = 16 };
    return value->bytes.size <= KV_REPLY_INLINE_MAX - HEAD_MAX ? 0 : kv__reply_keep_large(value);
}

#endif
