/* SPDX-License-Identifier: MIT */
#include "transports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "socket.h"

/* Room for "tcp://" and any host and port that a URL can hold. */
enum { WHERE_SIZE = WEFT_URL_MAX + 16 };

/* What a stream has until it is connected: the addresses not tried yet. */
struct connecting {
    struct addrinfo *addresses, *next;
    unsigned interest; /* what the owner wants to be told */
    int error;         /* of the last address, once none is left; until then 0 */
};

struct tcp_stream {
    struct weft__socket_stream socket;
    struct connecting *connecting; /* NULL once connected */
};

static struct tcp_stream *tcp_of(struct weft_stream *stream)
{
    return weft_container_of(stream, struct tcp_stream, socket.stream);
}

static struct weft__socket_listener *listener_of(struct weft_listener *listener)
{
    return weft_container_of(listener, struct weft__socket_listener, listener);
}

static const char *describe_url(const struct weft_url *url, char where[WHERE_SIZE])
{
    bool is_ipv6 = strchr(url->host, ':') != NULL;

    snprintf(where, WHERE_SIZE, "tcp://%s%s%s:%s", is_ipv6 ? "[" : "", url->host,
             is_ipv6 ? "]" : "", url->port);
    return where;
}

/* "127.0.0.1:9527", "[::1]:9527". */
static void describe_address(const struct sockaddr_storage *address, char *dst, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";

    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(dst, size, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const void *)address;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(dst, size, "%s:%u", host, ntohs(in->sin_port));
    }
}

/* what: "listen on" or "connect to", for *error. The addresses are freeaddrinfo's to free. */
static int resolve(const struct weft_url *url, const char *what, struct addrinfo **addresses,
                   struct weft_error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char where[WHERE_SIZE];
    const char *reason;
    int code, err;

    if (!url->host || !url->port)
        return weft_error_set(error, WEFT_ECONFIG, "cannot %s tcp:%s: the form is tcp://HOST:PORT",
                              what, url->path ? url->path : "");
    code = getaddrinfo(url->host, url->port, &hints, addresses);
    if (code == 0)
        return 0;
    err = code == EAI_SYSTEM ? -errno : code == EAI_MEMORY ? -ENOMEM : -EADDRNOTAVAIL;
    reason = code == EAI_SYSTEM ? weft_strerror(err) : gai_strerror(code);
    return weft_error_set(error, err, "cannot %s %s: the host name cannot be resolved: %s", what,
                          describe_url(url, where), reason);
}

