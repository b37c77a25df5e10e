/* SPDX-License-Identifier: MIT */
#include "json_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "services/payload/base64.h"

enum { MOST_DIGITS = 127 };

bool weft__rpc_json_fail(struct weft__rpc_json *self, const char *why)
{
    if (!self->why)
        self->why = why;
    return false;
}

void *weft__rpc_json_alloc(struct weft__rpc_json *self, size_t size)
{
    void *memory = weft_arena_alloc(self->arena, size);
    if (!memory) {
        self->no_memory = true;
        weft__rpc_json_fail(self, "The message takes more memory than a request may have");
    }
    return memory;
}

bool weft__rpc_json_string(struct weft__rpc_json *self, struct weft_view *text)
{
    const struct weft_view raw = self->json.text;
    uint8_t *copy = weft__rpc_json_alloc(self, raw.size + 1);
    if (!copy)
        return false;
    ssize_t size = weft_json_unescape(raw, copy);
    if (size < 0)
        return weft__rpc_json_fail(self, "A string has half of a surrogate pair");
    copy[size] = '\0';
    *text = weft_view(copy, (size_t)size);
    return true;
}

/* --- numbers ------------------------------------------------------------------------------------------ */

/* Sets digits to the text of a number, which may stand in quotation marks. */
static bool take_digits(struct weft__rpc_json *self, enum weft_json_token token,
                        char digits[MOST_DIGITS + 1])
{
    struct weft_view text = self->json.text;
    if (token != WEFT_JSON_INTEGER && token != WEFT_JSON_REAL && token != WEFT_JSON_STRING)
        return weft__rpc_json_fail(self, "A number is expected");
    if (text.size == 0 || text.size > MOST_DIGITS)
        return weft__rpc_json_fail(self, "A number has no or more than 127 characters");
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    /* strtod would take more than JSON has: spaces, signs, hexadecimal digits, names. */
    if (digits[strspn(digits, "0123456789+-.eE")] || strchr("+.eE", digits[0]))
        return weft__rpc_json_fail(self, "A number is expected");
    return true;
}

/* Reads a whole number from low to high, which may be written as 1e3 or 5.0. */
static bool take_integer(struct weft__rpc_json *self, enum weft_json_token token, int64_t low,
                         uint64_t high, uint64_t *value)
{
    char digits[MOST_DIGITS + 1], *end = NULL;
    if (!take_digits(self, token, digits))
        return false;
    const bool negative = digits[0] == '-';
    errno = 0;
    if (!digits[strspn(digits, "-0123456789")]) {
        *value = negative ? (uint64_t)strtoll(digits, &end, 10) : strtoull(digits, &end, 10);
    } else {
        const double number = strtod(digits, &end);
        /* Beyond this a double has no digits for whole numbers. */
        if (floor(number) != number || fabs(number) > 9007199254740992.0)
            return weft__rpc_json_fail(self, "A whole number is expected");
        *value = (uint64_t)(int64_t)number;
    }
    if (end == digits || *end)
        return weft__rpc_json_fail(self, "A whole number is expected");
    if (errno != 0 || (negative ? (int64_t)*value < low : *value > high))
        return weft__rpc_json_fail(self, "A number is out of the range of its type");
    return true;
}

static bool take_real(struct weft__rpc_json *self, enum weft_json_token token, double *number)
{
    static const struct {
        const char *name;
        double number;
    } names[] = {
        {"NaN", (double)NAN}, {"Infinity", (double)INFINITY}, {"-Infinity", -(double)INFINITY}};
    char digits[MOST_DIGITS + 1], *end = NULL;
    for (size_t i = 0; token == WEFT_JSON_STRING && i < sizeof names / sizeof *names; i++)
        if (weft_view_equal(self->json.text, weft_view_str(names[i].name))) {
            *number = names[i].number;
            return true;
        }
    if (!take_digits(self, token, digits))
        return false;
    *number = strtod(digits, &end);
    if (end == digits || *end)
        return weft__rpc_json_fail(self, "A number is expected");
    return isfinite(*number) ||
           weft__rpc_json_fail(self, "A number is out of the range of its type");
}

static bool take_float(struct weft__rpc_json *self, enum weft_json_token token, float *value)
{
    double number;
    if (!take_real(self, token, &number))
        return false;
    *value = (float)number;
    return !isfinite(number) || isfinite(*value) ||
           weft__rpc_json_fail(self, "A number is out of the range of its type");
}

