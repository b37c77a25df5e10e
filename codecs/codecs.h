/* SPDX-License-Identifier: MIT
 *
 * The codecs that come with the library, to be handed to weft_registry_add_codec. docs/wire.md has
 * their bytes. */
#ifndef WEFT_CODECS_H
#define WEFT_CODECS_H

#include "core/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Four bytes of length, then the payload. No options. */
extern const struct weft_codec weft_codec_raw;

/* The same with 31 bits of length; the top bit says that the payload is a gzip member of the
 * message. Options: threshold (messages of more bytes are compressed) and level. */
extern const struct weft_codec weft_codec_length_delimited_gzip;

#ifdef __cplusplus
}
#endif

#endif