static int open_socket(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static int set_no_delay(int fd)
{
    int on = 1;

    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ? -errno : 0;
}

static int bind_address(int fd, const struct addrinfo *address)
{
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    if (address->ai_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
        return -errno;
    return bind(fd, address->ai_addr, address->ai_addrlen) < 0 ? -errno : 0;
}

static int listen_at(struct weft__socket_listener *socket, struct weft_loop *loop,
                     const struct addrinfo *address)
{
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof(bound);
    int fd = open_socket(address), err;

    if (fd < 0)
        return fd;
    err = bind_address(fd, address);
    if (err == 0 && getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
        err = -errno;
    if (err == 0)
        err = weft__socket_listen(socket, loop, fd);
    if (err < 0) {
        close(fd);
        return err;
    }
    memcpy(socket->listener.name, "tcp://", sizeof("tcp://"));
    describe_address(&bound, socket->listener.name + 6, sizeof(socket->listener.name) - 6);
    return 0;
}

static int tcp_listen(struct weft_listener *listener, struct weft_loop *loop,
                      const struct weft_url *url, struct weft_error *error)
{
    static const struct weft__advice advice[] = {
        {EADDRINUSE, "is another server running there? stop it or choose another port"},
        {EACCES, "ports below 1024 need privileges: choose another port"},
        {EADDRNOTAVAIL, "no interface of this machine has that address"},
        {0, NULL},
    };
    struct addrinfo *addresses, *address;
    char where[WHERE_SIZE];
    int err = resolve(url, "listen on", &addresses, error);

    if (err < 0)
        return err;
    address = addresses;
    do
        err = listen_at(listener_of(listener), loop, address);
    while (err < 0 && (address = address->ai_next));
    freeaddrinfo(addresses);
    if (err < 0)
        return weft__socket_refuse(error, err, "listen on", describe_url(url, where), advice);
    return 0;
}

static int tcp_accept(struct weft_listener *listener, struct weft_accepted *accepted, int shed)
{
    struct sockaddr_storage address;
    int handle = weft__socket_accept(listener_of(listener), &address, shed);

    if (handle < 0)
        return handle;
    accepted->handle = handle;
    describe_address(&address, accepted->peer, sizeof(accepted->peer));
    return 0;
}

static int tcp_attach(struct weft_stream *stream, struct weft_loop *loop,
                      const struct weft_accepted *accepted)
{
    struct tcp_stream *tcp = tcp_of(stream);
    int fd = (int)accepted->handle, err = set_no_delay(fd);

    if (err < 0) {
        close(fd);
        return err;
    }
    tcp->connecting = NULL;
    weft__socket_adopt(&tcp->socket, loop, fd);
    return 0;
}

static void free_connecting(struct tcp_stream *tcp)
{
    freeaddrinfo(tcp->connecting->addresses);
    weft_free(tcp->connecting);
    tcp->connecting = NULL;
}

/* A socket on the way to the next address that does not refuse at once, or the last one's error. */
static int try_addresses(struct connecting *connecting)
{
    int err = -EADDRNOTAVAIL;

    while (connecting->next) {
        const struct addrinfo *address = connecting->next;
        int fd = open_socket(address);

        connecting->next = address->ai_next;
        if (fd < 0) {
            err = fd;
            continue;
        }
        err = set_no_delay(fd);
        if (err == 0 && connect(fd, address->ai_addr, address->ai_addrlen) < 0)
            err = -errno;
        /* connect(2): an interrupted one goes on, like one in progress. */
        if (err == 0 || err == -EINPROGRESS || err == -EINTR)
            return fd;
        close(fd);
    }
    return err;
}

static int connect_result(int fd)
{
    int err = 0;
    socklen_t size = sizeof(err);

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0 ? -errno : -err;
}

/* The socket has come to an address's end: connected, or on to the next one. When none is left, the
 * dead socket stays: it is ready for ever, and so the owner hears of it. */
static void on_connecting(struct weft_io *io, unsigned events)
{
    struct tcp_stream *tcp = weft_container_of(io, struct tcp_stream, socket.io);
    struct connecting *connecting = tcp->connecting;
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
    struct tcp_stream *tcp = tcp_of(stream);

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
    struct tcp_stream *tcp = tcp_of(stream);

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

static int tcp_connect(struct weft_stream *stream, struct weft_loop *loop,
                       const struct weft_url *url, struct weft_error *error)
{
    static const struct weft__advice advice[] = {
        {ECONNREFUSED, "is the server running?"},
        {0, NULL},
    };
    struct tcp_stream *tcp = tcp_of(stream);
    struct addrinfo *addresses;
    char where[WHERE_SIZE];
    int err = resolve(url, "connect to", &addresses, error), fd;

    if (err < 0)
        return err;
    tcp->connecting = weft_malloc(sizeof(*tcp->connecting));
    if (!tcp->connecting) {
        freeaddrinfo(addresses);
        return weft_error_set(error, -ENOMEM, "cannot connect to %s: %s", describe_url(url, where),
                              weft_strerror(-ENOMEM));
    }
    *tcp->connecting = (struct connecting){.addresses = addresses, .next = addresses};
    fd = try_addresses(tcp->connecting);
    if (fd < 0) {
        free_connecting(tcp);
        return weft__socket_refuse(error, fd, "connect to", describe_url(url, where), advice);
    }
    stream->ops = &connecting_ops;
    tcp->socket.fd = fd;
    weft_io_init(&tcp->socket.io, loop, fd, on_connecting);
    weft_io_want(&tcp->socket.io, WEFT_WRITABLE);
    return 0;
}

const struct weft_transport weft_transport_tcp = {
    .name = "tcp",
    .listener_size = sizeof(struct weft__socket_listener),
    .stream_size = sizeof(struct tcp_stream),
    .listen = tcp_listen,
    .enable = weft__socket_enable,
    .accept = tcp_accept,
    .unlisten = weft__socket_unlisten,
    .attach = tcp_attach,
    .drop = weft__socket_drop,
    .connect = tcp_connect,
};
