/* SPDX-License-Identifier: MIT
 *
 * The transports that come with weft. Register one in a struct weft_registry before the first server
 * or client is made from it. */
#ifndef WEFT_TRANSPORTS_H
#define WEFT_TRANSPORTS_H

#include "core/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `tcp://HOST:PORT`.
 *
 * To listen, all addresses of a host name are bound, or none: `localhost` is 127.0.0.1 and, if /etc/hosts
 * says so, ::1. `*` stands for every IPv4 and IPv6 address of the machine. IPv6 addresses are left out on
 * a machine that has no IPv6. With port 0 the system picks one free port for all addresses. An IPv6
 * address, `[::]` included, accepts no IPv4 peers, so `[::]` can stand beside `0.0.0.0` on one port.
 *
 * To connect, the addresses are tried in turn until one accepts. `*` is refused.
 *
 * TCP_NODELAY is on, because a reply must not wait for the acknowledgement of the one before. Keepalive
 * is on as well: after 60 seconds of silence, or `?keepalive=SECONDS` (1 to 32767), the peer is probed five
 * times, within about as long again but at least 5 seconds. If it answers none, reads and writes return
 * -ETIMEDOUT. `?keepalive=off` turns this off. */
extern const struct weft_transport weft_transport_tcp;

/* `unix:PATH`, a stream socket in the file system (unix(7)). It is made with mode 0600, so only its
 * owner may connect. A socket that a dead server left behind is replaced. One that a server listens on is
 * not, and neither is a file that is no socket: listening fails then. The path has at most 107 bytes.
 *
 * `unix:@NAME` is a name in Linux's abstract space: there is no file, and the name is free once the
 * server has ended. It has no mode, so its listener drops each peer that runs neither as the server's
 * user nor as root. To name a file that begins with `@`, write `unix:./@NAME`. */
extern const struct weft_transport weft_transport_unix;

/* `yamux`, a multiplexer (transport.h) after hashicorp's specification (github.com/hashicorp/yamux, spec.md): many
 * streams over one connection, each with its own order of replies. "yamux://HOST:PORT" is "yamux+tcp", and it stands
 * over any other scheme: "yamux+tls://HOST:PORT", "yamux+unix:PATH". docs/yamux.md describes it for users. */
extern const struct weft_transport weft_transport_yamux;

/* Returns a list of `tcp` and `unix`, which ends with NULL, for weft_registry_add_all. It is static. */
const struct weft_transport *const *weft_transports_basic(void);

#ifdef __cplusplus
}
#endif

#endif
