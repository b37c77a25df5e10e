/* SPDX-License-Identifier: MIT
 *
 * The codec seam: bytes <-> messages. Sans-I/O: a codec sees bytes and limits, never a socket, a
 * clock, a thread or a service. A plugin is one `const struct weft_codec`; raw.c is the one to copy
 * from.
 *
 * Threads: config is immutable after configure and shared by all loops; everything else is one
 * loop's. No slot may block or call back into the core. Slots a codec has no use for are NULL. */
#ifndef WEFT_CODEC_H
#define WEFT_CODEC_H

#include <sys/types.h>

#include "base/body.h"
#include "base/bytes.h"
#include "base/chain.h"
#include "base/frame_cache.h"
#include "base/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum weft_role { WEFT_SERVER, WEFT_CLIENT };

enum weft_message_kind {
    WEFT_MESSAGE_NONE, /* no message came with these bytes */
    WEFT_MESSAGE_DATA, /* one message, good or, by its status, bad */
};

/* A bad message is frame-local: its boundary can be trusted, it keeps its place in the order, the
 * service words the answer and the connection lives. */
enum weft_message_status { WEFT_MESSAGE_OK, WEFT_MESSAGE_MALFORMED, WEFT_MESSAGE_TOO_BIG };

struct weft_message {
    enum weft_message_kind kind;
    enum weft_message_status status;
    /* In the input view or in the codec's loop state: valid until the next decode or fini on that loop
     * state, or until the view goes; an encode in between leaves it alone. Empty when the status is not
     * OK. */
    struct weft_view payload;
    uint64_t size, limit; /* TOO_BIG: what was announced or counted, and the most that is taken */
    const char
        *why; /* static: TOO_BIG: the limit's option name ("max-frame"); MALFORMED: what is wrong */
    bool heavy; /* took long enough (a compressed frame) that the clock should be read again */
};

/* The states of one connection, as the core hands them to every slot. Each points to zeroed memory
 * of the size the codec declares. */
struct weft_codec_state {
    const void *config; /* one per distinct configuration, shared by all loops */
    void *loop;         /* one per configuration and loop: scratch, engines */
    void *conn;         /* one per connection */
    uint32_t config_id; /* small; one for each codec and configuration, the same for equal ones */
};

struct weft_decode_io {
    bool eof; /* in: no byte will ever follow this view */
    /* Out, with 0 and NONE: the size the view must reach before a call can help; 0: unknown. */
    size_t need;
    /* Out, always: what has been consumed so far ends inside a frame, as while an oversize one is skipped. The core needs it for
     * deadlines and to tell a truncated end from a clean one; bytes left in the view are inside a frame anyway. */
    bool inside;
    /* For bytes of the codec's own, sent in order behind the replies so far. */
    struct weft_chain *out;
    /* Out, with < 0: static text or NULL; on a server what its log says of the peer ("looks like
     * HTTP"), on a client what its user is told of the server ("answered in HTTP"). */
    const char *detail;
};

struct weft_encode_io {
    struct weft_chain *out; /* where the frame goes */
    /* In: where frames of lasting blobs are kept, and found again; NULL: nowhere. It is for codecs
     * whose frame stands for its message wherever the configuration is the same: on any connection,
     * any number of times. */
    struct weft_frame_cache *frames;
    uint64_t size, limit; /* out, with WEFT_ETOOBIG: as in weft_message */
    const char *why;      /* the same: the limit's option name, static */
    bool heavy;           /* out: as in weft_message */
};

struct weft_codec {
    const char *name; /* as in `?codec=NAME`; lower case, no spaces */
    /* What payloads it carries, "*" for any; an endpoint's codec and service must agree. */
    const char *speaks;
    const struct weft_option *options;        /* NULL: none */
    size_t config_size, loop_size, conn_size; /* of the three states; 0: none */

    /* Called once an endpoint, before any loop runs, with zeroed config. Reads its options and must
     * keep max_frame and max_message of limits, which bind both directions. The config is plain
     * bytes, padding zero: the core merges equal ones by memcmp, nothing frees what it might point
     * to. WEFT_ECONFIG: error says what is taken. */
    int (*configure)(void *config, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error);

    /* Once per configuration and loop, on any thread before the loop runs; fini after its last
     * connection's. If init fails (-ENOMEM), fini is not called. */
    int (*loop_init)(void *loop, const void *config);
    void (*loop_fini)(void *loop);

    /* Once per connection, before its first byte, on its loop. May not fail: what can fail is done
     * lazily in decode and encode. */
    void (*init)(const struct weft_codec_state *state, enum weft_role role);
    /* After the connection's last byte; must be fine right after init. */
    void (*fini)(const struct weft_codec_state *state);

    /* Mandatory. Takes what it can from the beginning of `in`. The core hands *msg with kind NONE
     * and *io zeroed but for eof and out. Returns:
     *
     * - n > 0: n bytes are consumed; msg->kind says whether a message came with them. It is called
     *   again, also where nothing of the view is left.
     * - 0 and DATA: a message that needed no byte. It is called again.
     * - 0 and NONE: more bytes are needed; io->need as above. The next view begins with the same
     *   bytes, perhaps at another address, and is longer, or eof has become true. With eof, bytes
     *   that are left over are a truncated frame, which the core judges.
     * - < 0: the boundary is lost (WEFT_ELOST), the peer speaks something else (WEFT_EFOREIGN), or
     *   no memory (-ENOMEM). It is never called again for this connection; earlier requests are
     *   still answered, io->out is sent, then the connection closes.
     *
     * "Answer 413, then close" is a message first and < 0 from the next call. A limit is checked
     * from the header, before the body has come; skipping an oversize frame keeps none of it
     * (consume as it arrives). */
    ssize_t (*decode)(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io);

    /* Mandatory. Appends one frame for body to io->out; called in the order of the wire. The core
     * hands *io zeroed but for out and frames. Returns:
     *
     * - 0: the whole frame is in io->out, which references or copies what it needs of body.
     * - WEFT_ETOOBIG: over max_frame or max_message; size, limit and why say which. io->out is
     *   unchanged.
     * - -ENOMEM: io->out is unchanged.
     *
     * A small body is written once, in place, behind its header: weft_chain_reserve, the body's
     * write, weft_chain_commit. */
    int (*encode)(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io);
};

#ifdef __cplusplus
}
#endif

#endif
