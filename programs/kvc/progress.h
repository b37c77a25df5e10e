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
    const char *what;     /* is counted: "rows" */
    int64_t began, drawn; /* nanoseconds */
    bool shown;
};

/* out: draws if it is a terminal. what is borrowed until the end; now: nanoseconds of any clock. */
void cli_progress_start(struct cli_progress *progress, FILE *out, const char *what, int64_t now);

/* done of total (0: not known), of whatever tells how far it has got, and how many were counted.
 * Draws at most ten times a second. */
void cli_progress_update(struct cli_progress *progress, int64_t now, uint64_t count, uint64_t done,
                         uint64_t total);

/* Takes the line away. */
void cli_progress_end(struct cli_progress *progress);

#endif
