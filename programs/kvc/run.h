/* SPDX-License-Identifier: MIT
 *
 * One command of kvc, from a request to what it prints. */
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

/* WEFT_ECONFIG: the format is --raw, which is for commands that answer one value; *error says so. */
WEFT_MUST_USE int cli_run_check(const struct cli_run *run, const struct cli_command *command,
                                struct weft_error *error);

/* Prints why a command was not answered: one line on err, or with --json an object on out. Returns
 * code. */
enum cli_exit cli_run_fail(const struct cli_run *run, enum cli_exit code, const char *text);

/* Sends the command and prints the answer to out, or why there is none. A value that was probably meant
 * to have a type is a line of warning on err. */
enum cli_exit cli_run_invocation(const struct cli_run *run,
                                 const struct cli_invocation *invocation);

#endif
