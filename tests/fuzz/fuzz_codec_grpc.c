/* SPDX-License-Identifier: MIT
 *
 * grpc: an input as bytes of a peer, behind the preface of HTTP/2. Its first two bytes say how the rest is cut: any
 * cut must give what the whole gives. Each message that comes is answered as its number says, within the windows that
 * the peer has opened. If the second of the two is odd, requests have many messages. */
#include <stdio.h>
#include <stdlib.h>

#include "codecs/codecs.h"
#include "core/reject.h"
#include "lib/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 4096 };

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

/* Answers what has come since: at once, in several messages, with a rejection, or not at all. */
static void answer(struct feed *feed, size_t *answered)
{
    for (; *answered < feed->count && feed->ended == 0; (*answered)++) {
        const struct feed_message *message = &feed->messages[*answered];
        /* A request with many is answered behind its last one. */
        if (message->kind == WEFT_MESSAGE_HEAD ||
            (message->kind == WEFT_MESSAGE_PART && message->status == WEFT_MESSAGE_OK))
            continue;
        const struct weft_rejection why = {.cause = WEFT_REJECT_DENIED};
        const struct weft_answer refused = {.rejected = &why};
        const struct weft_answer words = {.code = 3, .words = weft_view_str("w\xff")};
        struct weft_body_bytes body =
            weft_body_from_view(weft_view(message->payload, message->size));
        struct weft_encode_io io = {.out = &feed->out, .stream = message->stream};
        unsigned how = message->stream / 2 % 5;
        if (message->status != WEFT_MESSAGE_OK || how == 3)
            io.answer = &refused;
        else if (how == 2)
            io.answer = &words;
        if (how == 4)
            continue;
        if (how == 1)
            (void)weft_codec_grpc.encode(&feed->state, &body.body, &io);
        io.last = true;
        (void)weft_codec_grpc.encode(&feed->state, io.answer == &refused ? NULL : &body.body, &io);
    }
}

/* The peer was silent for so long that it is asked for a sign of life. */
static void be_silent(struct feed *feed)
{
    const int64_t heard = feed->now;
    if (feed->ended < 0)
        return;
    feed->now += (int64_t)WEFT_SECONDS(7200);
    const size_t before = feed->codec->backlog(&feed->state, 0);
    const int64_t next = feed->codec->tick(&feed->state, heard, &feed->out);
    must(next > feed->now || next < 0, "a time that is to come");
    must(feed->codec->backlog(&feed->state, 0) == before, "a tick that changes no backlog");
}

static void begin(struct feed *feed, const struct feed_codec *fc, bool many)
{
    feed_init(feed, fc, WEFT_SERVER);
    feed->state.many = feed->many = many;
    feed->codec->init(&feed->state, WEFT_SERVER);
}

/* Feeds the preface and the input; cut 0: whole. */
static void feed_all(struct feed *feed, struct weft_view input, size_t cut)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    size_t answered = 0;
    feed_bytes(feed, weft_view(preface, sizeof preface - 1));
    while (input.size > 0) {
        size_t part = cut == 0 || cut > input.size ? input.size : cut;
        feed_bytes(feed, weft_view(input.data, part));
        input = weft_view_skip(input, part);
        if (cut > 0) {
            answer(feed, &answered);
            be_silent(feed);
        }
    }
    feed_eof(feed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    struct feed whole, cut, answered;
    if (size < 2)
        return 0;
    limits.max_frame = limits.max_message = LIMIT;
    must(feed_codec_init(&fc, &weft_codec_grpc, "max-head=1KiB&threshold=100", &limits, NULL) == 0,
         "the configuration");
    const struct weft_view input = weft_view(data + 2, size - 2);
    begin(&whole, &fc, data[1] & 1);
    begin(&cut, &fc, data[1] & 1);
    begin(&answered, &fc, data[1] & 1);
    feed_all(&whole, input, 0);
    /* Without answers, so that the cut is the only difference. */
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    feed_bytes(&cut, weft_view(preface, sizeof preface - 1));
    size_t at = (data[0] | (size_t)data[1] << 8) % (input.size + 1);
    feed_split(&cut, input, at);
    const char *difference = feed_difference(&whole, &cut);
    must(!difference, difference ? difference : "");
    feed_all(&answered, input, 1u + data[0]);
    must(!answered.broken_rule, "a rule");
    feed_fini(&whole);
    feed_fini(&cut);
    feed_fini(&answered);
    feed_codec_fini(&fc);
    return 0;
}
