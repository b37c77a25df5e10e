/* SPDX-License-Identifier: MIT
 *
 * Listening over TCP: a listener for each address of the URL's host, all of them or none. */
#include "tcp_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"

/* A port that the system chose for the first address may be taken at the next one. */
enum { PORT_TRIES = 16 };

/* One URL's way to its listeners. */
struct listening {
    struct weft_listener *first;
    struct weft_loop *loop;
    struct weft__tcp_settings settings;
    struct addrinfo *addresses;
    const struct addrinfo *failed; /* the address at which an error was met */
    in_port_t port;                /* in network order; 0: the system chooses */
};

static struct weft__socket_listener *socket_of(struct weft_listener *listener)
{
    return weft_container_of(listener, struct weft__socket_listener, listener);
}

static in_port_t *port_of(struct sockaddr *address)
{
    return address->sa_family == AF_INET6 ? &((struct sockaddr_in6 *)(void *)address)->sin6_port
                                          : &((struct sockaddr_in *)(void *)address)->sin_port;
}

static int bind_address(int fd, const struct addrinfo *address,
                        const struct weft__tcp_settings *settings)
{
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    if (address->ai_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
        return -errno;
    int err = weft__tcp_set_keepalive(fd, settings);
    if (err < 0)
        return err;
    return bind(fd, address->ai_addr, address->ai_addrlen) < 0 ? -errno : 0;
}

static int take(struct listening *listening, struct weft__socket_listener *socket,
                struct weft_inherited *inherited)
{
    int err = weft__tcp_set_keepalive((int)inherited->handle, &listening->settings);

    return err < 0 ? err : weft__socket_take(socket, listening->loop, inherited);
}

static int bind_new(struct listening *listening, struct weft__socket_listener *socket,
                    const struct addrinfo *address)
{
    int fd = weft__tcp_socket(address);

    if (fd < 0)
        return fd;
    int err = bind_address(fd, address, &listening->settings);
    if (err == 0)
        err = weft__socket_listen(socket, listening->loop, fd);
    if (err < 0)
        close(fd);
    return err;
}

static int listen_at(struct listening *listening, struct weft__socket_listener *socket,
                     const struct addrinfo *address)
{
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof bound;

    *port_of(address->ai_addr) = listening->port;
    struct weft_inherited *inherited =
        weft__socket_find_inherited(&socket->listener, address->ai_addr, address->ai_addrlen);
    int err = inherited ? take(listening, socket, inherited) : bind_new(listening, socket, address);
    if (err < 0)
        return err;
    if (getsockname(socket->fd, (struct sockaddr *)&bound, &size) < 0) {
        err = -errno;
        weft__socket_unlisten(&socket->listener);
        return err;
    }
    listening->port = *port_of((struct sockaddr *)&bound);
    memcpy(socket->listener.name, "tcp://", sizeof "tcp://");
    weft__tcp_describe((struct sockaddr *)&bound, socket->listener.name + 6,
                       sizeof socket->listener.name - 6);
    return 0;
}

/* True if this machine has no addresses of that family at all: a container without IPv6 has ::1 in
 * its /etc/hosts all the same. */
static bool lacks_family(const struct addrinfo *address, int err)
{
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                          .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    if (err == -EAFNOSUPPORT)
        return true;
    if (err != -EADDRNOTAVAIL || address->ai_family != AF_INET6)
        return false;
    int fd = weft__tcp_socket(address);
    if (fd < 0)
        return true;
    bool can_bind = bind(fd, (const struct sockaddr *)&loopback, sizeof loopback) == 0;
    close(fd);
    return !can_bind;
}

static bool is_equal(const struct addrinfo *a, const struct addrinfo *b)
{
    if (a->ai_family != b->ai_family)
        return false;
    if (a->ai_family == AF_INET6) {
        const struct sockaddr_in6 *a6 = (const void *)a->ai_addr, *b6 = (const void *)b->ai_addr;

        return IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr) &&
               a6->sin6_scope_id == b6->sin6_scope_id;
    }
    const struct sockaddr_in *a4 = (const void *)a->ai_addr, *b4 = (const void *)b->ai_addr;

    return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
}

