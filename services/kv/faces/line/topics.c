/* SPDX-License-Identifier: MIT */
#include "topics.h"

#include <inttypes.h>
#include <stdio.h>

#include "reply.h"
#include "services/payload/line/value.h"

enum { HEAD_TEXT = 64 }; /* bytes of a word and two numbers */

static uint8_t *after(uint8_t *dst, size_t size)
{
    return dst ? dst + size : NULL;
}

static size_t put_str(uint8_t *dst, const char *text)
{
    size_t size = strlen(text);
    if (dst)
        memcpy(dst, text, size);
    return size;
}

static size_t put_text(uint8_t *dst, struct weft_view text)
{
    return weft_line_put_text(dst, text, true);
}

/* dst NULL: only measures, as put_words. */
static size_t put_message(uint8_t *dst, struct weft_view topic, struct weft_view value)
{
    size_t size = put_str(dst, "message\t");
    size += put_text(after(dst, size), topic);
    size += put_str(after(dst, size), "\t");
    return size + kv_line_put_value(after(dst, size), value);
}

static struct weft_blob *make(const struct kv_feed_run *run)
{
    struct weft_view rest = run->values, value;
    uint8_t *dst;
    (void)kv_feed_next_value(&rest, &value);
    struct weft_blob *blob = weft_blob_new(put_message(NULL, run->topic, value), &dst);
    if (blob)
        (void)put_message(dst, run->topic, value);
    return blob;
}

static size_t put_words(uint8_t *dst, const struct kv_topic_words *words)
{
    char text[HEAD_TEXT];
    if (words->status == KV_OK) {
        (void)snprintf(text, sizeof text, "%d\t%" PRIu32, (int)KV_OK, words->id);
        return put_str(dst, text);
    }
    if (words->status == KV_GONE) {
        size_t size = put_str(dst, "lost\t");
        size += put_text(after(dst, size), words->topic);
        (void)snprintf(text, sizeof text, "\t%" PRIu64 "\t%" PRIu32, words->lost, words->id);
        return size + put_str(after(dst, size), text);
    }
    (void)snprintf(text, sizeof text, "end\t%" PRIu32 "\t%d\t", words->id, (int)words->status);
    size_t size = put_str(dst, text);
    return size + put_text(after(dst, size), weft_view_str(words->text));
}

const struct kv_topic_face kv_line_topic_face = {
    .format = {.slot = KV_FEED_LINE, .single = true, .make = make},
    .put_words = put_words,
};
