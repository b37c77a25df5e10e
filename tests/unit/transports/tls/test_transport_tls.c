/* SPDX-License-Identifier: MIT
 *
 * The promises of core/transport.h, kept by a stack of TLS over tcp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/stack/stack.h"
#include "suites/transport_suite.h"
#include "tls_fixture.h"
#include "transports/transports.h"

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

static int make(struct weft__stack *stack, const struct weft_registry *registry,
                enum weft_role role)
{
    static const struct weft_codec *const codecs[] = {NULL};
    struct weft_error error;
    struct weft_url url;
    char text[512];

    snprintf(text, sizeof text,
             role == WEFT_SERVER ? "tls://127.0.0.1:0?cert=%s/server.pem&key=%s/server.key"
                                 : "tls://127.0.0.1:0?ca=%s/ca.pem",
             tls_folder, tls_folder);
    int err = weft_url_parse(&url, text, &error);
    if (err == 0)
        err = weft__stack_find(stack, registry, "tls", &error);
    if (err == 0)
        err = weft__stack_configure(stack, &url, role, codecs, &error);
    if (err < 0)
        fprintf(stderr, "%s\n", error.text);
    return err;
}

int main(void)
{
    struct weft_registry registry = {0};
    struct weft_transport transport = weft_transport_tcp;
    int failed = tls_group_setup(NULL) < 0 ||
                 weft_registry_add_transport(&registry, &weft_transport_tcp) < 0 ||
                 weft_registry_add_filter(&registry, &weft_filter_tls, NULL) < 0;

    transport.attach = attach;
    transport.connect = connect_to;
    if (!failed)
        failed = make(&servers, &registry, WEFT_SERVER) < 0 ||
                 make(&clients, &registry, WEFT_CLIENT) < 0;
    if (!failed) {
        transport.stream_size = servers.stream_size;
        failed = transport_suite_run("tls", &transport, "tcp://127.0.0.1:0");
    }
    weft__stack_fini(&servers);
    weft__stack_fini(&clients);
    (void)tls_group_teardown(NULL);
    return failed;
}
