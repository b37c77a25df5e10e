/* SPDX-License-Identifier: MIT
 *
 * Guards against exposing a server by mistake: it listens beyond this machine if that is encrypted and users
 * have to log in, or if --allow-remote says so. */
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

/* True if a URL's scheme encrypts: tls, wss, or one that is stacked on tls, such as "ws+tls+tcp". */
bool cli_is_encrypted(const char *url);

struct cli_exposure {
    const char *const *urls; /* those that begin with `?` share the address of the one before */
    size_t count;
    const char *admin; /* the URL of --admin, or NULL */
    bool has_users;    /* --users */
    bool allow_remote; /* --allow-remote */
};

/* WEFT_ECONFIG if one of the URLs is remote, lacks encryption or users, and remote ones are not allowed: *error
 * says what is missing. */
WEFT_MUST_USE int cli_check_exposure(const struct cli_exposure *exposure, struct weft_error *error);

/* Logs a warning for each remote URL that lacks something. */
void cli_warn_exposure(const struct cli_exposure *exposure, const struct weft_log *log);

enum { CLI_EXPOSURE_TEXT = 512 };

/* Writes a line about a URL: where it can be reached from and if it is encrypted, as in
 * "tls://0.0.0.0:9527 reach=network encrypted=yes". dst has CLI_EXPOSURE_TEXT bytes. Returns dst. */
char *cli_describe_exposure(const char *url, char *dst);

#endif
