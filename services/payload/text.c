/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

void weft_text_add(struct weft_text *text, struct weft_view bytes)
{
    if (!text->failed && bytes.size > 0)
        text->failed = weft_buf_append(&text->buf, bytes) < 0;
}

void weft_text_puts(struct weft_text *text, const char *string)
{
    weft_text_add(text, weft_view_str(string));
}

void weft_text_printf(struct weft_text *text, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (n > 0)
        weft_text_add(text, weft_view(line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1));
}

void weft_text_fini(struct weft_text *text)
{
    weft_buf_fini(&text->buf);
}
