/* SPDX-License-Identifier: MIT
 *
 * The first byte chooses the form of the header. In all of them strip takes the whole header, so that what
 * is sent is what is read back; a frame over the largest length is not among what max-frame allows. */
#include "codecs/codecs.h"
#include "fuzz_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const queries[] = {
        "width=2",
        "width=2&endian=little&offset=1&adjust=-3",
        "width=3&offset=2&strip=8",
        "width=4&adjust=5&strip=9",
        "width=8&endian=little&strip=12&adjust=-12",
        "width=4",
    };
    if (size > 0)
        fuzz_codec(&weft_codec_length_field, queries[data[0] % (sizeof queries / sizeof *queries)],
                   data + 1, size - 1);
    return 0;
}
