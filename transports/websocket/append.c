/* SPDX-License-Identifier: MIT */
#include "append.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int weft__ws_print(struct weft_chain *out, const char *format, ...)
{
    uint8_t *dst = weft_chain_reserve(out, WEFT__WS_TEXT_MAX);
    va_list args;

    if (!dst)
        return -ENOMEM;
    va_start(args, format);
    int n = vsnprintf((char *)dst, WEFT__WS_TEXT_MAX, format, args);
    va_end(args);
    assert(n >= 0 && n < WEFT__WS_TEXT_MAX);
    weft_chain_commit(out, (size_t)n);
    return 0;
}
