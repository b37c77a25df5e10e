/* SPDX-License-Identifier: MIT
 *
 * Values as people write them: `int:-3 float:1.5 bool:true hex:00ff base64:AP8= empty: str:int:3`, and a
 * string where no such prefix stands. kvc and the line face of kv read and write this form. Any thread;
 * nothing here allocates. */
#ifndef WEFT_LINE_VALUE_H
#define WEFT_LINE_VALUE_H

#include "core/base/bytes.h"

struct weft_line_value {
    enum weft_line_type {
        WEFT_LINE_EMPTY,
        WEFT_LINE_STRING,
        WEFT_LINE_BINARY,
        WEFT_LINE_INTEGER,
        WEFT_LINE_FLOAT,
        WEFT_LINE_BOOL
    } type;
    struct weft_view bytes; /* STRING, which is UTF-8, and BINARY */
    int64_t integer;
    double number; /* FLOAT */
    bool boolean;
};

/* The two below read text as a value. If prefix is NULL, text begins with one of the prefixes, or it is a
 * string as it stands; otherwise prefix is one of them ("int:"), and text is what stands behind it. */

/* Returns the bytes of memory that reading takes beside text: more than 0 for hex: and base64: alone, and
 * then less than the bytes of text. */
size_t weft_line_value_room(const char *prefix, struct weft_view text);

/* Reads a value. Its bytes lie in text, or in dst, which has as many bytes as weft_line_value_room says.
 * WEFT_EMALFORMED: *why says what is wrong, as static text. */
WEFT_MUST_USE int weft_line_read_value(const char *prefix, struct weft_view text, uint8_t *dst,
                                       struct weft_line_value *value, const char **why);

/* Returns the prefix ("int:") that text begins with, static, or NULL: it is a string as it stands. */
const char *weft_line_prefix(struct weft_view text);

/* Returns the i-th prefix that there is, static, or NULL from the last one on. */
const char *weft_line_prefix_at(size_t i);

/* Each writes to dst, or only counts if dst is NULL, and returns the size. */

/* Writes text with its control characters as \n, \r, \t or \x1b, U+0080 to U+009F among them, so that it
 * stays on its line and can neither move a terminal's cursor nor set its colours. `exact`: also \\ for a
 * backslash, so that the text can be had out of it again. At most four bytes for each of text. */
size_t weft_line_put_text(uint8_t *dst, struct weft_view text, bool exact);

/* Writes a value in the form that is read, so that no two values look alike: int:1, float:1, bool:true,
 * hex:00ff; the empty value as nothing; strings as weft_line_put_text does, exactly, with str: before one
 * that is empty or would be read as something else. */
size_t weft_line_put_value(uint8_t *dst, const struct weft_line_value *value);

enum { WEFT_LINE_NUMBER = 40 }; /* bytes of a number's text, its NUL included */

/* Writes "0.1", "1e+22", "-inf", "nan", "-nan", in the shortest form that reads back as the same number,
 * to dst of WEFT_LINE_NUMBER bytes; returns dst. A NaN with other bits is nan(0x7ff8000000000001). */
char *weft_line_format_double(double number, char *dst);

#endif
