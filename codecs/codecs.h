/* SPDX-License-Identifier: MIT
 *
 * The codecs that come with the library. Hand them to weft_registry_add_codec. docs/wire.md describes
 * their frames. */
#ifndef WEFT_CODECS_H
#define WEFT_CODECS_H

#include "core/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Frames are four bytes of length, then the message. It has no options. */
extern const struct weft_codec weft_codec_raw;

/* Frames are a bit, 31 bits of length, then the payload. If the bit is set, the payload is a gzip member
 * that holds the message. Options: threshold (longer messages are compressed) and level. */
extern const struct weft_codec weft_codec_length_delimited_gzip;

#ifdef __cplusplus
}
#endif

#endif
