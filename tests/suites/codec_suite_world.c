/* SPDX-License-Identifier: MIT */
#include "codec_suite_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fault.h"

enum { TEXT_MAX = 8192 };

static size_t index_of(const struct streams_world *w, uint32_t stream)
{
    size_t i = 0;
    while (i < w->unended_count && w->unended[i] != stream)
        i++;
    return i;
}

bool streams_is_unended(const struct streams_world *w, uint32_t stream)
{
    return index_of(w, stream) < w->unended_count;
}

/* --- what decode gives -------------------------------------------------------------------------------- */

static void note_begin(struct streams_world *w, const struct weft_message *msg)
{
    /* A head that nobody has asked for a message of comes again, as a whole request. */
    const bool was_head = msg->kind == WEFT_MESSAGE_DATA && w->feed.state.many && !w->feed.many;
    if (msg->kind == WEFT_MESSAGE_HEAD && msg->payload.size > 0)
        fail_msg("a head has a payload");
    if (was_head && streams_is_unended(w, msg->stream))
        return;
    if (streams_is_unended(w, msg->stream))
        fail_msg("number %u comes again before its answer is over", msg->stream);
    assert_true(w->unended_count < WORLD_STREAMS);
    w->unended[w->unended_count++] = msg->stream;
}

/* Answers with the payload, and looks at all views afterwards. */
static void echo(struct streams_world *w, const struct weft_message *msg)
{
    const struct feed_message *copy = &w->feed.messages[w->feed.count - 1];
    const struct weft_view empty = weft_view("", 0);
    (void)streams_encode_view(w, msg->stream, msg->payload.size > 0 ? &msg->payload : &empty, false,
                              NULL);
    if (!w->sinking || w->feed.ended == 0)
        (void)streams_encode(w, msg->stream, "end", true, NULL);
    if (!weft_view_equal(msg->payload, weft_view(copy->payload, copy->size)))
        fail_msg("an encode has changed the payload");
    if (msg->head && (!weft_view_equal(msg->head->target, weft_view_str(copy->target)) ||
                      !weft_view_equal(msg->head->metadata, weft_view_str(copy->metadata)) ||
                      !weft_view_equal(msg->credentials, weft_view_str(copy->credentials))))
        fail_msg("an encode has changed the head");
}

static void on_message(struct feed *feed, const struct weft_message *msg)
{
    struct streams_world *w = feed->data;
    if (msg->stream == 0)
        fail_msg("a message has no stream");
    switch (msg->kind) {
    case WEFT_MESSAGE_RESET:
        assert_true(w->reset_count < WORLD_STREAMS);
        w->resets[w->reset_count++] = msg->stream;
        if (streams_is_unended(w, msg->stream) && w->echoes)
            (void)streams_encode(w, msg->stream, NULL, true, NULL);
        break;
    case WEFT_MESSAGE_PART:
    case WEFT_MESSAGE_END:
        if (!streams_is_unended(w, msg->stream))
            fail_msg("a message of %u comes behind the end of its answer", msg->stream);
        if (w->echoes && msg->kind == WEFT_MESSAGE_END)
            echo(w, msg);
        break;
    default:
        note_begin(w, msg);
        if (w->echoes && msg->kind == WEFT_MESSAGE_DATA)
            echo(w, msg);
    }
}

/* --- the connection ----------------------------------------------------------------------------------- */

struct feed_codec streams_codec(const struct weft_codec_suite *suite)
{
    return codec_of(suite, ROOM);
}

struct streams_world *streams_open(const struct weft_codec_suite *suite,
                                   const struct feed_codec *fc, bool shut, bool many)
{
    struct streams_world *w = streams_open_alone(fc, many);
    w->is = suite->peer;
    w->peer = w->is->make(shut);
    return w;
}

struct streams_world *streams_open_alone(const struct feed_codec *fc, bool many)
{
    struct streams_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    feed_init(&w->feed, fc, WEFT_SERVER);
    w->feed.data = w;
    w->feed.on_message = on_message;
    w->feed.many = w->feed.state.many = many;
    if (many && fc->codec->init)
        fc->codec->init(&w->feed.state, WEFT_SERVER);
    return w;
}

void streams_close(struct streams_world *w)
{
    const char *broken = w->feed.broken_rule;
    feed_fini(&w->feed);
    if (w->is)
        w->is->drop(w->peer);
    free(w);
    if (broken)
        fail_msg("does not hold: %s", broken);
}

