/* SPDX-License-Identifier: MIT */
#include "describe_scope.h"

#include <stdio.h>

#include "json.h"
#include "services/payload/protobuf/writer.h"

/* The numbers of google/protobuf/descriptor.proto. */
enum { NAME = 1 }; /* of messages, fields, oneofs, enums and their values */
enum {
    MESSAGE_FIELD = 2,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    MESSAGE_OPTIONS = 7,
    MESSAGE_ONEOF = 8
};
enum { OPTION_MAP_ENTRY = 7, OPTION_PACKED = 2, OPTION_ALLOW_ALIAS = 2 };
enum {
    FIELD_NUMBER = 3,
    FIELD_LABEL = 4,
    FIELD_TYPE = 5,
    FIELD_TYPE_NAME = 6,
    FIELD_OPTIONS = 8,
    FIELD_ONEOF = 9
};
enum { LABEL_OPTIONAL = 1, LABEL_REQUIRED = 2, LABEL_REPEATED = 3 };
enum { ENUM_VALUE = 2, ENUM_OPTIONS = 3, VALUE_NUMBER = 2 };

/* --- putting ------------------------------------------------------------------------------------------ */

void weft__rpc_put_uint(struct weft_text *text, uint32_t number, uint64_t value)
{
    uint8_t field[2 * WEFT_PB_VARINT_MAX];
    const uint8_t *end = weft_pb_put_uint(field, number, value);
    weft_text_add(text, weft_view(field, (size_t)(end - field)));
}

void weft__rpc_put_bytes(struct weft_text *text, uint32_t number, struct weft_view bytes)
{
    uint8_t head[2 * WEFT_PB_VARINT_MAX];
    const uint8_t *end = weft_pb_put_head(head, number, bytes.size);
    weft_text_add(text, weft_view(head, (size_t)(end - head)));
    weft_text_add(text, bytes);
}

void weft__rpc_put_name(struct weft_text *text, uint32_t number, const char *name)
{
    weft__rpc_put_bytes(text, number, weft_view_str(name));
}

void weft__rpc_put_made(struct weft_text *text, uint32_t number, struct weft_text *made)
{
    text->failed |= made->failed;
    weft__rpc_put_bytes(text, number, weft_text_view(made));
    weft_text_fini(made);
}

void weft__rpc_put_type_name(struct weft_text *text, uint32_t number, const char *name)
{
    struct weft_text whole = {.failed = false};
    weft_text_puts(&whole, ".");
    weft_text_puts(&whole, name);
    weft__rpc_put_made(text, number, &whole);
}

static void put_option(struct weft_text *text, uint32_t number, uint8_t option, bool value)
{
    const uint8_t options[] = {(uint8_t)(option << 3 | WEFT_PB_VARINT), value};
    weft__rpc_put_bytes(text, number, weft_view(options, sizeof options));
}

/* --- fields ------------------------------------------------------------------------------------------- */

static unsigned type_of(ProtobufCType type)
{
    static const uint8_t types[] = {
        [PROTOBUF_C_TYPE_DOUBLE] = 1,    [PROTOBUF_C_TYPE_FLOAT] = 2,
        [PROTOBUF_C_TYPE_INT64] = 3,     [PROTOBUF_C_TYPE_UINT64] = 4,
        [PROTOBUF_C_TYPE_INT32] = 5,     [PROTOBUF_C_TYPE_FIXED64] = 6,
        [PROTOBUF_C_TYPE_FIXED32] = 7,   [PROTOBUF_C_TYPE_BOOL] = 8,
        [PROTOBUF_C_TYPE_STRING] = 9,    [PROTOBUF_C_TYPE_MESSAGE] = 11,
        [PROTOBUF_C_TYPE_BYTES] = 12,    [PROTOBUF_C_TYPE_UINT32] = 13,
        [PROTOBUF_C_TYPE_ENUM] = 14,     [PROTOBUF_C_TYPE_SFIXED32] = 15,
        [PROTOBUF_C_TYPE_SFIXED64] = 16, [PROTOBUF_C_TYPE_SINT32] = 17,
        [PROTOBUF_C_TYPE_SINT64] = 18,
    };
    return types[type];
}

