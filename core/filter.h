/* SPDX-License-Identifier: MIT
 *
 * The filter seam: a stage between a transport's stream and a connection, such as WebSocket or TLS. A filter
 * turns the bytes that come from below into message bytes, and message bytes into bytes for below. It does no
 * I/O: it never sees a socket, a clock or a thread, only bytes. The core makes a stream of a filter and the
 * stream below it, and that alone knows readiness. A filter is one `const struct weft_filter`.
 *
 * A URL's scheme names the filters, the outermost first, and the transport: "ws+tcp". A scheme that ends with a
 * filter stands on tcp: "ws" is "ws+tcp".
 *
 * Threads: a config does not change after configure, and a server's loops share it. A state belongs to one
 * connection and is used on its loop's thread. No slot may block or call back into the core. */
#ifndef WEFT_FILTER_H
#define WEFT_FILTER_H

#include "base/bytes.h"
#include "base/chain.h"
#include "base/url.h"
#include "codec.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_peer;

enum {
    WEFT_FILTERS_MAX = 4,  /* of one scheme */
    WEFT_SEAL_MAX = 16384, /* bytes of one seal */
};

struct weft_filter_io {
    /* In: bytes from below. Out: what is left of them, which is shown again at the next call, with more bytes
     * behind it. The filter takes bytes from its beginning with weft_view_skip. */
    struct weft_view in;
    bool eof;                /* in: no byte will ever follow those in `in` */
    struct weft_chain *down; /* in: the filter appends what goes below */
    bool open;               /* out: the handshake is over, so message bytes may be sealed */
    /* Out: the filter holds message bytes, or an end, that it has not reported yet. open is called again for
     * them, also without more input. The core sets it to false before each call. */
    bool more;
};

struct weft_filter {
    const char *name;                  /* in a scheme: lower case letters and digits */
    const struct weft_option *options; /* the options it declares, or NULL */
    size_t config_size, state_size;    /* the core allocates both, zeroed */
    bool takes_target;                 /* a URL may have a path behind HOST:PORT */

    /* Called once per endpoint, when its server is made or, on the first loop's thread, when the endpoint is added to
     * one that runs; and once per client. Other loops may run meanwhile. context is what the filter
     * was registered with. codecs are those of all URLs at the address, ended by NULL. All are
     * borrowed until it returns. Returns 0, -ENOMEM, or WEFT_ECONFIG with one line in *error; then the config
     * holds nothing that has to be released. */
    int (*configure)(void *config, void *context, const struct weft_url *url, enum weft_role role,
                     const struct weft_codec *const *codecs, struct weft_error *error);
    /* Releases what the config points to. Called once for each configure that returned 0, after the fini of the
     * last state: when the server is freed, or on the first loop's thread if the endpoint was removed. NULL: it points to nothing of its own. */
    void (*release)(void *config);

    /* Called once per connection, before its first byte. The config outlives the state. Returns 0 or -errno;
     * fini is not called then. */
    int (*init)(void *state, const void *config, enum weft_role role);
    /* Called once per connection, after its last byte. */
    void (*fini)(void *state);

    /* Reads what has come from below, and writes message bytes to dst. A size of 0 means that nobody reads yet:
     * only the handshake goes on then, and dst is NULL. A client's first call has no input. Returns:
     *   - the number of message bytes in dst (> 0). If it is size, there may be more in what is left of `in`.
     *   - 0: the peer has ended its direction, and reads on.
     *   - -EAGAIN: more bytes are needed. All of `in` is taken, unless size is 0.
     *   - WEFT_EOVER: by the protocol nothing follows, and the peer reads only what it is owed.
     *   - -EPROTO: the peer broke a rule; trouble() says which. What is in `down` by then still leaves.
     *   - WEFT_ETRUNCATED: input ended although the protocol has an end of its own, so something may be missing.
     *   - another error, such as -ENOMEM: the connection breaks.
     * After 0, WEFT_EOVER and errors it is not called any more. */
    ssize_t (*open)(void *state, uint8_t *dst, size_t size, struct weft_filter_io *io);

    /* Seals message bytes, at most WEFT_SEAL_MAX, and takes all of them. Only called once open. Returns 0; or
     * -ENOMEM or another error, and then nothing was taken. Of io, only down is used. */
    int (*seal)(void *state, struct weft_view plain, struct weft_filter_io *io);

    /* Ends our direction: says what the protocol wants as last words. Called at most once, also before the
     * handshake is over. Of io, only down is used. Returns 0 or an error. */
    int (*finish)(void *state, struct weft_filter_io *io);

    /* Sets the fields of *peer that the filter can prove or was told. NULL: it knows nothing. */
    void (*identify)(void *state, struct weft_peer *peer);

    /* Returns the name of the protocol that the two ends have agreed on (ALPN), as a stream's slot of that name
     * does (transport.h). NULL: the filter below, or the transport, is asked. */
    const char *(*protocol)(void *state);

    /* Returns why open answered -EPROTO or WEFT_ETRUNCATED. The text is static or the state's. NULL: no words. */
    const char *(*trouble)(const void *state);
};

#ifdef __cplusplus
}
#endif

#endif
