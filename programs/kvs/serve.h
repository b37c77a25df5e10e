/* SPDX-License-Identifier: MIT
 *
 * kvs: the life of the server process, between its command line and its exit code. */
#ifndef KV_CLI_KVS_MAIN_H
#define KV_CLI_KVS_MAIN_H

#include <stdio.h>

#include "admin.h"
#include "core/registry.h"
#include "log.h"
#include "options.h"
#include "reload.h"
#include "service/service.h"

/* Reads the command line into *config; owners are the limits of plugins (options.h). Returns 0 to go on, 1 if
 * --help, --version or --print-config was printed, WEFT_ECONFIG for a mistake, another -errno if standard output could not
 * be written. An error was told to err in one line. Only after 0 is *config to be freed. */
WEFT_MUST_USE int cli_kvs_parse(struct kvs_config *config, const struct weft_limit *const *owners,
                                int argc, char **argv, FILE *out, FILE *err);

/* Makes standard input, output and error descriptors of something, so that no socket takes their
 * numbers; a broken pipe an error of the write and not the end of the process; SIGHUP and
 * SIGUSR1 nothing until the server runs. */
void cli_kvs_prepare(void);

/* Raises the soft limit of descriptors to the hard one and, where that is too low for
 * max-connections, lowers it and writes a warning to log. Forbids core dumps, unless asked for. */
void cli_kvs_set_limits(struct kvs_config *config, const struct weft_log *log);

/* Serves until SIGTERM or SIGINT has drained it, or only checks. Once bound it becomes --user, and with plugins
 * before they are loaded. SIGUSR1
 * and the end log what was counted; SIGHUP runs `reload`, to which main() has added what can be reloaded. With --admin
 * it also runs the server of that (admin.h). Returns the exit code: 0, 2 for a mistake of the command line, 1
 * for what the system refused and for connections that were cut. */
WEFT_MUST_USE int cli_kvs_serve(struct kvs_config *config, struct weft_registry *registry,
                                struct kvs_reload *reload, struct kvs_admin *admin,
                                struct kvs_log *kvs_log, struct kvs_service *service, FILE *out,
                                FILE *err);

#endif
