/* SPDX-License-Identifier: MIT
 *
 * http against the contract of all codecs. Requests are POSTs whose body is the message. */
#include <stdio.h>

#include "codecs/codecs.h"
#include "suites/codec_suite.h"

static size_t wrap(struct weft_view message, uint8_t *dst)
{
    char head[128];
    int size =
        snprintf(head, sizeof head,
                 "POST /v1 HTTP/1.1\r\nHost: weft\r\nContent-Length: %zu\r\n\r\n", message.size);
    if (dst) {
        memcpy(dst, head, (size_t)size);
        memcpy(dst + size, message.data, message.size);
    }
    return (size_t)size + message.size;
}

static struct weft_view unwrap(struct weft_view payload)
{
    const uint8_t *end = memmem(payload.data, payload.size, "\r\n\r\n", 4);
    return weft_view_skip(payload, (size_t)(end - payload.data) + 4);
}

int main(void)
{
    return weft_codec_suite_run(&(struct weft_codec_suite){
        .codec = &weft_codec_http,
        .wrap = wrap,
        .unwrap = unwrap,
        .header = 64,
    });
}
