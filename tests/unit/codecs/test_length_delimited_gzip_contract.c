/* SPDX-License-Identifier: MIT */
#include "codecs/codecs.h"
#include "suites/codec_suite.h"

#define FRAME(name, status, text)                                                                  \
    {                                                                                              \
        name, text, sizeof(text) - 1, status                                                       \
    }

static const struct weft_codec_suite_frame bad[] = {
    FRAME("gzip bit without payload", WEFT_MESSAGE_MALFORMED, "\x80\0\0\0"),
    FRAME("too short for a member", WEFT_MESSAGE_MALFORMED,
          "\x80\0\0\x0a\x1f\x8b\x08\0\0\0\0\0\0\xff"),
    FRAME("not gzip", WEFT_MESSAGE_MALFORMED, "\x80\0\0\x14not gzip at all!\1\0\0\0"),
    FRAME("ISIZE over max-message", WEFT_MESSAGE_TOO_BIG, "\x80\0\0\x14not gzip at all!\0\0\1\0"),
    FRAME("nothing deflated", WEFT_MESSAGE_MALFORMED,
          "\x80\0\0\x12\x1f\x8b\x08\0\0\0\0\0\0\xff\0\0\0\0\x01\0\0\0"),
};

int main(void)
{
    static const char *const queries[] = {"", "threshold=0&level=9", "threshold=100&level=1",
                                          "threshold=off"};
    int failed = 0;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        failed += weft_codec_suite_run(&(struct weft_codec_suite){
            .codec = &weft_codec_length_delimited_gzip,
            .query = queries[i],
            .bad = bad,
            .bad_count = sizeof bad / sizeof *bad,
        });
    return failed;
}
