/* SPDX-License-Identifier: MIT */
#include "metadata.h"

#include <string.h>

bool weft_metadata_next(struct weft_view *rest, struct weft_view *name, struct weft_view *value)
{
    const uint8_t *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
    if (!end)
        return false;
    size_t line = (size_t)(end - rest->data);
    const uint8_t *colon = memchr(rest->data, ':', line);
    size_t before = colon ? (size_t)(colon - rest->data) : 0;
    if (before == 0 || before + 2 > line || colon[1] != ' ')
        return false;
    *name = weft_view(rest->data, before);
    *value = weft_view(colon + 2, line - before - 2);
    *rest = weft_view_skip(*rest, line + 1);
    return true;
}

struct weft_view weft_metadata_get(struct weft_view metadata, const char *name)
{
    struct weft_view found, value, wanted = weft_view_str(name);
    while (weft_metadata_next(&metadata, &found, &value))
        if (weft_view_equal(found, wanted))
            return value;
    return weft_view(NULL, 0);
}
