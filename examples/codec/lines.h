/* SPDX-License-Identifier: MIT
 *
 * lines: a message is a line of text, ended by LF or CR LF, so that a person with nc(1) is a client.
 * The lines of a service must hold no LF; `speaks` is "line" so that only one that knows is bound to
 * it. max-frame is the longest line, without its end. */
#ifndef LINES_H
#define LINES_H

#include <weft/codec.h>

extern const struct weft_codec codec_lines;

#endif
