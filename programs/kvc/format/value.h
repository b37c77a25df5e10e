/* SPDX-License-Identifier: MIT
 *
 * Reads and prints values as people write them: `int:-3 float:1.5 bool:true hex:00ff base64:AP8= empty:
 * file:PATH str:int:3`, `-` for standard input, and a string where no such prefix stands. */
#ifndef KV_CLI_VALUE_H
#define KV_CLI_VALUE_H

#include <stdio.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "services/kv/client.h"
#include "services/payload/line/value.h"

/* The sources that a value on a command line may be read from, beside its text. */
struct cli_value_source {
    uint64_t file_max;   /* bytes of a file */
    bool standard_input; /* `-` is all of it; else `-` is refused */
};

/* Reads one value. What it points to is text itself or *memory, which the caller owns on success
 * (weft_bytes_fini) and which is empty otherwise. A file's bytes are a binary value. source NULL:
 * `file:` and `-` are strings like others, for text that is not the user's own. WEFT_ECONFIG:
 * *error names the text and says what is taken; -ENOMEM. */
WEFT_MUST_USE int cli_value_parse(struct weft_view text, const struct cli_value_source *source,
                                  struct weft_kv_value *value, struct weft_bytes *memory,
                                  struct weft_error *error);

/* Reads text as cli_value_parse reads it after that prefix ("int:"; "file:" is not taken). */
WEFT_MUST_USE int cli_value_parse_as(const char *prefix, struct weft_view text,
                                     struct weft_kv_value *value, struct weft_bytes *memory,
                                     struct weft_error *error);

/* True if text as it stands would not be read as a string; `file:` and `-` are not looked at. */
bool cli_text_has_prefix(struct weft_view text);

/* Returns the prefix ("int:") that the beginning of a string was probably meant to be ("Int:1",
 * "integer:1"), or NULL. */
const char *cli_text_meant(struct weft_view text);

enum { CLI_WARNING_TEXT = 256 };

/* Warns of such a text: one line without its end into dst of CLI_WARNING_TEXT bytes. False: there is
 * nothing to warn of. */
bool cli_text_warn(struct weft_view text, char *dst);

/* Prints one value, without a newline: strings as they are, numbers in the shortest form that reads
 * back as the same number (1, not 1.0), binary as hex:..., an empty value as nothing. escape: see
 * cli_text_print. */
void cli_value_print(FILE *out, const struct weft_kv_value *value, bool escape);

/* How text is shown. */
enum cli_escape {
    CLI_ESCAPE_NONE,     /* as its bytes */
    CLI_ESCAPE_CONTROLS, /* control characters as \n, \t, \x1b, so that a value can neither move a
                            terminal's cursor nor set its colours */
    CLI_ESCAPE_LINE, /* these, and \\ for a backslash: one line, out of which the text can be had */
};

/* Prints one value so that no two values look alike: int:1, float:1, bool:true, hex:00ff; an empty
 * value as nothing; strings as they are, but with str: before one that is empty or would be read as
 * something else. */
void cli_value_print_typed(FILE *out, const struct weft_kv_value *value, enum cli_escape escape);

/* Prints text with its control characters escaped, or as its bytes. */
void cli_text_print(FILE *out, struct weft_view text, bool escape);
void cli_text_print_as(FILE *out, struct weft_view text, enum cli_escape escape);

enum { CLI_NUMBER_TEXT = WEFT_LINE_NUMBER };

/* "0.1", "1e+22", "-inf", "nan", "-nan", into dst of CLI_NUMBER_TEXT bytes; returns dst. A NaN with
 * other bits than these two is written with all of them: "nan(0x7ff8000000000001)". */
char *cli_format_double(double number, char *dst);

#endif
