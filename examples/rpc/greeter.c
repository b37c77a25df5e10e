/* SPDX-License-Identifier: MIT
 *
 * Serves the service of greeter.proto over gRPC, in frames and as JSON over HTTP, on one port.
 *
 *     protoc-c --c_out=. greeter.proto
 *     cc -std=c17 -I. -o greeter *.c $(pkg-config --cflags --libs weft-rpc weft-codecs libprotobuf-c)
 *     ./greeter 'tcp://127.0.0.1:9600?codec=auto'
 *     curl -H 'Content-Type: application/json' -d '{"name":"Ada"}' http://127.0.0.1:9600/greeter.Greeter/SayHello
 */
#include <stdio.h>

#include <weft/codecs.h>
#include <weft/rpc/rpc.h>
#include <weft/serve.h>
#include <weft/transports.h>

#include "greeter.pb-c.h"

/* An answer, or an error. */
static void greeter_say_hello(Greeter__Greeter_Service *service,
                              const Greeter__HelloRequest *request,
                              Greeter__HelloReply_Closure closure, void *call)
{
    (void)service;
    if (!*request->name) {
        weft_rpc_end(call, WEFT_RPC_INVALID_ARGUMENT, "Who is there?");
        return;
    }
    char text[200];
    snprintf(text, sizeof text, "Hello, %.100s!", request->name);
    Greeter__HelloReply reply = GREETER__HELLO_REPLY__INIT;
    reply.message = text;
    closure(&reply, call);
}

/* Sends the next message of a stream, or ends it. It is called again whenever the client has room for more. */
static int say_next(struct weft_rpc_call *call, const ProtobufCMessage *message, void *state)
{
    const Greeter__HelloRequest *request = (const Greeter__HelloRequest *)message;
    unsigned *said = state;
    if (*said == request->count) {
        weft_rpc_end(call, WEFT_RPC_OK, NULL);
        return 0;
    }
    char text[200];
    snprintf(text, sizeof text, "Hello, %.100s, for the %u. time!", request->name, ++*said);
    Greeter__HelloReply reply = GREETER__HELLO_REPLY__INIT;
    reply.message = text;
    return weft_rpc_send(call, &reply.base);
}

static void greeter_say_hellos(Greeter__Greeter_Service *service,
                               const Greeter__HelloRequest *request,
                               Greeter__HelloReply_Closure closure, void *call)
{
    (void)service, (void)request, (void)closure;
    weft_rpc_generate(call, say_next, sizeof(unsigned));
}

int main(int argc, char **argv)
{
    /* The functions above are found by this prefix. */
    static const Greeter__Greeter_Service greeter = GREETER__GREETER__INIT(greeter_);
    static const char *const streams[] = {"SayHellos", NULL};
    const struct weft_plugins plugins = {.transports = weft_transports_basic(),
                                         .codecs = weft_codecs_all()};
    struct weft_registry registry = {0};
    struct weft_error error;
    struct weft_rpc *rpc = weft_rpc_new("greeter");
    const bool served = weft_rpc_add(rpc, &greeter.base, streams, &error) == 0 &&
                        weft_rpc_add_health(rpc, &error) == 0 &&
                        weft_rpc_add_reflection(rpc, &error) == 0 &&
                        weft_rpc_register(rpc, &registry, &error) == 0 &&
                        weft_registry_add_all(&registry, &plugins, &error) == 0 &&
                        weft_serve(&registry, argc, argv, &error) == 0;
    if (!served)
        fprintf(stderr, "greeter: %s\n", error.text);
    weft_rpc_free(rpc);
    return served ? 0 : 1;
}
