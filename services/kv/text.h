/* SPDX-License-Identifier: MIT
 *
 * A line of text in parts, so that names from a request can stand in it without being copied. Any
 * thread; allocates nothing. */
#ifndef KV_TEXT_H
#define KV_TEXT_H

#include "core/base/bytes.h"

enum { KV_TEXT_PARTS = 5 };

/* Writes a view in another form, for instance quoted, and returns how many bytes that has. dst NULL:
 * only counts them. */
typedef size_t kv_text_form(struct weft_view view, uint8_t *dst);

/* A text whose count is 0 is empty. The views live as long as the text is used. */
struct kv_text {
    struct kv_text_part {
        struct weft_view view;
        kv_text_form *form; /* NULL: as it is */
    } parts[KV_TEXT_PARTS];
    size_t count;
};

/* Each adds one part, of KV_TEXT_PARTS in all. */
void kv_text_add(struct kv_text *text, struct weft_view view);
void kv_text_add_str(struct kv_text *text, const char *str);
void kv_text_add_formed(struct kv_text *text, struct weft_view view, kv_text_form *form);

size_t kv_text_size(const struct kv_text *text);
/* Writes kv_text_size bytes; returns the byte after them. */
uint8_t *kv_text_write(const struct kv_text *text, uint8_t *dst);

#endif
