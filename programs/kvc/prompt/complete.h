/* SPDX-License-Identifier: MIT
 *
 * Finds the words that could stand at the cursor, and the arguments that are still to come. */
#ifndef KV_CLI_COMPLETE_H
#define KV_CLI_COMPLETE_H

#include "core/base/bytes.h"

enum { CLI_TABLES_SEEN = 64, CLI_CANDIDATES = 96 };

/* The tables that commands have named, the latest last. */
struct cli_tables_seen {
    char *names[CLI_TABLES_SEEN];
    size_t count;
};

/* Remembers the name of a table, unless a line would have to quote it, or there is no room or
 * memory for it. */
void cli_tables_see(struct cli_tables_seen *seen, const char *name);
void cli_tables_fini(struct cli_tables_seen *seen);

struct cli_candidates {
    struct weft_view word; /* the word before the cursor, with which all names begin */
    const char *names[CLI_CANDIDATES];
    size_t count;
    size_t common; /* count of bytes with which all names begin */
};

/* Finds the candidates for the end of line, which is the cursor. Names live as long as seen. */
void cli_complete(struct cli_candidates *candidates, struct weft_view line,
                  const struct cli_tables_seen *seen);

/* Returns the arguments of the command that line begins with, as "TABLE KEY VALUE", or "". */
const char *cli_complete_hint(struct weft_view line);

/* The commands that the prompt runs itself. The table ends in a NULL name. */
struct cli_local_command {
    const char *name, *arguments, *help;
};
const struct cli_local_command *cli_local_commands(void);

#endif
