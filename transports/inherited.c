/* SPDX-License-Identifier: MIT
 *
 * Listening sockets that the process was given. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "socket.h"

static bool is_port(in_port_t bound, in_port_t wanted)
{
    return wanted == 0 || bound == wanted;
}

static bool is_v4(const struct sockaddr_in *bound, const struct sockaddr_in *wanted)
{
    return bound->sin_addr.s_addr == wanted->sin_addr.s_addr &&
           is_port(bound->sin_port, wanted->sin_port);
}

static bool is_v6(const struct sockaddr_in6 *bound, const struct sockaddr_in6 *wanted)
{
    return IN6_ARE_ADDR_EQUAL(&bound->sin6_addr, &wanted->sin6_addr) &&
           bound->sin6_scope_id == wanted->sin6_scope_id &&
           is_port(bound->sin6_port, wanted->sin6_port);
}

/* True if the socket of every IPv6 address accepts the peers of every IPv4 address as well, as those that systemd makes
 * of a bare port do. */
static bool is_dual(int fd, const struct sockaddr_in6 *bound, const struct sockaddr_in *wanted)
{
    int v6only = 1;
    socklen_t size = sizeof v6only;

    return wanted->sin_addr.s_addr == htonl(INADDR_ANY) &&
           IN6_IS_ADDR_UNSPECIFIED(&bound->sin6_addr) &&
           is_port(bound->sin6_port, wanted->sin_port) &&
           getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &size) == 0 && v6only == 0;
}

/* Two paths, or two names of the abstract space, whose size counts. */
static bool is_unix(const struct sockaddr_un *bound, socklen_t bound_size,
                    const struct sockaddr_un *wanted, socklen_t wanted_size)
{
    if (wanted->sun_path[0] != '\0')
        return strncmp(bound->sun_path, wanted->sun_path, sizeof bound->sun_path) == 0;
    return bound_size == wanted_size &&
           memcmp(bound->sun_path, wanted->sun_path,
                  wanted_size - offsetof(struct sockaddr_un, sun_path)) == 0;
}

bool weft__socket_is_bound_to(int fd, const struct sockaddr *wanted, socklen_t wanted_size)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
    } bound = {0};
    socklen_t size = sizeof bound;

    if (getsockname(fd, &bound.any, &size) < 0)
        return false;
    const void *address = wanted;
    if (bound.any.sa_family == AF_INET6 && wanted->sa_family == AF_INET)
        return is_dual(fd, &bound.v6, address);
    if (bound.any.sa_family != wanted->sa_family)
        return false;
    switch (wanted->sa_family) {
    case AF_INET:
        return is_v4(&bound.v4, address);
    case AF_INET6:
        return is_v6(&bound.v6, address);
    default:
        return is_unix(&bound.un, size, address, wanted_size);
    }
}

struct weft_inherited *weft__socket_find_inherited(const struct weft_listener *listener,
                                                   const struct sockaddr *address, socklen_t size)
{
    const struct weft_inheritance *inheritance = listener->inheritance;

    for (size_t i = 0; inheritance && i < inheritance->count; i++) {
        struct weft_inherited *inherited = &inheritance->items[i];
        if (!inherited->taken && weft__socket_is_bound_to((int)inherited->handle, address, size))
            return inherited;
    }
    return NULL;
}

static int prepare(int fd)
{
    const int flags = fcntl(fd, F_GETFL);

    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
                   fcntl(fd, F_SETFD, FD_CLOEXEC) < 0
               ? -errno
               : 0;
}

int weft__socket_take(struct weft__socket_listener *listener, struct weft_loop *loop,
                      struct weft_inherited *inherited)
{
    int fd = (int)inherited->handle;

    if (inherited->shared)
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int err = prepare(fd);
    if (err == 0)
        err = weft__socket_listen(listener, loop, fd);
    if (err < 0) {
        if (inherited->shared)
            close(fd);
        return err;
    }
    inherited->taken = true;
    listener->listener.inherited = true;
    listener->listener.kept = inherited->kept;
    return 0;
}
