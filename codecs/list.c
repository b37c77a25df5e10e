/* SPDX-License-Identifier: MIT */
#include "codecs.h"

const struct weft_codec *const *weft_codecs_all(void)
{
    static const struct weft_codec *const codecs[] = {
        &weft_codec_length_delimited_gzip,
        &weft_codec_raw,
        &weft_codec_varint,
        &weft_codec_length_field,
        &weft_codec_line,
        &weft_codec_resp,
#ifdef WEFT_HAS_HTTP
        &weft_codec_http,
#endif
#ifdef WEFT_HAS_GRPC
        &weft_codec_grpc,
#endif
        NULL,
    };
    return codecs;
}
