/* SPDX-License-Identifier: MIT
 *
 * The transport seam: byte streams with readiness. A transport is one `const struct weft_transport`
 * that makes listeners and streams. Nothing blocks and short counts are normal. Each object lives
 * and dies on one loop and is used on that loop's thread only. The exception is an accepted handle,
 * which may cross threads before it is attached. */
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

enum { WEFT_READABLE = 1, WEFT_WRITABLE = 2 };

enum { WEFT_IOV_MAX = 64 };

struct weft_stream_ops {
    /* Reads up to size (> 0) bytes into dst. Returns the count; 0 once the peer has ended its
     * direction; -EAGAIN if nothing is there now; another error if the stream is broken
     * (-ECONNRESET, ...), never -EINTR. A short count means that nothing more is there now. */
    ssize_t (*read)(struct weft_stream *stream, uint8_t *dst, size_t size);

    /* Writes from count (1..WEFT_IOV_MAX) vectors. Returns the bytes taken, which may be fewer than
     * were offered; -EAGAIN; another error if the stream is broken (-EPIPE, -ECONNRESET, ...).
     * Raises no signal. */
    ssize_t (*writev)(struct weft_stream *stream, const struct iovec *vec, int count);

    /* Sets which events on_ready reports: WEFT_READABLE | WEFT_WRITABLE, or 0. Events are
     * level-triggered, and on_ready is never called before this returns. The interest is in message
     * bytes; what lies beneath them, such as a handshake, goes on by itself. Cannot fail. */
    void (*want)(struct weft_stream *stream, unsigned interest);

    /* Ends our direction after all bytes taken so far; reading goes on. Called at most once. Returns
     * 0, or an error if the stream is broken. */
    int (*shutdown)(struct weft_stream *stream);

    /* Closes at once. No callback follows, and the memory is the caller's again. */
    void (*close)(struct weft_stream *stream);

    /* Sets in *peer what is proven of the peer. NULL: nothing is. */
    void (*identify)(struct weft_stream *stream, struct weft_peer *peer);
};

/* The owner allocates stream_size bytes, zeroed, sets on_ready, and calls attach or connect, which
 * sets ops. */
struct weft_stream {
    const struct weft_stream_ops *ops;
    /* Reports those wanted events that are ready. An error is reported as both, and the next read or
     * write returns it. The callback may close the stream. */
    void (*on_ready)(struct weft_stream *stream, unsigned events);
};

/* An accepted connection that is not on a loop yet. A plain value; whoever holds it owns the
 * handle. */
struct weft_accepted {
    intptr_t handle;
    char peer[64]; /* text for the log: "127.0.0.1:51234", "[::1]:51234", "unix" */
};

/* One address that is listened on. The owner allocates listener_size bytes, zeroed, sets on_ready
 * and owner, and calls listen. */
struct weft_listener {
    /* Reports that accept may succeed. Level-triggered while the listener is enabled. */
    void (*on_ready)(struct weft_listener *listener);
    void *owner; /* not touched by the transport, but for the copies behind next */

    /* Set by listen: the address with its real port, as a URL without options:
     * "tcp://127.0.0.1:9527". */
    char name[256];
    /* Set by listen if its URL stands for several addresses, as a host name may: the listener of the
     * next address, with the same on_ready and owner, in the transport's memory. NULL behind the
     * last. */
    struct weft_listener *next;
};

struct weft_transport {
    const char *name;                  /* the URL's scheme */
    const struct weft_option *options; /* of its URLs; NULL: none */
    size_t listener_size, stream_size;

    /* Refuses a URL that listen (or connect, if for_listen is false) would refuse on any machine:
     * its form, its length, its options. Touches nothing. Returns 0, or WEFT_ECONFIG with one line
     * in *error. NULL: the transport refuses nothing ahead of time. */
    int (*check)(const struct weft_url *url, bool for_listen, struct weft_error *error);

    /* Binds every address that the URL stands for and listens there; none is enabled yet. Returns 0,
     * or -errno with one line in *error that says what failed, where, why, and what may help. Then
     * nothing is held. Called at start, so it may block for name resolution. */
    int (*listen)(struct weft_listener *listener, struct weft_loop *loop,
                  const struct weft_url *url, struct weft_error *error);
    /* Switches the calls of one listener's on_ready on or off. Cannot fail. */
    void (*enable)(struct weft_listener *listener, bool on);
    /* Accepts one peer of one listener. Returns 0 and sets *accepted; -EAGAIN if nobody waits;
     * -EMFILE, -ENFILE or -ENOMEM if the system refuses, and the peer goes on waiting;
     * -ECONNABORTED if one peer is lost and the next call may succeed. If shed is true, a peer that
     * -EMFILE would leave waiting is taken with a reserve descriptor and dropped, which returns
     * -ECONNABORTED. */
    int (*accept)(struct weft_listener *listener, struct weft_accepted *accepted, bool shed);
    /* Closes, at once, the listener that listen was called with and all behind it. Removes the path
     * that listen made. Resets peers that were not accepted. Does nothing after a failed listen. */
    void (*unlisten)(struct weft_listener *listener);

    /* Makes an accepted handle a stream of loop. The stream owns the handle from now on, also if
     * this fails. */
    int (*attach)(struct weft_stream *stream, struct weft_loop *loop,
                  const struct weft_accepted *accepted);
    /* Drops an accepted handle that was never attached. Any thread. */
    void (*drop)(const struct weft_accepted *accepted);
    /* Begins to connect. on_ready reports WEFT_WRITABLE, if wanted, once that has ended, and the
     * first read or write tells how. May block for name resolution. Returns 0, or -errno with one
     * line in *error and nothing held. */
    int (*connect)(struct weft_stream *stream, struct weft_loop *loop, const struct weft_url *url,
                   struct weft_error *error);
};

#ifdef __cplusplus
}
#endif

#endif
