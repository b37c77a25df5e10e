/* SPDX-License-Identifier: MIT
 *
 * One command of kvc, from its words to what it prints. */
#ifndef KV_CLI_RUN_H
#define KV_CLI_RUN_H

#include <stdio.h>

#include "command.h"
#include "session.h"

struct cli_run {
    struct cli_session *session;
    FILE *out, *err;
    enum cli_format format;
    bool pretty, colours; /* CLI_TEXT: as for a person, see pretty.h */
};

/* --raw prints the one value of a command that answers one. WEFT_ECONFIG: *error says so. */
WEFT_MUST_USE int cli_run_check(const struct cli_run *run, const struct cli_command *command,
                                struct weft_error *error);

/* Sends the command and prints the answer to out, or one line to err. */
enum cli_exit cli_run_invocation(const struct cli_run *run,
                                 const struct cli_invocation *invocation);

#endif
