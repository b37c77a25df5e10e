/* SPDX-License-Identifier: MIT
 *
 * Shows how far a long command has got: one line of a terminal, drawn again and again. Elsewhere
 * nothing is shown. */
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

/* Draws on out if it is a terminal. `what` is borrowed until the end; now is in nanoseconds of any
 * clock. */
void cli_progress_start(struct cli_progress *progress, FILE *out, const char *what, int64_t now);

/* Draws `count`, and the part of the work that is done if `total` is not 0, at most ten times per
 * second. */
void cli_progress_update(struct cli_progress *progress, int64_t now, uint64_t count, uint64_t done,
                         uint64_t total);

/* Erases the line. */
void cli_progress_end(struct cli_progress *progress);

#endif
