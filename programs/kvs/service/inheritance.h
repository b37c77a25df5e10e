/* SPDX-License-Identifier: MIT
 *
 * The listening sockets that kvs is started with: those that systemd passes (sd_listen_fds(3)), from a socket unit or
 * from the descriptor store of the run before, and those of a kvs that this one takes over from (handover.h). */
#ifndef KVS_INHERITANCE_H
#define KVS_INHERITANCE_H

#include "core/base/log.h"
#include "core/transport.h"

enum { KVS_INHERITED_MAX = 128 };

/* A name that begins like this, or is "admin", is of a socket of --admin. By its address alone nobody could tell that
 * from another's if both have port 0. */
#define KVS_ADMIN_SOCKET "kvs-admin-"

struct kvs_inheritance {
    struct weft_inheritance sockets; /* for the server; its items are these */
    struct weft_inherited items[KVS_INHERITED_MAX];
};

/* Takes the descriptors that LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES tell of, and removes these variables. A descriptor
 * that is no listening stream socket is closed, and a line of the log says so. */
void kvs_inheritance_init(struct kvs_inheritance *inheritance, const struct weft_log *log);

/* Adds a descriptor. False: there is no room, and the caller keeps it. */
bool kvs_inheritance_add(struct kvs_inheritance *inheritance, int fd, const char *name, bool kept);

/* Copies to *chosen the sockets that no listener has taken and that are of --admin by their names, or all of them if `all` is
 * true. After a listener has taken some of `chosen`, the caller settles. */
void kvs_inheritance_choose(const struct kvs_inheritance *inheritance, bool all,
                            struct kvs_inheritance *chosen);
/* Notes which of `chosen` were taken. */
void kvs_inheritance_settle(struct kvs_inheritance *inheritance,
                            const struct kvs_inheritance *chosen);

/* Takes the socket of that name out and returns it, or -1. */
int kvs_inheritance_take(struct kvs_inheritance *inheritance, const char *name);

/* Closes the sockets that no listener has taken, after weft_server_listen, and logs a line for each. Before it does,
 * `unused` is called with its name. */
void kvs_inheritance_close_unused(struct kvs_inheritance *inheritance, const struct weft_log *log,
                                  void (*unused)(void *arg, const char *name), void *arg);

#endif
