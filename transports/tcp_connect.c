/* SPDX-License-Identifier: MIT
 *
 * Connecting over TCP: one address after the other, until one of them takes the connection. */
#include "tcp_private.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"

struct weft__tcp_connecting {
    struct addrinfo *addresses, *next; /* next: the first that was not tried yet */
    struct weft__tcp_settings settings;
    unsigned interest; /* the events that the owner wants */
    int error;         /* of the last address, once none is left; until then 0 */
};

static struct weft__tcp_stream *tcp_of(struct weft_stream *stream)
{
    return weft_container_of(stream, struct weft__tcp_stream, socket.stream);
}

static void free_connecting(struct weft__tcp_stream *tcp)
{
    freeaddrinfo(tcp->connecting->addresses);
    weft_free(tcp->connecting);
    tcp->connecting = NULL;
}

/* Returns a socket on its way to the next address that does not refuse at once, or the error of the
 * last address. */
static int try_addresses(struct weft__tcp_connecting *connecting)
{
    int err = -EADDRNOTAVAIL;

    while (connecting->next) {
        const struct addrinfo *address = connecting->next;
        int fd = weft__tcp_socket(address);

        connecting->next = address->ai_next;
        if (fd < 0) {
            err = fd;
            continue;
        }
        err = weft__tcp_set_no_delay(fd);
        if (err == 0)
            err = weft__tcp_set_keepalive(fd, &connecting->settings);
        if (err == 0 && connect(fd, address->ai_addr, address->ai_addrlen) < 0)
            err = -errno;
        /* An interrupted connect goes on like one in progress: connect(2). */
        if (err == 0 || err == -EINPROGRESS || err == -EINTR)
            return fd;
        close(fd);
    }
    return err;
}

static int connect_result(int fd)
{
    int err = 0;
    socklen_t size = sizeof err;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0 ? -errno : -err;
}

/* Called when an attempt has ended: the stream is connected, or goes on to the next address. If none
 * is left, the dead socket stays. It is ready for ever, so the owner hears of it. */
static void on_connecting(struct weft_io *io, unsigned events)
{
    struct weft__tcp_stream *tcp = weft_container_of(io, struct weft__tcp_stream, socket.io);
    struct weft__tcp_connecting *connecting = tcp->connecting;
    struct weft_stream *stream = &tcp->socket.stream;
    int err, fd;

    if (connecting->error) {
        stream->on_ready(stream, events);
        return;
    }
    err = connect_result(tcp->socket.fd);
    if (err == 0) {
        unsigned interest = connecting->interest;

        weft_io_want(io, 0);
        free_connecting(tcp);
        weft__socket_adopt(&tcp->socket, io->loop, tcp->socket.fd);
        weft_io_want(io, interest);
        return;
    }
    if (connecting->next) {
        fd = try_addresses(connecting);
        if (fd >= 0) {
            weft_io_want(io, 0);
            close(tcp->socket.fd);
            tcp->socket.fd = fd;
            weft_io_init(io, io->loop, fd, on_connecting);
            weft_io_want(io, WEFT_WRITABLE);
            return;
        }
        err = fd;
    }
    connecting->error = err;
    weft_io_want(io, connecting->interest);
}

static ssize_t connecting_read(struct weft_stream *stream, uint8_t *dst, size_t size)
{
    int err = tcp_of(stream)->connecting->error;

    (void)dst;
    (void)size;
    return err ? err : -EAGAIN;
}

static ssize_t connecting_writev(struct weft_stream *stream, const struct iovec *vec, int count)
{
    int err = tcp_of(stream)->connecting->error;

    (void)vec;
    (void)count;
    return err ? err : -EAGAIN;
}

static void connecting_want(struct weft_stream *stream, unsigned interest)
{
    struct weft__tcp_stream *tcp = tcp_of(stream);

    tcp->connecting->interest = interest;
    if (tcp->connecting->error)
        weft_io_want(&tcp->socket.io, interest);
}

static int connecting_shutdown(struct weft_stream *stream)
{
    int err = tcp_of(stream)->connecting->error;

    return err ? err : -ENOTCONN;
}

static void connecting_close(struct weft_stream *stream)
{
    struct weft__tcp_stream *tcp = tcp_of(stream);

    free_connecting(tcp);
    weft__socket_ops.close(stream);
}

static const struct weft_stream_ops connecting_ops = {
    .read = connecting_read,
    .writev = connecting_writev,
    .want = connecting_want,
    .shutdown = connecting_shutdown,
    .close = connecting_close,
};

int weft__tcp_connect(struct weft_stream *stream, struct weft_loop *loop,
                      const struct weft_url *url, struct weft_error *error)
{
    static const struct weft__advice advice[] = {
        {ECONNREFUSED, "is the server running?"},
        {0, NULL},
    };
    struct weft__tcp_stream *tcp = tcp_of(stream);
    struct addrinfo *addresses;
    char where[WEFT__TCP_WHERE];
    struct weft__tcp_settings settings;
    int err = weft__tcp_resolve(&settings, url, false, &addresses, error);

    if (err < 0)
        return err;
    tcp->connecting = weft_malloc(sizeof *tcp->connecting);
    if (!tcp->connecting) {
        freeaddrinfo(addresses);
        return weft_error_set(error, -ENOMEM, "cannot connect to %s: %s",
                              weft__tcp_describe_url(url, where), weft_strerror(-ENOMEM));
    }
    *tcp->connecting = (struct weft__tcp_connecting){
        .addresses = addresses, .next = addresses, .settings = settings};
    int fd = try_addresses(tcp->connecting);
    if (fd < 0) {
        free_connecting(tcp);
        return weft__socket_refuse(error, fd, "connect to", weft__tcp_describe_url(url, where),
                                   advice);
    }
    stream->ops = &connecting_ops;
    tcp->socket.fd = fd;
    weft_io_init(&tcp->socket.io, loop, fd, on_connecting);
    weft_io_want(&tcp->socket.io, WEFT_WRITABLE);
    return 0;
}
