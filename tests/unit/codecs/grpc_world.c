/* SPDX-License-Identifier: MIT */
#include "grpc_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct grpc_world *grpc_world_of(const char *query, size_t max_frame, size_t max_message,
                                 uint32_t window, bool auto_window)
{
    struct grpc_world *w = calloc(1, sizeof *w);
    struct weft_limits limits = weft_limits_default();
    struct weft_error error = {0};
    assert_non_null(w);
    limits.max_frame = max_frame;
    limits.max_message = max_message;
    assert_int_equal(feed_codec_init(&w->fc, &weft_codec_grpc, query, &limits, &error), 0);
    feed_init(&w->feed, &w->fc, WEFT_SERVER);
    grpc_peer_init(&w->peer, window, auto_window);
    return w;
}

struct grpc_world *grpc_world_new(const char *query, size_t max_frame, size_t max_message)
{
    return grpc_world_of(query, max_frame, max_message, 0, true);
}

void grpc_world_free(struct grpc_world *w)
{
    assert_null(w->feed.broken_rule);
    feed_fini(&w->feed);
    feed_codec_fini(&w->fc);
    grpc_peer_fini(&w->peer);
    free(w);
}

void grpc_world_hear(struct grpc_world *w)
{
    uint8_t *bytes = feed_chain_copy(&w->feed.out);
    grpc_peer_hear(&w->peer, bytes, w->feed.out.bytes);
    weft_chain_consume(&w->feed.out, w->feed.out.bytes);
    free(bytes);
}

void grpc_world_talk(struct grpc_world *w)
{
    for (;;) {
        grpc_world_hear(w);
        grpc_peer_make(&w->peer);
        if (w->peer.out_size == 0)
            break;
        if (w->feed.ended == 0)
            feed_bytes(&w->feed, weft_view(w->peer.out, w->peer.out_size));
        grpc_peer_sent(&w->peer);
    }
    assert_null(w->feed.broken_rule);
}

void grpc_world_frame(struct grpc_world *w, uint8_t type, uint8_t flags, uint32_t stream,
                      const void *payload, size_t size)
{
    uint8_t frame[9 + 16384];
    assert_true(size <= 16384);
    weft_store_be32(frame, (uint32_t)size << 8 | type);
    frame[4] = flags;
    weft_store_be32(frame + 5, stream);
    if (size > 0)
        memcpy(frame + 9, payload, size);
    if (w->feed.ended == 0)
        feed_bytes(&w->feed, weft_view(frame, 9 + size));
}

int grpc_world_answer_body(struct grpc_world *w, size_t i, const struct weft_body *body, bool last,
                           const struct weft_answer *answer, struct weft_encode_io *io)
{
    assert_true(i < w->feed.count);
    *io = (struct weft_encode_io){
        .out = &w->feed.out, .last = last, .stream = w->feed.messages[i].stream, .answer = answer};
    return weft_codec_grpc.encode(&w->feed.state, body, io);
}

int grpc_world_answer(struct grpc_world *w, size_t i, const char *text, bool last,
                      const struct weft_answer *answer)
{
    struct weft_body_bytes body = weft_body_from_view(weft_view_str(text ? text : ""));
    struct weft_encode_io io;
    int err = grpc_world_answer_body(w, i, text ? &body.body : NULL, last, answer, &io);
    grpc_world_talk(w);
    return err;
}

void grpc_world_reject(struct grpc_world *w, size_t i, enum weft_reject_cause cause)
{
    const struct weft_rejection why = {.cause = cause, .what = "max-frame", .size = 9, .limit = 8};
    const struct weft_answer answer = {.rejected = &why};
    assert_int_equal(grpc_world_answer(w, i, NULL, true, &answer), 0);
}

void assert_answered(const struct grpc_peer_call *call, const char *messages, int code,
                     const char *words)
{
    char text[GRPC_PEER_TEXT] = "";
    size_t size, used = 0;
    bool compressed;
    for (size_t n = 0;; n++) {
        const uint8_t *message = grpc_peer_message(call, n, &size, &compressed);
        if (!message)
            break;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", n > 0 ? "," : "",
                                 (int)size, (const char *)message);
        assert_true(used < sizeof text);
    }
    assert_string_equal(text, messages);
    assert_int_equal(call->http, 200);
    assert_int_equal(call->code, code);
    assert_string_equal(call->words, words);
    assert_true(call->closed);
    assert_int_equal(call->error, 0);
}
