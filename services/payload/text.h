/* SPDX-License-Identifier: MIT
 *
 * A text that grows, for replies whose size nobody knows beforehand. Without memory it fails for good: further
 * additions do nothing, and whoever wants the text looks at `failed` once at the end. One thread at a time. */
#ifndef WEFT_TEXT_H
#define WEFT_TEXT_H

#include "core/base/buf.h"
#include "core/base/compiler.h"

/* Zeroed, it is empty. */
struct weft_text {
    struct weft_buf buf;
    bool failed;
};

static inline struct weft_view weft_text_view(const struct weft_text *text)
{
    return weft_buf_view(&text->buf);
}

void weft_text_add(struct weft_text *text, struct weft_view bytes);
void weft_text_puts(struct weft_text *text, const char *string);
/* Adds at most 1023 bytes that fmt makes. */
void weft_text_printf(struct weft_text *text, const char *fmt, ...) WEFT_PRINTF(2, 3);
void weft_text_fini(struct weft_text *text);

#endif
