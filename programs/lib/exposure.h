/* SPDX-License-Identifier: MIT
 *
 * Who can reach kvs. It has no encryption and no authentication, so it listens beyond this machine
 * only where that was said to be meant. */
#ifndef KV_CLI_EXPOSURE_H
#define KV_CLI_EXPOSURE_H

#include "options.h"

/* Whether a URL is neither a Unix socket nor on a loopback address (127.0.0.0/8, ::1, localhost).
 * Names are not resolved: any other is remote. A URL that cannot be read is left for whoever reads
 * it to refuse. */
bool cli_is_remote(const char *url);

/* WEFT_ECONFIG where a --listen is remote and --allow-remote is not given. */
WEFT_MUST_USE int cli_check_exposure(const struct cli_config *config, struct weft_error *error);

/* A warning in the log for each endpoint that can be reached from elsewhere. */
void cli_warn_exposure(const struct cli_config *config, const struct weft_log *log);

#endif
