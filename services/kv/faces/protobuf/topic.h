/* SPDX-License-Identifier: MIT
 *
 * The messages Subscribe, Unsubscribe and Publish of proto/abi.proto, and what subscribers are sent. Private to
 * faces/protobuf. */
#ifndef KV_PROTOBUF_TOPIC_H
#define KV_PROTOBUF_TOPIC_H

#include "decoder.h"

/* Adds the fields of a message to *spec. `number` is that of its field in CommandRequest. Returns 0, an error of
 * weft_pb_next, or -ENOMEM. */
int kv__decode_topic(struct kv_decoder *decoder, struct weft_view message,
                     const ProtobufCMessageDescriptor *type, uint32_t number,
                     struct kv_topic_spec *spec);

extern const struct kv_topic_face kv__topic_face;

#endif
