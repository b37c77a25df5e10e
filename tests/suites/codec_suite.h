/* SPDX-License-Identifier: MIT
 *
 * The contract of core/codec.h as tests that every codec joins with one line:
 *
 *     int main(void)
 *     {
 *         return codec_suite_run(&(struct codec_suite){.codec = &weft_codec_raw});
 *     }
 */
#ifndef TEST_CODEC_SUITE_H
#define TEST_CODEC_SUITE_H

#include "core/codec.h"

/* A frame that is bad by itself: what comes after it must come out unharmed. */
struct codec_suite_frame {
    const char *name;
    const void *data;
    size_t size;
    enum weft_message_status status;
};

struct codec_suite {
    const struct weft_codec *codec;
    const char *query; /* options as in a URL ("threshold=0&level=9"); NULL: none */
    const struct codec_suite_frame *bad; /* for max_frame = 8 KiB; NULL: none */
    size_t bad_count;
};

/* Runs all of them, a cmocka group a topic, on the main thread; returns how many failed. */
int codec_suite_run(const struct codec_suite *suite);

#endif
