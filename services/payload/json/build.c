/* SPDX-License-Identifier: MIT */
#include "build.h"

#include <inttypes.h>
#include <math.h>

#include "writer.h"

static void put_string(struct weft_text *text, struct weft_view string)
{
    weft_text_puts(text, "\"");
    while (string.size > 0) {
        uint8_t escape[WEFT_JSON_ESCAPE_MAX];
        size_t plain = weft_json_plain(string), taken = 0;
        weft_text_add(text, weft_view(string.data, plain));
        string = weft_view_skip(string, plain);
        if (string.size == 0)
            break;
        size_t n = weft_json_escape(string, escape, &taken);
        weft_text_add(text, weft_view(escape, n));
        string = weft_view_skip(string, taken);
    }
    weft_text_puts(text, "\"");
}

/* Begins a value: writes the comma before it, and its key. */
static void begin(struct weft_json_build *json, const char *key)
{
    if (json->behind)
        weft_text_puts(json->text, ",");
    json->behind = true;
    if (!key)
        return;
    put_string(json->text, weft_view_str(key));
    weft_text_puts(json->text, ":");
}

void weft_json_open(struct weft_json_build *json, const char *key, char bracket)
{
    begin(json, key);
    weft_text_add(json->text, weft_view(&bracket, 1));
    json->behind = false;
}

void weft_json_close(struct weft_json_build *json, char bracket)
{
    weft_text_add(json->text, weft_view(&bracket, 1));
    json->behind = true;
}

/* Writes a question mark for each byte that does not belong to a character. */
static void put_replaced(struct weft_text *text, struct weft_view bytes)
{
    weft_text_puts(text, "\"");
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = bytes.data[i];
        bool plain = byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
        weft_text_add(text, plain ? weft_view(&byte, 1) : weft_view("?", 1));
    }
    weft_text_puts(text, "\"");
}

void weft_json_view(struct weft_json_build *json, const char *key, struct weft_view text)
{
    begin(json, key);
    if (weft_utf8_valid(text))
        put_string(json->text, text);
    else
        put_replaced(json->text, text);
}

void weft_json_string(struct weft_json_build *json, const char *key, const char *text)
{
    if (text) {
        weft_json_view(json, key, weft_view_str(text));
        return;
    }
    begin(json, key);
    weft_text_puts(json->text, "null");
}

void weft_json_bool(struct weft_json_build *json, const char *key, bool value)
{
    begin(json, key);
    weft_text_puts(json->text, value ? "true" : "false");
}

void weft_json_number(struct weft_json_build *json, const char *key, double value)
{
    begin(json, key);
    if (!isfinite(value))
        weft_text_puts(json->text, "null");
    else if (fabs(value) < 9007199254740992.0 && floor(value) == value)
        weft_text_printf(json->text, "%" PRId64, (int64_t)value);
    else
        weft_text_printf(json->text, "%.15g", value);
}

void weft_json_integer(struct weft_json_build *json, const char *key, uint64_t value)
{
    begin(json, key);
    weft_text_printf(json->text, "%" PRIu64, value);
}
