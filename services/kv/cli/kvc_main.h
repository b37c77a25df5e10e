/* SPDX-License-Identifier: MIT
 *
 * kvc: one command, from its words to its exit code. */
#ifndef KV_CLI_KVC_MAIN_H
#define KV_CLI_KVC_MAIN_H

#include <stdio.h>

#include "core/registry.h"

enum cli_exit {
    CLI_EXIT_DONE = 0,
    CLI_EXIT_REFUSED = 1, /* the server answered an error, or the answer could not be printed */
    CLI_EXIT_USAGE = 2,   /* refused here: nothing was sent */
    CLI_EXIT_CONNECT = 3,
    CLI_EXIT_TIMEOUT = 4,
    CLI_EXIT_PROTOCOL = 5,      /* no valid answer, or the connection ended before it */
    CLI_EXIT_INTERRUPTED = 130, /* as a shell says it of SIGINT */
};

/* Prints the answer to out, or one line to err. The registry has the codecs and transports. Main
 * thread only, see options.h. */
WEFT_MUST_USE enum cli_exit cli_kvc_main(struct weft_registry *registry, int argc, char **argv,
                                         FILE *out, FILE *err);

#endif
