/* SPDX-License-Identifier: MIT
 *
 * A codec of streams with a mistake that is chosen by number, under the contract suite: stream_mutants N fails for every
 * N but 0, where there is no mistake. Without a number it prints how many there are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "stream_mutants_codec.h"

/* --- requests ----------------------------------------------------------------------------------------- */

static void set_head(struct connection *conn, const struct stream *stream, struct weft_message *msg)
{
    memcpy(conn->target, "target", TARGET);
    conn->head = (struct weft_message_head){.target = weft_view(conn->target, TARGET)};
    msg->head = &conn->head;
    msg->stream = stream->id;
    if (stream_mutant == NUMBER_IS_ZERO)
        msg->stream = 0;
    if (stream_mutant == NUMBERS_ARE_ALIKE)
        msg->stream = 1;
    if (stream_mutant == NUMBER_OF_A_RESET_STREAM_COMES_AGAIN && conn->last_reset)
        msg->stream = conn->last_reset;
}

static void show(struct stream *stream, struct weft_message *msg)
{
    stream->shown = mutant_get(&stream->request);
    if (stream->shown)
        msg->payload = weft_view(stream->shown->bytes, stream->shown->size);
}

static int credit(const struct stream *stream, size_t size, struct weft_chain *out)
{
    uint8_t number[4];
    if (stream_mutant == CREDIT_NEVER)
        return 0;
    weft_store_be32(number, (uint32_t)size);
    return mutant_write_frame(out, MORE, stream->id, weft_view(number, sizeof number));
}

static int begin(struct connection *conn, uint32_t id, bool many, struct weft_message *msg)
{
    if (mutant_find(conn, id) || (conn->drains && stream_mutant == GOODBYE_REFUSES_REQUESTS))
        return 0;
    struct stream *stream = weft_calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    stream->id = id;
    stream->window = conn->shut ? 0 : WIDE;
    stream->next = conn->streams;
    conn->streams = stream;
    if (!many && stream_mutant != HEAD_WITHOUT_MANY)
        return 0;
    msg->kind = WEFT_MESSAGE_HEAD;
    set_head(conn, stream, msg);
    if (stream_mutant == HEAD_HAS_A_PAYLOAD)
        msg->payload = msg->head->target;
    conn->offered = stream;
    return 0;
}

static int take_message(struct stream *stream, struct weft_view bytes, struct weft_chain *out)
{
    if (stream->over)
        return 0;
    if (stream_mutant == EMPTY_PART_IS_LOST && stream->many && bytes.size == 0)
        return 0;
    if (!mutant_put(&stream->request, bytes.data, bytes.size))
        return -ENOMEM;
    return stream->many && stream_mutant != CREDIT_AT_ONCE ? 0 : credit(stream, bytes.size, out);
}

static void end_request(struct connection *conn, struct stream *stream, struct weft_message *msg)
{
    stream->ended = true;
    if (stream->many || stream->over)
        return;
    msg->kind = WEFT_MESSAGE_DATA;
    set_head(conn, stream, msg);
    stream->given = true;
    show(stream, msg);
}

static int reset(struct connection *conn, struct stream *stream, struct weft_message *msg)
{
    if (!stream->given) {
        mutant_forget(conn, stream);
        return stream_mutant == RESET_OF_HALF_A_REQUEST_ENDS_THE_CONNECTION ? WEFT_ELOST : 0;
    }
    if (stream->over && stream_mutant == RESET_BEHIND_THE_END_KEEPS_THE_BACKLOG)
        return 0;
    if (stream->over) {
        mutant_forget(conn, stream);
        return 0;
    }
    for (struct stream *other = conn->streams; other; other = other->next)
        if (other == stream ? stream_mutant != RESET_KEEPS_THE_BACKLOG
                            : stream_mutant == RESET_DROPS_ALL_BACKLOGS)
            mutant_drop_reply(conn, other);
    conn->last_reset = stream->id;
    stream->reset = true;
    if (stream_mutant == RESET_IS_NOT_TOLD)
        return 0;
    msg->kind = WEFT_MESSAGE_RESET;
    msg->stream = stream->id + (stream_mutant == RESET_IS_TOLD_OF_ANOTHER);
    return 0;
}

static int open_window(struct connection *conn, struct stream *stream, size_t size,
                       struct weft_chain *out)
{
    int err = 0;
    if (stream->window < WIDE)
        stream->window += size;
    for (struct stream *other = conn->streams;
         other && stream_mutant == WINDOW_OF_ONE_IS_ALL_OTHERS; other = other->next)
        other->window = WIDE;
    for (struct stream *other = conn->streams, *next; other && err == 0; other = next) {
        next = other->next;
        if (!other->reset && stream_mutant != WINDOWS_ARE_NOT_USED_LATER)
            err = mutant_send(conn, other, out);
    }
    return err;
}

static int obey(const struct weft_codec_state *state, struct frame frame, const uint8_t *bytes,
                struct weft_message *msg, struct weft_chain *out)
{
    struct connection *conn = mutant_connection(state);
    struct stream *stream = mutant_find(conn, frame.stream);
    if (frame.type == SHUT)
        conn->shut = true;
    if (frame.type == OK)
        conn->asked = stream_mutant == GOODBYE_ASKS_FOR_EVER;
    if (frame.type == BEGIN)
        return begin(conn, frame.stream, state->many, msg);
    if (!stream || stream->reset)
        return 0;
    if (frame.type == MESSAGE)
        return take_message(stream, weft_view(bytes, frame.size), out);
    if (frame.type == END)
        end_request(conn, stream, msg);
    if (frame.type == RESET)
        return reset(conn, stream, msg);
    if (frame.type == WINDOW)
        return open_window(conn, stream, weft_load_be32(bytes), out);
    return 0;
}

