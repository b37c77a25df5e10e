/* SPDX-License-Identifier: MIT
 *
 * The reloader of the settings: reads the file and the variables anew, changes what can change while the server
 * runs (the endpoints, the log and most limits), and names the rest for a restart. reload.h has the rules. */
#ifndef KVS_SETTINGS_H
#define KVS_SETTINGS_H

#include "core/base/slow_log.h"
#include "core/server.h"
#include "listening.h"
#include "log.h"
#include "options.h"
#include "reload.h"

struct kvs_settings {
    struct kvs_reloader reloader;
    struct kvs_config *config; /* what is in force; a reload sets the values that it changes */
    struct weft_server *server;
    struct kvs_log *log;
    struct weft_slow_log *slow_log; /* NULL: there is none, and a reload makes none */
    struct kvs_listening listening;
    /* Between prepare and commit or abandon. */
    struct kvs_config next;
    struct weft_limits_change *change;
};

/* Adds the settings to `reload`. All arguments outlive the server's run. */
void kvs_settings_init(struct kvs_settings *settings, struct kvs_config *config,
                       struct weft_server *server, const struct kvs_manager *manager,
                       struct kvs_log *log, struct weft_slow_log *slow_log,
                       struct kvs_reload *reload);
/* Takes them from `reload`, once the server's run has ended and before the configuration is freed. */
void kvs_settings_fini(struct kvs_settings *settings, struct kvs_reload *reload);

#endif
