/* SPDX-License-Identifier: MIT
 *
 * The commands that ask the admin service (kvs --admin): info, top, clients, kill, slowlog, loglevel, reload, drain. */
#ifndef KVC_ADMIN_H
#define KVC_ADMIN_H

#include "programs/kvc/run.h"

/* word: the argument, or NULL. Returns the exit code. */
enum cli_exit cli_admin(const struct cli_run *run, const struct cli_command *command,
                        const char *word);

#endif
