/* SPDX-License-Identifier: MIT
 *
 * The options `threshold` and `level` of the codecs that compress. */
#ifndef WEFT_GZIP_SETTINGS_H
#define WEFT_GZIP_SETTINGS_H

#include "core/base/settings.h"

/* A message of this size fits one Ethernet frame uncompressed: 1500 - 20 (IP) - 20 (TCP) - 20 (TCP
 * options) - 4 (header). */
enum { WEFT__GZIP_THRESHOLD = 1436 };

struct weft__gzip_settings {
    uint64_t threshold; /* messages of more bytes are compressed; UINT64_MAX: none */
    uint32_t level;     /* 0: auto */
    uint32_t padding;   /* stays zero: configurations are compared as bytes */
};

/* Reads both options. Returns 0, or WEFT_ECONFIG with *error set. */
WEFT_MUST_USE int weft__gzip_configure(struct weft__gzip_settings *settings,
                                       const struct weft_option_set *set, struct weft_error *error);

/* Returns the level at which to compress a message of this size, or 0 not to. must: it is compressed
 * however small it is and however long that takes, unless the threshold is `off`. */
int weft__gzip_level(const struct weft__gzip_settings *settings, size_t size, bool must);

#endif
