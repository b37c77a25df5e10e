/* SPDX-License-Identifier: MIT
 *
 * Connections through yamux, WebSocket, TLS or the latter two, for clients that know sockets alone: a thread stands between the
 * client's end of a socket pair and the server, and shares no code with the library. A shut direction of the
 * pair becomes a close frame or close_notify; a closed pair a connection that is cut. */
#ifndef SOAK_TUNNEL_H
#define SOAK_TUNNEL_H

/* Once, before the first connection. ca: who has signed the server's certificate; NULL: there is no TLS. */
void tunnels_init(const char *ca);
/* Waits until the threads have ended, and their clients must have closed. Returns what a server said that it
 * may not, or "". */
const char *tunnels_fini(void);

/* Does what wire_connect does, also for "yamux://ADDRESS", "ws://ADDRESS/", "wss://ADDRESS/" and "tls://ADDRESS". If the handshake
 * fails, the descriptor sees the end. */
int tunnel_connect(const char *url);

/* Connects to the address alone, and leaves the handshakes to the caller. */
int tunnel_knock(const char *url);

#endif
