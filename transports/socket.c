/* SPDX-License-Identifier: MIT */
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/peer.h"

static struct weft__socket_stream *socket_of(struct weft_stream *stream)
{
    return weft_container_of(stream, struct weft__socket_stream, stream);
}

static ssize_t socket_read(struct weft_stream *stream, uint8_t *dst, size_t size)
{
    int fd = socket_of(stream)->fd;
    ssize_t n;

    do
        n = recv(fd, dst, size, 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static ssize_t socket_writev(struct weft_stream *stream, const struct iovec *vec, int count)
{
    /* sendmsg does not write through msg_iov, which is not const for recvmsg's sake. */
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)vec,
                             .msg_iovlen = (size_t)count};
    int fd = socket_of(stream)->fd;
    ssize_t n;

    do {
        if (count == 1)
            n = send(fd, vec->iov_base, vec->iov_len, MSG_NOSIGNAL);
        else
            n = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static void socket_want(struct weft_stream *stream, unsigned interest)
{
    weft_io_want(&socket_of(stream)->io, interest);
}

static int socket_shutdown(struct weft_stream *stream)
{
    return shutdown(socket_of(stream)->fd, SHUT_WR) < 0 ? -errno : 0;
}

static void socket_close(struct weft_stream *stream)
{
    struct weft__socket_stream *socket = socket_of(stream);

    weft_io_want(&socket->io, 0);
    close(socket->fd);
}

/* Without time to linger, a socket of TCP is reset and its bytes are dropped. One of a Unix socket has none left, because
 * the peer's socket got them when they were written. */
static void socket_reset(struct weft_stream *stream)
{
    const struct linger none = {.l_onoff = 1};

    setsockopt(socket_of(stream)->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    socket_close(stream);
}

/* The kernel says who connected or listened at the other end of a Unix socket. For TCP it says that it
 * knows nobody, with a process of 0. */
static void socket_identify(struct weft_stream *stream, struct weft_peer *peer)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;

    if (getsockopt(socket_of(stream)->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0 ||
        credentials.pid == 0)
        return;
    peer->uid = credentials.uid;
    peer->gid = credentials.gid;
    peer->pid = credentials.pid;
}

const struct weft_stream_ops weft__socket_ops = {
    .read = socket_read,
    .writev = socket_writev,
    .want = socket_want,
    .shutdown = socket_shutdown,
    .close = socket_close,
    .reset = socket_reset,
    .identify = socket_identify,
};

static void on_stream_ready(struct weft_io *io, unsigned events)
{
    struct weft__socket_stream *socket = weft_container_of(io, struct weft__socket_stream, io);

    socket->stream.on_ready(&socket->stream, events);
}

void weft__socket_adopt(struct weft__socket_stream *socket, struct weft_loop *loop, int fd)
{
    socket->stream.ops = &weft__socket_ops;
    socket->fd = fd;
    weft_io_init(&socket->io, loop, fd, on_stream_ready);
}

static void on_listener_ready(struct weft_io *io, unsigned events)
{
    struct weft__socket_listener *socket = weft_container_of(io, struct weft__socket_listener, io);

    (void)events;
    socket->listener.on_ready(&socket->listener);
}

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int weft__socket_listen(struct weft__socket_listener *listener, struct weft_loop *loop, int fd)
{
    int reserve = open_reserve();

    if (reserve < 0)
        return -errno;
    if (listen(fd, SOMAXCONN) < 0) {
        int err = -errno;

        close(reserve);
        return err;
    }
    listener->fd = fd;
    listener->listener.handle = fd;
    listener->reserve = reserve;
    listener->open = true;
    weft_io_init(&listener->io, loop, fd, on_listener_ready);
    return 0;
}

void weft__socket_enable(struct weft_listener *listener, bool on)
{
    struct weft__socket_listener *socket =
        weft_container_of(listener, struct weft__socket_listener, listener);

    weft_io_want(&socket->io, on ? WEFT_READABLE : 0);
}

void weft__socket_unlisten(struct weft_listener *listener)
{
    struct weft__socket_listener *socket =
        weft_container_of(listener, struct weft__socket_listener, listener);

    if (!socket->open)
        return;
    socket->open = false;
    weft_io_want(&socket->io, 0);
    close(socket->fd);
    if (socket->reserve >= 0)
        close(socket->reserve);
}

static int accept_one(int fd, struct sockaddr_storage *address)
{
    int handle;

    do {
        socklen_t size = sizeof *address;

        handle = accept4(fd, (struct sockaddr *)address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (handle < 0 && errno == EINTR);
    return handle < 0 ? -errno : handle;
}

/* Linux returns errors that befell the peer's connection while it waited: accept(2), "Error
 * handling". Such an error costs that peer only, and the next call may succeed. */
static int accept_error(int err)
{
    switch (err) {
    case -EPERM:
    case -EPROTO:
    case -ENOPROTOOPT:
    case -EOPNOTSUPP:
    case -ENETDOWN:
    case -ENETUNREACH:
    case -EHOSTDOWN:
    case -EHOSTUNREACH:
    case -ENONET:
    case -ETIMEDOUT:
        return -ECONNABORTED;
    case -ENOBUFS:
        return -ENOMEM;
    default:
        return err;
    }
}

/* Frees the reserve descriptor, accepts the waiting peer with it and drops the peer. If another
 * thread takes the descriptor first, a later call fills the reserve again. */
static int accept_and_drop(struct weft__socket_listener *listener, struct sockaddr_storage *address)
{
    int handle;

    if (listener->reserve >= 0)
        close(listener->reserve);
    handle = accept_one(listener->fd, address);
    if (handle >= 0)
        close(handle);
    listener->reserve = open_reserve();
    return handle >= 0 ? -ECONNABORTED : handle;
}

int weft__socket_accept(struct weft__socket_listener *listener, struct sockaddr_storage *address,
                        bool shed)
{
    int handle = accept_one(listener->fd, address);

    if (shed && (handle == -EMFILE || handle == -ENFILE))
        handle = accept_and_drop(listener, address);
    return handle >= 0 ? handle : accept_error(handle);
}

void weft__socket_drop(const struct weft_accepted *accepted)
{
    close((int)accepted->handle);
}

int weft__socket_refuse(struct weft_error *error, int err, const char *what, const char *where,
                        const struct weft__advice *advice)
{
    while (advice->err && advice->err != -err)
        advice++;
    return weft_error_set(error, err, "cannot %s %s: %s%s%s", what, where, weft_strerror(err),
                          advice->err ? "; " : "", advice->err ? advice->text : "");
}
