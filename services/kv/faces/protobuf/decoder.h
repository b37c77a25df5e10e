/* SPDX-License-Identifier: MIT
 *
 * Declarations that the files which read a CommandRequest by its descriptors share. Private to faces/protobuf. */
#ifndef KV_DECODER_H
#define KV_DECODER_H

#include "request.h"
#include "services/payload/protobuf/reader.h"

/* When a key expires, as far as the message was read. A zeroed struct means that it has not said so. */
struct kv_expiry_field {
    bool is_set;
    int64_t expires; /* as in struct kv_item */
};

struct kv_decoder {
    struct weft_pb_budget budget;
    struct kv_request *self;
    struct kv_expiry_field expiry; /* the expiry of an Hexpire */
    enum kv_decoded failure;       /* set if an allocation fails: the reason */
};

/* Allocates `size` bytes from the request's arena. NULL: it failed, and decoder->failure is set. */
void *kv__decoder_alloc(struct kv_decoder *decoder, size_t size);

/* Reads a Value and sets *value to its packed form. If a field comes twice, protobuf merges the two, so a Value without
 * a member leaves *value unchanged. Returns 0, an error of weft_pb_next, or -ENOMEM. */
int kv__decode_value(struct kv_decoder *decoder, struct weft_view message, struct weft_view *value);

/* Sets *expiry from a field of the oneof `expiry`. Ignores other fields. */
void kv__decode_expiry(struct kv_decoder *decoder, const struct weft_pb_field *field,
                       struct kv_expiry_field *expiry);

/* Reads a Change into an item whose key and value are empty. Returns what kv__decode_value does. */
int kv__decode_change(struct kv_decoder *decoder, struct weft_view message, struct kv_item *item);

#endif
