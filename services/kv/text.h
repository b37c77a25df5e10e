/* SPDX-License-Identifier: MIT
 *
 * A line of text as a list of parts, so that names from a request can be part of it without being copied. Any
 * thread may call these functions; they allocate nothing. */
#ifndef KV_TEXT_H
#define KV_TEXT_H

#include "core/base/bytes.h"

enum { KV_TEXT_PARTS = 5 };

/* Writes a view to dst in another form, for instance quoted, and returns the number of bytes. If dst is NULL it
 * only counts them. */
typedef size_t kv_text_form(struct weft_view view, uint8_t *dst);

/* A text whose count is 0 is empty. The views are borrowed as long as the text is used. */
struct kv_text {
    struct kv_text_part {
        struct weft_view view;
        kv_text_form *form; /* NULL: the view is written unchanged */
    } parts[KV_TEXT_PARTS];
    size_t count;
};

/* Each adds one part. A text has at most KV_TEXT_PARTS parts, which the caller must not exceed. */
void kv_text_add(struct kv_text *text, struct weft_view view);
void kv_text_add_str(struct kv_text *text, const char *str);
void kv_text_add_formed(struct kv_text *text, struct weft_view view, kv_text_form *form);

/* Returns the size of the whole text in bytes. */
size_t kv_text_size(const struct kv_text *text);
/* Writes kv_text_size bytes to dst, without a NUL. Returns the position behind them. */
uint8_t *kv_text_write(const struct kv_text *text, uint8_t *dst);

#endif
