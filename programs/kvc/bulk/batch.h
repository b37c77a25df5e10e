/* SPDX-License-Identifier: MIT
 *
 * `kvc batch [FILE]`. */
#ifndef KV_CLI_BATCH_H
#define KV_CLI_BATCH_H

#include "programs/kvc/run.h"

/* Sends the commands of a file or of standard input (path NULL), one a line, many in flight: words
 * quoted as in a shell, or a JSON array whose values keep their types. A line of result each, in
 * order; what fails is said with its line. */
enum cli_exit cli_batch(const struct cli_run *run, const char *path);

#endif
