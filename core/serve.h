/* SPDX-License-Identifier: MIT
 *
 * weft_serve is the rest of a server's main function once its registry is full: it makes a server, says where that
 * listens, and serves until it is told to end. A program that has more to do (other signals, changes while it serves, a
 * manager that waits for it) uses server.h itself, as core/server/serve.c does. */
#ifndef WEFT_SERVE_H
#define WEFT_SERVE_H

#include "server.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Serves at the URLs argv[1] to argv[argc - 1] (server.h), with weft_limits_default, a loop per CPU that the process may
 * use, and a log of warnings on standard error. A URL that names no codec or service gets the first one of the registry.
 * Returns what weft_serve_with returns; without a URL, WEFT_ECONFIG. */
WEFT_MUST_USE int weft_serve(struct weft_registry *registry, int argc, char **argv,
                             struct weft_error *error);

/* Makes a server, listens, prints "listening " and weft_server_listening, a line for each address, on standard output,
 * serves, and frees the server. SIGTERM and SIGINT begin to drain; the second signal cuts what is left. Until this
 * returns it watches both, so it is for programs, on their main thread. Lines that nobody can read are no error.
 *
 * Returns 0 once everything has drained. Otherwise *error has one line, and the result is 1 if connections were cut, or
 * what weft_server_new, _listen or _start returned. */
WEFT_MUST_USE int weft_serve_with(const struct weft_server_options *options,
                                  struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
