/* SPDX-License-Identifier: MIT */
#include "tcp_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "core/base/units.h"

enum {
    KEEPALIVE = 60,
    KEEPALIVE_MAX = 32767, /* of TCP_KEEPIDLE and TCP_KEEPINTVL: tcp(7) */
    PROBES = 5
};

const struct weft_option weft__tcp_options[] = {
    {.name = "keepalive",
     .values = "SECONDS|off",
     .help = "silence after which a peer is probed, 60 by default; five probes without an answer, "
             "within as long again, end the connection"},
    {.name = NULL},
};

const char *weft__tcp_describe_url(const struct weft_url *url, char where[WEFT__TCP_WHERE])
{
    bool is_ipv6 = strchr(url->host, ':') != NULL;

    snprintf(where, WEFT__TCP_WHERE, "tcp://%s%s%s:%s", is_ipv6 ? "[" : "", url->host,
             is_ipv6 ? "]" : "", url->port);
    return where;
}

void weft__tcp_describe(const struct sockaddr *address, char *dst, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";

    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(dst, size, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const void *)address;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(dst, size, "%s:%u", host, ntohs(in->sin_port));
    }
}

static bool is_any(const struct weft_url *url)
{
    return strcmp(url->host, "*") == 0;
}

static int read_keepalive(int *seconds, const struct weft_url *url, const char *what,
                          struct weft_error *error)
{
    const struct weft_option_set set = weft_url_option_set(url);
    const char *text = weft_option_get(&set, "keepalive");
    char where[WEFT__TCP_WHERE];
    uint64_t number = KEEPALIVE;

    if (text && strcmp(text, "off") == 0)
        number = 0;
    else if (text && (weft_parse_count(text, &number) < 0 || number < 1 || number > KEEPALIVE_MAX))
        return weft_error_set(error, WEFT_ECONFIG,
                              "cannot %s %s: keepalive=%s: it takes 1 to %d seconds, or off", what,
                              weft__tcp_describe_url(url, where), text, KEEPALIVE_MAX);
    *seconds = (int)number;
    return 0;
}

int weft__tcp_read_url(struct weft__tcp_settings *settings, const struct weft_url *url,
                       bool for_listen, struct weft_error *error)
{
    const char *what = for_listen ? "listen on" : "connect to";

    if (!url->host || !url->port)
        return weft_error_set(error, WEFT_ECONFIG, "cannot %s tcp:%s: the form is tcp://HOST:PORT",
                              what, url->path ? url->path : "");
    if (is_any(url) && !for_listen)
        return weft_error_set(error, WEFT_ECONFIG,
                              "cannot connect to tcp://%s:%s: that is for servers; name a host",
                              url->host, url->port);
    return read_keepalive(&settings->keepalive, url, what, error);
}

int weft__tcp_resolve(struct weft__tcp_settings *settings, const struct weft_url *url,
                      bool for_listen, struct addrinfo **addresses, struct weft_error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    char where[WEFT__TCP_WHERE];
    int err = weft__tcp_read_url(settings, url, for_listen, error);

    if (err < 0)
        return err;
    int code = getaddrinfo(is_any(url) ? NULL : url->host, url->port, &hints, addresses);
    if (code == 0)
        return 0;
    err = code == EAI_SYSTEM ? -errno : code == EAI_MEMORY ? -ENOMEM : -EADDRNOTAVAIL;
    return weft_error_set(error, err, "cannot %s %s: the host name cannot be resolved: %s",
                          for_listen ? "listen on" : "connect to",
                          weft__tcp_describe_url(url, where),
                          code == EAI_SYSTEM ? weft_strerror(err) : gai_strerror(code));
}

int weft__tcp_socket(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

/* The probes are spread so that a peer is given up after twice the time. */
int weft__tcp_set_keepalive(int fd, const struct weft__tcp_settings *settings)
{
    int seconds = settings->keepalive, interval = seconds / PROBES, err;

    if (seconds == 0)
        return 0;
    err = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (err == 0)
        err = set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    if (err == 0)
        err = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval > 0 ? interval : 1);
    if (err == 0)
        err = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    return err;
}

int weft__tcp_set_no_delay(int fd)
{
    return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}
