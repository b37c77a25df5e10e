/* SPDX-License-Identifier: MIT */
#include "origins.h"

bool kv_http_origins_are_good(const char *text)
{
    struct weft_view list = weft_view_str(text), origin;
    if (strcmp(text, "*") == 0)
        return true;
    while (weft_http_next_element(&list, &origin)) {
        if (!memmem(origin.data, origin.size, "://", 3) || origin.size >= KV_HTTP_ORIGIN_MAX ||
            memchr(origin.data, '*', origin.size))
            return false;
    }
    return true;
}

bool kv_http_origin_is_in(struct weft_view list, struct weft_view origin)
{
    struct weft_view element;
    while (weft_http_next_element(&list, &element))
        if (weft_view_equal(element, origin))
            return true;
    return false;
}
