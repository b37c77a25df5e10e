/* SPDX-License-Identifier: MIT
 *
 * The contract of core/codec.h as tests that every codec joins with one line:
 *
 *     int main(void)
 *     {
 *         return weft_codec_suite_run(&(struct weft_codec_suite){.codec = &weft_codec_raw});
 *     }
 */
#ifndef WEFT_CODEC_SUITE_H
#define WEFT_CODEC_SUITE_H

#include <stdbool.h>

#include "core/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A frame that is bad by itself: what comes after it must come out unharmed. */
struct weft_codec_suite_frame {
    const char *name;
    const void *data;
    size_t size;
    enum weft_message_status status;
};

struct weft_codec_suite {
    const struct weft_codec *codec;
    const char *query; /* options as in a URL ("threshold=0&level=9"); NULL: none */
    const struct weft_codec_suite_frame *bad; /* for max_frame = 8 KiB; NULL: none */
    size_t bad_count;
    bool text;        /* it carries printable text alone: nothing else is tried */
    bool delimited;   /* a frame ends at a mark, and no header announces its length */
    bool ends_at_eof; /* the end of the stream ends a frame as well as its mark does */
    /* NULL: any bytes are a message. Otherwise makes one that the codec carries, out of `size` bytes of
     * content. It has exactly `size` bytes too, or as many as the shortest one has, if that is more. Writes it
     * to dst, unless that is NULL, and returns its size. */
    size_t (*message)(const uint8_t *content, size_t size, uint8_t *dst);

    /* For a codec whose requests look different from its replies. wrap writes the request that brings
     * `message` and returns its size; dst NULL: it measures. unwrap returns the part of a payload that is the
     * message. encode must then leave a message as it is. NULL: encode makes requests too, and the payload is
     * the message. */
    size_t (*wrap)(struct weft_view message, uint8_t *dst);
    struct weft_view (*unwrap)(struct weft_view payload);
    size_t header; /* the most bytes before the message in a request; 0: 16 */
};

/* Runs all of them, a cmocka group a topic, on the main thread; returns how many failed. */
int weft_codec_suite_run(const struct weft_codec_suite *suite);

#ifdef __cplusplus
}
#endif

#endif
