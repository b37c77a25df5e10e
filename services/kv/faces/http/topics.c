/* SPDX-License-Identifier: MIT */
#include "topics.h"

#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "services/payload/http/event.h"

static size_t copy(uint8_t *dst, const char *text, size_t size)
{
    if (dst)
        memcpy(dst, text, size);
    return size;
}

/* The position behind what was written so far, or NULL if it is only measured. */
#define AT                 (dst ? dst + size : NULL)
#define COPY(dst, literal) copy((dst), (literal), sizeof(literal) - 1)

static size_t write_head(uint8_t *dst, const char *name)
{
    if (dst)
        (void)weft_event_put_head(dst, 0, name);
    return weft_event_head_size(0, name);
}

static size_t write_name(uint8_t *dst, struct weft_view name)
{
    return dst ? (size_t)(kv_json_put_name(dst, name) - dst) : kv_json_name_size(name);
}

/* dst NULL: only measures, as the functions below. */
static size_t write_message(uint8_t *dst, struct weft_view topic, struct weft_view value)
{
    size_t size = write_head(dst, NULL);
    size += COPY(AT, "{\"topic\":");
    size += write_name(AT, topic);
    size += COPY(AT, ",\"value\":");
    size += dst ? (size_t)(kv_json_put_value(AT, value) - AT) : kv_json_value_size(value);
    return size + COPY(AT, "}" WEFT_EVENT_END);
}

static size_t write_run(uint8_t *dst, const struct kv_feed_run *run)
{
    struct weft_view rest = run->values, value;
    size_t size = 0;
    while (kv_feed_next_value(&rest, &value))
        size += write_message(AT, run->topic, value);
    return size;
}

struct weft_blob *kv_http_make_events(const struct kv_feed_run *run)
{
    uint8_t *dst;
    struct weft_blob *blob = weft_blob_new(write_run(NULL, run), &dst);
    if (blob)
        (void)write_run(dst, run);
    return blob;
}

size_t kv_http_put_topic_words(uint8_t *dst, const struct kv_topic_words *words)
{
    char number[24];
    struct kv_text text = {0};
    bool goes_on = words->status == KV_GONE;
    size_t size = write_head(dst, goes_on ? "lost" : "end");
    kv_text_add(&text, weft_view_str(words->text));
    size += COPY(AT, "{");
    if (!goes_on)
        size += copy(AT, number,
                     (size_t)snprintf(number, sizeof number, "\"status\":%d,", (int)words->status));
    size += COPY(AT, "\"topic\":");
    size += write_name(AT, words->topic);
    size += COPY(AT, ",\"lost\":");
    size += copy(AT, number, (size_t)snprintf(number, sizeof number, "%" PRIu64, words->lost));
    size += COPY(AT, ",\"message\":");
    size += dst ? (size_t)(kv_json_put_text(AT, &text) - AT) : kv_json_text_size(&text);
    return size + COPY(AT, "}" WEFT_EVENT_END);
}
