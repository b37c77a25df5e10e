/* SPDX-License-Identifier: MIT
 *
 * `kvc export TABLE [FILE]` and `kvc export --all [FILE]`. */
#ifndef KV_CLI_EXPORT_H
#define KV_CLI_EXPORT_H

#include "programs/kvc/run.h"

/* Writes a table (NULL: all tables), page by page, in the order of the server, to path (NULL or "-": run->out). What
 * came of it goes to run->err. */
enum cli_exit cli_export(const struct cli_run *run, const char *table, const char *path);

/* `kvc backup FILE`. Writes all tables as they were at one time while others write: the rows of an export of all tables,
 * and then the changes that came meanwhile, as rows that an import takes, too. */
enum cli_exit cli_backup(const struct cli_run *run, const char *path);

#endif
