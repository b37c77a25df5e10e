/* SPDX-License-Identifier: MIT
 *
 * The transport seam: byte streams that report when they are ready. A transport is one `const struct
 * weft_transport` that makes listeners and streams of URLs. Nothing blocks, but listen and connect may
 * while they resolve a host name. Each listener and stream lives on one loop and is used on that loop's
 * thread only. An accepted handle may cross threads before it is attached. */
#ifndef WEFT_TRANSPORT_H
#define WEFT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/err.h"
#include "base/settings.h"
#include "base/url.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_loop;
struct weft_stream;
struct weft_peer;
struct weft_piece_pool;

enum { WEFT_READABLE = 1, WEFT_WRITABLE = 2 }; /* events, and the interest in them */

enum { WEFT_IOV_MAX = 64 }; /* vectors of one writev */

/* All slots are mandatory but unsent, reset, identify, protocol and trouble. */
struct weft_stream_ops {
    /* Reads up to size (> 0) bytes into dst. Returns the count; 0 once the peer has ended its
     * direction; -EAGAIN if nothing is there now; another error if the stream is broken
     * (-ECONNRESET, ...), never -EINTR. A short count means that nothing more is there now. Three errors
     * leave the stream whole, so that it can be written to and shut down: -EPROTO says that the peer broke a
     * rule of a filter (filter.h), WEFT_EOVER that it has said its last word and waits for ours, and WEFT_ETRUNCATED that its bytes
     * ended without a last word. Later
     * reads then drop what still comes, and return -EAGAIN, or 0 at its end. */
    ssize_t (*read)(struct weft_stream *stream, uint8_t *dst, size_t size);

    /* Writes from count (1..WEFT_IOV_MAX) vectors. Returns the bytes taken, which may be fewer than
     * were offered; -EAGAIN if none can be taken now; another error if the stream is broken (-EPIPE,
     * -ECONNRESET, ...), never -EINTR. Raises no signal. */
    ssize_t (*writev)(struct weft_stream *stream, const struct iovec *vec, int count);

    /* Returns how many bytes the stream still holds in memory of its own, as one over filters does with sealed
     * bytes, and sets *sent to how many have left since the last call. close drops those it holds, so an owner
     * counts them as its own output: they have its deadline, which *sent extends, and its close waits for
     * them. While it wants WEFT_WRITABLE and writev could take bytes, on_ready reports it each time that some
     * have left. If the slot is NULL, the stream holds nothing that writev has taken. */
    size_t (*unsent)(struct weft_stream *stream, size_t *sent);

    /* Sets which events on_ready reports: any of WEFT_READABLE | WEFT_WRITABLE, or 0, with which a new
     * stream begins. An event is reported in every turn in which it is ready. This function never calls
     * on_ready itself. The interest is in message bytes; a handshake beneath them goes on without it.
     * Cannot fail. */
    void (*want)(struct weft_stream *stream, unsigned interest);

    /* Ends our direction after all bytes that writev has taken; reading goes on. Called at most once.
     * Returns 0, or an error if the stream is broken. */
    int (*shutdown)(struct weft_stream *stream);

    /* Closes at once and frees what the stream owns. No callback follows, and the memory of the struct is
     * the owner's again. */
    void (*close)(struct weft_stream *stream);

    /* Closes as close does, but bytes that writev has taken and that the peer's system does not have yet are never sent. close
     * leaves those to the system, which may deliver them minutes later, once a network is whole again. An owner calls it
     * that tells others that a request may have taken effect: it has by then, or it never will. If the slot is NULL, nothing can be
     * taken back. */
    void (*reset)(struct weft_stream *stream);

    /* Sets the fields of *peer (peer.h) that the transport can prove, such as uid. If the slot is NULL, it
     * can prove nothing. */
    void (*identify)(struct weft_stream *stream, struct weft_peer *peer);

    /* Returns the name of the protocol that the two ends have agreed on (ALPN, RFC 7301), such as "h2", or
     * NULL if they agreed on none. It is static or the stream's until close. Called once message bytes
     * have come. If the slot is NULL, the transport knows no such thing. */
    const char *(*protocol)(struct weft_stream *stream);

    /* Returns why the last call failed, or why the peer may be silent, for people; or NULL if there is nothing to say
     * beyond the error. It is static or the stream's until close. If the slot is NULL, there never is. */
    const char *(*trouble)(const struct weft_stream *stream);
};

