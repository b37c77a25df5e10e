/* SPDX-License-Identifier: MIT */
#include "changes.h"

#include <inttypes.h>
#include <stdio.h>

#include "head.h"
#include "json.h"
#include "services/payload/http/event.h"

enum { NUMBER_TEXT = 21, VERSION_TEXT = 2 * KV_VERSION_SIZE };

size_t kv_http_put_stream_head(uint8_t *dst, const struct kv_http_about *about)
{
    struct kv_http_body self = {.content = KV_HTTP_NO_BODY};
    kv__http_begin(&self, 200, about);
    /* The last field is for nginx and the like, which would hold the events back. */
    KV__HTTP_PUT(&self, "Content-Type: " WEFT_EVENT_TYPE
                        "\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n\r\n");
    memcpy(dst, self.head, self.head_size);
    return self.head_size;
}

size_t kv_http_put_number(uint8_t *dst, uint64_t number, bool has_changes)
{
    /* The id of the last change may be higher, and must not go back. */
    if (has_changes)
        return 0;
    size_t size = weft_event_put_id(dst, number);
    memcpy(dst + size, WEFT_EVENT_END, 2);
    return size + 2;
}

static const char *name_of(enum kv_change_kind kind)
{
    switch (kind) {
    case KV_CHANGE_SET:
        break;
    case KV_CHANGE_REMOVED:
        return "remove";
    case KV_CHANGE_EXPIRED:
        return "expire";
    case KV_CHANGE_DROPPED:
        return "drop";
    }
    return "set";
}

static size_t copy(uint8_t *dst, const char *text, size_t size)
{
    if (dst)
        memcpy(dst, text, size);
    return size;
}

#define COPY(dst, literal) copy((dst), (literal), sizeof(literal) - 1)

static size_t write_number(uint8_t *dst, uint64_t number)
{
    char text[NUMBER_TEXT];
    int size = snprintf(text, sizeof text, "%" PRIu64, number);
    return copy(dst, text, (size_t)size);
}

static size_t write_version(uint8_t *dst, const uint8_t version[KV_VERSION_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; dst && i < KV_VERSION_SIZE; i++) {
        *dst++ = (uint8_t)digits[version[i] >> 4];
        *dst++ = (uint8_t)digits[version[i] & 15];
    }
    return VERSION_TEXT;
}

static size_t write_name(uint8_t *dst, struct weft_view name)
{
    return dst ? (size_t)(kv_json_put_name(dst, name) - dst) : kv_json_name_size(name);
}

static size_t write_value(uint8_t *dst, struct weft_view packed)
{
    return dst ? (size_t)(kv_json_put_value(dst, packed) - dst) : kv_json_value_size(packed);
}

/* The position behind what was written so far, or NULL if it is only measured. */
#define AT (dst ? dst + size : NULL)

/* The members that a change has besides its number, kind and table. */
static size_t write_state(uint8_t *dst, const struct kv_change *change, const uint8_t *version)
{
    size_t size = 0;
    if (change->kind != KV_CHANGE_DROPPED) {
        size += COPY(AT, ",\"key\":");
        size += write_name(AT, change->key);
    }
    if (change->kind != KV_CHANGE_SET)
        return size;
    size += COPY(AT, ",\"value\":");
    size += write_value(AT, change->value);
    if (version) {
        size += COPY(AT, ",\"version\":\"");
        size += write_version(AT, version);
        size += COPY(AT, "\"");
    }
    if (change->expires != KV_NEVER) {
        size += COPY(AT, ",\"expires\":");
        size += write_number(AT, (uint64_t)change->expires);
    }
    return size;
}

/* dst NULL: only measures. */
static size_t write_change(uint8_t *dst, const struct kv_change *change, const uint8_t *version)
{
    const char *name = name_of(change->kind);
    size_t size = weft_event_head_size(change->number, NULL);
    if (dst)
        (void)weft_event_put_head(dst, change->number, NULL);
    size += COPY(AT, "{\"number\":");
    size += write_number(AT, change->number);
    size += COPY(AT, ",\"change\":\"");
    size += copy(AT, name, strlen(name));
    size += COPY(AT, "\",\"table\":");
    size += write_name(AT, change->table);
    size += write_state(AT, change, version);
    return size + COPY(AT, "}" WEFT_EVENT_END);
}

size_t kv_http_change_size(const struct kv_change *change, const uint8_t *version)
{
    return write_change(NULL, change, version);
}

void kv_http_put_change(uint8_t *dst, const struct kv_change *change, const uint8_t *version)
{
    (void)write_change(dst, change, version);
}

size_t kv_http_put_stream_end(uint8_t *dst, enum kv_status status, const char *text)
{
    static const char name[] = "end";
    struct kv_text shown = {0};
    size_t size = weft_event_head_size(0, name);
    (void)weft_event_put_head(dst, 0, name);
    kv_text_add(&shown, weft_view_str(text));
    size += COPY(AT, "{\"status\":");
    size += write_number(AT, (uint64_t)status);
    size += COPY(AT, ",\"message\":");
    size += (size_t)(kv_json_put_text(AT, &shown) - AT);
    return size + COPY(AT, "}" WEFT_EVENT_END);
}
