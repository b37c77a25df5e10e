/* SPDX-License-Identifier: MIT
 *
 * The lines of this and of earlier prompts. Each line goes to the file when it is entered, so
 * prompts that run side by side keep each other's lines, and one that is killed loses none. */
#ifndef KV_CLI_HISTORY_H
#define KV_CLI_HISTORY_H

#include <histedit.h>

#include "core/base/err.h"

enum { CLI_HISTORY_PATH = 4096, CLI_HISTORY_SIZE = 1000 };

struct cli_history {
    History *list;
    char path[CLI_HISTORY_PATH]; /* "": lines are kept nowhere */
};

/* Reads the lines of ~/.kvc_history, which it shortens where it has grown long. -ENOMEM. */
WEFT_MUST_USE int cli_history_init(struct cli_history *self);
void cli_history_fini(struct cli_history *self);

/* Adds a line, which may have line ends in it, unless it is blank. Only the user can read the file,
 * for lines hold values. A file that cannot be written is passed over. */
void cli_history_add(struct cli_history *self, const char *line);

#endif
