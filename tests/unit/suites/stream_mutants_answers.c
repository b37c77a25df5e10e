/* SPDX-License-Identifier: MIT
 *
 * The memory of the codec of stream_mutants, and its answers. */
#include <errno.h>
#include <string.h>

#include "core/base/mem.h"
#include "stream_mutants_codec.h"

enum mutant stream_mutant;

struct connection *mutant_connection(const struct weft_codec_state *state)
{
    return stream_mutant == STREAMS_IN_LOOP_STATE ? &((struct loop *)state->loop)->shared
                                                  : state->conn;
}

/* --- memory ------------------------------------------------------------------------------------------- */

struct item *mutant_put(struct list *list, const void *data, size_t size)
{
    struct item *item = weft_malloc(sizeof *item + size);
    if (!item)
        return NULL;
    item->next = NULL;
    item->size = size;
    if (size > 0 && data)
        memcpy(item->bytes, data, size);
    if (list->last)
        list->last->next = item;
    else
        list->first = item;
    list->last = item;
    return item;
}

struct item *mutant_get(struct list *list)
{
    struct item *item = list->first;
    if (!item)
        return NULL;
    list->first = item->next;
    if (!list->first)
        list->last = NULL;
    return item;
}

void mutant_drop_reply(struct connection *conn, struct stream *stream)
{
    struct item *item;
    while ((item = mutant_get(&stream->reply)))
        weft_free(item);
    conn->waits -= stream->waits;
    stream->waits = 0;
}

void mutant_forget(struct connection *conn, struct stream *stream)
{
    struct stream **at = &conn->streams;
    struct item *item;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    if (conn->offered == stream)
        conn->offered = NULL;
    while ((item = mutant_get(&stream->request)))
        weft_free(item);
    mutant_drop_reply(conn, stream);
    weft_free(stream->shown);
    weft_free(stream);
}

struct stream *mutant_find(const struct connection *conn, uint32_t id)
{
    struct stream *stream = conn->streams;
    while (stream && stream->id != id)
        stream = stream->next;
    return stream;
}

/* --- answers ------------------------------------------------------------------------------------------ */

int mutant_write_frame(struct weft_chain *out, enum frame_type type, uint32_t stream,
                       struct weft_view bytes)
{
    uint8_t *dst = weft_chain_reserve(out, FRAME_HEADER + bytes.size);
    if (!dst)
        return -ENOMEM;
    frame_header(dst, type, stream, bytes.size);
    if (bytes.size > 0)
        memcpy(dst + FRAME_HEADER, bytes.data, bytes.size);
    weft_chain_commit(out, FRAME_HEADER + bytes.size);
    return 0;
}

static bool may_leave(const struct connection *conn, const struct stream *stream)
{
    const struct stream *other = conn->streams;
    while (stream_mutant == ANSWERS_WAIT_FOR_THE_OLDEST && other) {
        if (other->id < stream->id)
            return false;
        other = other->next;
    }
    return stream_mutant == WINDOWS_ARE_IGNORED || stream->reply.first->size <= stream->window;
}

static bool is_at_its_end(const struct stream *stream)
{
    return stream->over && (!stream->reply.first || stream_mutant == END_OVERTAKES_THE_BACKLOG);
}

/* Sends what may leave, and forgets the stream if that was all. */
int mutant_send(struct connection *conn, struct stream *stream, struct weft_chain *out)
{
    int err = 0;
    while (err == 0 && stream->reply.first && may_leave(conn, stream)) {
        struct item *item = mutant_get(&stream->reply);
        if (stream_mutant == BACKLOG_IN_ANY_ORDER && stream->reply.first) {
            struct item *second = mutant_get(&stream->reply);
            item->next = stream->reply.first;
            stream->reply.first = item;
            if (!item->next)
                stream->reply.last = item;
            item = second;
        }
        stream->window -= item->size;
        stream->waits -= item->size;
        conn->waits -= item->size;
        err = mutant_write_frame(out, REPLY, stream->id, weft_view(item->bytes, item->size));
        if (err == 0 && stream_mutant == END_WITH_EACH_MESSAGE)
            err = mutant_write_frame(out, LAST, stream->id, weft_view(NULL, 0));
        weft_free(item);
    }
    if (err == 0 && is_at_its_end(stream)) {
        if (stream_mutant != END_IS_FORGOTTEN)
            err = mutant_write_frame(out, LAST, stream->id, weft_view(NULL, 0));
        /* A message that decode has shown stays until the next decode. */
        stream->reset = true;
        mutant_drop_reply(conn, stream);
    }
    conn->no_memory |= err < 0;
    return err;
}

static int queue(struct connection *conn, struct stream *stream, const struct weft_body *body)
{
    struct item *item = mutant_put(&stream->reply, NULL, body->size);
    if (!item && stream_mutant == MESSAGE_IS_LOST_WITHOUT_MEMORY)
        return 0;
    if (!item)
        return -ENOMEM;
    weft_body_write(body, item->bytes);
    stream->waits += body->size;
    conn->waits += body->size;
    if (conn->waits > conn->most)
        conn->most = conn->waits;
    return 0;
}

