/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "services/kv/packed.h"
#include "services/payload/json/writer.h"

enum { NUMBER_TEXT = 64 };

/* RFC 7493, section 2.2: what a double holds exactly. */
static const int64_t exact_max = ((int64_t)1 << 53) - 1;

/* The two NaNs that are written without their bits. */
static const uint64_t sign = (uint64_t)1 << 63, quiet_nan = 0x7ff8000000000000;

static size_t copy(uint8_t *dst, const char *text, size_t size)
{
    if (dst)
        memcpy(dst, text, size);
    return size;
}

static size_t write_integer(int64_t integer, char *text)
{
    bool exact = integer >= -exact_max && integer <= exact_max;
    return (size_t)snprintf(text, NUMBER_TEXT, exact ? "%" PRId64 : "{\"integer\":\"%" PRId64 "\"}",
                            integer);
}

static size_t write_float(const struct kv_unpacked *value, char *text)
{
    char number[KV_NUMBER_TEXT];
    double real = kv_real_of(value);
    if (isnan(real) && (value->number & ~sign) != quiet_nan)
        return (size_t)snprintf(text, NUMBER_TEXT, "{\"float\":\"nan(0x%016" PRIx64 ")\"}",
                                value->number);
    if (!isfinite(real))
        return (size_t)snprintf(text, NUMBER_TEXT, "{\"float\":\"%s%s\"}",
                                value->number & sign ? "-" : "", isnan(real) ? "nan" : "inf");
    (void)kv_write_real(number, real);
    return (size_t)snprintf(text, NUMBER_TEXT, "%s%s", number,
                            number[strcspn(number, ".e")] ? "" : ".0");
}

static size_t write_base64(struct weft_view bytes, uint8_t *dst)
{
    static const char open[] = "{\"base64\":";
    if (dst) {
        memcpy(dst, open, sizeof open - 1);
        *weft_json_put_base64(dst + sizeof open - 1, bytes) = '}';
    }
    return sizeof open - 1 + weft_json_base64_size(bytes.size) + 1;
}

static size_t write_string(struct weft_view text, uint8_t *dst)
{
    return dst ? (size_t)(weft_json_put_string(dst, text) - dst) : weft_json_string_size(text);
}

/* dst NULL: only measures. */
static size_t write_value(struct weft_view packed, uint8_t *dst)
{
    struct kv_unpacked value;
    char text[NUMBER_TEXT];
    if (!kv_unpack(packed, &value) || value.is_empty)
        return copy(dst, "null", 4);
    switch (value.type) {
    case KV_TYPE_STRING:
        return write_string(value.text, dst);
    case KV_TYPE_BINARY:
        return write_base64(value.text, dst);
    case KV_TYPE_INTEGER:
        return copy(dst, text, write_integer((int64_t)value.number, text));
    case KV_TYPE_FLOAT:
        return copy(dst, text, write_float(&value, text));
    case KV_TYPE_BOOL:
        break;
    }
    return value.number ? copy(dst, "true", 4) : copy(dst, "false", 5);
}

size_t kv_json_value_size(struct weft_view packed)
{
    return write_value(packed, NULL);
}

uint8_t *kv_json_put_value(uint8_t *dst, struct weft_view packed)
{
    return dst + write_value(packed, dst);
}

size_t kv_json_name_size(struct weft_view name)
{
    return weft_utf8_valid(name) ? write_string(name, NULL) : write_base64(name, NULL);
}

uint8_t *kv_json_put_name(uint8_t *dst, struct weft_view name)
{
    return dst + (weft_utf8_valid(name) ? write_string(name, dst) : write_base64(name, dst));
}

/* Writes what stands in a string for text, whatever bytes it has. */
static size_t write_any(struct weft_view text, uint8_t *dst)
{
    size_t size = 0;
    while (text.size > 0) {
        uint8_t escape[WEFT_JSON_ESCAPE_MAX];
        size_t taken = weft_utf8_length(text);
        if (taken == 0) {
            size += copy(dst ? dst + size : NULL, "\\ufffd", 6);
            taken = 1;
        } else if (weft_json_plain(weft_view(text.data, taken)) == taken) {
            size += copy(dst ? dst + size : NULL, (const char *)text.data, taken);
        } else {
            size_t n = weft_json_escape(text, escape, &taken);
            size += copy(dst ? dst + size : NULL, (const char *)escape, n);
        }
        text = weft_view_skip(text, taken);
    }
    return size;
}

static size_t write_text(const struct kv_text *text, uint8_t *dst)
{
    size_t size = copy(dst, "\"", 1);
    for (size_t i = 0; i < text->count; i++)
        size += write_any(text->parts[i].view, dst ? dst + size : NULL);
    return size + copy(dst ? dst + size : NULL, "\"", 1);
}

size_t kv_json_text_size(const struct kv_text *text)
{
    return write_text(text, NULL);
}

uint8_t *kv_json_put_text(uint8_t *dst, const struct kv_text *text)
{
    return dst + write_text(text, dst);
}
