/* SPDX-License-Identifier: MIT
 *
 * What the server has counted, as lines of the log. */
#ifndef KV_CLI_COUNTS_H
#define KV_CLI_COUNTS_H

#include "core/server.h"

/* A line for each endpoint: connections, requests, bytes and, of the reasons for which connections
 * ended, those that came about. The loop's thread, or after run. */
void cli_log_counts(const struct weft_server *server, const struct weft_log *log);

#endif
