/* SPDX-License-Identifier: MIT
 *
 * kvs tells the manager that has started it as a service what it does, by the protocol of sd_notify(3) and without its
 * library: a datagram of NAME=VALUE lines to the Unix socket that NOTIFY_SOCKET names. Without that variable all of this does
 * nothing. All functions are for the thread of the first loop, or for before it runs. */
#ifndef KVS_SERVICE_MANAGER_H
#define KVS_SERVICE_MANAGER_H

#include "core/server.h"

struct kvs_manager {
    int fd; /* a connected socket; -1: nobody listens */
    struct weft_server *server;
    const struct weft_log *log;
    int64_t watchdog; /* nanoseconds between two signs of life; 0: none are wanted */
    struct weft_timer timer;
    struct weft_tour tour;
    bool is_touring;
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, removes them, and connects, which the sandbox forbids
 * later. A socket that cannot be connected to costs a line of the log, and nothing else. */
void kvs_manager_init(struct kvs_manager *manager, const struct weft_log *log);
void kvs_manager_fini(struct kvs_manager *manager);

/* Gives the listeners of a server into the descriptor store, but for those that the manager has given. All of its listeners are kept then
 * (weft_server_keep_listeners), for the manager has them. It has one that is given again once. Call it before the server
 * runs, and on the first loop's thread when an endpoint was added. is_admin: it is the server of --admin. NULL: does nothing. */
void kvs_manager_store(const struct kvs_manager *manager, struct weft_server *server,
                       bool is_admin);

/* STATUS= with how far the store is, as in "12 of 99 bytes"; NULL: that it begins. The manager is asked to wait for minutes more.
 * Any thread. */
void kvs_manager_loading(const struct kvs_manager *manager, const char *progress);

/* Begins: READY=1, and signs of life (WATCHDOG=1), each after every loop of the server has turned. */
void kvs_manager_begin(struct kvs_manager *manager, struct weft_server *server);
/* Ends the signs of life. */
void kvs_manager_end(struct kvs_manager *manager);

/* RELOADING=1 with the time, before a reload; and READY=1 with the outcome after it: `refused` is NULL or one line. */
void kvs_manager_reloading(const struct kvs_manager *manager);
void kvs_manager_reloaded(const struct kvs_manager *manager, const char *refused);

/* STOPPING=1. The manager is asked for as long as the drain may take. Any thread. */
void kvs_manager_stopping(const struct kvs_manager *manager, uint64_t drain_timeout);

/* Takes a socket out of the descriptor store, by its name there or that of its listener. */
void kvs_manager_forget(void *manager, const char *name);
void kvs_manager_forget_listener(const struct kvs_manager *manager,
                                 const struct weft_listener *listener);

#endif
