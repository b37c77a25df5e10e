/* SPDX-License-Identifier: MIT
 *
 * `kvc journal DIR`. */
#ifndef KV_CLI_JOURNAL_H
#define KV_CLI_JOURNAL_H

#include "run.h"

/* Prints the records of the snapshots and journals in a directory of `memory:DIR` to run->out, one change per line or
 * JSON object. Needs no server and changes nothing. Returns CLI_EXIT_REFUSED if something in them is damaged or
 * missing; an end that a crash has cut off is no damage. */
enum cli_exit cli_journal(const struct cli_run *run, const char *dir);

#endif
