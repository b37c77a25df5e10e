/* SPDX-License-Identifier: MIT
 *
 * What tcp and unix share: streams and listeners over a stream socket, which is not blocking and
 * does not survive exec. Private to the transports; the contracts are transport.h's. */
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

/* Makes *socket, whose on_ready the owner has set, the stream of a connected fd, which is the
 * stream's from here on. */
void weft__socket_adopt(struct weft__socket_stream *socket, struct weft_loop *loop, int fd);

struct weft__socket_listener {
    struct weft_listener listener;
    struct weft_io io;
    int fd,
        reserve; /* reserve: given up to take in a peer that there is no descriptor for, or -1 */
    bool open;
};

/* Listens on a bound fd, which is the listener's if this succeeds. */
WEFT_MUST_USE int weft__socket_listen(struct weft__socket_listener *listener,
                                      struct weft_loop *loop, int fd);
/* As transport.h's accept, but for the peer: the handle or an error, the peer's address in
 * *address. */
WEFT_MUST_USE int weft__socket_accept(struct weft__socket_listener *listener,
                                      struct sockaddr_storage *address, int shed);
/* The slots enable, unlisten and drop. */
void weft__socket_enable(struct weft_listener *listener, int on);
void weft__socket_unlisten(struct weft_listener *listener);
void weft__socket_drop(const struct weft_accepted *accepted);

/* What can be done about an error of the system's; a table of these ends with err 0. */
struct weft__advice {
    int err;
    const char *text;
};

/* Fills *error with "cannot WHAT WHERE: the system's words; advice" and returns err, which is
 * -errno. */
int weft__socket_refuse(struct weft_error *error, int err, const char *what, const char *where,
                        const struct weft__advice *advice);

#endif
