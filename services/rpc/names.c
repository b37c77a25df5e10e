/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "json.h"

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

size_t weft__rpc_json_name(const char *name, uint8_t *dst)
{
    size_t size = 0;
    bool raise = false;
    for (; *name; name++) {
        if (*name == '_') {
            raise = true;
            continue;
        }
        dst[size++] = (uint8_t)(raise ? upper(*name) : *name);
        raise = false;
    }
    return size;
}

/* True if `entry` is what protoc calls the entries of the map `name`. */
static bool is_entry_name(const char *entry, const char *name)
{
    bool raise = true;
    for (; *name; name++) {
        if (*name == '_') {
            raise = true;
            continue;
        }
        if (*entry++ != (raise ? upper(*name) : *name))
            return false;
        raise = false;
    }
    return strcmp(entry, "Entry") == 0;
}

const ProtobufCMessageDescriptor *weft__rpc_map_of(const ProtobufCMessageDescriptor *type,
                                                   const ProtobufCFieldDescriptor *field)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label != PROTOBUF_C_LABEL_REPEATED)
        return NULL;
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    const size_t size = strlen(type->name);
    if (entry->n_fields != 2 || entry->fields[0].id != 1 || entry->fields[1].id != 2 ||
        strcmp(entry->fields[0].name, "key") != 0 || strcmp(entry->fields[1].name, "value") != 0)
        return NULL;
    return strncmp(entry->name, type->name, size) == 0 && entry->name[size] == '.' &&
                   is_entry_name(entry->name + size + 1, field->name)
               ? entry
               : NULL;
}

size_t weft__rpc_member_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default: /* 32 bits, and enums, which protobuf-c has as int */
        return 4;
    }
}
