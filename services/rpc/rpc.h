/* SPDX-License-Identifier: MIT
 *
 * Serves what protoc-c generates of a `service`. A program hands its ProtobufCService to a weft_rpc and
 * registers that: endpoints then serve it over gRPC, in frames (proto/rpc.proto) and as JSON over HTTP. docs/rpc.md
 * goes through it.
 *
 * protobuf-c calls a function of a service with the request's message, a closure and closure_data. Here
 * closure_data is the struct weft_rpc_call, which the functions of call.h take:
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

#include "call.h"
#include "core/registry.h"
#include "metadata.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_rpc; /* a set of services */
/* Makes an empty set. `name`, which is copied, is that of `?service=NAME`. NULL: no memory, or over 63 bytes. The
 * functions below take that NULL, too, and return -ENOMEM for it. */
WEFT_MUST_USE struct weft_rpc *weft_rpc_new(const char *name);

/* Adds a service. It is borrowed until weft_rpc_free, and so is its descriptor. protobuf-c does not know
 * which methods stream their answer, so `streams` names those, and ends with NULL; NULL: none does. A
 * function that the service leaves NULL is answered UNIMPLEMENTED. Returns 0, or changes nothing, writes one line to *error
 * and returns:
 *   - -EEXIST: the set has a service of that name.
 *   - -EINVAL: the descriptor is none, or `streams` names a method that the service does not have.
 *   - -EPERM: the set has been registered.
 *   - -ENOMEM. */
WEFT_MUST_USE int weft_rpc_add(struct weft_rpc *rpc, const ProtobufCService *service,
                               const char *const *streams, struct weft_error *error);

/* Says that requests of a method are streams: its function is called with request NULL, and its messages come one by
 * one (call.h: on_message). method is "package.Service/Method". Over a protocol where a call has one message, the
 * stream has that message. Returns 0, or changes nothing, writes one line to *error and returns:
 *   - -ENOENT: the set has no such method.
 *   - -EPERM: the set has been registered. */
WEFT_MUST_USE int weft_rpc_stream_requests(struct weft_rpc *rpc, const char *method,
                                           struct weft_error *error);

/* Each adds services that tools of gRPC call, and returns what weft_rpc_add does: grpc.health.v1, where each service
 * of the set is SERVING until the server drains; and server reflection (v1, v1alpha), which shows all services of the
 * set with their types, to any peer that a layer lets in. */
WEFT_MUST_USE int weft_rpc_add_health(struct weft_rpc *rpc, struct weft_error *error);
WEFT_MUST_USE int weft_rpc_add_reflection(struct weft_rpc *rpc, struct weft_error *error);

/* Registers a face of the set for each language that it speaks; an endpoint takes the one that its codec
 * carries. Returns 0; or, with one line in *error, -ENOMEM or what weft_registry_add_service returned. */
WEFT_MUST_USE int weft_rpc_register(struct weft_rpc *rpc, struct weft_registry *registry,
                                    struct weft_error *error);

/* Returns a service that answers requests with a target (core/service.h), in place of weft_rpc_register: for a service of
 * the program's own, which hands it those that it does not know itself. It has no options and no state of connections,
 * and lives as long as the set, which takes no more services. *context is for its configure. NULL: no memory. */
WEFT_MUST_USE const struct weft_service *weft_rpc_service(struct weft_rpc *rpc, void **context);

/* Frees the set, but not its services, after the weft_server_free of every server that has it. NULL is fine. */
void weft_rpc_free(struct weft_rpc *rpc);

#ifdef __cplusplus
}
#endif

#endif
