/* SPDX-License-Identifier: MIT
 *
 * `kvc import TABLE FILE` and `kvc import --all FILE`. */
#ifndef KV_CLI_IMPORT_H
#define KV_CLI_IMPORT_H

#include "programs/kvc/run.h"

/* Sets the rows of a file in a table (NULL: each in its own), many at once and many times in flight; memory does not grow with the
 * file. Says how many rows and bytes are stored, and what kept it from going on. */
enum cli_exit cli_import(const struct cli_run *run, const char *table, const char *path);

#endif