static bool take_bool(struct weft__rpc_json *self, enum weft_json_token token, bool is_key,
                      protobuf_c_boolean *value)
{
    const struct weft_view text = self->json.text;
    if (is_key) {
        *value = weft_view_equal(text, weft_view("true", 4));
        return *value || weft_view_equal(text, weft_view("false", 5)) ||
               weft__rpc_json_fail(self, "true or false is expected");
    }
    *value = token == WEFT_JSON_TRUE;
    return *value || token == WEFT_JSON_FALSE ||
           weft__rpc_json_fail(self, "true or false is expected");
}

static bool take_enum(struct weft__rpc_json *self, const ProtobufCEnumDescriptor *type,
                      enum weft_json_token token, int *value)
{
    struct weft_view name;
    uint64_t number;
    if (token != WEFT_JSON_STRING) {
        if (!take_integer(self, token, INT32_MIN, INT32_MAX, &number))
            return false;
        *value = (int)(int64_t)number;
        return true;
    }
    if (!weft__rpc_json_string(self, &name))
        return false;
    const ProtobufCEnumValue *known =
        protobuf_c_enum_descriptor_get_value_by_name(type, (const char *)name.data);
    if (!known)
        return weft__rpc_json_fail(self, "An enum has no value of that name");
    *value = known->value;
    return true;
}

/* --- strings and bytes -------------------------------------------------------------------------------- */

static bool take_string(struct weft__rpc_json *self, enum weft_json_token token, char **value)
{
    struct weft_view text;
    if (token != WEFT_JSON_STRING)
        return weft__rpc_json_fail(self, "A string is expected");
    if (!weft__rpc_json_string(self, &text))
        return false;
    if (memchr(text.data, 0, text.size))
        return weft__rpc_json_fail(self, "A string has a NUL, which C cannot hold");
    if (!weft_utf8_valid(text))
        return weft__rpc_json_fail(self, "A string is not UTF-8");
    *value = (char *)(uintptr_t)text.data;
    return true;
}

/* Takes base64 of both alphabets (RFC 4648, 4 and 5), padded or not. */
static bool take_bytes(struct weft__rpc_json *self, enum weft_json_token token,
                       ProtobufCBinaryData *value)
{
    struct weft_view text;
    if (token != WEFT_JSON_STRING)
        return weft__rpc_json_fail(self, "Bytes are expected, as base64 in a string");
    if (!weft__rpc_json_string(self, &text))
        return false;
    const size_t room = (text.size + 3) / 4 * 4;
    uint8_t *padded = weft__rpc_json_alloc(self, room), *bytes = NULL;
    if (padded)
        bytes = weft__rpc_json_alloc(self, room / 4 * 3);
    if (!bytes)
        return false;
    for (size_t i = 0; i < room; i++) {
        const uint8_t c = i < text.size ? text.data[i] : '=';
        padded[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    const ssize_t size = weft_base64_read(weft_view(padded, room), bytes);
    if (size < 0)
        return weft__rpc_json_fail(self, "Bytes are not base64");
    *value = (ProtobufCBinaryData){.len = (size_t)size, .data = bytes};
    return true;
}

/* --- by type ------------------------------------------------------------------------------------------ */

static bool take_32(struct weft__rpc_json *self, enum weft_json_token token, int64_t low,
                    uint64_t high, void *member)
{
    uint64_t number;
    if (!take_integer(self, token, low, high, &number))
        return false;
    *(uint32_t *)member = (uint32_t)number;
    return true;
}

bool weft__rpc_json_scalar(struct weft__rpc_json *self, const ProtobufCFieldDescriptor *field,
                           enum weft_json_token token, bool is_key, void *member)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return take_32(self, token, INT32_MIN, INT32_MAX, member);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return take_32(self, token, 0, UINT32_MAX, member);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return take_integer(self, token, INT64_MIN, INT64_MAX, member);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return take_integer(self, token, 0, UINT64_MAX, member);
    case PROTOBUF_C_TYPE_FLOAT:
        return take_float(self, token, member);
    case PROTOBUF_C_TYPE_DOUBLE:
        return take_real(self, token, member);
    case PROTOBUF_C_TYPE_BOOL:
        return take_bool(self, token, is_key, member);
    case PROTOBUF_C_TYPE_ENUM:
        return take_enum(self, field->descriptor, token, member);
    case PROTOBUF_C_TYPE_STRING:
        return take_string(self, token, member);
    case PROTOBUF_C_TYPE_BYTES:
        return take_bytes(self, token, member);
    default:
        return weft__rpc_json_fail(self, "A message is expected");
    }
}