/* The head of a transport's own struct of stream_size bytes. The owner allocates that, zeroed, sets
 * on_ready, and calls attach or connect, which sets ops. */
struct weft_stream {
    const struct weft_stream_ops *ops;
    /* Reports those wanted events that are ready. An error is reported as every wanted event, and the
     * next read or write returns it. The callback may close the stream. */
    void (*on_ready)(struct weft_stream *stream, unsigned events);
    void *owner; /* the owner's; no transport touches it */
};

/* Resets a stream, or closes it if it has no such slot. */
static inline void weft_stream_reset(struct weft_stream *stream)
{
    if (stream->ops->reset)
        stream->ops->reset(stream);
    else
        stream->ops->close(stream);
}

/* An accepted connection that is not on a loop yet. It is a plain value, and whoever holds it owns the
 * handle: attach or drop takes it. */
struct weft_accepted {
    intptr_t handle;
    char peer[64]; /* text for the log: "127.0.0.1:51234", "[::1]:51234", "unix" */
};

/* Listening sockets that this process was given: by systemd, or by the process that served before it. A listener
 * whose address one of them is bound to takes it instead of binding one of its own, so that no peer is
 * refused meanwhile. Used on one thread. */
struct weft_inherited {
    intptr_t handle;
    char name[256]; /* the giver's name for it, or "" */
    /* True if the giver has it, too, and keeps it open when this process has ended: then the peers that wait
     * belong to whoever comes next, and a socket's file stays. */
    bool kept;
    /* True if a listener of this process goes on with it: whoever takes it takes a copy, and both are to close theirs. */
    bool shared;
    bool taken; /* by a listener, which owns the handle then, unless it is shared */
};
struct weft_inheritance {
    struct weft_inherited *items;
    size_t count;
};

/* One address that is listened on; the head of a transport's own struct of listener_size bytes. The owner
 * allocates that, zeroed, sets on_ready and owner, and calls listen. */
struct weft_listener {
    /* Reports, in every turn in which the listener is enabled and somebody waits, that accept may
     * succeed. */
    void (*on_ready)(struct weft_listener *listener);
    void *owner; /* the owner's; the transport only copies it to the listeners behind next */
    /* Set by the owner before listen: sockets that may be taken. NULL: none. */
    struct weft_inheritance *inheritance;
    /* Set by listen to that of the inherited socket, and by the owner at any time: the socket lives on in another
     * process. unlisten then removes no file. */
    bool kept;

    size_t streams;  /* of a session (see begin): those that are attached or wait to be accepted */
    intptr_t handle; /* set by listen: what another process needs to go on listening */
    bool inherited;  /* set by listen: it was taken from the inheritance */
    /* Set by listen: the address with its real port, as a URL without options: "tcp://127.0.0.1:9527". */
    char name[256];
    /* Set by listen if its URL stands for several addresses, as a host name may: the listener of the
     * next address, or NULL for the last one. The transport allocates these, gives them the on_ready and
     * the owner of the first, and frees them in unlisten. */
    struct weft_listener *next;
};

/* A session is made of this and a stream. All of it is borrowed until unlisten. */
struct weft_session_setup {
    const void *config;           /* that of configure */
    struct weft_piece_pool *pool; /* for output that waits (base/chain.h) */
    const char *peer;             /* the address of the peer, for accepted.peer */
    bool is_server;               /* the peer has opened the stream below */
};

/* All slots are mandatory but check, and those below `connect`. */
struct weft_transport {
    const char *name;                  /* the URL's scheme */
    const struct weft_option *options; /* of its URLs; NULL: none */
    size_t listener_size, stream_size; /* of the structs that begin with the two above */

    /* Checks the form, the length and the options of a URL that is meant for listen, or for connect if
     * for_listen is false. Opens and changes nothing. Returns 0, or WEFT_ECONFIG with one line in
     * *error if the URL could work on no machine. If the slot is NULL, every URL passes. */
    int (*check)(const struct weft_url *url, bool for_listen, struct weft_error *error);

