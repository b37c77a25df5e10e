/* SPDX-License-Identifier: MIT
 *
 * Reads lines from a person at a terminal: libedit, with the history, completion and usage of
 * kvc. A line arrives with the bytes that were typed or pasted, whatever the locale, or it is
 * refused. */
#ifndef KV_CLI_EDITOR_H
#define KV_CLI_EDITOR_H

#include <histedit.h>
#include <stdio.h>
#include <termios.h>

#include "complete.h"
#include "history.h"
#include "keys.h"

enum { CLI_HINT_TEXT = 64 };

struct cli_editor {
    struct cli_tables_seen seen; /* completes the names of tables; the caller fills it */
    FILE *out;
    EditLine *edit;
    struct cli_history history;
    struct cli_keys keys;
    struct termios modes; /* of the terminal before kvc */
    char hint[CLI_HINT_TEXT];
    struct weft_buf line; /* the line as bytes */
    wchar_t *pending;     /* a paste on its way through libedit, which sees one key; NULL: none */
    bool spoiled;         /* a paste was lost on the way: the line is not what was meant */
    bool interrupted;
};

enum cli_line { CLI_LINE_READ, CLI_LINE_REFUSED, CLI_LINE_DROPPED, CLI_LINE_END };

/* On standard input, which is a terminal, and out; the editor must not move. Returns -errno on
 * failure. */
WEFT_MUST_USE int cli_editor_init(struct cli_editor *editor, FILE *out, FILE *err_out);
/* Gives the terminal its modes back. */
void cli_editor_fini(struct cli_editor *editor);

/* Reads a line. CLI_LINE_READ: *line is the line without its end, valid until the next call; a
 * paste may have brought line ends within it. CLI_LINE_REFUSED: error says what is wrong with it.
 * CLI_LINE_DROPPED: Ctrl-C. */
enum cli_line cli_editor_read(struct cli_editor *editor, struct weft_view *line,
                              struct weft_error *error);

#endif
