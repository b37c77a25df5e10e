/* SPDX-License-Identifier: MIT
 *
 * kvc: one command, from its words to its exit code. */
#ifndef KV_CLI_KVC_MAIN_H
#define KV_CLI_KVC_MAIN_H

#include <stdio.h>

#include "core/registry.h"
#include "exit.h"

/* Prints the answer to out, or one line to err. The registry has the codecs and transports. */
WEFT_MUST_USE enum cli_exit cli_kvc_main(struct weft_registry *registry, int argc, char **argv,
                                         FILE *out, FILE *err);

#endif
