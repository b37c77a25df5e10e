/* SPDX-License-Identifier: MIT
 *
 * How far a long command has got: a line on a terminal that is drawn again, nothing elsewhere. */
#ifndef KV_CLI_PROGRESS_H
#define KV_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cli_progress {
    FILE *out;            /* NULL: nobody looks */
    int64_t began, drawn; /* nanoseconds */
    bool shown;
};

/* out: draws if it is a terminal. now: nanoseconds of any clock. */
void cli_progress_start(struct cli_progress *progress, FILE *out, int64_t now);

/* done of total bytes (0: not known), rows in them. Draws at most ten times a second. */
void cli_progress_update(struct cli_progress *progress, int64_t now, uint64_t rows, uint64_t done,
                         uint64_t total);

/* Takes the line away. */
void cli_progress_end(struct cli_progress *progress);

#endif
