/* SPDX-License-Identifier: MIT */
#include "tunnel.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/wire.h"
#include "clock.h"
#include "masks.h"
#include "muxed.h"
#include "secret.h"

enum { CHUNK = 16 * 1024, STACK = 256 * 1024 };

struct tunnel {
    int app, net;          /* the far end of the client's pair; the server's */
    struct secret *secret; /* NULL: no TLS */
    bool websocket, yamux;
    struct masks masks;
    struct muxed muxed;
    struct bytes up, down; /* for the server, for the client */
    bool app_ended, net_ended;
    bool last_words; /* have left */
    bool cut;        /* there is nothing more to do */
};

static atomic_uint tunnels;
static _Atomic(const char *) wrong;

/* read, write: a count, 0 for the end, or -errno. */
static ssize_t net_read(struct tunnel *tunnel, uint8_t *dst, size_t size)
{
    if (tunnel->secret)
        return secret_read(tunnel->secret, dst, size);
    ssize_t n = recv(tunnel->net, dst, size, 0);
    return n < 0 ? -errno : n;
}

static ssize_t net_write(struct tunnel *tunnel, const uint8_t *data, size_t size)
{
    if (tunnel->secret)
        return secret_write(tunnel->secret, data, size);
    ssize_t n = send(tunnel->net, data, size, MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

static void consume(struct bytes *bytes, size_t n)
{
    bytes->size -= n;
    if (bytes->size > 0)
        memmove(bytes->data, bytes->data + n, bytes->size);
}

/* True if bytes of the client may be taken. */
static bool takes_app(const struct tunnel *tunnel)
{
    return !tunnel->app_ended && (!tunnel->websocket || tunnel->masks.open) &&
           (!tunnel->yamux || tunnel->muxed.room > 0);
}

/* From the client. Before the handshake is over, nothing is taken. */
static void take_app(struct tunnel *tunnel)
{
    uint8_t chunk[CHUNK];
    if (tunnel->up.size > 0 || !takes_app(tunnel))
        return;
    size_t most = tunnel->yamux && tunnel->muxed.room < CHUNK ? tunnel->muxed.room : CHUNK;
    ssize_t n = recv(tunnel->app, chunk, most, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    tunnel->app_ended = n <= 0;
    if (n > 0 && tunnel->websocket)
        masks_seal(&tunnel->masks, &tunnel->up, chunk, (size_t)n);
    else if (n > 0 && tunnel->yamux)
        muxed_seal(&tunnel->muxed, &tunnel->up, chunk, (size_t)n);
    else if (n > 0)
        bytes_put(&tunnel->up, chunk, (size_t)n);
    else if (tunnel->websocket)
        masks_close(&tunnel->masks, &tunnel->up);
    else if (tunnel->yamux)
        muxed_end(&tunnel->up);
}

/* Drops what cannot be sent any more: the server may still have said something. */
static void send_net(struct tunnel *tunnel)
{
    while (tunnel->up.size > 0) {
        ssize_t n = net_write(tunnel, tunnel->up.data, tunnel->up.size);
        if (n == -EAGAIN)
            return;
        consume(&tunnel->up, n < 0 ? tunnel->up.size : (size_t)n);
        tunnel->app_ended |= n < 0;
    }
    /* The end of a stream is not that of its session, whose windows go on. */
    if (!tunnel->app_ended || tunnel->last_words || tunnel->yamux)
        return;
    tunnel->last_words = true;
    if (tunnel->secret)
        secret_end(tunnel->secret);
    shutdown(tunnel->net, SHUT_WR);
}

static void take_net(struct tunnel *tunnel)
{
    uint8_t chunk[CHUNK];
    if (tunnel->net_ended || tunnel->down.size > 0)
        return;
    ssize_t n = net_read(tunnel, chunk, sizeof chunk);
    if (n == -EAGAIN)
        return;
    tunnel->net_ended = n <= 0;
    if (n > 0 && tunnel->websocket) {
        masks_open(&tunnel->masks, &tunnel->down, chunk, (size_t)n);
        tunnel->net_ended = tunnel->masks.got_close;
        if (tunnel->masks.wrong)
            atomic_store(&wrong, tunnel->masks.wrong);
    } else if (n > 0 && tunnel->yamux) {
        muxed_open(&tunnel->muxed, &tunnel->down, &tunnel->up, chunk, (size_t)n);
        tunnel->net_ended = tunnel->muxed.got_end;
        if (tunnel->muxed.wrong)
            atomic_store(&wrong, tunnel->muxed.wrong);
    } else if (n > 0) {
        bytes_put(&tunnel->down, chunk, (size_t)n);
    }
}

static void send_app(struct tunnel *tunnel)
{
    while (tunnel->down.size > 0) {
        ssize_t n = send(tunnel->app, tunnel->down.data, tunnel->down.size, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        tunnel->cut |= n < 0;
        consume(&tunnel->down, n < 0 ? tunnel->down.size : (size_t)n);
    }
    if (tunnel->net_ended)
        shutdown(tunnel->app, SHUT_WR);
}

/* Waits until something can be done, and sees who has left for good. */
static void await(struct tunnel *tunnel)
{
    bool shaking = tunnel->secret && !secret_is_open(tunnel->secret);
    bool takes = tunnel->up.size == 0 && takes_app(tunnel);
    bool takes_net = (tunnel->down.size == 0 && !tunnel->net_ended) || shaking;
    struct pollfd poller[2] = {{.fd = tunnel->app}, {.fd = tunnel->net}};
    poller[0].events = (short)((takes ? POLLIN : 0) | (tunnel->down.size > 0 ? POLLOUT : 0));
    poller[1].events =
        (short)((takes_net ? POLLIN : 0) | (tunnel->up.size > 0 && !shaking ? POLLOUT : 0));
    if (poll(poller, 2, WIRE_DEADLINE_MS) <= 0)
        tunnel->cut |= errno != EINTR;
    if (poller[0].revents & POLLHUP) { /* what the client said before still leaves, where it can */
        take_app(tunnel);
        send_net(tunnel);
        tunnel->cut |= tunnel->app_ended || tunnel->up.size > 0;
    }
    /* A reset by the server, while the client reads nothing. */
    tunnel->cut |=
        (poller[1].revents & POLLERR) && tunnel->down.size > 0 && !(poller[0].revents & POLLOUT);
}

static void *run(void *arg)
{
    struct tunnel *tunnel = arg;
    if (tunnel->websocket)
        masks_ask(&tunnel->up);
    if (tunnel->yamux)
        muxed_begin(&tunnel->muxed, &tunnel->up);
    for (;;) {
        take_app(tunnel);
        send_net(tunnel);
        take_net(tunnel);
        send_app(tunnel);
        bool done = tunnel->net_ended && tunnel->down.size == 0;
        if (tunnel->cut || done || tunnel->masks.wrong || tunnel->muxed.wrong)
            break;
        await(tunnel);
    }
    close(tunnel->app);
    if (tunnel->secret)
        secret_free(tunnel->secret);
    close(tunnel->net);
    bytes_fini(&tunnel->up);
    bytes_fini(&tunnel->down);
    free(tunnel);
    atomic_fetch_sub(&tunnels, 1);
    return NULL;
}

static void start(struct tunnel *tunnel)
{
    pthread_t thread;
    pthread_attr_t attributes;
    atomic_fetch_add(&tunnels, 1);
    if (pthread_attr_init(&attributes) != 0 || pthread_attr_setstacksize(&attributes, STACK) != 0 ||
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) != 0 ||
        pthread_create(&thread, &attributes, run, tunnel) != 0)
        errx(1, "cannot make a thread");
    pthread_attr_destroy(&attributes);
}

int tunnel_knock(const char *url)
{
    char tcp[128];
    const char *where = strstr(url, "://");
    if (!where)
        return wire_connect(url);
    where += strlen("://");
    snprintf(tcp, sizeof tcp, "tcp://%.*s", (int)strcspn(where, "/? "), where);
    return wire_connect(tcp);
}

int tunnel_connect(const char *url)
{
    bool tls = strncmp(url, "tls:", 4) == 0 || strncmp(url, "wss:", 4) == 0;
    bool websocket = strncmp(url, "ws:", 3) == 0 || strncmp(url, "wss:", 4) == 0;
    bool yamux = strncmp(url, "yamux:", 6) == 0;
    int pair[2], net = tunnel_knock(url);
    if (net < 0 || (!tls && !websocket && !yamux))
        return net;
    struct tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (!tunnel || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        err(1, "cannot make a tunnel");
    tunnel->app = pair[1];
    tunnel->net = net;
    tunnel->websocket = websocket;
    tunnel->yamux = yamux;
    tunnel->secret = tls ? secret_new(net) : NULL;
    start(tunnel);
    return pair[0];
}

const char *tunnels_fini(void)
{
    while (atomic_load(&tunnels) > 0)
        clock_pause(CLOCK_MS);
    secrets_fini();
    const char *found = atomic_load(&wrong);
    return found ? found : "";
}

void tunnels_init(const char *ca)
{
    if (ca)
        secrets_init(ca);
}
