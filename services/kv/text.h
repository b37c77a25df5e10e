/* SPDX-License-Identifier: MIT
 *
 * A line of text in parts, so that names from a request can stand in it without being copied. Any
 * thread; allocates nothing. */
#ifndef KV_TEXT_H
#define KV_TEXT_H

#include "core/base/bytes.h"

enum { KV_TEXT_PARTS = 5 };

/* A zeroed text is empty. The views live as long as the text is used. */
struct kv_text {
    struct kv_text_part {
        struct weft_view view;
        bool quoted; /* as a string in Rust's Debug form, with its quotation marks */
    } parts[KV_TEXT_PARTS];
    size_t count;
};

/* At most KV_TEXT_PARTS in all. */
void kv_text_add(struct kv_text *text, struct weft_view view);
void kv_text_add_str(struct kv_text *text, const char *view);

/* view is UTF-8. `\" \\ \n \r \t \0` are escaped so, other control characters as `\u{7f}`. */
void kv_text_add_quoted(struct kv_text *text, struct weft_view view);

size_t kv_text_size(const struct kv_text *text);
/* Writes kv_text_size bytes; returns the byte after them. */
uint8_t *kv_text_write(const struct kv_text *text, uint8_t *dst);

#endif
