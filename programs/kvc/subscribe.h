/* SPDX-License-Identifier: MIT
 *
 * `kvc subscribe TOPIC...`. */
#ifndef KV_CLI_SUBSCRIBE_H
#define KV_CLI_SUBSCRIBE_H

#include "run.h"

/* Prints what is published to topics, or to those that match config->pattern, one message per line or JSON object, until a
 * signal, as many as config->count, or config->timeout without a message if that was given. Says what was lost.
 * Connects again when the connection is lost, and says that messages may have been missed. */
enum cli_exit cli_subscribe(const struct cli_run *run, char *const *topics, size_t count);

#endif
