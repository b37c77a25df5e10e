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

/* `tcp://HOST:PORT`. A host name stands for the first of its addresses that can be bound. To connect,
 * each address is tried in turn, also where one refuses only later. An IPv6 address takes no IPv4
 * peers, and neither does `[::]`: it and `0.0.0.0` can stand side by side on one port. TCP_NODELAY is
 * on, because a reply must not wait for the acknowledgement of the one before. */
extern const struct weft_transport weft_transport_tcp;

/* `unix:PATH`, a stream socket in the file system (unix(7)). It is made with mode 0600, so only its
 * owner may connect. A socket that a dead server left behind is replaced. One that a server listens
 * on is not, and neither is a file that is no socket. */
extern const struct weft_transport weft_transport_unix;

#ifdef __cplusplus
}
#endif

#endif
