/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "json_time.h"
#include "services/payload/json/build.h"
#include "services/payload/json/writer.h"
#include "services/payload/line/value.h"

static void put_bytes(struct weft_text *text, const ProtobufCBinaryData *bytes)
{
    const struct weft_view view = weft_view(bytes->data, bytes->len);
    const size_t size = weft_json_base64_size(view.size);
    uint8_t *dst = text->failed ? NULL : weft_buf_reserve(&text->buf, size);
    if (!dst) {
        text->failed = true;
        return;
    }
    weft_json_put_base64(dst, view);
    weft_buf_commit(&text->buf, size);
}

static void put_string(struct weft_text *text, const char *string)
{
    struct weft_json_build json = {.text = text};
    weft_json_string(&json, NULL, string ? string : "");
}

/* Puts a number of either size, in as few digits as read back as the same. */
static void put_number(struct weft_text *text, double number, bool is_float)
{
    char digits[WEFT_LINE_NUMBER];
    if (isnan(number)) {
        weft_text_puts(text, "\"NaN\"");
        return;
    }
    if (isinf(number)) {
        weft_text_puts(text, number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    for (int precision = 6; is_float && precision <= 9; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, number);
        if (strtof(digits, NULL) == (float)number)
            break;
    }
    weft_text_puts(text, is_float ? digits : weft_line_format_double(number, digits));
}

static void put_enum(struct weft_text *text, const ProtobufCEnumDescriptor *type, int value)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
    if (known)
        weft_text_printf(text, "\"%s\"", known->name);
    else
        weft_text_printf(text, "%d", value);
}

/* Puts a value whose type has numbers of a fixed size. */
static void put_scalar(struct weft_text *text, const ProtobufCFieldDescriptor *field,
                       const void *member)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        weft_text_printf(text, "%" PRId32, *(const int32_t *)member);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        weft_text_printf(text, "%" PRIu32, *(const uint32_t *)member);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        weft_text_printf(text, "\"%" PRId64 "\"", *(const int64_t *)member);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        weft_text_printf(text, "\"%" PRIu64 "\"", *(const uint64_t *)member);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        put_number(text, (double)*(const float *)member, true);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        put_number(text, *(const double *)member, false);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        weft_text_puts(text, *(const protobuf_c_boolean *)member ? "true" : "false");
        break;
    default:
        put_enum(text, field->descriptor, *(const int *)member);
        break;
    }
}

/* Puts a time as a string. False: it is none, or beyond what the string can say. */
static bool put_time(struct weft_text *text, const ProtobufCMessage *message)
{
    char string[WEFT__RPC_TIME_TEXT];
    const size_t size =
        weft__rpc_is_time(message->descriptor) ? weft__rpc_write_time(message, string) : 0;
    if (size == 0)
        return false;
    weft_text_printf(text, "\"%.*s\"", (int)size, string);
    return true;
}

static void put_empty(struct weft_text *text, const ProtobufCMessageDescriptor *type)
{
    if (!weft__rpc_is_time(type))
        weft_text_puts(text, "{}");
    else
        weft_text_puts(text, weft__rpc_no_time(type));
}

static void put_value(struct weft_text *text, const ProtobufCFieldDescriptor *field,
                      const void *member)
{
    const ProtobufCMessage *message;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        put_string(text, *(const char *const *)member);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        put_bytes(text, member);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        message = *(const ProtobufCMessage *const *)member;
        if (message)
            weft__rpc_write_json(text, message);
        else /* an entry of a map, or an element: one that is not set is empty */
            put_empty(text, field->descriptor);
        break;
    default:
        put_scalar(text, field, member);
        break;
    }
}

/* Puts a key of a map, which JSON has as a string. */
static void put_key(struct weft_text *text, const ProtobufCFieldDescriptor *field,
                    const void *member)
{
    const bool quoted = field->type == PROTOBUF_C_TYPE_STRING || weft__rpc_member_size(field) == 8;
    if (!quoted)
        weft_text_puts(text, "\"");
    put_value(text, field, member);
    if (!quoted)
        weft_text_puts(text, "\"");
}

static void put_entry(struct weft_text *text, const ProtobufCMessage *entry)
{
    const ProtobufCFieldDescriptor *fields = entry->descriptor->fields;
    put_key(text, &fields[0], (const char *)entry + fields[0].offset);
    weft_text_puts(text, ":");
    put_value(text, &fields[1], (const char *)entry + fields[1].offset);
}

static void put_repeated(struct weft_text *text, const ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field)
{
    const char *base = (const char *)message;
    const size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
    const char *elements = *(const char *const *)(const void *)(base + field->offset);
    const bool is_map = weft__rpc_map_of(message->descriptor, field);
    weft_text_puts(text, is_map ? "{" : "[");
    for (size_t i = 0; i < count; i++) {
        const char *member = elements + i * weft__rpc_member_size(field);
        if (i > 0)
            weft_text_puts(text, ",");
        if (is_map)
            put_entry(text, *(const ProtobufCMessage *const *)(const void *)member);
        else
            put_value(text, field, member);
    }
    weft_text_puts(text, is_map ? "}" : "]");
}

/* True if a string or a message is set: protobuf-c has no flag for them, and the default of a string stands in
 * its place. */
static bool is_pointer_set(const ProtobufCFieldDescriptor *field, const void *member)
{
    const void *pointer = *(const void *const *)member;
    return pointer && pointer != field->default_value;
}

/* True if the value of a field of proto3 is not its default. */
static bool is_not_default(const ProtobufCFieldDescriptor *field, const void *member)
{
    const char *const *string = member;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return *string && **string;
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)member)->len > 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(const void *const *)member;
    default: /* -0.0 is no default, so bits are compared rather than numbers */
        return weft_load_native(member, weft__rpc_member_size(field)) != 0;
    }
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *base = (const char *)message;
    const void *member = base + field->offset;
    const void *quantifier = base + field->quantifier_offset;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *)quantifier == field->id;
    switch (field->label) {
    case PROTOBUF_C_LABEL_REQUIRED:
        return true;
    case PROTOBUF_C_LABEL_REPEATED:
        return *(const size_t *)quantifier > 0;
    case PROTOBUF_C_LABEL_OPTIONAL:
        if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
            return is_pointer_set(field, member);
        return *(const protobuf_c_boolean *)quantifier;
    case PROTOBUF_C_LABEL_NONE:
        break;
    }
    return is_not_default(field, member);
}

static void put_name(struct weft_text *text, const char *name)
{
    const size_t most = strlen(name) + 4;
    uint8_t *dst = text->failed ? NULL : weft_buf_reserve(&text->buf, most);
    if (!dst) {
        text->failed = true;
        return;
    }
    dst[0] = '"';
    const size_t size = weft__rpc_json_name(name, dst + 1);
    dst[size + 1] = '"';
    dst[size + 2] = ':';
    weft_buf_commit(&text->buf, size + 3);
}

void weft__rpc_write_json(struct weft_text *text, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    bool behind = false;
    if (put_time(text, message))
        return;
    weft_text_puts(text, "{");
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (!is_set(message, field))
            continue;
        if (behind)
            weft_text_puts(text, ",");
        behind = true;
        put_name(text, field->name);
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            put_repeated(text, message, field);
        else
            put_value(text, field, (const char *)message + field->offset);
    }
    weft_text_puts(text, "}");
}
