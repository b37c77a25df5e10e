/* SPDX-License-Identifier: MIT
 *
 * The transport of `tcp://HOST:PORT`. A host name stands for the first of its addresses that can be
 * bound; connecting tries each in turn, also where one refuses only later. An IPv6 address takes no
 * IPv4 peers, `[::]` neither: it and `0.0.0.0` can stand side by side on one port. TCP_NODELAY is
 * on, because a reply must not wait for the acknowledgement of the one before. */
#ifndef WEFT_TCP_H
#define WEFT_TCP_H

#include "transport.h"

extern const struct weft_transport weft_transport_tcp;

#endif
