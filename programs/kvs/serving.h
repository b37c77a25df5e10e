/* SPDX-License-Identifier: MIT
 *
 * A kvs that serves, and what can be asked of it: by signals, and by whoever administers it. All functions are for
 * turns of the server's first loop. */
#ifndef KVS_SERVING_H
#define KVS_SERVING_H

#include "core/server.h"
#include "log.h"
#include "reload.h"
#include "service/service.h"

struct kvs_serving {
    struct weft_server *server;
    struct kvs_config *config; /* what is in force */
    struct kvs_log *log;
    struct kvs_reload *reload;
    struct kvs_service *service; /* the manager is told of the drain and of reloads */
    bool draining;
    void (*on_drain)(void *context); /* called when the drain begins; or NULL */
    void *context;
};

/* Drains the server; a second call cuts it. `asked` is for the log: "signal=SIGTERM". */
void kvs_serving_drain(struct kvs_serving *serving, const char *asked);

/* Drains the server, unless that has begun, because another process has its listening sockets. */
void kvs_serving_passed(struct kvs_serving *serving);

/* Reloads what can be reloaded and writes "changed=NAMES restart=NAMES" to dst, which has size bytes. The errors of
 * kvs_reload_run. */
WEFT_MUST_USE int kvs_serving_reload(struct kvs_serving *serving, const char *asked, char *dst,
                                     size_t size, struct weft_error *error);

/* Changes the level of the log until a reload changes it. Writes "log-level=NAME" to dst. WEFT_ECONFIG: there is no
 * such level. */
WEFT_MUST_USE int kvs_serving_log_level(struct kvs_serving *serving, const char *level, char *dst,
                                        size_t size, struct weft_error *error);

#endif