/* True if a repeated field of the type may be packed. */
static bool is_number(ProtobufCType type)
{
    return type != PROTOBUF_C_TYPE_STRING && type != PROTOBUF_C_TYPE_BYTES &&
           type != PROTOBUF_C_TYPE_MESSAGE;
}

static unsigned label_of(ProtobufCLabel label)
{
    return label == PROTOBUF_C_LABEL_REPEATED   ? LABEL_REPEATED
           : label == PROTOBUF_C_LABEL_REQUIRED ? LABEL_REQUIRED
                                                : LABEL_OPTIONAL;
}

/* True if the field is the first one of a oneof. Fields of one share the member that says which is set. */
static bool begins_oneof(const ProtobufCMessageDescriptor *message, unsigned index)
{
    const ProtobufCFieldDescriptor *fields = message->fields;
    if (!(fields[index].flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
        return false;
    for (unsigned i = 0; i < index; i++)
        if (fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
            fields[i].quantifier_offset == fields[index].quantifier_offset)
            return false;
    return true;
}

/* Returns the number of the oneof that a field is in. */
static unsigned oneof_of(const ProtobufCMessageDescriptor *message, unsigned index)
{
    unsigned number = 0;
    for (unsigned i = 0; i < index; i++) {
        if (!begins_oneof(message, i))
            continue;
        if (message->fields[i].quantifier_offset == message->fields[index].quantifier_offset)
            break;
        number++;
    }
    return number;
}

static void put_field(struct weft_text *text, const ProtobufCMessageDescriptor *message,
                      unsigned index)
{
    const ProtobufCFieldDescriptor *field = &message->fields[index];
    const ProtobufCMessageDescriptor *inner = field->descriptor;
    const ProtobufCEnumDescriptor *enumeration = field->descriptor;
    struct weft_text made = {.failed = false};
    weft__rpc_put_name(&made, NAME, field->name);
    weft__rpc_put_uint(&made, FIELD_NUMBER, field->id);
    weft__rpc_put_uint(&made, FIELD_LABEL, label_of(field->label));
    weft__rpc_put_uint(&made, FIELD_TYPE, type_of(field->type));
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        weft__rpc_put_type_name(&made, FIELD_TYPE_NAME, inner->name);
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        weft__rpc_put_type_name(&made, FIELD_TYPE_NAME, enumeration->name);
    if (field->label == PROTOBUF_C_LABEL_REPEATED && is_number(field->type))
        put_option(&made, FIELD_OPTIONS, OPTION_PACKED,
                   field->flags & PROTOBUF_C_FIELD_FLAG_PACKED);
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        weft__rpc_put_uint(&made, FIELD_ONEOF, oneof_of(message, index));
    weft__rpc_put_made(text, MESSAGE_FIELD, &made);
}

/* Puts the fields in the order of their numbers, but those of a oneof with its first one, since whoever reads a file wants
 * them side by side. */
static void put_fields(struct weft_text *text, const ProtobufCMessageDescriptor *message)
{
    const ProtobufCFieldDescriptor *fields = message->fields;
    for (unsigned i = 0; i < message->n_fields; i++) {
        if (!(fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF)) {
            put_field(text, message, i);
            continue;
        }
        if (!begins_oneof(message, i))
            continue;
        for (unsigned k = i; k < message->n_fields; k++)
            if (fields[k].flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
                fields[k].quantifier_offset == fields[i].quantifier_offset)
                put_field(text, message, k);
    }
}

/* Puts a name for each oneof, since protobuf-c keeps none. */
static void put_oneofs(struct weft_text *text, const ProtobufCMessageDescriptor *message)
{
    unsigned count = 0;
    for (unsigned i = 0; i < message->n_fields; i++) {
        struct weft_text made = {.failed = false};
        char name[32];
        if (!begins_oneof(message, i))
            continue;
        (void)snprintf(name, sizeof name, "oneof_%u", ++count);
        weft__rpc_put_name(&made, NAME, name);
        weft__rpc_put_made(text, MESSAGE_ONEOF, &made);
    }
}

/* --- enums -------------------------------------------------------------------------------------------- */

/* Puts the names of zero, or all others. */
static void put_values(struct weft_text *text, const ProtobufCEnumDescriptor *type, bool zero)
{
    for (unsigned i = 0; i < type->n_value_names; i++) {
        const ProtobufCEnumValueIndex *name = &type->values_by_name[i];
        const int number = type->values[name->index].value;
        struct weft_text made = {.failed = false};
        if ((number == 0) != zero)
            continue;
        weft__rpc_put_name(&made, NAME, name->name);
        weft__rpc_put_uint(&made, VALUE_NUMBER, (uint64_t)(int64_t)number);
        weft__rpc_put_made(text, ENUM_VALUE, &made);
    }
}

static void put_enum(struct weft_text *text, uint32_t number, const char *name,
                     const ProtobufCEnumDescriptor *type)
{
    struct weft_text made = {.failed = false};
    weft__rpc_put_name(&made, NAME, name);
    put_values(&made, type, true); /* proto3 wants that one first */
    put_values(&made, type, false);
    if (type->n_value_names > type->n_values)
        put_option(&made, ENUM_OPTIONS, OPTION_ALLOW_ALIAS, true);
    weft__rpc_put_made(text, number, &made);
}

/* --- messages ----------------------------------------------------------------------------------------- */

struct scope {
    const struct weft__rpc_types *types;
    const char *package;
    uint32_t of_message, of_enum;
};

static size_t put_scope(struct weft_text *text, const struct scope *scope, size_t i,
                        struct weft_view prefix);

/* True if the message is the entry of a map of the one around it. */
static bool is_map_entry(const struct weft__rpc_types *types,
                         const ProtobufCMessageDescriptor *entry)
{
    const char *end = strrchr(entry->name, '.');
    const struct weft__rpc_type *outer = NULL;
    if (end)
        outer = weft__rpc_types_find(types, weft_view(entry->name, (size_t)(end - entry->name)));
    for (unsigned i = 0; outer && outer->message && i < outer->message->n_fields; i++)
        if (weft__rpc_map_of(outer->message, &outer->message->fields[i]) == entry)
            return true;
    return false;
}

/* Puts the message of types[i] with what lies within it, or an empty one if only that is used. Returns the index
 * behind all of it. */
static size_t put_message(struct weft_text *text, const struct scope *scope, size_t i,
                          struct weft_view prefix, struct weft_view name)
{
    const struct scope inner = {scope->types, scope->package, MESSAGE_NESTED, MESSAGE_ENUM};
    const struct weft__rpc_type *type = &scope->types->types[i];
    const size_t whole = prefix.size + name.size;
    struct weft_text made = {.failed = false};
    weft__rpc_put_bytes(&made, NAME, name);
    if (!type->name[whole]) {
        put_fields(&made, type->message);
        put_oneofs(&made, type->message);
        if (is_map_entry(scope->types, type->message))
            put_option(&made, MESSAGE_OPTIONS, OPTION_MAP_ENTRY, true);
        i++;
    }
    i = put_scope(&made, &inner, i, weft_view(type->name, whole));
    weft__rpc_put_made(text, scope->of_message, &made);
    return i;
}

/* Puts the types from i on that lie within the prefix, a message or a package. Returns the index behind them. */
static size_t put_scope(struct weft_text *text, const struct scope *scope, size_t i,
                        struct weft_view prefix)
{
    const struct weft__rpc_types *types = scope->types;
    /* A package without a name has no point behind it. */
    const struct weft_view begin = weft_view(prefix.data, prefix.size + (prefix.size > 0));
    while (i < types->count && weft__rpc_is_within(types->types[i].name, prefix)) {
        const struct weft__rpc_type *type = &types->types[i];
        const char *name = type->name + begin.size;
        const size_t size = strcspn(name, ".");
        if (strcmp(type->package, scope->package) != 0) {
            i++; /* it lies in a package within this one */
        } else if (type->enumeration && !name[size]) {
            put_enum(text, scope->of_enum, name, type->enumeration);
            i++;
        } else {
            i = put_message(text, scope, i, begin, weft_view(name, size));
        }
    }
    return i;
}

void weft__rpc_put_types(struct weft_text *text, const struct weft__rpc_types *types,
                         const char *package, uint32_t of_message, uint32_t of_enum)
{
    const struct scope scope = {types, package, of_message, of_enum};
    for (size_t i = 0; i < types->count;) {
        const size_t end = put_scope(text, &scope, i, weft_view_str(package));
        i = end > i ? end : i + 1;
    }
}
