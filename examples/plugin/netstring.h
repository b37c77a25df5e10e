/* SPDX-License-Identifier: MIT */
#ifndef NETSTRING_H
#define NETSTRING_H

#include <weft/codec.h>

extern const struct weft_codec codec_netstring;

#endif
