/* SPDX-License-Identifier: MIT
 *
 * A call, for the functions of services (rpc.h). Everything here happens on the loop of the call's
 * connection, and until the call has ended. */
#ifndef WEFT_RPC_CALL_H
#define WEFT_RPC_CALL_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/bytes.h"
#include "core/peer.h"
#include "core/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a call ends: the codes of gRPC (https://grpc.io/docs/guides/status-codes/). */
enum weft_rpc_code {
    WEFT_RPC_OK,
    WEFT_RPC_CANCELLED,
    WEFT_RPC_UNKNOWN,
    WEFT_RPC_INVALID_ARGUMENT,
    WEFT_RPC_DEADLINE_EXCEEDED,
    WEFT_RPC_NOT_FOUND,
    WEFT_RPC_ALREADY_EXISTS,
    WEFT_RPC_PERMISSION_DENIED,
    WEFT_RPC_RESOURCE_EXHAUSTED,
    WEFT_RPC_FAILED_PRECONDITION,
    WEFT_RPC_ABORTED,
    WEFT_RPC_OUT_OF_RANGE,
    WEFT_RPC_UNIMPLEMENTED,
    WEFT_RPC_INTERNAL,
    WEFT_RPC_UNAVAILABLE,
    WEFT_RPC_DATA_LOSS,
    WEFT_RPC_UNAUTHENTICATED
};

/* These return the name of a code, "NOT_FOUND", which is static; and the status of HTTP that
 * google/rpc/code.proto gives it, 404, which layers see as the request's status. */
const char *weft_rpc_code_name(enum weft_rpc_code code);
unsigned weft_rpc_code_http(enum weft_rpc_code code);

struct weft_rpc_call;

/* The events of a call that goes on. Each may be NULL. None is called after the end, or from within
 * a function of this header. */
struct weft_rpc_events {
    /* There is room again, after weft_rpc_send has returned -EAGAIN. */
    void (*on_room)(struct weft_rpc_call *call);
    /* The answer is not wanted any more, and the end is still owed. code says why:
     *   - CANCELLED: the client has gone or has cancelled. Nobody will read what is sent.
     *   - DEADLINE_EXCEEDED: the client's time is over. However the call ends now, the client hears this.
     *   - UNAVAILABLE: the server drains. What is sent before the end still leaves. Only a streamed call hears it.
     *   - INVALID_ARGUMENT, RESOURCE_EXHAUSTED: the next message could not be read. However the call ends now, the client
     *     hears why. */
    void (*on_cancel)(struct weft_rpc_call *call, enum weft_rpc_code code);
    /* For a method whose requests are streams (rpc.h: weft_rpc_stream_requests), which sets it within its function: the first
     * message, and one more after each weft_rpc_next. It is valid until this returns. NULL: the client has sent its last
     * one, and the end is still owed. */
    void (*on_message)(struct weft_rpc_call *call, const ProtobufCMessage *message);
};

/* Asks for the next message of such a request; on_message follows once it has come. Until then the client may send no more
 * than a window (256 KiB over gRPC). A second call before that, or after the last message, does nothing. */
void weft_rpc_next(struct weft_rpc_call *call);

/* Sets what the call hears, borrowed until the end, and `data` for its functions. */
void weft_rpc_listen(struct weft_rpc_call *call, const struct weft_rpc_events *events, void *data);
void *weft_rpc_data(const struct weft_rpc_call *call);

/* Keeps the request's message for after the function has returned, and returns the place where it then lies
 * until the end; the other place is valid until the function returns. What is kept counts towards pending-bytes.
 * NULL: there is no memory, or the function has returned; nothing has changed. */
WEFT_MUST_USE const ProtobufCMessage *weft_rpc_keep(struct weft_rpc_call *call);

/* Returns memory that lives until the end, or NULL: decode-bytes is reached, or weft_rpc_keep was not called. The function of
 * a method whose requests are streams has no message to keep, and may call this at once. */
WEFT_MUST_USE void *weft_rpc_alloc(struct weft_rpc_call *call, size_t size);

/* Sends a message of a streamed answer. The message is borrowed until this returns. Returns 0 if it was taken.
 *   - -EAGAIN: too much waits for the client to read. Nothing has changed, and on_room follows.
 *   - -ECANCELED: nobody wants it any more (on_cancel). The end is still owed.
 *   - -EINVAL: the method does not stream, the message is of another type than the method's, or the function of
 *     weft_rpc_generate has already sent one.
 *   - -ENOMEM: nothing was sent. */
WEFT_MUST_USE int weft_rpc_send(struct weft_rpc_call *call, const ProtobufCMessage *message);

/* Streams an answer out of one function, from what a method's function has been called with. next is called for one message
 * after another, first once the method's function has returned, and then whenever there is room for a message. It gets the
 * request's message, which is kept (weft_rpc_keep), and `state`, which begins as `size` zeros; both live until the end. It
 * either sends one message with weft_rpc_send, which takes it even if there has ceased to be room, or ends the call with
 * weft_rpc_end. It returns 0, or an error of weft_rpc_send or its own, with which the call ends: RESOURCE_EXHAUSTED for
 * -ENOMEM, otherwise INTERNAL.
 *
 * The call ends by itself when its client has gone or its time is over, and goes on while the server drains; unless an
 * on_cancel listens, which then decides. Returns state, which is also the call's data, for the function to set; or NULL, after
 * which the call has ended: there is no memory, or the method does not stream its answers, or it does stream its requests. */
void *weft_rpc_generate(struct weft_rpc_call *call,
                        int (*next)(struct weft_rpc_call *call, const ProtobufCMessage *request,
                                    void *state),
                        size_t size);

/* Ends the call. words, which may be NULL, say in English what was wrong; they are copied, and cut to
 * WEFT_RPC_WORDS_MAX bytes. A method that does not stream cannot end so with OK, since that has a message:
 * it is INTERNAL then. */
enum { WEFT_RPC_WORDS_MAX = 200 };
void weft_rpc_end(struct weft_rpc_call *call, enum weft_rpc_code code, const char *words);

/* Return the loop of the call, and "package.Service/Method", which lives as long as the set. */
struct weft_loop *weft_rpc_loop(const struct weft_rpc_call *call);
const char *weft_rpc_method(const struct weft_rpc_call *call);

/* Returns the peer (peer.h), or NULL: no memory. */
struct weft_peer *weft_rpc_peer(struct weft_rpc_call *call);

/* Returns the weft_loop_now at which the client stops waiting, or INT64_MAX: it has not said. */
int64_t weft_rpc_deadline(const struct weft_rpc_call *call);
/* Returns the nanoseconds until then: 0 if it has passed, INT64_MAX if there is no deadline. */
int64_t weft_rpc_time_left(const struct weft_rpc_call *call);
/* True if nobody waits for the answer any more: on_cancel has come, or would have, with CANCELLED or DEADLINE_EXCEEDED. */
bool weft_rpc_is_cancelled(const struct weft_rpc_call *call);

#ifdef __cplusplus
}
#endif

#endif
