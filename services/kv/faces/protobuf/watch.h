/* SPDX-License-Identifier: MIT
 *
 * The messages Watch and Changed of proto/abi.proto. Private to faces/protobuf. */
#ifndef KV_PROTOBUF_WATCH_H
#define KV_PROTOBUF_WATCH_H

#include "decoder.h"
#include "services/kv/watch.h"

/* Adds the fields of a Watch to *spec. Returns 0 or an error of weft_pb_next. */
int kv__decode_watch(struct kv_decoder *decoder, struct weft_view message,
                     struct kv_watch_spec *spec);

extern const struct kv_watch_face kv__watch_face;

#endif
