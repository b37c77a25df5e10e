/* SPDX-License-Identifier: MIT
 *
 * Files of descriptors (google/protobuf/descriptor.proto), made again of what protobuf-c keeps of a .proto file: a
 * file for each package, with the services that were asked for and the types that they use. protobuf-c keeps no names of
 * files and oneofs, no defaults and no options, so those are not as they were. Private to this folder. */
#ifndef WEFT_RPC_DESCRIBE_H
#define WEFT_RPC_DESCRIBE_H

#include <protobuf-c/protobuf-c.h>

#include "services/payload/text.h"

/* A service, and which of its methods stream their answers and their requests. */
struct weft__rpc_described {
    const ProtobufCServiceDescriptor *type;
    bool (*streams)(const void *context, const ProtobufCMethodDescriptor *method);
    bool (*requests)(const void *context, const ProtobufCMethodDescriptor *method);
    const void *context;
};

/* A file: its package, which names it "package.proto", and a FileDescriptorProto. */
struct weft__rpc_file {
    const char *package;
    struct weft_text text;
};

struct weft__rpc_files {
    struct weft__rpc_file *files;
    size_t count;
    struct weft__rpc_type *types; /* those of all files */
    size_t type_count;
};

/* Makes the files of some services. -ENOMEM: nothing was made. */
WEFT_MUST_USE int weft__rpc_describe(struct weft__rpc_files *self,
                                     const struct weft__rpc_described *services, size_t count);
void weft__rpc_files_fini(struct weft__rpc_files *self);

/* Returns the file of that name, or the one that has the type of that name, or NULL. */
const struct weft__rpc_file *weft__rpc_file_of(const struct weft__rpc_files *self,
                                               const char *name);
const struct weft__rpc_file *weft__rpc_file_with(const struct weft__rpc_files *self,
                                                 const char *type);

#endif
