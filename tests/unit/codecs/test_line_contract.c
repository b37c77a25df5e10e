/* SPDX-License-Identifier: MIT */
#include "codecs/codecs.h"
#include "suites/codec_suite.h"

static const struct weft_codec_suite_frame odd[] = {
    {"an end of two bytes", "text\r\n", 6, WEFT_MESSAGE_OK},
    {"a CR alone", "te\rxt\n", 6, WEFT_MESSAGE_OK},
    {"any bytes", "\0\xff\x80\n", 4, WEFT_MESSAGE_OK},
};

int main(void)
{
    return weft_codec_suite_run(&(struct weft_codec_suite){
        .codec = &weft_codec_line,
        .text = true,
        .delimited = true,
        .ends_at_eof = true,
        .bad = odd,
        .bad_count = sizeof odd / sizeof *odd,
    });
}
