/* SPDX-License-Identifier: MIT */
#include "reader.h"

#include "text.h"

enum {
    TAG_MAX = 5,     /* bytes of a tag, and of a length, that are read */
    VARINT_MAX = 10, /* bytes of a value */
    DEPTH_MAX = 100, /* the limit of other implementations of protobuf */
    NUMBER_MAX = (1 << 29) - 1,
};

static int malformed(struct weft_pb_reader *reader, const char *what)
{
    reader->budget->what = what;
    return WEFT_EMALFORMED;
}

/* Reads a varint of at most max bytes; returns the byte after it, or NULL if it is longer or goes past
 * the end. Drops bits beyond the 64th, as protobuf-c does. */
static const uint8_t *get_long_varint(const uint8_t *at, const uint8_t *end, int max,
                                      uint64_t *value)
{
    uint64_t sum = 0;
    for (int i = 0; i < max && at < end; i++) {
        uint8_t byte = *at++;
        sum |= (uint64_t)(byte & 0x7F) << 7 * i;
        if (byte < 0x80) {
            *value = sum;
            return at;
        }
    }
    return NULL;
}

/* get_long_varint, with a short way for one byte, which most tags and lengths have. */
static inline const uint8_t *get_varint(const uint8_t *at, const uint8_t *end, int max,
                                        uint64_t *value)
{
    if (at < end && *at < 0x80) {
        *value = *at;
        return at + 1;
    }
    return get_long_varint(at, end, max, value);
}

static uint64_t load_le(const uint8_t *at, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

/* Finds the descriptor of a field by its number, or NULL. The ranges are runs of consecutive field
 * numbers, and most messages have a single run. */
static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type,
                                                  uint32_t number)
{
    for (unsigned i = 0; i < type->n_field_ranges; i++) {
        const ProtobufCIntRange *range = &type->field_ranges[i];
        uint32_t place = number - (uint32_t)range->start_value;
        if (place < range[1].orig_index - range->orig_index)
            return &type->fields[range->orig_index + place];
    }
    return NULL;
}

static const uint8_t wire_of[] = {
    [PROTOBUF_C_TYPE_INT32] = WEFT_PB_VARINT,     [PROTOBUF_C_TYPE_SINT32] = WEFT_PB_VARINT,
    [PROTOBUF_C_TYPE_SFIXED32] = WEFT_PB_FIXED32, [PROTOBUF_C_TYPE_INT64] = WEFT_PB_VARINT,
    [PROTOBUF_C_TYPE_SINT64] = WEFT_PB_VARINT,    [PROTOBUF_C_TYPE_SFIXED64] = WEFT_PB_FIXED64,
    [PROTOBUF_C_TYPE_UINT32] = WEFT_PB_VARINT,    [PROTOBUF_C_TYPE_FIXED32] = WEFT_PB_FIXED32,
    [PROTOBUF_C_TYPE_UINT64] = WEFT_PB_VARINT,    [PROTOBUF_C_TYPE_FIXED64] = WEFT_PB_FIXED64,
    [PROTOBUF_C_TYPE_FLOAT] = WEFT_PB_FIXED32,    [PROTOBUF_C_TYPE_DOUBLE] = WEFT_PB_FIXED64,
    [PROTOBUF_C_TYPE_BOOL] = WEFT_PB_VARINT,      [PROTOBUF_C_TYPE_ENUM] = WEFT_PB_VARINT,
    [PROTOBUF_C_TYPE_STRING] = WEFT_PB_LENGTH,    [PROTOBUF_C_TYPE_BYTES] = WEFT_PB_LENGTH,
    [PROTOBUF_C_TYPE_MESSAGE] = WEFT_PB_LENGTH,
};

