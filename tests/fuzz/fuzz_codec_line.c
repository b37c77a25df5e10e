/* SPDX-License-Identifier: MIT */
#include "codecs/codecs.h"
#include "fuzz_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_codec(&weft_codec_line, "", data, size);
    return 0;
}
