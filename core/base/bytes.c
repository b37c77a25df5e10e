/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <errno.h>

#include "mem.h"

int weft_bytes_copy(struct weft_bytes *bytes, struct weft_view view)
{
    *bytes = (struct weft_bytes){0};
    if (view.size == 0)
        return 0;

    bytes->data = weft_malloc(view.size);
    if (!bytes->data)
        return -ENOMEM;
    memcpy(bytes->data, view.data, view.size);
    bytes->size = view.size;
    return 0;
}

void weft_bytes_fini(struct weft_bytes *bytes)
{
    weft_free(bytes->data);
    *bytes = (struct weft_bytes){0};
}
