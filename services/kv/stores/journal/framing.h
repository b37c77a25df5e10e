/* SPDX-License-Identifier: MIT
 *
 * The codec `length-delimited-gzip` with its states, for files: journals and snapshots are streams of its
 * frames. One thread at a time uses it. */
#ifndef KV_JOURNAL_FRAMING_H
#define KV_JOURNAL_FRAMING_H

#include "core/codec.h"

struct kv_framing {
    struct weft_codec_state state;
};

/* Messages of up to 1 GiB. -ENOMEM. */
WEFT_MUST_USE int kv_framing_init(struct kv_framing *framing);
void kv_framing_fini(struct kv_framing *framing);

/* Appends a frame with message, compressed if that makes it smaller. -ENOMEM, WEFT_ETOOBIG: out is
 * unchanged. */
WEFT_MUST_USE int kv_framing_encode(struct kv_framing *framing, struct weft_view message,
                                    struct weft_chain *out);

/* Reads the frame at the beginning of `in`. Returns the bytes that it takes, with *message in `in` or valid
 * until the next call. 0: the frame needs more bytes; *need says up to which size of `in`, 0: unknown.
 * -EBADMSG: there is no frame. -ENOMEM. */
WEFT_MUST_USE ssize_t kv_framing_decode(struct kv_framing *framing, struct weft_view in,
                                        struct weft_view *message, size_t *need);

#endif
