/* SPDX-License-Identifier: MIT
 *
 * Serves the service of greeter.proto over gRPC, in frames and as JSON over HTTP, on one port.
 *
 *     protoc-c --c_out=. greeter.proto
 *     cc -std=c17 -I. -o greeter *.c $(pkg-config --cflags --libs weft-rpc weft-codecs libprotobuf-c)
 *     ./greeter 'tcp://127.0.0.1:9600?codec=auto'
 *     curl -H 'Content-Type: application/json' -d '{"name":"Ada"}' http://127.0.0.1:9600/greeter.Greeter/SayHello
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <weft/codecs.h>
#include <weft/base/compiler.h>
#include <weft/rpc/rpc.h>
#include <weft/server.h>
#include <weft/transports.h>

#include "greeter.pb-c.h"

/* --- the service ---------------------------------------------------------------------------- */

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

/* The answers of SayHellos that have not been sent. */
struct hellos {
    const Greeter__HelloRequest *request;
    unsigned next;
};

/* Sends as many as there is room for. -EAGAIN means that the client has to read first; on_room calls this again. */
static void go_on(struct weft_rpc_call *call)
{
    struct hellos *hellos = weft_rpc_data(call);
    int err = 0;
    while (err == 0 && hellos->next <= hellos->request->count) {
        char text[200];
        Greeter__HelloReply reply = GREETER__HELLO_REPLY__INIT;
        snprintf(text, sizeof text, "Hello, %.100s, for the %u. time!", hellos->request->name,
                 hellos->next);
        reply.message = text;
        err = weft_rpc_send(call, &reply.base);
        hellos->next += err == 0;
    }
    if (err == 0)
        weft_rpc_end(call, WEFT_RPC_OK, NULL);
    else if (err != -EAGAIN)
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "There is no memory for a greeting");
}

/* Nobody waits for them any more, but the end is still owed. */
static void give_up(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    weft_rpc_end(call, code, NULL);
}

static const struct weft_rpc_events events = {.on_room = go_on, .on_cancel = give_up};

static void greeter_say_hellos(Greeter__Greeter_Service *service,
                               const Greeter__HelloRequest *request,
                               Greeter__HelloReply_Closure closure, void *call)
{
    (void)service, (void)closure;
    struct hellos *hellos = NULL;
    request = (const Greeter__HelloRequest *)weft_rpc_keep(call);
    if (request)
        hellos = weft_rpc_alloc(call, sizeof *hellos);
    if (!hellos) {
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "There is no memory to greet from");
        return;
    }
    *hellos = (struct hellos){.request = request, .next = 1};
    weft_rpc_listen(call, &events, hellos);
    go_on(call);
}

/* The functions above are found by this prefix. */
static const Greeter__Greeter_Service greeter = GREETER__GREETER__INIT(greeter_);
static const char *const streams[] = {"SayHellos", NULL};

/* --- the program ---------------------------------------------------------------------------- */

struct stopper {
    struct weft_signal signal;
    struct weft_server *server;
};

static void on_signal(struct weft_signal *raised)
{
    weft_server_stop(weft_container_of(raised, struct stopper, signal)->server);
}

static int serve(struct weft_server *server)
{
    struct stopper stopper = {.server = server};
    const char *address;
    for (size_t i = 0; (address = weft_server_listening(server, i)) != NULL; i++)
        printf("listening %s\n", address);
    fflush(stdout);
    weft_signal_start(&stopper.signal, weft_server_loop(server), SIGTERM, on_signal);
    const int err = weft_server_run(server);
    weft_signal_stop(&stopper.signal);
    return err;
}

static int fill(struct weft_registry *registry, struct weft_rpc *rpc)
{
    int err = weft_registry_add_transport(registry, &weft_transport_tcp);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_length_delimited_gzip);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_http);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_grpc);
    if (err == 0)
        err = weft_rpc_add(rpc, &greeter.base, streams);
    if (err == 0)
        err = weft_rpc_add_health(rpc);
    if (err == 0)
        err = weft_rpc_add_reflection(rpc);
    return err == 0 ? weft_rpc_register(rpc, registry) : err;
}

int main(int argc, char **argv)
{
    const struct weft_log log = {.level = WEFT_LOG_WARN, .fd = STDERR_FILENO};
    struct weft_registry registry = {0};
    const struct weft_server_options options = {
        .registry = &registry,
        .urls = (const char *const *)(argv + 1),
        .url_count = argc > 1 ? (size_t)argc - 1 : 0,
        .codec = "length-delimited-gzip",
        .service = "greeter",
        .limits = weft_limits_default(),
        .threads = 2,
        .log = &log,
    };
    struct weft_server *server = NULL;
    struct weft_error error = {0};
    struct weft_rpc *rpc = weft_rpc_new("greeter");
    int err = rpc ? fill(&registry, rpc) : -1;
    if (err == 0)
        err = weft_server_new(&server, &options, &error);
    if (err == 0)
        err = weft_server_listen(server, &error);
    if (err < 0)
        fprintf(stderr, "greeter: %s\n", *error.text ? error.text : weft_strerror(err));
    else
        err = serve(server);
    weft_server_free(server);
    weft_rpc_free(rpc);
    return err == 0 ? 0 : 1;
}
