/* SPDX-License-Identifier: MIT
 *
 * Guards against exposing a server that has no encryption and no authentication: it listens
 * beyond this machine only if --allow-remote says so. */
#ifndef KV_CLI_EXPOSURE_H
#define KV_CLI_EXPOSURE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/log.h"

/* True if a URL is neither a Unix socket nor on a loopback address (127.0.0.0/8, ::1, localhost).
 * Names are not resolved: any other name is remote. False for a URL that cannot be read, which its
 * reader refuses. */
bool cli_is_remote(const char *url);

/* WEFT_ECONFIG if one of the URLs is remote and allow_remote is false. */
WEFT_MUST_USE int cli_check_exposure(const char *const *urls, size_t count, bool allow_remote,
                                     struct weft_error *error);

/* Logs a warning for each remote URL. */
void cli_warn_exposure(const char *const *urls, size_t count, const struct weft_log *log);

#endif
