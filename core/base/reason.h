/* SPDX-License-Identifier: MIT
 *
 * The reasons for which a connection ends. The log, the counters and the tests all use this enum. The
 * first reason that a connection gets is the one that it keeps. */
#ifndef WEFT_REASON_H
#define WEFT_REASON_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(enumerator, "name-in-logs", "in words") for each reason. NONE is not a reason: it stands for a
 * connection that is open. The limits that some of them name are in settings.h. UNWORDED is also the
 * reason if the service refuses a request and has no words for that, or has none for a reply over a limit.
 * The last two are reasons of a single request (service.h: on_cancel), never of a connection. */
#define WEFT_REASON_MAP(X)                                                                         \
    X(NONE, "none", "still open")                                                                  \
    X(PEER_CLOSED, "peer-closed", "the peer ended its side between frames, or said so")            \
    X(PEER_RESET, "peer-reset", "reading or writing failed")                                       \
    X(PEER_VANISHED, "peer-vanished", "the peer answered no probe, or its network is gone")        \
    X(TRUNCATED, "truncated", "the peer ended inside a frame")                                     \
    X(FRAME_LOST, "frame-lost", "the frame boundary was lost")                                     \
    X(FOREIGN, "foreign-protocol", "the first bytes were another protocol's")                      \
    X(PROTOCOL, "protocol", "the peer broke a rule of TLS, ws or yamux, or its handshake failed")  \
    X(BAD_FRAMES, "bad-frames", "too many bad frames in a row")                                    \
    X(UNWORDED, "unworded", "a bad frame, and the service has no words for it")                    \
    X(FRAME_TIMEOUT, "frame-timeout", "a frame did not complete in time")                          \
    X(WRITE_TIMEOUT, "write-timeout", "the peer did not read in time")                             \
    X(IDLE_TIMEOUT, "idle-timeout", "no request came for too long")                                \
    X(OUTPUT_LIMIT, "output-limit", "more output waits than output-hard allows")                   \
    X(NOT_KNOWN, "not-known", "it sent a large frame before it said who it is")                    \
    X(TOO_MANY, "too-many-connections", "max-connections are open")                                \
    X(NO_MEMORY, "no-memory", "an allocation failed")                                              \
    X(NO_DESCRIPTOR, "no-descriptor", "the system had no descriptor left")                         \
    X(DRAINED, "drained", "the server drained")                                                    \
    X(CUT, "cut", "the server stopped before the connection had drained")                          \
    X(INTERNAL, "internal", "a plugin failed")                                                     \
    X(KILLED, "killed", "a service was asked to end it")                                           \
    X(STREAM_RESET, "stream-reset", "the peer wants no more of one request")                       \
    X(DEADLINE, "deadline", "the deadline of one request has passed")

enum weft_reason {
#define X(id, name, text) WEFT_REASON_##id,
    WEFT_REASON_MAP(X)
#undef X
        WEFT_REASON_COUNT
};

/* Returns the name for logs and counters ("frame-timeout"). It is static and never NULL. Any thread. */
const char *weft_reason_name(enum weft_reason reason);
/* Returns the reason in words. It is static and never NULL. Any thread. */
const char *weft_reason_text(enum weft_reason reason);

/* Returns the reason for a connection whose stream failed with err (-errno): PEER_VANISHED if err says
 * that the peer or its network cannot be reached any more, otherwise PEER_RESET. Any thread. */
enum weft_reason weft_reason_of_stream(int err);

#ifdef __cplusplus
}
#endif

#endif
