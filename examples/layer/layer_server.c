/* SPDX-License-Identifier: MIT
 *
 * A server with a layer before its service: every peer is greeted by its address, but not too often.
 *
 *     cc -std=c17 -o layer_server *.c $(pkg-config --cflags --libs weft weft-codecs)
 *     ./layer_server 'tcp://127.0.0.1:9600?codec=raw&layers=quota&quota=2'
 */
#include <inttypes.h>
#include <stdio.h>

#include <weft/codecs.h>
#include <weft/serve.h>
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

int main(int argc, char **argv)
{
    const struct weft_plugins plugins = {
        .transports = weft_transports_basic(),
        .codecs = weft_codecs_all(),
        .services = (const struct weft_service *const[]){&greeter, NULL},
        .layers = (const struct weft_layer *const[]){&quota_layer, NULL},
    };
    struct weft_registry registry = {0};
    struct weft_error error;
    int err = weft_registry_add_all(&registry, &plugins, &error);
    if (err == 0)
        err = weft_serve(&registry, argc, argv, &error); /* until SIGTERM or SIGINT */
    if (err != 0)
        fprintf(stderr, "layer_server: %s\n", error.text);
    return err == 0 ? 0 : 1;
}
