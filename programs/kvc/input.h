/* SPDX-License-Identifier: MIT
 *
 * Reads a file, pipe or terminal while replies come in. It never waits, so that the loop can go on with
 * whatever else there is. */
#ifndef KV_CLI_INPUT_H
#define KV_CLI_INPUT_H

#include "core/base/buf.h"
#include "core/loop.h"

struct cli_input {
    int fd;
    struct weft_buf buf; /* what was read and not taken */
    uint64_t bytes;      /* read so far */
    uint64_t size;       /* of a regular file; 0: not known */
    bool is_file, eof, is_ready;
    void (*ready)(
        struct cli_input *input); /* set by the caller: there is something to read again */
    struct weft_io io;
};

/* Opens path, or standard input if it is NULL or "-". -errno: *error names the file. */
WEFT_MUST_USE int cli_input_open(struct cli_input *input, const char *path, struct weft_loop *loop,
                                 struct weft_error *error);
/* A zeroed one is fine. */
void cli_input_close(struct cli_input *input);

/* Reads more into buf, or sets eof. -EAGAIN: there is nothing yet, and ready will be called; -errno. */
WEFT_MUST_USE int cli_input_read(struct cli_input *input);

#endif
