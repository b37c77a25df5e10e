/* SPDX-License-Identifier: MIT */
#include "fuzz_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/feed.h"

enum { CUT_BYTES = 2, MAX_FRAME = 4096, MAX_MESSAGE = 16384 };

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static struct feed_codec codec_of(const struct weft_codec *codec, const char *query)
{
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    limits.max_frame = MAX_FRAME;
    limits.max_message = MAX_MESSAGE;
    must(feed_codec_init(&fc, codec, query, &limits, NULL) == 0, "the configuration");
    return fc;
}

static void same(const struct feed *a, const struct feed *b)
{
    const char *difference = feed_difference(a, b);
    must(!difference, difference);
}

static void as_bytes(const struct feed_codec *fc, enum weft_role role, const uint8_t *cut,
                     struct weft_view bytes)
{
    struct feed whole, pieces, split;
    feed_init(&whole, fc, role);
    feed_init(&pieces, fc, role);
    feed_init(&split, fc, role);
    feed_pieces(&whole, bytes, bytes.size);
    feed_pieces(&pieces, bytes, 1 + cut[0] % 64u);
    feed_split(&split, bytes, bytes.size * cut[1] / 255);
    same(&pieces, &whole);
    same(&split, &whole);
    feed_fini(&whole);
    feed_fini(&pieces);
    feed_fini(&split);
}

static void as_message(const struct feed_codec *fc, struct weft_view message)
{
    struct feed_frame frame = feed_encode_view(fc, message);
    must(!frame.broken_rule, frame.broken_rule);
    if (frame.result == 0) {
        struct feed feed;
        feed_init(&feed, fc, WEFT_CLIENT);
        feed_pieces(&feed, feed_frame_view(&frame), frame.size);
        must(!feed.broken_rule, feed.broken_rule);
        must(feed.count == 1 && feed.ended == 0 && feed.unread_size == 0, "one message comes");
        must(feed.messages[0].status == WEFT_MESSAGE_OK &&
                 weft_view_equal(weft_view(feed.messages[0].payload, feed.messages[0].size),
                                 message),
             "decode gives back what encode took");
        feed_fini(&feed);
    } else {
        must(frame.result == WEFT_ETOOBIG && frame.announced > frame.limit,
             "what is refused is over a limit");
    }
    free(frame.data);
}

void fuzz_codec(const struct weft_codec *codec, const char *query, const uint8_t *data, size_t size)
{
    if (size < CUT_BYTES)
        return;
    struct weft_view rest = weft_view(data + CUT_BYTES, size - CUT_BYTES);
    struct feed_codec fc = codec_of(codec, query);
    as_bytes(&fc, data[0] & 0x80 ? WEFT_CLIENT : WEFT_SERVER, data, rest);
    /* One that carries the payloads of a certain kind writes no other bytes that it could read. */
    if (strcmp(codec->speaks, "*") == 0)
        as_message(&fc, rest);
    feed_codec_fini(&fc);
}
