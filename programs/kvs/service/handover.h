/* SPDX-License-Identifier: MIT
 *
 * How one kvs takes the listening sockets of another over, so that an upgrade refuses no connection: --handover PATH. A
 * serving kvs listens on a Unix socket there. A kvs that is started with the same PATH connects to it:
 *
 *     old -> new   a message per socket: its name (of one of --admin's behind KVS_ADMIN_SOCKET), and the descriptor
 *     old -> new   "end"
 *     new -> old   "go": the old one drains, and leaves those who wait in the listen queues to the new one
 *     old -> new   the end of the connection: the old one has closed its store
 *
 * and only then opens its own store. A connection that ends before "go" changes nothing. The socket at PATH is itself
 * one of those that are passed. Only the user of the old process, and root, may ask. */
#ifndef KVS_HANDOVER_H
#define KVS_HANDOVER_H

#include "core/server.h"
#include "inheritance.h"

/* Takes the sockets of the kvs that serves at `path` and waits until that one has ended. Returns 1 if there was
 * one; 0 if there is none; or -errno or WEFT_ECONFIG with one line in *error, and then the other serves on. */
WEFT_MUST_USE int kvs_handover_take(struct kvs_inheritance *inheritance, const char *path,
                                    const struct weft_log *log, struct weft_error *error);

/* The end of a serving kvs. */
struct kvs_handover {
    int fd, peer;     /* that listens at the path; the connection of one that asks, or -1 */
    pid_t pid;        /* of the peer */
    const char *path; /* whose file is removed in the end, unless it was passed on */
    bool is_file, is_passed;
    struct weft_io io, peer_io;
    struct weft_server *server;
    struct weft_server *other; /* set by the caller: its listeners are passed, too; NULL: none */
    const struct weft_log *log;
    /* Set by the caller. passed is called once the sockets are the other's: drain now. */
    void (*passed)(struct kvs_handover *handover);
    void *owner;
};

/* Listens at `path`, or takes over the socket there that was inherited. NULL: does nothing. Returns 0, or an error
 * with one line in *error. Call it once the process is the user that serves. */
WEFT_MUST_USE int kvs_handover_listen(struct kvs_handover *handover, const char *path,
                                      struct kvs_inheritance *inheritance,
                                      struct weft_error *error);
/* Begins to answer those who ask, on the server's first loop. */
void kvs_handover_begin(struct kvs_handover *handover, struct weft_server *server,
                        const struct weft_log *log);
/* Stops answering. A peer that has been passed the sockets still waits: the process ends its connection by ending. */
void kvs_handover_end(struct kvs_handover *handover);

#endif
