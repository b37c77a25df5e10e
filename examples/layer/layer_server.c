/* SPDX-License-Identifier: MIT
 *
 * A server with a layer before its service: every peer is greeted by its address, but not too often.
 *
 *     cc -std=c17 -o layer_server *.c $(pkg-config --cflags --libs weft weft-codecs)
 *     ./layer_server 'tcp://127.0.0.1:9600?codec=raw&layers=quota&quota=2'
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <weft/codecs.h>
#include <weft/base/compiler.h>
#include <weft/server.h>
#include <weft/transports.h>

#include "quota.h"

/* --- the service ---------------------------------------------------------------------------- */

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state, (void)conn_state;
    const struct weft_action action = {.name = "greet", .object = request->payload};
    struct weft_rejection why;
    /* Layers may refuse what a request is about, too. */
    if (request->layers && !weft_request_ask(request, &action, &why)) {
        weft_request_refuse(request, &why);
        return;
    }
    const struct weft_peer *peer = weft_request_peer(request);
    char text[96];
    const int size =
        snprintf(text, sizeof text, "hello %.64s\n", peer ? peer->address : "stranger");
    const struct weft_body_bytes body = weft_body_from_view(weft_view(text, (size_t)size));
    (void)!weft_request_end(request, &body.body);
}

static size_t reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    (void)loop_state;
    const int size = rejection->cause == WEFT_REJECT_RATE
                         ? snprintf((char *)dst, WEFT_REJECT_MAX,
                                    "error: at most %" PRIu64 " per second\n", rejection->limit)
                         : snprintf((char *)dst, WEFT_REJECT_MAX, "error: refused\n");
    return (size_t)size;
}

static const struct weft_service greeter = {
    .name = "greeter",
    .speaks = "text",
    .call = call,
    .reject = reject,
};

/* --- the program ---------------------------------------------------------------------------- */

struct stopper {
    struct weft_signal signal;
    struct weft_server *server;
};

static void on_signal(struct weft_signal *raised)
{
    weft_server_stop(weft_container_of(raised, struct stopper, signal)->server);
}

static int fill(struct weft_registry *registry)
{
    int err = weft_registry_add_transport(registry, &weft_transport_tcp);
    if (err == 0)
        err = weft_registry_add_transport(registry, &weft_transport_unix);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_length_delimited_gzip);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_raw);
    if (err == 0)
        err = weft_registry_add_service(registry, &greeter, NULL);
    if (err == 0)
        err = weft_registry_add_layer(registry, &quota_layer, NULL);
    return err;
}

static int serve(struct weft_server *server)
{
    struct stopper stopper = {.server = server};
    const char *endpoint;
    for (size_t i = 0; (endpoint = weft_server_endpoint(server, i)) != NULL; i++)
        printf("listening %s\n", endpoint);
    fflush(stdout);

    /* SIGTERM drains: what was asked is answered, then run returns. */
    weft_signal_start(&stopper.signal, weft_server_loop(server), SIGTERM, on_signal);
    const int err = weft_server_run(server);
    weft_signal_stop(&stopper.signal);
    return err;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: layer_server URL...\n");
        return 2;
    }
    const struct weft_log log = {.level = WEFT_LOG_WARN, .fd = STDERR_FILENO};
    struct weft_registry registry = {0};
    const struct weft_server_options options = {
        .registry = &registry,
        .urls = (const char *const *)(argv + 1),
        .url_count = (size_t)argc - 1,
        .codec = "length-delimited-gzip",
        .service = "greeter",
        .limits = weft_limits_default(),
        .threads = 1,
        .log = &log,
    };
    struct weft_server *server = NULL;
    struct weft_error error = {0};
    int err = fill(&registry);
    if (err == 0)
        err = weft_server_new(&server, &options, &error);
    if (err == 0)
        err = weft_server_listen(server, &error);
    if (err < 0)
        fprintf(stderr, "layer_server: %s\n", *error.text ? error.text : weft_strerror(err));
    else
        err = serve(server);
    weft_server_free(server);
    return err == 0 ? 0 : 1;
}
