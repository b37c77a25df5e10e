/* SPDX-License-Identifier: MIT */
#include "json_read.h"

#include <errno.h>

#include "services/kv/packed.h"
#include "services/payload/base64.h"
#include "services/payload/line/value.h"

static const char no_value[] =
    "an object is no value but {\"base64\": TEXT}, {\"integer\": TEXT} or {\"float\": TEXT}";

static int malformed(const char **why, const char *text)
{
    *why = text;
    return WEFT_EMALFORMED;
}

int kv_json_read_text(const struct weft_json *json, struct weft_arena *arena,
                      struct weft_view *text, const char **why)
{
    *text = json->text;
    if (!json->escaped)
        return 0;
    uint8_t *dst = weft_arena_alloc(arena, json->text.size);
    if (!dst)
        return -ENOMEM;
    ssize_t size = weft_json_unescape(json->text, dst);
    if (size < 0)
        return malformed(why, "half of a surrogate pair");
    *text = weft_view(dst, (size_t)size);
    return 0;
}

static int pack_text(struct weft_view text, enum kv_type type, struct weft_arena *arena,
                     struct weft_view *packed)
{
    uint8_t *dst = weft_arena_alloc(arena, KV_PACKED_HEAD_MAX + text.size);
    if (!dst)
        return -ENOMEM;
    size_t head = kv_pack_head(dst, type, text.size);
    if (text.size > 0)
        memcpy(dst + head, text.data, text.size);
    *packed = weft_view(dst, head + text.size);
    return 0;
}

/* Packs a number that is written as kvc writes it behind `prefix`. */
static int pack_number(const char *prefix, struct weft_view text, struct weft_arena *arena,
                       struct weft_view *packed, const char **why)
{
    struct weft_line_value value;
    if (weft_line_read_value(prefix, text, NULL, &value, why) < 0)
        return WEFT_EMALFORMED;
    uint8_t *dst = weft_arena_alloc(arena, KV_NUMBER_MAX);
    if (!dst)
        return -ENOMEM;
    size_t size = value.type == WEFT_LINE_INTEGER ? kv_pack_integer(dst, value.integer)
                                                  : kv_pack_real(dst, value.number);
    *packed = weft_view(dst, size);
    return 0;
}

static int pack_base64(struct weft_view text, struct weft_arena *arena, struct weft_view *packed,
                       const char **why)
{
    uint8_t *dst = weft_arena_alloc(arena, text.size + 1);
    if (!dst)
        return -ENOMEM;
    ssize_t size = weft_base64_read(text, dst);
    if (size < 0)
        return malformed(why, "not base64 (RFC 4648: A-Z a-z 0-9 + /, padded with =)");
    return pack_text(weft_view(dst, (size_t)size), KV_TYPE_BINARY, arena, packed);
}

/* {"base64": TEXT}, {"integer": TEXT}, {"float": TEXT}. */
static int read_tagged(struct weft_json *json, struct weft_arena *arena, struct weft_view *packed,
                       const char **why)
{
    struct weft_view tag, text;
    enum weft_json_token name = weft_json_next(json);
    tag = json->text;
    enum weft_json_token colon = weft_json_next(json), contents = weft_json_next(json);
    if (name != WEFT_JSON_STRING || colon != WEFT_JSON_COLON || contents != WEFT_JSON_STRING)
        return malformed(why, no_value);
    int err = kv_json_read_text(json, arena, &text, why);
    if (err < 0)
        return err;
    if (weft_json_next(json) != WEFT_JSON_OBJECT_END)
        return malformed(why, no_value);
    if (weft_view_equal(tag, weft_view_str("base64")))
        return pack_base64(text, arena, packed, why);
    if (weft_view_equal(tag, weft_view_str("integer")))
        return pack_number("int:", text, arena, packed, why);
    if (weft_view_equal(tag, weft_view_str("float")))
        return pack_number("float:", text, arena, packed, why);
    return malformed(why, no_value);
}

static int pack_bool(bool is_true, struct weft_arena *arena, struct weft_view *packed)
{
    uint8_t *dst = weft_arena_alloc(arena, KV_NUMBER_MAX);
    if (!dst)
        return -ENOMEM;
    *packed = weft_view(dst, kv_pack_bool(dst, is_true));
    return 0;
}

int kv_json_read_value(struct weft_json *json, enum weft_json_token token, struct weft_arena *arena,
                       struct weft_view *packed, const char **why)
{
    struct weft_view text;
    int err;
    switch (token) {
    case WEFT_JSON_STRING:
        err = kv_json_read_text(json, arena, &text, why);
        return err < 0 ? err : pack_text(text, KV_TYPE_STRING, arena, packed);
    case WEFT_JSON_INTEGER:
        return pack_number("int:", json->text, arena, packed, why);
    case WEFT_JSON_REAL:
        return pack_number("float:", json->text, arena, packed, why);
    case WEFT_JSON_TRUE:
    case WEFT_JSON_FALSE:
        return pack_bool(token == WEFT_JSON_TRUE, arena, packed);
    case WEFT_JSON_NULL:
        *packed = weft_view(NULL, 0);
        return 0;
    case WEFT_JSON_OBJECT:
        return read_tagged(json, arena, packed, why);
    case WEFT_JSON_BAD:
        return malformed(why, json->why);
    default:
        return malformed(why, token == WEFT_JSON_ARRAY ? "an array is no value" : "not JSON");
    }
}
