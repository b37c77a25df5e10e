/* SPDX-License-Identifier: MIT
 *
 * Serves what protoc-c generates of a `service`. A program hands its ProtobufCService to a weft_rpc and
 * registers that: endpoints then serve it over gRPC, in frames (proto/rpc.proto) and as JSON over HTTP. docs/rpc.md
 * goes through it.
 *
 * protobuf-c calls a function of a service with the request's message, a closure and closure_data. Here
 * closure_data is the struct weft_rpc_call, which the functions below take:
 *
 *     static void say_hello(Greeter__Greeter_Service *service, const Greeter__HelloRequest *request,
 *                           Greeter__HelloReply_Closure closure, void *call)
 *     {
 *         Greeter__HelloReply reply = GREETER__HELLO_REPLY__INIT;
 *         reply.message = request->name;
 *         closure(&reply, call);
 *     }
 *
 * The one rule: each call ends exactly once, in the function or later. These end it: the closure of a
 * method that does not stream; the closure with NULL; weft_rpc_end. Until then the call stays valid, even
 * if the client has gone. Afterwards nothing may use it.
 *
 * Everything here happens on the loop of the call's connection. Another thread comes back to it with
 * weft_loop_post (task.h). A server has several loops, so the functions of a service run on several
 * threads at once, though one call stays on one. They must not block. */
#ifndef WEFT_RPC_H
#define WEFT_RPC_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/bytes.h"
#include "core/peer.h"
#include "core/registry.h"
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

struct weft_rpc; /* a set of services */
/* Makes an empty set. `name`, which is copied, is that of `?service=NAME`. NULL: no memory, or over 63 bytes. */
WEFT_MUST_USE struct weft_rpc *weft_rpc_new(const char *name);

/* Adds a service. It is borrowed until weft_rpc_free, and so is its descriptor. protobuf-c does not know
 * which methods stream their answer, so `streams` names those, and ends with NULL; NULL: none does. A
 * function that the service leaves NULL is answered UNIMPLEMENTED. Returns 0, or changes nothing and returns:
 *   - -EEXIST: the set has a service of that name.
 *   - -EINVAL: the descriptor is none, or `streams` names a method that the service does not have.
 *   - -EPERM: the set has been registered.
 *   - -ENOMEM. */
WEFT_MUST_USE int weft_rpc_add(struct weft_rpc *rpc, const ProtobufCService *service,
                               const char *const *streams);

/* Each adds services that tools of gRPC call, and returns what weft_rpc_add does: grpc.health.v1, where each service
 * of the set is SERVING until the server drains; and server reflection (v1, v1alpha), which shows all services of the
 * set with their types, to any peer that a layer lets in. */
WEFT_MUST_USE int weft_rpc_add_health(struct weft_rpc *rpc);
WEFT_MUST_USE int weft_rpc_add_reflection(struct weft_rpc *rpc);

/* Registers a face of the set for each language that it speaks; an endpoint takes the one that its codec
 * carries. Returns 0, -ENOMEM, or what weft_registry_add_service returned. */
WEFT_MUST_USE int weft_rpc_register(struct weft_rpc *rpc, struct weft_registry *registry);

/* Returns a service that answers requests with a target (core/service.h), in place of weft_rpc_register: for a service of
 * the program's own, which hands it those that it does not know itself. It has no options and no state of connections,
 * and lives as long as the set, which takes no more services. *context is for its configure. NULL: no memory. */
WEFT_MUST_USE const struct weft_service *weft_rpc_service(struct weft_rpc *rpc, void **context);

/* Frees the set, but not its services, after the weft_server_free of every server that has it. NULL is fine. */
void weft_rpc_free(struct weft_rpc *rpc);

struct weft_rpc_call;

/* The events of a call that goes on. Either may be NULL. Neither is called after the end, or from within
 * a function of this header. */
struct weft_rpc_events {
    /* There is room again, after weft_rpc_send has returned -EAGAIN. */
    void (*on_room)(struct weft_rpc_call *call);
    /* The answer is not wanted any more, and the end is still owed. code says why:
     *   - CANCELLED: the client has gone or has cancelled. Nobody will read what is sent.
     *   - DEADLINE_EXCEEDED: the client's time is over. However the call ends now, the client hears this.
     *   - UNAVAILABLE: the server drains. What is sent before the end still leaves. Only a streamed call hears it. */
    void (*on_cancel)(struct weft_rpc_call *call, enum weft_rpc_code code);
};

/* Sets what the call hears, borrowed until the end, and `data` for its functions. */
void weft_rpc_listen(struct weft_rpc_call *call, const struct weft_rpc_events *events, void *data);
void *weft_rpc_data(const struct weft_rpc_call *call);

/* Keeps the request's message for after the function has returned, and returns the place where it then lies
 * until the end; the other place is valid until the function returns. What is kept counts towards pending-bytes.
 * NULL: there is no memory, or the function has returned; nothing has changed. */
WEFT_MUST_USE const ProtobufCMessage *weft_rpc_keep(struct weft_rpc_call *call);

/* Returns memory that lives until the end, or NULL: decode-bytes is reached, or weft_rpc_keep was not called. */
WEFT_MUST_USE void *weft_rpc_alloc(struct weft_rpc_call *call, size_t size);

/* Sends a message of a streamed answer. The message is borrowed until this returns. Returns 0 if it was taken.
 *   - -EAGAIN: too much waits for the client to read. Nothing has changed, and on_room follows.
 *   - -ECANCELED: nobody wants it any more (on_cancel). The end is still owed.
 *   - -EINVAL: the method does not stream, or the message is of another type than the method's.
 *   - -ENOMEM: nothing was sent. */
WEFT_MUST_USE int weft_rpc_send(struct weft_rpc_call *call, const ProtobufCMessage *message);

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

/* Finds what came beside the message under `name`, in whatever case: a metadata of gRPC or of
 * the frame, or a field of the HTTP request. Returns false if there is none. *value is valid as the message is. */
WEFT_MUST_USE bool weft_rpc_metadata(const struct weft_rpc_call *call, const char *name,
                                     struct weft_view *value);

/* Returns the weft_loop_now at which the client stops waiting, or INT64_MAX: it has not said, or has over gRPC. */
int64_t weft_rpc_deadline(const struct weft_rpc_call *call);

#ifdef __cplusplus
}
#endif

#endif
