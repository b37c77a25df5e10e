/* SPDX-License-Identifier: MIT
 *
 * A file that is written whole or not at all. The bytes go to a file beside it, which replaces it
 * once it is complete and on disk: until then, and for ever if something fails, the old file stays.
 * Standard output, devices and FIFOs, which have no old content to keep, are written directly. */
#ifndef KV_CLI_TARGET_H
#define KV_CLI_TARGET_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/err.h"

struct cli_target {
    FILE *file;    /* to write to */
    bool is_ours;  /* the file is closed at the end; false: standard output */
    char *path;    /* of the file to replace, its symbolic links followed; NULL: written directly */
    char *partial; /* of the file beside it */
};

/* path NULL or "-": standard. A file that is replaced keeps its mode and, if the system allows it, its
 * owner and group. WEFT_ECONFIG: *error names the path and says what is wrong; nothing is held or
 * changed then. */
WEFT_MUST_USE int cli_target_open(struct cli_target *target, const char *path, FILE *standard,
                                  struct weft_error *error);

/* Completes the file. Returns 0 or -errno; either way the target is closed, and after an error the old
 * file is as it was. */
WEFT_MUST_USE int cli_target_commit(struct cli_target *target);

/* Closes it and removes what was written. Fine after any of the others, and on a zeroed one. */
void cli_target_drop(struct cli_target *target);

#endif
