/* SPDX-License-Identifier: MIT
 *
 * The descriptor of v1alpha, which the set has to know as well as reflection.c, and which has the messages of v1. */
#include "reflection_type.h"

#include "core/base/mem.h"
#include "reflection.h"

static const ProtobufCMethodDescriptor methods[] = {
    {"ServerReflectionInfo", &grpc__reflection__v1__server_reflection_request__descriptor,
     &grpc__reflection__v1__server_reflection_response__descriptor},
};
static const unsigned by_name[] = {0};

const ProtobufCServiceDescriptor weft__rpc_v1alpha = {
    .magic = PROTOBUF_C__SERVICE_DESCRIPTOR_MAGIC,
    .name = "grpc.reflection.v1alpha.ServerReflection",
    .short_name = "ServerReflection",
    .c_name = "Grpc__Reflection__V1alpha__ServerReflection",
    .package = "grpc.reflection.v1alpha",
    .n_methods = 1,
    .methods = methods,
    .method_indices_by_name = by_name,
};

void weft__rpc_reflection_free(struct weft__rpc_reflection *reflection)
{
    if (!reflection)
        return;
    weft__rpc_files_fini(&reflection->files);
    weft_free(reflection);
}