/* Drops what the last decode gave, and streams that are over. */
static void go_on(struct connection *conn)
{
    conn->offered = NULL;
    for (struct stream *stream = conn->streams, *next; stream; stream = next) {
        next = stream->next;
        weft_free(stream->shown);
        stream->shown = NULL;
        if (stream->reset && stream->over && stream_mutant != LEAKS_A_RESET_STREAM)
            mutant_forget(conn, stream);
    }
}

static bool is_ready(const struct stream *stream)
{
    const bool is_wanted = stream->wanted ||
                           (stream_mutant == MORE_COMES_THAN_IS_ASKED && stream->many) ||
                           (stream_mutant == END_IS_SAID_UNASKED && stream->many && stream->ended &&
                            !stream->request.first && stream->given);
    if (!is_wanted || (stream->reset && stream_mutant != PART_BEHIND_A_RESET) ||
        (stream->over && stream_mutant != PART_BEHIND_THE_ANSWER))
        return false;
    return stream->request.first || (stream->ended && stream_mutant != END_IS_NOT_SAID);
}

/* Gives a message that was asked for. Returns 0 or -ENOMEM; the kind is NONE if there is none. */
static int give(struct connection *conn, struct weft_message *msg, struct weft_chain *out)
{
    struct stream *stream = conn->streams;
    while (stream && !is_ready(stream))
        stream = stream->next;
    if (!stream)
        return 0;
    stream->wanted = false;
    msg->stream = stream->id;
    msg->kind = stream->request.first ? WEFT_MESSAGE_PART : WEFT_MESSAGE_END;
    if (msg->kind == WEFT_MESSAGE_END &&
        (stream_mutant == MORE_COMES_THAN_IS_ASKED || stream_mutant == END_IS_SAID_UNASKED))
        stream->many = false;
    show(stream, msg);
    return msg->kind == WEFT_MESSAGE_PART && stream_mutant != CREDIT_AT_ONCE
               ? credit(stream, msg->payload.size, out)
               : 0;
}

static void want(const struct weft_codec_state *state, uint32_t id, struct weft_chain *out)
{
    struct stream *stream = mutant_find(mutant_connection(state), id);
    (void)out;
    if (!stream || ((stream->over || stream->reset) && stream_mutant != PART_BEHIND_THE_ANSWER &&
                    stream_mutant != PART_BEHIND_A_RESET))
        return;
    stream->many = stream->given = stream->wanted = true;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    struct connection *conn = mutant_connection(state);
    if (conn->offered && !conn->offered->many && stream_mutant == UNASKED_REQUEST_COMES_IN_PARTS)
        conn->offered->many = conn->offered->wanted = conn->offered->given = true;
    if (conn->offered && !conn->offered->many && stream_mutant == UNASKED_REQUEST_NEVER_COMES)
        conn->offered->over = true;
    go_on(conn);
    if (conn->no_memory)
        return -ENOMEM;
    if (stream_mutant == BACKLOG_STOPS_THE_DECODING && conn->waits > STALLED)
        return 0;
    int err = stream_mutant == WANT_NEEDS_A_BYTE && in.size == 0 ? 0 : give(conn, msg, io->out);
    if (err == 0 && msg->kind == WEFT_MESSAGE_NONE && in.size >= FRAME_HEADER) {
        const struct frame frame = frame_at(in.data);
        const size_t size = FRAME_HEADER + frame.size;
        if (in.size < size && stream_mutant == CUT_FRAME_IS_LOST)
            return (ssize_t)in.size;
        if (in.size < size) {
            io->need = size;
            return 0;
        }
        if (frame.type == RESET && in.size == size &&
            stream_mutant == RESET_IS_LOST_AT_THE_END_OF_A_VIEW)
            return (ssize_t)size;
        err = obey(state, frame, in.data + FRAME_HEADER, msg, io->out);
        if (err == 0)
            return (ssize_t)size;
    }
    if (err == 0)
        return 0;
    *msg = (struct weft_message){.kind = WEFT_MESSAGE_NONE};
    conn->no_memory = true;
    return err;
}

/* --- the codec ---------------------------------------------------------------------------------------- */

static int configure(void *config, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set, (void)error;
    *(uint64_t *)config = limits->max_message;
    return 0;
}

static void fini(const struct weft_codec_state *state)
{
    struct connection *conn = mutant_connection(state);
    if (stream_mutant == LEAKS_WHAT_IS_CUT_OFF)
        return;
    while (conn->streams)
        mutant_forget(conn, conn->streams);
}

static int finish(const struct weft_codec_state *state, struct weft_encode_io *io)
{
    (void)state, (void)io;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return printf("%d\n", MUTANTS) < 0;
    alarm(60); /* a mutant may never come to an end */
    if (strcmp(argv[1], "0") != 0)
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* the first failure tells enough */
    stream_mutant = (enum mutant)strtol(argv[1], NULL, 10);
    const struct weft_codec codec = {
        .name = "frames",
        .speaks = "*",
        .config_size = sizeof(uint64_t),
        .loop_size = sizeof(struct loop),
        .conn_size = sizeof(struct connection),
        .configure = configure,
        .fini = fini,
        .decode = decode,
        .encode = mutant_encode,
        .backlog = mutant_backlog,
        .want = want,
        .goodbye = mutant_goodbye,
        .finish = stream_mutant == FINISH_IS_SET ? finish : NULL,
    };
    return weft_codec_suite_run_streams(
               &(struct weft_codec_suite){.codec = &codec, .peer = &stream_mutants_peer}) > 0;
}
