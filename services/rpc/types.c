/* SPDX-License-Identifier: MIT */
#include "types.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/mem.h"

const struct weft__rpc_type *weft__rpc_types_find(const struct weft__rpc_types *self,
                                                  struct weft_view name)
{
    for (size_t i = 0; i < self->count; i++)
        if (weft_view_equal(weft_view_str(self->types[i].name), name))
            return &self->types[i];
    return NULL;
}

static int add(struct weft__rpc_types *self, struct weft__rpc_type type)
{
    if (weft__rpc_types_find(self, weft_view_str(type.name)))
        return 0;
    if (self->count == self->room) {
        const size_t room = self->room > 0 ? self->room * 2 : 16;
        struct weft__rpc_type *more = weft_realloc(self->types, room * sizeof *more);
        if (!more)
            return -ENOMEM;
        self->types = more;
        self->room = room;
    }
    self->types[self->count++] = type;
    return 0;
}

static int add_message(struct weft__rpc_types *self, const ProtobufCMessageDescriptor *message)
{
    return add(self, (struct weft__rpc_type){.name = message->name,
                                             .package = message->package_name,
                                             .message = message});
}

static int add_fields(struct weft__rpc_types *self, const ProtobufCMessageDescriptor *message)
{
    int err = 0;
    for (unsigned i = 0; i < message->n_fields && err == 0; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];
        const ProtobufCEnumDescriptor *enumeration = field->descriptor;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            err = add_message(self, field->descriptor);
        else if (field->type == PROTOBUF_C_TYPE_ENUM)
            err = add(self, (struct weft__rpc_type){.name = enumeration->name,
                                                    .package = enumeration->package_name,
                                                    .enumeration = enumeration});
    }
    return err;
}

/* The loop appends the messages that the fields of this one refer to, and so reaches their fields later. */
int weft__rpc_types_add(struct weft__rpc_types *self, const ProtobufCMessageDescriptor *message)
{
    size_t i = self->count;
    int err = add_message(self, message);
    for (; i < self->count && err == 0; i++)
        if (self->types[i].message)
            err = add_fields(self, self->types[i].message);
    return err;
}

static int by_name(const void *a, const void *b)
{
    const struct weft__rpc_type *one = a, *other = b;
    return strcmp(one->name, other->name);
}

void weft__rpc_types_sort(struct weft__rpc_types *self)
{
    if (self->count > 0)
        qsort(self->types, self->count, sizeof *self->types, by_name);
}

void weft__rpc_types_fini(struct weft__rpc_types *self)
{
    weft_free(self->types);
    *self = (struct weft__rpc_types){.types = NULL};
}

bool weft__rpc_is_within(const char *name, struct weft_view outer)
{
    return outer.size == 0 ||
           (strncmp(name, (const char *)outer.data, outer.size) == 0 && name[outer.size] == '.');
}
