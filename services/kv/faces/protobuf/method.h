/* SPDX-License-Identifier: MIT
 *
 * The methods of the service weft.kv.v1.Kv (proto/kv.proto), which protocols with a target name, such as gRPC. */
#ifndef KV_METHOD_H
#define KV_METHOD_H

#include <stdint.h>

#include "core/base/bytes.h"

enum { KV_METHOD_EXECUTE = 0, KV_METHOD_UNKNOWN = -1, KV_METHOD_BESIDE = -2 };

/* Returns the number that a method's message has as a field of CommandRequest, KV_METHOD_EXECUTE for those that take
 * a whole CommandRequest, KV_METHOD_UNKNOWN if the service has no such method, or KV_METHOD_BESIDE if the target names
 * another service. */
int kv__method_of(struct weft_view target);

#endif
