/* SPDX-License-Identifier: MIT
 *
 * `kvc watch TABLE [KEY]` and `kvc watch --all`. */
#ifndef KV_CLI_WATCH_H
#define KV_CLI_WATCH_H

#include "run.h"

/* Prints the changes of a table (NULL: of all tables) or of one key (NULL: of all that begin with the option prefix) as
 * they come, one per line or JSON object, until a signal, as many as config->count, or config->timeout without a change
 * if that was given. Connects again when the connection is lost, and goes on where it was. Returns CLI_EXIT_REFUSED if
 * changes were lost: the text says so. */
enum cli_exit cli_watch(const struct cli_run *run, const char *table, const char *key);

#endif
