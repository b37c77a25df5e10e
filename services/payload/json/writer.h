/* SPDX-License-Identifier: MIT
 *
 * Writes JSON (RFC 8259) in pieces. Strings show no control character, not even DEL and C1, so that they can
 * neither move a terminal's cursor nor set its colours. Any thread; allocates nothing. */
#ifndef WEFT_JSON_WRITER_H
#define WEFT_JSON_WRITER_H

#include "core/base/bytes.h"

enum { WEFT_JSON_ESCAPE_MAX = 6 };

/* Returns how many bytes at the beginning of text stand in a string as they are. */
size_t weft_json_plain(struct weft_view text);

/* Writes the escape of the character that text begins with, which is not plain. Returns its size; *taken is that of
 * the character. */
size_t weft_json_escape(struct weft_view text, uint8_t dst[WEFT_JSON_ESCAPE_MAX], size_t *taken);

/* Measures and writes a string with its quotation marks. text is UTF-8. put returns the byte behind it. */
size_t weft_json_string_size(struct weft_view text);
uint8_t *weft_json_put_string(uint8_t *dst, struct weft_view text);

/* Measures and writes bytes as base64 (RFC 4648, section 4), padded, with quotation marks. */
size_t weft_json_base64_size(size_t size);
uint8_t *weft_json_put_base64(uint8_t *dst, struct weft_view bytes);

#endif
