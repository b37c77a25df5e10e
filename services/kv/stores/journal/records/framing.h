/* SPDX-License-Identifier: MIT
 *
 * The codec `length-delimited-gzip`, for files: journals and snapshots are streams of its frames. One thread at a time
 * uses a struct kv_framing. */
#ifndef KV_JOURNAL_FRAMING_H
#define KV_JOURNAL_FRAMING_H

#include "core/codec.h"

struct kv_framing {
    struct weft_codec_state state;
};

/* Sets up *framing for messages of up to 1 GiB. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int kv_framing_init(struct kv_framing *framing);
void kv_framing_fini(struct kv_framing *framing);

/* Appends a frame with the message to out, compressed if that makes it smaller. Returns 0, or -ENOMEM or WEFT_ETOOBIG
 * with out unchanged. */
WEFT_MUST_USE int kv_framing_encode(struct kv_framing *framing, struct weft_view message,
                                    struct weft_chain *out);

/* Reads the frame at the beginning of `in`. Returns its size and sets *message, which lies in `in` or is valid until
 * the next call. Returns 0 if the frame needs more bytes; *need is then the size of `in` that is needed, or 0 if that
 * is not known. Returns -EBADMSG if there is no valid frame, or -ENOMEM. */
WEFT_MUST_USE ssize_t kv_framing_decode(struct kv_framing *framing, struct weft_view in,
                                        struct weft_view *message, size_t *need);

#endif
