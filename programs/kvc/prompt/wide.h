/* SPDX-License-Identifier: MIT
 *
 * Converts between bytes and the wide characters that libedit edits. The encoding is UTF-8
 * whatever the locale is, and no byte is lost: one that is no UTF-8 becomes a character that
 * stands for it and becomes the same byte again. */
#ifndef KV_CLI_WIDE_H
#define KV_CLI_WIDE_H

#include <wchar.h>

#include "core/base/buf.h"

/* The character that stands for a byte which is not UTF-8. It is a surrogate, which UTF-8 never
 * has. */
wchar_t cli_wide_of_byte(uint8_t byte);

/* Decodes the first character of bytes, which is not empty. Returns how many bytes it took, at
 * least 1, or 0 if more bytes are needed to tell. */
size_t cli_wide_decode(struct weft_view bytes, wchar_t *character);

/* Returns bytes as wide characters that end in 0, to be freed by weft_free, or NULL without memory.
 * A NUL stands as cli_wide_of_byte(0). */
wchar_t *cli_wide_copy(struct weft_view bytes);

/* Appends `count` characters to dst as bytes. -ENOMEM: dst holds a part of them. */
WEFT_MUST_USE int cli_wide_encode(struct weft_buf *dst, const wchar_t *text, size_t count);

#endif
