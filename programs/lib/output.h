/* SPDX-License-Identifier: MIT
 *
 * Ends the output of a program, so that nothing is lost in silence. */
#ifndef KV_CLI_OUTPUT_LIB_H
#define KV_CLI_OUTPUT_LIB_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/err.h"

/* Writes what is buffered. Returns 0, or -errno if this or an earlier write to the stream failed. A
 * failure is reported once: what is still buffered is discarded and the stream's error cleared, so
 * that exit(3) does not try again and perhaps block. */
WEFT_MUST_USE int cli_flush(FILE *out);

/* Discards what is buffered, and clears the stream's error. */
void cli_discard(FILE *out);

/* Flushes standard output at a program's end. False: it could not be written, and one line on err,
 * which begins with the program's name, says why. */
WEFT_MUST_USE bool cli_flush_stdout(FILE *out, FILE *err, const char *program);

#endif
