/* SPDX-License-Identifier: MIT
 *
 * grpc: an input as bytes of a peer, behind the preface of HTTP/2. Each message that comes is answered as its number
 * says, within the windows that the peer has opened. The first two bytes say where the rest is cut in two; cut there, and
 * cut at each byte, it must give what the whole gives, and the codec must say the same. The second byte has flags, too. */
#include <stdio.h>
#include <stdlib.h>

#include "codecs/codecs.h"
#include "core/reject.h"
#include "lib/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 4096, STREAMS = 1024 };
enum {
    MANY = 1,    /* requests have many messages */
    DRAINS = 2,  /* the server drains at the first message */
    SILENT = 4,  /* nothing is answered but resets */
    UNASKED = 8, /* nobody asks for the messages of a request with many */
    TICKS = 16,  /* the peer is silent for hours behind each message */
};

struct drive {
    struct feed feed;
    unsigned flags;
    uint32_t unended[STREAMS]; /* streams whose last message was not encoded */
    size_t count;
    uint32_t late; /* a stream that is answered when the next message comes, or 0 */
    bool drained;
};

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static size_t index_of(const struct drive *drive, uint32_t stream)
{
    size_t i = 0;
    while (i < drive->count && drive->unended[i] != stream)
        i++;
    return i;
}

/* Encodes a message of the stream's answer. */
static void say(struct drive *drive, uint32_t stream, const struct weft_body *body, bool last,
                const struct weft_answer *answer)
{
    const struct weft_rejection large = {.cause = WEFT_REJECT_REPLY_TOO_BIG};
    const struct weft_answer refused = {.rejected = &large};
    struct weft_encode_io io = {
        .out = &drive->feed.out, .stream = stream, .last = last, .answer = answer};
    const size_t before = drive->feed.out.bytes, i = index_of(drive, stream);
    const int err = weft_codec_grpc.encode(&drive->feed.state, body, &io);
    must(err == 0 || drive->feed.out.bytes == before, "an encode that fails writes nothing");
    if (err == WEFT_ETOOBIG)
        say(drive, stream, NULL, true, &refused);
    else if (last)
        drive->unended[i] = drive->unended[--drive->count];
}

static void end(struct drive *drive, uint32_t stream, struct weft_view payload, unsigned how)
{
    const struct weft_rejection why = {.cause = WEFT_REJECT_DENIED};
    const struct weft_answer refused = {.rejected = &why};
    const struct weft_answer words = {.code = 3,
                                      .words = weft_view_str("w\xff"),
                                      .header = weft_view_str("h: 1\n"),
                                      .trailer = weft_view_str("t-bin: AA\n")};
    struct weft_body_bytes body = weft_body_from_view(payload);
    if (how == 1)
        say(drive, stream, &body.body, false, NULL);
    if (index_of(drive, stream) < drive->count)
        say(drive, stream, how == 3 ? NULL : &body.body, true,
            how == 3   ? &refused
            : how == 2 ? &words
                       : NULL);
}

static void take(struct drive *drive, const struct weft_message *msg)
{
    const bool is_bad = msg->status != WEFT_MESSAGE_OK;
    const unsigned how = is_bad ? 3 : msg->stream / 2 % 5;
    struct weft_body_bytes body = weft_body_from_view(msg->payload);
    if (drive->flags & SILENT)
        return;
    if (msg->kind == WEFT_MESSAGE_HEAD)
        return;
    if (msg->kind == WEFT_MESSAGE_PART && !is_bad) {
        if (how == 1)
            say(drive, msg->stream, &body.body, false, NULL);
        return;
    }
    if (how == 4 && drive->late == 0)
        drive->late = msg->stream;
    else
        end(drive, msg->stream, msg->payload, how);
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

static void on_message(struct feed *feed, const struct weft_message *msg)
{
    struct drive *drive = feed->data;
    const bool is_known = index_of(drive, msg->stream) < drive->count;
    const uint32_t late = drive->late;
    must(msg->stream > 0, "a message has a stream");
    if (!drive->drained && (drive->flags & DRAINS)) {
        drive->drained = true;
        weft_codec_grpc.goodbye(&feed->state, false, &feed->out);
    }
    if (msg->kind == WEFT_MESSAGE_RESET) {
        if (is_known)
            say(drive, msg->stream, NULL, true, NULL);
    } else if (msg->kind == WEFT_MESSAGE_PART || msg->kind == WEFT_MESSAGE_END) {
        must(is_known, "nothing comes of a stream whose answer is over");
        take(drive, msg);
    } else {
        const bool was_head = is_known && msg->kind == WEFT_MESSAGE_DATA;
        must(!is_known || was_head, "a number comes again when its answer is over");
        must(drive->count < STREAMS, "streams have a limit");
        if (!is_known)
            drive->unended[drive->count++] = msg->stream;
        take(drive, msg);
    }
    if (late > 0) {
        drive->late = 0;
        if (index_of(drive, late) < drive->count)
            end(drive, late, weft_view_str("late"), 0);
    }
    if (drive->flags & TICKS)
        be_silent(feed);
}

static struct drive *begin(const struct feed_codec *fc, unsigned flags)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    struct drive *drive = calloc(1, sizeof *drive);
    must(drive, "memory");
    drive->flags = flags;
    feed_init(&drive->feed, fc, WEFT_SERVER);
    drive->feed.state.many = flags & MANY;
    drive->feed.many = (flags & (MANY | UNASKED)) == MANY;
    drive->feed.codec->init(&drive->feed.state, WEFT_SERVER);
    drive->feed.data = drive;
    drive->feed.on_message = on_message;
    feed_bytes(&drive->feed, weft_view(preface, sizeof preface - 1));
    return drive;
}

static void finish(struct drive *drive)
{
    must(!drive->feed.broken_rule, drive->feed.broken_rule ? drive->feed.broken_rule : "");
    feed_fini(&drive->feed);
    free(drive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    if (size < 2)
        return 0;
    limits.max_frame = limits.max_message = LIMIT;
    must(feed_codec_init(&fc, &weft_codec_grpc, "max-head=1KiB&threshold=100", &limits, NULL) == 0,
         "the configuration");
    const struct weft_view input = weft_view(data + 2, size - 2);
    const size_t at = (data[0] | (size_t)data[1] << 8) % (input.size + 1);
    struct drive *whole = begin(&fc, data[1]), *cut = begin(&fc, data[1]),
                 *bytes = begin(&fc, data[1]);
    feed_pieces(&whole->feed, input, input.size);
    feed_split(&cut->feed, input, at);
    feed_pieces(&bytes->feed, input, 1);
    const char *difference = feed_difference(&whole->feed, &cut->feed);
    if (!difference)
        difference = feed_difference(&whole->feed, &bytes->feed);
    must(!difference, difference ? difference : "");
    finish(whole);
    finish(cut);
    finish(bytes);
    feed_codec_fini(&fc);
    return 0;
}
