/* SPDX-License-Identifier: MIT */
#include "base64.h"

#include <errno.h>

#include "core/base/mem.h"
#include "services/payload/base64.h"

void cli_base64_print(FILE *out, struct weft_view bytes)
{
    enum { STEP = 768 };
    uint8_t text[STEP / 3 * 4];
    while (bytes.size > 0) {
        size_t step = bytes.size < STEP ? bytes.size : STEP;
        (void)weft_base64_put(text, weft_view(bytes.data, step));
        fwrite(text, 1, weft_base64_size(step), out);
        bytes = weft_view_skip(bytes, step);
    }
}

int cli_base64_read(struct weft_view text, struct weft_bytes *bytes)
{
    uint8_t *data = weft_malloc(text.size >= 4 ? text.size / 4 * 3 : 1);
    if (!data)
        return -ENOMEM;
    ssize_t size = weft_base64_read(text, data);
    if (size < 0) {
        weft_free(data);
        return (int)size;
    }
    *bytes = (struct weft_bytes){data, (size_t)size};
    return 0;
}
