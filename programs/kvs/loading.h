/* SPDX-License-Identifier: MIT
 *
 * kvs serves others in part while it opens its store, which for a journal of gigabytes takes minutes. A thread of its own
 * answers at the address of --admin, so that /healthz says that the process is well and /readyz that it loads, and it ends
 * the process at SIGTERM and SIGINT. The manager of services hears how far the store is. The server of --admin later goes
 * on with the same listening sockets, so that nobody who asks is refused in between. */
#ifndef KVS_LOADING_H
#define KVS_LOADING_H

#include <stdatomic.h>

#include "admin.h"
#include "certificates.h"
#include "services/admin/admin.h"
#include "services/kv/store.h"
#include "services/layers/users/users.h"

enum {
    KVS_LOADING_ADDRESSES = 16
}; /* of --admin; a name with more is not answered at until all is loaded */

/* Zeroed before its first use, and left in place. */
struct kvs_loading {
    struct kv_progress progress; /* for weft_kv_context_open, between begin and end */
    struct weft_inheritance
        sockets;  /* out: for the server of --admin, which takes no others then */
    bool answers; /* out: the sockets are there */

    const struct kvs_config *config;
    const struct weft_log *log;
    struct kvs_service *service;
    struct kvs_inheritance offered; /* the sockets of the service that may be of --admin */
    struct weft_registry registry;
    struct kvs_certificates certificates;
    struct kvs_reload reload; /* of which nobody asks */
    struct weft_collectors collectors;
    struct weft_admin admin;
    struct kvs_admin server;
    struct weft_loop *own; /* the loop, if there is no server */
    struct weft_inherited items[KVS_LOADING_ADDRESSES];
    struct weft_signal terminate, interrupt;
    struct weft_post end;
    pthread_t thread;
    bool runs;
    bool hands_over; /* the sockets are somebody's who goes on with them */
    bool ends;       /* the thread's: the process is to end */
    int64_t told;    /* when the manager was told last: nanoseconds; 0: never */
};

/* Binds --admin and starts the thread. `users` is NULL if there are none. SIGTERM and SIGINT are blocked in the calling
 * thread from now on, until the server's loop watches them. All that it is given outlives kvs_loading_fini. An --admin
 * that names what only plugins or the rest of kvs bring is left alone. With --user root answers nobody, either. Returns 0, or an
 * error with one line in *error: the address of --admin cannot be bound, or there is no memory. kvs_loading_fini follows
 * in any case. */
WEFT_MUST_USE int kvs_loading_begin(struct kvs_loading *loading, const struct kvs_config *config,
                                    const struct weft_log *log, struct kvs_service *service,
                                    struct weft_users *users, struct weft_error *error);
/* Ends the thread, after the server of --admin has taken the sockets. Its open connections get what they are owed and
 * end. If a signal has come, the process ends instead. Does nothing the second time. */
void kvs_loading_end(void *loading);
/* Ends the thread if that runs, and closes what nobody has taken. */
void kvs_loading_fini(struct kvs_loading *loading);

#endif
