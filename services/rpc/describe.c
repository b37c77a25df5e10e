/* SPDX-License-Identifier: MIT */
#include "describe.h"

#include <errno.h>

#include "core/base/mem.h"
#include "describe_scope.h"

/* The numbers of google/protobuf/descriptor.proto. */
enum {
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_DEPENDENCY = 3,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    FILE_SYNTAX = 12
};
enum { NAME = 1, SERVICE_METHOD = 2 };
enum { METHOD_INPUT = 2, METHOD_OUTPUT = 3, METHOD_CLIENT_STREAMS = 5, METHOD_STREAMS = 6 };

/* The services that are described. */
struct services {
    const struct weft__rpc_described *all;
    size_t count;
};

static void put_file_name(struct weft_text *text, uint32_t number, const char *package)
{
    struct weft_text name = {.failed = false};
    weft_text_puts(&name, package);
    weft_text_puts(&name, ".proto");
    weft__rpc_put_made(text, number, &name);
}

static void put_service(struct weft_text *text, const struct weft__rpc_described *service)
{
    struct weft_text made = {.failed = false};
    weft__rpc_put_name(&made, NAME, service->type->short_name);
    for (unsigned i = 0; i < service->type->n_methods; i++) {
        const ProtobufCMethodDescriptor *type = &service->type->methods[i];
        struct weft_text method = {.failed = false};
        weft__rpc_put_name(&method, NAME, type->name);
        weft__rpc_put_type_name(&method, METHOD_INPUT, type->input->name);
        weft__rpc_put_type_name(&method, METHOD_OUTPUT, type->output->name);
        if (service->requests(service->context, type))
            weft__rpc_put_uint(&method, METHOD_CLIENT_STREAMS, 1);
        if (service->streams(service->context, type))
            weft__rpc_put_uint(&method, METHOD_STREAMS, 1);
        weft__rpc_put_made(&made, SERVICE_METHOD, &method);
    }
    weft__rpc_put_made(text, FILE_SERVICE, &made);
}

/* True if the field is written with a label, which proto3 does not have for one of its own that does not repeat. */
static bool is_of_proto2(const ProtobufCFieldDescriptor *field)
{
    return !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
           (field->label == PROTOBUF_C_LABEL_OPTIONAL || field->label == PROTOBUF_C_LABEL_REQUIRED);
}

static bool is_proto2(const struct weft__rpc_types *types, const char *package)
{
    for (size_t i = 0; i < types->count; i++) {
        const ProtobufCMessageDescriptor *message = types->types[i].message;
        if (!message || strcmp(types->types[i].package, package) != 0)
            continue;
        for (unsigned k = 0; k < message->n_fields; k++)
            if (is_of_proto2(&message->fields[k]))
                return true;
    }
    return false;
}

/* True if a field of the message has a type of `package`. */
static bool message_needs(const ProtobufCMessageDescriptor *message, const char *package)
{
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];
        const ProtobufCMessageDescriptor *inner = field->descriptor;
        const ProtobufCEnumDescriptor *enumeration = field->descriptor;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && strcmp(inner->package_name, package) == 0)
            return true;
        if (field->type == PROTOBUF_C_TYPE_ENUM && strcmp(enumeration->package_name, package) == 0)
            return true;
    }
    return false;
}

static bool service_needs(const ProtobufCServiceDescriptor *service, const char *package)
{
    for (unsigned i = 0; i < service->n_methods; i++)
        if (strcmp(service->methods[i].input->package_name, package) == 0 ||
            strcmp(service->methods[i].output->package_name, package) == 0)
            return true;
    return false;
}

/* True if something of `package` uses a type of `other`. */
static bool needs(const struct weft__rpc_types *types, const struct services *services,
                  const char *package, const char *other)
{
    for (size_t i = 0; i < types->count; i++)
        if (types->types[i].message && strcmp(types->types[i].package, package) == 0 &&
            message_needs(types->types[i].message, other))
            return true;
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->all[i].type->package, package) == 0 &&
            service_needs(services->all[i].type, other))
            return true;
    return false;
}

static void put_file(const struct weft__rpc_files *self, struct weft__rpc_file *file,
                     const struct services *services)
{
    const struct weft__rpc_types types = {.types = self->types, .count = self->type_count};
    put_file_name(&file->text, FILE_NAME, file->package);
    weft__rpc_put_name(&file->text, FILE_PACKAGE, file->package);
    for (size_t i = 0; i < self->count; i++)
        if (&self->files[i] != file &&
            needs(&types, services, file->package, self->files[i].package))
            put_file_name(&file->text, FILE_DEPENDENCY, self->files[i].package);
    weft__rpc_put_types(&file->text, &types, file->package, FILE_MESSAGE, FILE_ENUM);
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->all[i].type->package, file->package) == 0)
            put_service(&file->text, &services->all[i]);
    if (!is_proto2(&types, file->package))
        weft__rpc_put_name(&file->text, FILE_SYNTAX, "proto3");
}

static void add_package(struct weft__rpc_files *self, const char *package)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->files[i].package, package) == 0)
            return;
    self->files[self->count++] = (struct weft__rpc_file){.package = package};
}

static int collect(struct weft__rpc_types *types, const struct services *services)
{
    int err = 0;
    for (size_t i = 0; i < services->count; i++) {
        const ProtobufCServiceDescriptor *type = services->all[i].type;
        for (unsigned k = 0; k < type->n_methods && err == 0; k++) {
            err = weft__rpc_types_add(types, type->methods[k].input);
            if (err == 0)
                err = weft__rpc_types_add(types, type->methods[k].output);
        }
    }
    weft__rpc_types_sort(types);
    return err;
}

int weft__rpc_describe(struct weft__rpc_files *self, const struct weft__rpc_described *all,
                       size_t count)
{
    const struct services services = {all, count};
    struct weft__rpc_types types = {.types = NULL};
    bool failed = collect(&types, &services) < 0;
    *self = (struct weft__rpc_files){.types = types.types, .type_count = types.count};
    if (!failed)
        self->files = weft_calloc(types.count + count + 1, sizeof *self->files);
    failed |= !self->files;
    for (size_t i = 0; i < types.count && !failed; i++)
        add_package(self, types.types[i].package);
    for (size_t i = 0; i < count && !failed; i++)
        add_package(self, all[i].type->package);
    for (size_t i = 0; i < self->count; i++) {
        put_file(self, &self->files[i], &services);
        failed |= self->files[i].text.failed;
    }
    if (failed)
        weft__rpc_files_fini(self);
    return failed ? -ENOMEM : 0;
}

void weft__rpc_files_fini(struct weft__rpc_files *self)
{
    for (size_t i = 0; i < self->count; i++)
        weft_text_fini(&self->files[i].text);
    weft_free(self->files);
    weft_free(self->types);
    *self = (struct weft__rpc_files){.files = NULL};
}

const struct weft__rpc_file *weft__rpc_file_of(const struct weft__rpc_files *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++) {
        const size_t size = strlen(self->files[i].package);
        if (strncmp(name, self->files[i].package, size) == 0 && strcmp(name + size, ".proto") == 0)
            return &self->files[i];
    }
    return NULL;
}

const struct weft__rpc_file *weft__rpc_file_with(const struct weft__rpc_files *self,
                                                 const char *type)
{
    const struct weft__rpc_types types = {.types = self->types, .count = self->type_count};
    const struct weft__rpc_type *found = weft__rpc_types_find(&types, weft_view_str(type));
    for (size_t i = 0; found && i < self->count; i++)
        if (strcmp(self->files[i].package, found->package) == 0)
            return &self->files[i];
    return NULL;
}
