/* SPDX-License-Identifier: MIT
 *
 * A server of weft that streams, for `./dev bench grpc`: a request is an Ask of bench.proto, and its answer that many
 * messages of 64 bytes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "codecs/codecs.h"
#include "core/server.h"
#include "core/service.h"
#include "transports/transports.h"

enum { ITEM = 66 }; /* bytes of an Item */

static uint64_t read_varint(struct weft_view view)
{
    uint64_t value = 0;
    for (size_t i = 0; i < view.size && i < 10; i++)
        value |= (uint64_t)(view.data[i] & 0x7f) << (7 * i);
    return value;
}

static void write_item(const struct weft_body *body, uint8_t *dst)
{
    dst[0] = 0x0a;
    dst[1] = 64;
    memset(dst + 2, 'd', body->size - 2);
}

static const struct weft_body item = {.size = ITEM, .write = write_item};

/* The messages that are left are a number in data. */
static void go_on(struct weft_request *request)
{
    uintptr_t left = (uintptr_t)request->data;
    int err = 0;
    while (left > 0 && (err = weft_request_send(request, &item)) == 0)
        left--;
    request->data = (void *)left;
    if (err != -EAGAIN)
        (void)!weft_request_end(request, NULL);
}

static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    (void)reason;
    (void)!weft_request_end(request, NULL);
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state, (void)conn_state;
    uint64_t count =
        request->payload.size > 1 ? read_varint(weft_view_skip(request->payload, 1)) : 0;
    request->data = (void *)(uintptr_t)count;
    request->on_room = go_on;
    request->on_cancel = on_cancel;
    go_on(request);
}

static const struct weft_service stream_service = {.name = "stream", .speaks = "*", .call = call};

int main(void)
{
    static struct weft_registry registry;
    const char *urls[] = {"tcp://127.0.0.1:0"};
    struct weft_server_options options = {.registry = &registry,
                                          .urls = urls,
                                          .url_count = 1,
                                          .codec = "grpc",
                                          .service = "stream",
                                          .limits = weft_limits_default(),
                                          .threads = 1};
    struct weft_server *server;
    struct weft_error error;
    if (weft_registry_add_transport(&registry, &weft_transport_tcp) < 0 ||
        weft_registry_add_codec(&registry, &weft_codec_grpc) < 0 ||
        weft_registry_add_service(&registry, &stream_service, NULL) < 0 ||
        weft_server_new(&server, &options, &error) < 0 || weft_server_listen(server, &error) < 0 ||
        weft_server_start(server, &error) < 0)
        return EXIT_FAILURE;
    printf("listening %s\n", weft_server_endpoint(server, 0));
    (void)fflush(stdout);
    (void)!weft_server_run(server);
    weft_server_free(server);
    return EXIT_SUCCESS;
}
