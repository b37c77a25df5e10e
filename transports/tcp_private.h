/* SPDX-License-Identifier: MIT
 *
 * Shared by listening and connecting over TCP: the URL, its options, the addresses that it stands for,
 * and sockets made for them. Private to tcp. */
#ifndef WEFT_TCP_PRIVATE_H
#define WEFT_TCP_PRIVATE_H

#include <netdb.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/url.h"
#include "socket.h"

/* The options of a tcp URL, for struct weft_transport. */
extern const struct weft_option weft__tcp_options[];

/* Room for "tcp://" and any host and port that a URL can hold. */
enum { WEFT__TCP_WHERE = WEFT_URL_MAX + 16 };

/* The options of a URL, read. */
struct weft__tcp_settings {
    int keepalive; /* seconds of silence before the peer is probed; 0: never */
};

/* Reads the URL's form and options. WEFT_ECONFIG with one line in *error. */
WEFT_MUST_USE int weft__tcp_read_url(struct weft__tcp_settings *settings,
                                     const struct weft_url *url, bool for_listen,
                                     struct weft_error *error);

/* Reads the URL and resolves its host, where `*` is every address of this machine. On success the
 * addresses are freeaddrinfo's to free; else -errno or WEFT_ECONFIG with one line in *error. Blocks
 * for as long as the resolver does. */
WEFT_MUST_USE int weft__tcp_resolve(struct weft__tcp_settings *settings, const struct weft_url *url,
                                    bool for_listen, struct addrinfo **addresses,
                                    struct weft_error *error);

/* Returns where, filled with the URL's scheme, host and port. */
const char *weft__tcp_describe_url(const struct weft_url *url, char where[WEFT__TCP_WHERE]);
/* Writes "127.0.0.1:9527" or "[::1]:9527" to dst. */
void weft__tcp_describe(const struct sockaddr *address, char *dst, size_t size);

/* Returns a socket for the address's family, or -errno. */
WEFT_MUST_USE int weft__tcp_socket(const struct addrinfo *address);
/* Switches the probes of silent peers on. A socket that listens passes them on to those it accepts. */
WEFT_MUST_USE int weft__tcp_set_keepalive(int fd, const struct weft__tcp_settings *settings);
WEFT_MUST_USE int weft__tcp_set_no_delay(int fd);

/* The two slots that have a file each. */
int weft__tcp_listen(struct weft_listener *listener, struct weft_loop *loop,
                     const struct weft_url *url, struct weft_error *error);
void weft__tcp_unlisten(struct weft_listener *listener);
int weft__tcp_connect(struct weft_stream *stream, struct weft_loop *loop,
                      const struct weft_url *url, struct weft_error *error);

/* The addresses that a stream has still to try. Private to tcp_connect.c. */
struct weft__tcp_connecting;

struct weft__tcp_stream {
    struct weft__socket_stream socket;
    struct weft__tcp_connecting *connecting; /* NULL once connected */
};

#endif
