/* SPDX-License-Identifier: MIT
 *
 * The transport seam: byte streams with readiness. Never blocks; short counts are normal. A
 * transport is one `const struct weft_transport`; what it makes are streams. Each object lives and
 * dies on one loop and is used on its thread alone; only an accepted handle crosses threads, before
 * it is attached. */
#ifndef WEFT_TRANSPORT_H
#define WEFT_TRANSPORT_H

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

struct weft_stream_ops {
    /* Up to size (> 0) bytes into dst. > 0: so many; 0: the peer ended its direction; -EAGAIN:
     * nothing now; else the stream is broken (-ECONNRESET, ...). -EINTR is never seen. A short
     * count says that nothing more is there now. */
    ssize_t (*read)(struct weft_stream *stream, uint8_t *dst, size_t size);

    /* Writes from count (1..WEFT_IOV_MAX) vectors. >= 0: the bytes taken, short is normal; -EAGAIN;
     * else broken
     * (-EPIPE, -ECONNRESET, ...). No signal is raised. */
    ssize_t (*writev)(struct weft_stream *stream, const struct iovec *vec, int count);

    /* Sets what on_ready is to tell: WEFT_READABLE | WEFT_WRITABLE, or 0. Level-triggered; on_ready
     * is never called before this returns. It speaks of message bytes: what lies beneath (a
     * handshake) goes on by itself. Cannot fail. */
    void (*want)(struct weft_stream *stream, unsigned interest);

    /* Ends our direction after all bytes taken so far; reading goes on. Once at most. 0, or broken.
     */
    int (*shutdown)(struct weft_stream *stream);

    /* At once; no callback follows; the memory is the caller's again. */
    void (*close)(struct weft_stream *stream);

    /* Sets in *peer what is proven of the peer. NULL: nothing is. */
    void (*identify)(struct weft_stream *stream, struct weft_peer *peer);
};

enum { WEFT_IOV_MAX = 64 };

/* The core allocates stream_size bytes, zeroed, sets the two fields below, and lets attach or
 * connect do the rest. */
struct weft_stream {
    const struct weft_stream_ops *ops; /* set by attach or connect */
    /* Set by the owner. events is what is ready of what was wanted; errors show as both, and the
     * next read or write says which. The stream may be closed from within. */
    void (*on_ready)(struct weft_stream *stream, unsigned events);
};

/* One accepted connection that no loop has yet. Plain value. */
struct weft_accepted {
    intptr_t handle;
    char peer[64]; /* text for the log: "127.0.0.1:51234", "[::1]:51234", "unix" */
};

/* The same for listeners: listener_size bytes, zeroed, on_ready set by the owner. */
struct weft_listener {
    /* accept may succeed; level-triggered while enabled. */
    void (*on_ready)(struct weft_listener *listener);
    void *owner; /* the owner's; no transport touches it */
    /* Set by listen: the address with its real port, as a URL without options: "tcp://127.0.0.1:9527". */
    char name[256];
};

struct weft_transport {
    const char *name;                  /* the URL's scheme */
    const struct weft_option *options; /* NULL: none */
    size_t listener_size, stream_size;

    /* Binds and listens; not enabled yet. 0, or -errno with *error one line a person can act on:
     * what, where, why. On failure nothing is held. May block for name resolution: it is called at
     * start. */
    int (*listen)(struct weft_listener *listener, struct weft_loop *loop,
                  const struct weft_url *url, struct weft_error *error);
    /* Whether on_ready is called. Cannot fail. */
    void (*enable)(struct weft_listener *listener, int on);
    /* 0 with *accepted, -EAGAIN when nobody waits, -EMFILE or -ENFILE or -ENOMEM when the system
     * refuses (the waiting peer stays), else that one peer is lost and the next call goes on
     * (-ECONNABORTED). With shed set, a peer that -EMFILE would leave waiting is taken by means of
     * a reserve descriptor and dropped: -ECONNABORTED. */
    int (*accept)(struct weft_listener *listener, struct weft_accepted *accepted, int shed);
    /* At once; a path that listen made is removed; peers that were not accepted are reset. Fine
     * after a failed listen. */
    void (*unlisten)(struct weft_listener *listener);

    /* Makes a stream of an accepted handle, on loop. From now on the handle is the stream's, also
     * if this fails. */
    int (*attach)(struct weft_stream *stream, struct weft_loop *loop,
                  const struct weft_accepted *accepted);
    /* Drops an accepted handle that was never attached. Any thread. */
    void (*drop)(const struct weft_accepted *accepted);
    /* Begins to connect; on_ready with WEFT_WRITABLE (when wanted) says that it is done, the first
     * read or write says how. May block for name resolution. 0, or -errno with *error and nothing
     * held. */
    int (*connect)(struct weft_stream *stream, struct weft_loop *loop, const struct weft_url *url,
                   struct weft_error *error);
};

#ifdef __cplusplus
}
#endif

#endif
