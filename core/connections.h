/* SPDX-License-Identifier: MIT
 *
 * The connections of a server, as a service sees them that lists or ends them: those of all endpoints and
 * of all loops, also the one that asks. A walk goes from loop to loop by posts (task.h), so it takes no
 * lock and costs nothing while nobody walks. */
#ifndef WEFT_CONNECTIONS_H
#define WEFT_CONNECTIONS_H

#include "service.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(enumerator, "name") for each state. */
#define WEFT_CONNECTION_STATE_MAP(X)                                                               \
    X(UNDECIDED, "undecided") /* its first bytes have not told the codec yet */                    \
    X(OPEN, "open")                                                                                \
    X(PAUSED, "paused")   /* it decodes no more until the peer reads or the service answers */     \
    X(CLOSING, "closing") /* no more is decoded; what is owed is answered and sent */              \
    X(ENDED, "ended")     /* all has been sent, and the peer's end is awaited for a second */

enum weft_connection_state {
#define X(id, name) WEFT_CONNECTION_##id,
    WEFT_CONNECTION_STATE_MAP(X)
#undef X
        WEFT_CONNECTION_STATES
};

/* Returns the name of a state ("open"). It is static and never NULL. Any thread. */
static inline const char *weft_connection_state_name(enum weft_connection_state state)
{
    switch (state) {
#define X(id, name)                                                                                \
    case WEFT_CONNECTION_##id:                                                                     \
        return name;
        WEFT_CONNECTION_STATE_MAP(X)
#undef X
    case WEFT_CONNECTION_STATES:
        break;
    }
    return "unknown";
}

/* A connection at the time of a visit. All of it is valid only until the visit returns. */
struct weft_connection {
    uint64_t id; /* weft_request_connection's number; an older connection has a smaller one */
    const char *address;         /* the peer's, for people: "127.0.0.1:51234", or "unix" */
    const char *transport;       /* "tcp" */
    const char *codec, *service; /* "resp" and "kv"; NULL while it is undecided */
    /* The line that weft_server_endpoint has for its endpoint. While it is undecided, that is the first
     * endpoint at its address. Empty before the server listens. */
    const char *endpoint;
    const char *user, *label; /* as in struct weft_peer (peer.h); NULL if nobody has set one */
    enum weft_connection_state state;
    int64_t age, idle; /* nanoseconds since it was opened, and since its last byte came */
    uint64_t bytes_in, bytes_out; /* as the transport carried them */
    uint64_t requests;            /* requests that were decoded, bad ones included */
    uint64_t input,
        output; /* bytes that came and are not decoded, and replies that have not left */
    uint32_t pending, detached; /* unended requests, in the order of replies and out of it */
    bool asks;                  /* the walk began with a request of this connection */
    /* The id of the session whose stream it is, as yamux has them; 0: it is no stream. */
    uint64_t session;
    /* True for a session, which its walk has asked for. It has an id, an address, a transport, an endpoint, a state, an
     * age and the number of its open streams; what else is here belongs to the streams, and is zero. */
    bool is_session;
    size_t streams;
};

/* A visit returns a sum of these. */
enum weft_visit {
    WEFT_VISIT_NEXT = 0, /* go on */
    WEFT_VISIT_STOP = 1, /* make no further visit */
    /* End the connection, with WEFT_REASON_KILLED. It is closed at once, so its peer may lose replies. Only
     * the connection that asks first answers what it owes. An ENDED connection is left as it is. With a session end its
     * streams, which see a reset. */
    WEFT_VISIT_END = 2
};

/* A walk over all connections. It lies in memory of the caller, who zeroes it and sets the first two fields or three.
 * The core uses the memory from weft_connections_walk until it calls done. */
struct weft_walk {
    /* Called for each connection that is open when the walk comes to its loop. It runs on that loop, so on
     * any thread, but never two visits run at a time, and each sees what the earlier ones wrote. So it needs
     * no lock for memory that only the walk uses. It must not use the request or the session, whose loop
     * runs meanwhile, and must not block. A loop makes at most WEFT_WALK_SHARE visits in a turn.
     * The loop of the request comes first, and on each loop the youngest connection does, and then the youngest
     * session. */
    unsigned (*visit)(struct weft_walk *walk, const struct weft_connection *connection);
    /* Called once, on the loop of the request, after weft_connections_walk has returned. */
    void (*done)(struct weft_walk *walk);
    bool sessions; /* it visits sessions as well */

    /* The rest is the core's. */
    struct weft_post post;
    void *home, *home_loop, *at, *next, *next_session, *asker;
    bool stopped;
    struct weft_walk *other;
};

enum { WEFT_WALK_SHARE = 256 };

/* Begins a walk. Called on the loop of the request, which must not end before done is called; its
 * on_cancel may come meanwhile and does not end the walk. Cannot fail. */
void weft_connections_walk(struct weft_request *request, struct weft_walk *walk);

#ifdef __cplusplus
}
#endif

#endif
