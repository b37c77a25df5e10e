/* SPDX-License-Identifier: MIT */
#include "codecs/codecs.h"
#include "suites/codec_suite.h"

/* A length in more bytes than it needs is a length all the same. */
static const struct weft_codec_suite_frame odd[] = {
    {"one in two bytes", "\x81\0x", 3, WEFT_MESSAGE_OK},
    {"one in ten bytes", "\x81\x80\x80\x80\x80\x80\x80\x80\x80\0x", 11, WEFT_MESSAGE_OK},
    {"nothing in five bytes", "\x80\x80\x80\x80\0", 5, WEFT_MESSAGE_OK},
};

int main(void)
{
    return weft_codec_suite_run(&(struct weft_codec_suite){
        .codec = &weft_codec_varint,
        .bad = odd,
        .bad_count = sizeof odd / sizeof *odd,
    });
}
