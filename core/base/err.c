/* SPDX-License-Identifier: MIT */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Linux keeps errno values below this, so that system calls can return them negated. */
enum { ERRNO_MAX = 4095 };

const char *weft_strerror(int err)
{
    switch (err) {
#define X(name, value, text)                                                                       \
    case name:                                                                                     \
        return text;
        WEFT_ERROR_MAP(X)
#undef X
    default:
        break;
    }

    const char *text = err <= 0 && err >= -ERRNO_MAX ? strerrordesc_np(-err) : NULL;
    return text ? text : "unknown error";
}

const char *weft_errname(int err)
{
    switch (err) {
#define X(name, value, text)                                                                       \
    case name:                                                                                     \
        return #name;
        WEFT_ERROR_MAP(X)
#undef X
    default:
        break;
    }

    const char *name = err < 0 && err >= -ERRNO_MAX ? strerrorname_np(-err) : NULL;
    return name ? name : "unknown";
}

int weft_error_set(struct weft_error *error, int code, const char *fmt, ...)
{
    if (!error)
        return code;

    error->code = code;
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(error->text, sizeof error->text, fmt, args) < 0)
        error->text[0] = '\0';
    va_end(args);

    /* Texts quote what a user wrote; whatever that is, it stays one line. */
    for (char *p = error->text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = '?';
    }
    return code;
}
