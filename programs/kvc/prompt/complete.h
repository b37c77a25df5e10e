/* SPDX-License-Identifier: MIT
 *
 * What could stand where the cursor is, and what is still to come. */
#ifndef KV_CLI_COMPLETE_H
#define KV_CLI_COMPLETE_H

#include "core/base/bytes.h"

enum { CLI_TABLES_SEEN = 64, CLI_CANDIDATES = 96 };

/* The tables that commands have named, the latest last. */
struct cli_tables_seen {
    char *names[CLI_TABLES_SEEN];
    size_t count;
};

/* A name that a line must quote is not remembered, nor is one without room or memory for it. */
void cli_tables_see(struct cli_tables_seen *seen, const char *name);
void cli_tables_fini(struct cli_tables_seen *seen);

struct cli_candidates {
    struct weft_view word; /* what stands before the cursor, which all of them begin with */
    const char *names[CLI_CANDIDATES];
    size_t count;
    size_t common; /* bytes that all of them begin with */
};

/* line: up to the cursor. Names live as long as seen. */
void cli_complete(struct cli_candidates *candidates, struct weft_view line,
                  const struct cli_tables_seen *seen);

/* The usage of the command that line begins with: "TABLE KEY VALUE"; "" where there is none. */
const char *cli_complete_hint(struct weft_view line);

/* Commands of the prompt itself. Ended by a NULL name. */
struct cli_local_command {
    const char *name, *arguments, *help;
};
const struct cli_local_command *cli_local_commands(void);

#endif
