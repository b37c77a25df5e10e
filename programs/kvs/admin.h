/* SPDX-License-Identifier: MIT
 *
 * The server of --admin: a second one in the process, with one loop on a thread of its own and limits of its own, so
 * that it answers whatever the first one is busy with. */
#ifndef KVS_ADMIN_H
#define KVS_ADMIN_H

#include <pthread.h>

#include "core/server.h"
#include "options.h"
#include "serving.h"

/* Connections that the server of --admin takes, and the descriptors that it needs. */
enum { KVS_ADMIN_CONNECTIONS = 64, KVS_ADMIN_FDS = 80 };

/* main() sets the first fields; all else is zero. */
struct kvs_admin {
    const char *observer; /* the layer that watches every endpoint of the other server, or NULL */
    /* Called before the other server runs, and before --admin answers; or NULL. */
    void (*serving)(void *context, struct kvs_serving *serving);
    void (*draining)(void *context); /* called when the other server begins to drain; or NULL */
    void (*ended)(void *context);    /* called when both have ended their runs; or NULL */
    /* Called when both servers listen, before the process becomes --user; or NULL. */
    void (*listening)(void *context);
    void *context;
    void *listening_context;          /* of `listening` */
    struct weft_inheritance *sockets; /* that it takes, and no others; NULL: those of the process */
    struct weft_slow_log *slow_log;   /* whose threshold a reload changes, or NULL */

    struct weft_server *server;
    pthread_t thread;
    bool runs;
    struct weft_post stop;
};

/* Makes the server, or does nothing without --admin. It may take a socket of `inheritance`. The errors of weft_server_new, whose *error begins with the
 * option's name. kvs_admin_close follows in any case. */
WEFT_MUST_USE int kvs_admin_open(struct kvs_admin *admin, const struct kvs_config *config,
                                 struct weft_registry *registry,
                                 struct weft_inheritance *inheritance, const struct weft_log *log,
                                 struct weft_error *error);
/* Binds it. The errors of weft_server_listen. */
WEFT_MUST_USE int kvs_admin_listen(struct kvs_admin *admin, struct weft_error *error);
/* Starts its thread, which takes no signals. Returns 0 or -errno with one line in *error. */
WEFT_MUST_USE int kvs_admin_start(struct kvs_admin *admin, struct weft_error *error);
/* Answers what was asked, and ends the thread. Called when the other server has ended its run, but before it is
 * freed. Does nothing if the thread does not run. */
void kvs_admin_stop(struct kvs_admin *admin);
/* Frees the server. */
void kvs_admin_close(struct kvs_admin *admin);

#endif