/* True if the address stands earlier in the list as well: /etc/hosts may name one twice. */
static bool is_repeated(const struct addrinfo *list, const struct addrinfo *address)
{
    while (list != address && !is_equal(list, address))
        list = list->ai_next;
    return list != address;
}

/* Returns the place of the next listener: the first one, or new memory behind the last. */
static struct weft__socket_listener *add_listener(struct listening *listening,
                                                  struct weft_listener *last)
{
    if (!last)
        return socket_of(listening->first);
    struct weft__socket_listener *socket = weft_calloc(1, sizeof *socket);
    if (!socket)
        return NULL;
    socket->listener.on_ready = listening->first->on_ready;
    socket->listener.owner = listening->first->owner;
    socket->listener.inheritance = listening->first->inheritance;
    return socket;
}

/* True if a listener so far accepts the peers of that address, too: a socket that was inherited may be one for IPv4 and
 * IPv6. */
static bool is_served(const struct listening *listening, const struct weft_listener *last,
                      const struct addrinfo *address)
{
    if (!last)
        return false;
    *port_of(address->ai_addr) = listening->port;
    for (const struct weft_listener *at = listening->first; at; at = at->next)
        if (at->inherited &&
            weft__socket_is_bound_to((int)at->handle, address->ai_addr, address->ai_addrlen))
            return true;
    return false;
}

static int listen_at_all(struct listening *listening)
{
    struct weft_listener *last = NULL;
    int err = -EADDRNOTAVAIL;

    for (const struct addrinfo *at = listening->addresses; at; at = at->ai_next) {
        if (is_repeated(listening->addresses, at) || is_served(listening, last, at))
            continue;
        struct weft__socket_listener *socket = add_listener(listening, last);
        int result = socket ? listen_at(listening, socket, at) : -ENOMEM;
        if (result == 0) {
            if (last)
                last->next = &socket->listener;
            last = &socket->listener;
            continue;
        }
        if (last)
            weft_free(socket);
        listening->failed = at;
        err = result;
        if (!lacks_family(at, err)) {
            weft__tcp_unlisten(listening->first);
            return err;
        }
    }
    return last ? 0 : err;
}

static int refuse(const struct listening *listening, const struct weft_url *url, int err,
                  struct weft_error *error)
{
    static const struct weft__advice advice[] = {
        {EADDRINUSE, "is another server running there? stop it or choose another port"},
        {EACCES, "ports below 1024 need privileges: choose another port"},
        {EADDRNOTAVAIL, "no interface of this machine has that address"},
        {0, NULL},
    };
    char where[2 * WEFT__TCP_WHERE];

    weft__tcp_describe_url(url, where);
    if (listening->addresses->ai_next && listening->failed) {
        size_t used = strlen(where);

        used += (size_t)snprintf(where + used, sizeof where - used, " at ");
        weft__tcp_describe(listening->failed->ai_addr, where + used, sizeof where - used);
    }
    return weft__socket_refuse(error, err, "listen on", where, advice);
}

int weft__tcp_listen(struct weft_listener *first, struct weft_loop *loop,
                     const struct weft_url *url, struct weft_error *error)
{
    struct listening listening = {.first = first, .loop = loop};
    int err = weft__tcp_resolve(&listening.settings, url, true, &listening.addresses, error);

    if (err < 0)
        return err;
    const in_port_t port = *port_of(listening.addresses->ai_addr);
    for (int tries = 0; tries < PORT_TRIES; tries++) {
        listening.port = port;
        err = listen_at_all(&listening);
        if (err != -EADDRINUSE || port != 0)
            break;
    }
    if (err < 0)
        err = refuse(&listening, url, err, error);
    freeaddrinfo(listening.addresses);
    return err;
}

void weft__tcp_unlisten(struct weft_listener *first)
{
    struct weft_listener *next = first->next;

    weft__socket_unlisten(first);
    first->next = NULL;
    while (next) {
        struct weft__socket_listener *socket = socket_of(next);

        next = next->next;
        weft__socket_unlisten(&socket->listener);
        weft_free(socket);
    }
}