void streams_hear(struct streams_world *w)
{
    const size_t size = w->feed.out.bytes;
    uint8_t *bytes = feed_chain_copy(&w->feed.out);
    w->is->hear(w->peer, weft_view(bytes, size));
    weft_chain_consume(&w->feed.out, size);
    free(bytes);
}

void streams_talk(struct streams_world *w)
{
    for (;;) {
        streams_hear(w);
        const struct weft_view bytes = w->is->take(w->peer);
        if (bytes.size == 0)
            break;
        feed_bytes(&w->feed, bytes);
    }
    if (!w->sinking)
        assert_int_equal(w->feed.ended, 0);
}

uint32_t streams_ask(struct streams_world *w, const char *text)
{
    const uint32_t stream = w->is->begin(w->peer);
    w->is->say(w->peer, stream, weft_view_str(text));
    w->is->end(w->peer, stream);
    return stream;
}

uint32_t streams_asked(struct streams_world *w, const char *text)
{
    const uint32_t stream = streams_ask(w, text);
    streams_talk(w);
    assert_true(streams_is_unended(w, stream));
    return stream;
}

int streams_encode_view(struct streams_world *w, uint32_t stream, const struct weft_view *message,
                        bool last, const struct weft_answer *answer)
{
    struct weft_body_bytes body = weft_body_from_view(message ? *message : weft_view("", 0));
    struct weft_encode_io io = {
        .out = &w->feed.out, .last = last, .stream = stream, .answer = answer};
    const size_t before = w->feed.out.bytes;
    const int err = w->feed.codec->encode(&w->feed.state, message ? &body.body : NULL, &io);
    if (err < 0 && w->feed.out.bytes != before)
        fail_msg("a failed encode leaves %zu bytes behind", w->feed.out.bytes - before);
    if (err < 0 && err != WEFT_ETOOBIG && !(err == -ENOMEM && w->sinking))
        fail_msg("encode returns %d", err);
    if (err == -ENOMEM)
        w->feed.ended = err; /* as the core has it */
    const size_t i = index_of(w, stream);
    if (err == 0 && last && i < w->unended_count)
        w->unended[i] = w->unended[--w->unended_count];
    return err;
}

int streams_encode(struct streams_world *w, uint32_t stream, const char *text, bool last,
                   const struct weft_answer *answer)
{
    const struct weft_view message = weft_view_str(text ? text : "");
    return streams_encode_view(w, stream, text ? &message : NULL, last, answer);
}

size_t streams_backlog(struct streams_world *w, uint32_t stream)
{
    return w->feed.codec->backlog(&w->feed.state, stream);
}

size_t streams_resets(const struct streams_world *w, uint32_t stream)
{
    size_t count = 0;
    for (size_t i = 0; i < w->reset_count; i++)
        count += w->resets[i] == stream;
    return count;
}

/* --- what is expected --------------------------------------------------------------------------------- */

void assert_streams_came(const struct streams_world *w, uint32_t stream, const char *expected)
{
    char text[TEXT_MAX] = "";
    size_t used = 0;
    for (size_t i = 0; i < w->feed.count; i++) {
        const struct feed_message *msg = &w->feed.messages[i];
        const char *space = used > 0 ? " " : "";
        const char *kind = msg->kind == WEFT_MESSAGE_HEAD   ? "HEAD"
                           : msg->kind == WEFT_MESSAGE_END  ? "END"
                           : msg->kind == WEFT_MESSAGE_DATA ? "DATA:"
                                                            : "";
        if (stream > 0 && msg->stream != stream)
            continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%.*s", space, kind,
                                 (int)msg->size, (const char *)msg->payload);
        assert_true(used < sizeof text);
    }
    assert_string_equal(text, expected);
}

void assert_streams_heard(struct streams_world *w, uint32_t stream, const char *messages,
                          bool ended)
{
    char text[TEXT_MAX] = "";
    size_t used = 0;
    struct weft_view message;
    for (size_t i = 0; w->is->message(w->peer, stream, i, &message); i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i > 0 ? "," : "",
                                 (int)message.size, (const char *)message.data);
        assert_true(used < sizeof text);
    }
    assert_string_equal(text, messages);
    assert_int_equal(w->is->ended(w->peer, stream), ended);
}
