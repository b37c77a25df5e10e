/* SPDX-License-Identifier: MIT
 *
 * The fuzz targets of all codecs treat an input alike. Its first two bytes say how the rest is cut;
 * the rest is taken once as what a peer sends and once as a message to be sent.
 *
 * As bytes: any split must give what the whole gives (messages, end, consumption, own words), and
 * the rules of core/codec.h hold. As a message: what encode writes, decode reads. */
#ifndef FUZZ_CODEC_H
#define FUZZ_CODEC_H

#include "core/codec.h"

/* Aborts where something does not hold. */
void fuzz_codec(const struct weft_codec *codec, const char *query, const uint8_t *data,
                size_t size);

#endif
