/* SPDX-License-Identifier: MIT
 *
 * The promises of core/transport.h, kept by a stack of WebSocket over tcp. */
#include <stdio.h>

#include "core/stack/stack.h"
#include "suites/transport_suite.h"
#include "transports/transports.h"
#include "transports/websocket/websocket.h"

static struct weft__stack servers, clients;
static struct weft_piece_pool pool;

static int attach(struct weft_stream *stream, struct weft_loop *loop,
                  const struct weft_accepted *accepted)
{
    return weft__stack_attach(&servers, stream, loop, &pool, accepted);
}

static int connect_to(struct weft_stream *stream, struct weft_loop *loop,
                      const struct weft_url *url, struct weft_error *error)
{
    return weft__stack_connect(&clients, stream, loop, &pool, url, error);
}

static int make(struct weft__stack *stack, const struct weft_registry *registry, const char *scheme,
                enum weft_role role)
{
    static const struct weft_codec *const codecs[] = {NULL};
    struct weft_error error;
    struct weft_url url;
    int err = weft_url_parse(&url, "ws://127.0.0.1:0/path", &error);

    if (err == 0)
        err = weft__stack_find(stack, registry, scheme, &error);
    if (err == 0)
        err = weft__stack_configure(stack, &url, role, codecs, &error);
    if (err < 0)
        fprintf(stderr, "%s: %s\n", scheme, error.text);
    return err;
}

int main(void)
{
    static const char *const schemes[] = {"ws", "ws+tcp", "ws+ws+tcp"};
    struct weft_registry registry = {0};
    struct weft_transport transport = weft_transport_tcp;
    int failed = weft_registry_add_transport(&registry, &weft_transport_tcp) < 0 ||
                 weft_registry_add_filter(&registry, &weft_filter_websocket, NULL) < 0;

    transport.attach = attach;
    transport.connect = connect_to;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes && !failed; i++) {
        if (make(&servers, &registry, schemes[i], WEFT_SERVER) < 0 ||
            make(&clients, &registry, schemes[i], WEFT_CLIENT) < 0)
            return 1;
        transport.stream_size = servers.stream_size;
        failed = transport_suite_run(schemes[i], &transport, "tcp://127.0.0.1:0");
        weft__stack_fini(&servers);
        weft__stack_fini(&clients);
    }
    return failed;
}
