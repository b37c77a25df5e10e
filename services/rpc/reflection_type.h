/* SPDX-License-Identifier: MIT
 *
 * The older of the two services of reflection. Private to this folder. */
#ifndef WEFT_RPC_REFLECTION_TYPE_H
#define WEFT_RPC_REFLECTION_TYPE_H

#include <protobuf-c/protobuf-c.h>

extern const ProtobufCServiceDescriptor weft__rpc_v1alpha;

#endif
