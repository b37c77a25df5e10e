/* SPDX-License-Identifier: MIT
 *
 * The contract for fields of each width the suite's limits fit in, in both byte orders, at the beginning,
 * in the middle and at the end of a header. Where strip leaves a part of the header in the message, what
 * encode takes is not what decode gives; test_length_field holds those. */
#include "codecs/codecs.h"
#include "suites/codec_suite.h"

/* Five bytes, of which strip takes eight: the end of the frame is known, and it has no message. */
static const struct weft_codec_suite_frame shorter_than_strip[] = {
    {"nothing behind the length", "\0\0\0\0\0", 5, WEFT_MESSAGE_MALFORMED},
    {"two bytes behind the length", "\0\0\0\0\2xy", 7, WEFT_MESSAGE_MALFORMED},
    {"an empty message", "ab\0\0\3xyz", 8, WEFT_MESSAGE_OK},
};

int main(void)
{
    static const char *const queries[] = {
        "",
        "width=3&endian=little",
        "width=8",
        "width=8&endian=little&offset=3&adjust=-11",
        "width=4&adjust=-4",
        "width=4&adjust=7&strip=11",
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        failed += weft_codec_suite_run(&(struct weft_codec_suite){
            .codec = &weft_codec_length_field,
            .query = queries[i],
        });
    return failed + weft_codec_suite_run(&(struct weft_codec_suite){
                        .codec = &weft_codec_length_field,
                        .query = "offset=2&width=3&strip=8",
                        .bad = shorter_than_strip,
                        .bad_count = sizeof shorter_than_strip / sizeof *shorter_than_strip,
                    });
}
