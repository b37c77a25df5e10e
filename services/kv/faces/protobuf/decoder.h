/* SPDX-License-Identifier: MIT
 *
 * The files that read a CommandRequest by its descriptors share this. */
#ifndef KV_DECODER_H
#define KV_DECODER_H

#include "request.h"
#include "services/payload/protobuf/reader.h"

/* When a key expires, as far as a message has said. A zeroed one has said nothing. */
struct kv_expiry_field {
    bool is_set;
    int64_t expires; /* as in struct kv_item */
};

struct kv_decoder {
    struct weft_pb_budget budget;
    struct kv_request *self;
    struct kv_expiry_field expiry; /* of an hexpire */
    enum kv_decoded failure;       /* why an allocation failed */
};

/* Allocates from the request's arena. NULL: decoder->failure is set. */
void *kv__decoder_alloc(struct kv_decoder *decoder, size_t size);

/* Reads a Value. One that comes twice is merged, so a second one without a member leaves *value as the
 * first one set it. Returns 0, the errors of weft_pb_next, or -ENOMEM. */
int kv__decode_value(struct kv_decoder *decoder, struct weft_view message, struct weft_view *value);

/* Takes a field of the oneof `expiry`; any other one it leaves alone. */
void kv__decode_expiry(struct kv_decoder *decoder, const struct weft_pb_field *field,
                       struct kv_expiry_field *expiry);

/* Reads a Change into an item whose key and value are empty. The errors of kv__decode_value. */
int kv__decode_change(struct kv_decoder *decoder, struct weft_view message, struct kv_item *item);

#endif
