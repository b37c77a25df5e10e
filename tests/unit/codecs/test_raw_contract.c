/* SPDX-License-Identifier: MIT */
#include "codecs/codecs.h"
#include "suites/codec_suite.h"

int main(void)
{
    return weft_codec_suite_run(&(struct weft_codec_suite){.codec = &weft_codec_raw});
}
