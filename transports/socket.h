/* SPDX-License-Identifier: MIT
 *
 * Streams and listeners over a stream socket, shared by tcp and unix. Every socket is non-blocking
 * and closed on exec. transport.h has the contracts of the slots. Private to the transports. */
#ifndef WEFT_SOCKET_H
#define WEFT_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/loop.h"
#include "core/transport.h"

struct weft__socket_stream {
    struct weft_stream stream;
    struct weft_io io;
    int fd;
};

/* The slots of a connected socket's stream. */
extern const struct weft_stream_ops weft__socket_ops;

/* Makes *socket, whose on_ready the owner has set, the stream of a connected fd. The stream owns fd
 * from now on. */
void weft__socket_adopt(struct weft__socket_stream *socket, struct weft_loop *loop, int fd);

struct weft__socket_listener {
    struct weft_listener listener;
    struct weft_io io;
    int fd;
    int reserve; /* given up to accept a peer when no descriptor is left; -1 while it is given up */
    bool open;
};

/* True if a listening socket accepts the peers of `wanted`: it is bound to that address, or to any port of it if wanted's
 * is 0, or to every IPv4 and IPv6 address where every IPv4 address is wanted. */
bool weft__socket_is_bound_to(int fd, const struct sockaddr *wanted, socklen_t wanted_size);
/* Finds such a socket in the listener's inheritance that nobody has taken, or returns NULL. */
struct weft_inherited *weft__socket_find_inherited(const struct weft_listener *listener,
                                                   const struct sockaddr *address, socklen_t size);
/* Listens on an inherited socket, which the listener owns if this succeeds. */
WEFT_MUST_USE int weft__socket_take(struct weft__socket_listener *listener, struct weft_loop *loop,
                                    struct weft_inherited *inherited);
/* Listens on a bound fd, which the listener owns if this succeeds. */
WEFT_MUST_USE int weft__socket_listen(struct weft__socket_listener *listener,
                                      struct weft_loop *loop, int fd);
/* Accepts one peer: transport.h's accept. Returns the handle, with the peer's address in *address, or
 * the error. */
WEFT_MUST_USE int weft__socket_accept(struct weft__socket_listener *listener,
                                      struct sockaddr_storage *address, bool shed);
/* The slots enable, unlisten and drop. */
void weft__socket_enable(struct weft_listener *listener, bool on);
void weft__socket_unlisten(struct weft_listener *listener);
void weft__socket_drop(const struct weft_accepted *accepted);

/* Says what may help against an error of the system. A table of these ends with err 0. */
struct weft__advice {
    int err;
    const char *text;
};

/* Fills *error with "cannot WHAT WHERE: TEXT OF err; ADVICE" and returns err, which is -errno. */
int weft__socket_refuse(struct weft_error *error, int err, const char *what, const char *where,
                        const struct weft__advice *advice);

#endif