    /* Binds every address that the URL stands for, or takes an inherited socket that is bound to it, and listens
     * there; none is enabled yet. Returns 0. On
     * failure nothing is bound or allocated, and it returns -errno or WEFT_ECONFIG with one line in
     * *error that says what failed, where, why, and what may help. May block for name resolution. */
    int (*listen)(struct weft_listener *listener, struct weft_loop *loop,
                  const struct weft_url *url, struct weft_error *error);
    /* Switches the reports of one listener on or off, not those of the listeners behind next. Cannot
     * fail. */
    void (*enable)(struct weft_listener *listener, bool on);
    /* Accepts one peer of one listener. Returns 0 and sets *accepted; -EAGAIN if nobody waits;
     * -EMFILE, -ENFILE or -ENOMEM if the system refuses, and the peer goes on waiting;
     * -ECONNABORTED if one peer was lost or dropped and the next call may succeed.
     *
     * A listener keeps one descriptor in reserve. If shed is true and no other is left, the transport
     * closes it, accepts the peer in its place and drops the peer at once, so that the peer is not left
     * waiting. The result is then -ECONNABORTED. */
    int (*accept)(struct weft_listener *listener, struct weft_accepted *accepted, bool shed);
    /* Closes, at once, the listener that listen was called with and all behind it. Removes the file that
     * listen made, if any and unless the listener is kept. Resets peers that were not accepted. Does nothing after a failed listen. */
    void (*unlisten)(struct weft_listener *listener);

    /* Makes an accepted handle a stream of loop. The stream owns the handle from then on. On failure,
     * -errno, the handle is dropped, and close must not be called. Called on the thread of loop. */
    int (*attach)(struct weft_stream *stream, struct weft_loop *loop,
                  const struct weft_accepted *accepted);
    /* Drops an accepted handle that was never attached. Any thread. */
    void (*drop)(const struct weft_accepted *accepted);
    /* Begins to connect. Returns 0, or -errno or WEFT_ECONFIG with one line in *error; close must not be
     * called then. Until the attempt has ended, reads and writes return -EAGAIN. Then on_ready reports
     * WEFT_WRITABLE, if wanted, and the first read or write returns the error if the attempt failed. May
     * block for name resolution. */
    int (*connect)(struct weft_stream *stream, struct weft_loop *loop, const struct weft_url *url,
                   struct weft_error *error);

    /* The slots below make a transport a multiplexer, which carries many streams in one, as yamux does. It has these
     * slots, and NULL for check, listen and connect. In a scheme it is the first: "yamux+tls+tcp". Its listener is
     * a session: a stream below, whose streams are accepted from either side. A session stays on one loop, and so do
     * its streams. The other slots mean for it:
     *   - enable: a session takes no streams until it is enabled. enable(false) tells the peer that it takes none
     *     any more; those that wait to be accepted are reset. Once it was called and the last stream has gone, the
     *     session says its last words, waits a moment for the peer's end, and is over.
     *   - accept: as above. Once the session is over, and from then on: -ESHUTDOWN if that was in order; -EPROTO if
     *     the peer broke a rule; -ETIMEDOUT if it gives no sign of life; or another error of the stream below.
     *     on_ready reports that, too, whether the session is enabled or not. accepted->peer is the session's peer with
     *     the number of the stream, "127.0.0.1:51234#3". A stream needs no descriptor, so nothing is shed.
     *   - unlisten: ends the session at once and closes the stream below. Streams that are attached see a reset. It may
     *     be called from within any callback of the session or of its streams. */

    size_t config_size; /* the core allocates it, zeroed */
    /* Reads the options of a URL. Returns 0, or WEFT_ECONFIG with one line in *error. */
    int (*configure)(void *config, const struct weft_url *url, struct weft_error *error);
    /* Makes *session, zeroed memory of listener_size bytes whose on_ready and owner are set, a session over `below`,
     * whose owner and closer it is from now on. `below` may be about to connect, or in its handshake. The memory of
     * both is the caller's. Cannot fail. */
    void (*begin)(struct weft_listener *session, struct weft_loop *loop, struct weft_stream *below,
                  const struct weft_session_setup *setup);
    /* Opens a stream of ours. Afterwards it is like one that connect has begun: it is writable when the stream below
     * is. Returns 0; -ECONNREFUSED if the peer takes no more streams or the session has failed; -EAGAIN if there
     * are as many as there may be; -EADDRNOTAVAIL if the session has no number left for one; or -ENOMEM. close must
     * not be called after a failure. */
    int (*dial)(struct weft_listener *session, struct weft_stream *stream);
    /* Returns why the session has failed, for people, or NULL. It is static or lives as long as the stream below. */
    const char *(*trouble)(const struct weft_listener *session);
};

#ifdef __cplusplus
}
#endif

#endif