static int too_big(struct stream *stream, const struct weft_body *body, struct weft_encode_io *io,
                   uint64_t limit)
{
    stream->over |= stream_mutant == TOO_BIG_ENDS_THE_ANSWER && io->last;
    if (stream_mutant == TOO_BIG_WRITES)
        (void)!weft_chain_append(io->out, weft_view_str("?"));
    io->size = body->size;
    io->limit = limit;
    io->why = "max-frame";
    return WEFT_ETOOBIG;
}

static int encode_for_reset(struct connection *conn, struct stream *stream,
                            const struct weft_body *body, struct weft_encode_io *io)
{
    if (stream_mutant == ENCODE_FOR_A_RESET_STREAM_WRITES)
        return mutant_write_frame(io->out, REPLY, stream->id, weft_view_str("lost"));
    if (stream_mutant == ENCODE_FOR_A_RESET_STREAM_QUEUES && body)
        return queue(conn, stream, body);
    if (stream_mutant == ENCODE_FOR_A_RESET_STREAM_FAILS)
        return -EPIPE;
    if (io->last && stream_mutant != LEAKS_A_RESET_STREAM && !stream->shown)
        mutant_forget(conn, stream);
    else
        stream->over |= io->last;
    return 0;
}

static void spoil(struct connection *conn, struct stream *stream)
{
    if (stream_mutant == ENCODE_CHANGES_THE_PAYLOAD && stream->shown)
        memset(stream->shown->bytes, '?', stream->shown->size);
    if (stream_mutant == ENCODE_CHANGES_THE_TARGET)
        conn->target[0] = '?';
}

static int encode_whole(struct connection *conn, struct stream *stream,
                        const struct weft_body *body, struct weft_encode_io *io)
{
    const struct weft_body_bytes nothing = weft_body_from_view(weft_view(NULL, 0));
    const bool is_rejected = io->answer && io->answer->rejected;
    int err = 0;
    if (stream_mutant == REJECTION_IS_NO_END && is_rejected)
        return 0;
    if ((stream_mutant == REJECTION_IS_A_MESSAGE && is_rejected) ||
        (stream_mutant == EMPTY_ANSWER_HAS_A_MESSAGE && !body))
        body = &nothing.body;
    if (body && !(io->last && stream_mutant == LAST_MESSAGE_IS_LOST))
        err = queue(conn, stream, body);
    if (err < 0)
        return err;
    stream->over = io->last;
    return mutant_send(conn, stream, io->out);
}

int mutant_encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    struct connection *conn = mutant_connection(state);
    struct stream *stream = mutant_find(conn, io->stream);
    const struct weft_chain_mark mark = weft_chain_mark(io->out);
    if (conn->no_memory)
        return -ENOMEM;
    if (!stream || (stream->over && stream_mutant == TOO_BIG_ENDS_THE_ANSWER))
        return 0;
    if (stream->reset)
        return encode_for_reset(conn, stream, body, io);
    if (body && body->size > *(const uint64_t *)state->config &&
        stream_mutant != NO_LIMIT_IN_ENCODE)
        return too_big(stream, body, io, *(const uint64_t *)state->config);
    spoil(conn, stream);
    const int err = encode_whole(conn, stream, body, io);
    conn->no_memory |= err < 0;
    if (err < 0 && stream_mutant != FAILED_ENCODE_LEAVES_BYTES)
        weft_chain_rollback(io->out, mark);
    else if (err < 0)
        (void)!weft_chain_append(io->out, weft_view_str("half"));
    if (stream_mutant == BACKLOG_IN_LOOP_STATE)
        ((struct loop *)state->loop)->waits = conn->waits;
    return err;
}

size_t mutant_backlog(const struct weft_codec_state *state, uint32_t id)
{
    struct connection *conn = mutant_connection(state);
    const struct stream *stream = mutant_find(conn, id);
    if (stream_mutant == BACKLOG_IS_NOT_COUNTED)
        return id == 0 ? conn->asked : 0;
    if (stream_mutant == BACKLOG_IN_LOOP_STATE)
        return ((struct loop *)state->loop)->waits;
    if (stream_mutant == BACKLOG_IS_NEVER_LESS && id == 0)
        return conn->most;
    if (stream_mutant == BACKLOG_OF_ONE_FOR_ALL && id == 0)
        return conn->streams ? conn->streams->waits : 0;
    if (id == 0 || stream_mutant == BACKLOG_OF_ALL_FOR_EACH)
        return conn->waits + conn->asked;
    return stream ? stream->waits : 0;
}

void mutant_goodbye(const struct weft_codec_state *state, bool final, struct weft_chain *out)
{
    struct connection *conn = mutant_connection(state);
    if (final && stream_mutant == LAST_WORDS_ARE_FORGOTTEN)
        return;
    if (!conn->streams && stream_mutant == NO_WORDS_FOR_WHO_IS_TURNED_AWAY)
        return;
    conn->drains = true;
    if (mutant_write_frame(out, final ? GONE : SOON, 0, weft_view(NULL, 0)) == 0)
        conn->asked = !final;
}
