/* SPDX-License-Identifier: MIT
 *
 * The lines of a person at a terminal: libedit, with the history, completion and usage of kvc. */
#ifndef KV_CLI_EDITOR_H
#define KV_CLI_EDITOR_H

#include <histedit.h>
#include <stdio.h>

#include "complete.h"
#include "keys.h"

enum { CLI_HISTORY_PATH = 4096, CLI_HINT_TEXT = 64 };

struct cli_editor {
    struct cli_tables_seen
        seen; /* is offered where a table stands; whoever runs commands fills it */
    FILE *out;
    EditLine *edit;
    History *history;
    struct cli_keys keys;
    char history_path[CLI_HISTORY_PATH]; /* "": nowhere */
    char hint[CLI_HINT_TEXT];
    bool interrupted;
};

enum cli_line { CLI_LINE_READ, CLI_LINE_DROPPED, CLI_LINE_END };

/* On standard input, which is a terminal, and out; the editor stays where it is. -errno. */
WEFT_MUST_USE int cli_editor_init(struct cli_editor *editor, FILE *out, FILE *err_out);
/* Writes the history and gives the terminal its modes back. */
void cli_editor_fini(struct cli_editor *editor);

/* Reads a line. CLI_LINE_READ: *line is it, without its end, until the next; the history has it,
 * unless it is blank. CLI_LINE_DROPPED: Ctrl-C. */
enum cli_line cli_editor_read(struct cli_editor *editor, struct weft_view *line);

#endif
