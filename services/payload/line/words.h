/* SPDX-License-Identifier: MIT
 *
 * Splits a line of text into words, which are quoted as in a shell: 'as it is', "with \" and \\", and \x
 * outside of quotation marks. A word that begins with # and whatever follows it are a comment. Any thread;
 * nothing here allocates. */
#ifndef WEFT_LINE_WORDS_H
#define WEFT_LINE_WORDS_H

#include "core/base/bytes.h"

/* A word as it stands in its line. */
struct weft_line_word {
    struct weft_view raw;
    size_t size; /* bytes of the word itself; if they are as many as those of raw, it is raw */
};

/* Takes the next word off the beginning of *line, which is without its end. Returns 1; 0 if there is none
 * left; or WEFT_EMALFORMED: *why says what is wrong, as static text, and *line is unchanged. */
WEFT_MUST_USE int weft_line_next_word(struct weft_view *line, struct weft_line_word *word,
                                      const char **why);

/* Writes a word of word->size bytes, without its quotation marks; returns the byte after it. */
uint8_t *weft_line_put_word(uint8_t *dst, const struct weft_line_word *word);

#endif
