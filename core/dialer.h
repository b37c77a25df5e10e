/* SPDX-License-Identifier: MIT
 *
 * A dialer connects streams (transport.h) to the address of one URL, by the transport and the filters that its scheme
 * names: "tcp://HOST:PORT", "tls+tcp://HOST:PORT?ca=FILE". It is for plugins that speak a protocol of their own to
 * another server, such as a store on other machines; client.h is for those who have a codec. */
#ifndef WEFT_DIALER_H
#define WEFT_DIALER_H

#include "base/chain.h"
#include "loop.h"
#include "registry.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_dialer;

/* Finds and configures what the URL names in the registry, which is frozen and outlives the dialer. Connects to
 * nothing. Reads the files that options name. Returns 0, or -errno or WEFT_ECONFIG with one line in *error and
 * *dialer NULL. Any thread; the dialer is then used on one thread at a time. */
WEFT_MUST_USE int weft_dialer_new(struct weft_dialer **dialer, struct weft_registry *registry,
                                  const char *url, struct weft_error *error);
/* Call it after the close of its streams. Does nothing with NULL. */
void weft_dialer_free(struct weft_dialer *dialer);

/* Returns the bytes of a stream, which the caller allocates, aligned for any object. */
size_t weft_dialer_stream_size(const struct weft_dialer *dialer);

/* Begins to connect. *stream is zeroed, but for on_ready and owner, which the caller has set. The contract is that of
 * a transport's connect: after 0 the caller owes a close; the first read that returns -EAGAIN after an event, or bytes,
 * says that the connection stands, with the handshakes of all filters. What waits to be sent below filters lies in pieces
 * of the pool, which outlives the stream. Blocks while it resolves a host name. */
WEFT_MUST_USE int weft_dialer_connect(const struct weft_dialer *dialer, struct weft_stream *stream,
                                      struct weft_loop *loop, struct weft_piece_pool *pool,
                                      struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
