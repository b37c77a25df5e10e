/* SPDX-License-Identifier: MIT
 *
 * The codec grpc under the contract suite of streams. Its peer is nghttp2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/grpc_peer.h"
#include "suites/codec_suite.h"

struct peer {
    struct grpc_peer client;
    bool shut;
};

static void *make(bool shut)
{
    enum { SHUT = 1, WIDE = 1 << 20 };
    struct peer *peer = calloc(1, sizeof *peer);
    assert_non_null(peer);
    peer->shut = shut;
    grpc_peer_init(&peer->client, shut ? SHUT : WIDE, !shut);
    return peer;
}

static void drop(void *self)
{
    struct peer *peer = self;
    const bool broken = peer->client.broken;
    grpc_peer_fini(&peer->client);
    free(peer);
    assert_false(broken);
}

static struct grpc_peer_call *call_of(struct peer *peer, uint32_t stream)
{
    for (size_t i = 0; i < peer->client.count; i++)
        if (peer->client.calls[i].id == (int32_t)stream)
            return &peer->client.calls[i];
    return NULL;
}

static uint32_t begin(void *self)
{
    struct peer *peer = self;
    const struct grpc_peer_field fields[] = {
        {"authorization", "Basic x"}, {"x", "y"}, {NULL, NULL}};
    return (uint32_t)grpc_peer_ask(&peer->client, "/p.S/M", fields, NULL, 0, true)->id;
}

static void say(void *self, uint32_t stream, struct weft_view message)
{
    struct peer *peer = self;
    uint8_t *bytes = malloc(message.size + 5);
    assert_non_null(bytes);
    grpc_peer_add(&peer->client, call_of(peer, stream), bytes,
                  grpc_prefixed(bytes, message.data, message.size, false), true);
    free(bytes);
}

static void end(void *self, uint32_t stream)
{
    struct peer *peer = self;
    grpc_peer_add(&peer->client, call_of(peer, stream), NULL, 0, false);
}

static void reset(void *self, uint32_t stream)
{
    struct peer *peer = self;
    (void)nghttp2_submit_rst_stream(peer->client.session, NGHTTP2_FLAG_NONE, (int32_t)stream,
                                    NGHTTP2_CANCEL);
}

static void open_window(void *self, uint32_t stream, size_t size)
{
    struct peer *peer = self;
    nghttp2_session *session = peer->client.session;
    if (!peer->shut || call_of(peer, stream)->closed)
        return;
    (void)nghttp2_submit_window_update(session, NGHTTP2_FLAG_NONE, (int32_t)stream, (int32_t)size);
    (void)nghttp2_submit_window_update(session, NGHTTP2_FLAG_NONE, 0, (int32_t)size);
}

static struct weft_view take(void *self)
{
    struct peer *peer = self;
    grpc_peer_make(&peer->client);
    const struct weft_view bytes = weft_view(peer->client.out, peer->client.out_size);
    grpc_peer_sent(&peer->client);
    return bytes;
}

static void hear(void *self, struct weft_view bytes)
{
    grpc_peer_hear(&((struct peer *)self)->client, bytes.data, bytes.size);
}

static bool message_of(void *self, uint32_t stream, size_t i, struct weft_view *message)
{
    bool compressed;
    message->data = grpc_peer_message(call_of(self, stream), i, &message->size, &compressed);
    return message->data;
}

static bool has_ended(void *self, uint32_t stream)
{
    const struct grpc_peer_call *call = call_of(self, stream);
    return call->closed && call->code >= 0;
}

static unsigned goodbyes(void *self)
{
    return (unsigned)((struct peer *)self)->client.goaways;
}

static size_t held(void *self, uint32_t stream)
{
    const struct grpc_peer_call *call = call_of(self, stream);
    return call->request_size - call->request_at;
}

static const struct weft_codec_suite_peer peer = {
    .make = make,
    .drop = drop,
    .begin = begin,
    .say = say,
    .end = end,
    .reset = reset,
    .open = open_window,
    .take = take,
    .hear = hear,
    .message = message_of,
    .ended = has_ended,
    .goodbyes = goodbyes,
    .held = held,
};

int main(void)
{
    return weft_codec_suite_run_streams(&(struct weft_codec_suite){
        .codec = &weft_codec_grpc, .query = "threshold=off", .peer = &peer});
}