/* Checks a known field against its descriptor, and takes elements out of the budget. */
static inline int check_field(struct weft_pb_reader *reader, const struct weft_pb_field *field)
{
    const ProtobufCFieldDescriptor *descriptor = field->descriptor;
    ProtobufCType type = descriptor->type;
    if (field->wire != (enum weft_pb_wire)wire_of[type])
        return malformed(reader, type == PROTOBUF_C_TYPE_BOOL
                                     ? "a bool is of another wire type"
                                     : "a field is of another wire type than its number says");
    if (type == PROTOBUF_C_TYPE_STRING && !weft_pb_is_text(field->bytes))
        return malformed(reader, "a string is not UTF-8");
    if (type == PROTOBUF_C_TYPE_MESSAGE || descriptor->label == PROTOBUF_C_LABEL_REPEATED) {
        if (reader->budget->elements == 0) {
            reader->budget->what = "too many elements";
            return WEFT_ETOOBIG;
        }
        reader->budget->elements--;
    }
    return 1;
}

/* Reads the value of a field whose wire type is not LENGTH; returns the byte after it, or NULL. */
static const uint8_t *get_scalar(struct weft_pb_reader *reader, const uint8_t *at,
                                 struct weft_pb_field *field)
{
    size_t left = (size_t)(reader->end - at);
    switch (field->wire) {
    case WEFT_PB_VARINT:
        at = get_varint(at, reader->end, VARINT_MAX, &field->scalar);
        if (!at)
            reader->budget->what = "a varint is too long or goes past the end";
        return at;
    case WEFT_PB_FIXED64:
    case WEFT_PB_FIXED32: {
        int width = field->wire == WEFT_PB_FIXED64 ? 8 : 4;
        if (left < (size_t)width) {
            reader->budget->what = "a number goes past the end";
            return NULL;
        }
        field->scalar = load_le(at, width);
        return at + width;
    }
    default:
        reader->budget->what = "a wire type is a group's or unknown";
        return NULL;
    }
}

int weft__pb_next_field(struct weft_pb_reader *reader, struct weft_pb_field *field)
{
    const uint8_t *at = reader->at;
    field->raw.data = at;

    uint64_t tag;
    at = get_varint(at, reader->end, TAG_MAX, &tag);
    if (!at)
        return malformed(reader, "a tag is too long or goes past the end");
    if ((tag >> 3) - 1 >= NUMBER_MAX)
        return malformed(reader, "a field number is out of range");
    field->number = (uint32_t)(tag >> 3);
    field->wire = (enum weft_pb_wire)(tag & 7);

    if (field->wire == WEFT_PB_LENGTH) {
        uint64_t size;
        at = get_varint(at, reader->end, TAG_MAX, &size);
        if (!at || size > (size_t)(reader->end - at))
            return malformed(reader, "a length is wrong or goes past the end");
        field->bytes = weft_view(at, (size_t)size);
        at += size;
    } else {
        at = get_scalar(reader, at, field);
        if (!at)
            return WEFT_EMALFORMED;
    }
    field->raw.size = (size_t)(at - field->raw.data);
    reader->at = at;

    field->descriptor = find_field(reader->type, field->number);
    return field->descriptor ? check_field(reader, field) : 1;
}

static int check(struct weft_view message, const ProtobufCMessageDescriptor *type,
                 struct weft_pb_budget *budget, int depth)
{
    struct weft_pb_reader reader = weft_pb_read(message, type, budget);
    struct weft_pb_field field;
    int err;
    if (depth > DEPTH_MAX)
        return malformed(&reader, "messages are nested too deep");
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (!field.descriptor || field.descriptor->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        const ProtobufCMessageDescriptor *inner =
            (const ProtobufCMessageDescriptor *)field.descriptor->descriptor;
        err = check(field.bytes, inner, budget, depth + 1);
        if (err < 0)
            return err;
    }
    return err;
}

int weft_pb_check(struct weft_view message, const ProtobufCMessageDescriptor *type,
                  struct weft_pb_budget *budget)
{
    return check(message, type, budget, 1);
}
