/* SPDX-License-Identifier: MIT */
#include "stream_codec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/reject.h"

enum { STREAMS = 256, TEXT = 16, LINE = 128, TOO_LARGE = 100000 };

struct item {
    struct item *next;
    char text[LINE]; /* as it will leave */
    size_t size;     /* of the window */
};

struct stream {
    uint32_t id; /* 0: free */
    size_t window, waits;
    struct item *first, *last;
    bool begun, reset, over;
    /* If the request has many messages, input has the lines that nobody has asked for, with a line feed behind each. */
    bool many, wanted;
    char input[4 * LINE];
};

struct conn {
    struct stream streams[STREAMS];
    size_t waits;
    bool asked; /* a goodbye waits for its answer */
    char metadata[LINE], credentials[LINE], given[LINE];
    struct weft_message_head head;
};

unsigned stream_codec_alive;

static struct stream *find(struct conn *conn, uint32_t id)
{
    for (size_t i = 0; i < STREAMS; i++)
        if (conn->streams[i].id == id)
            return &conn->streams[i];
    return NULL;
}

static void drop(struct conn *conn, struct stream *stream)
{
    while (stream->first) {
        struct item *item = stream->first;
        stream->first = item->next;
        free(item);
    }
    conn->waits -= stream->waits;
    stream->last = NULL;
    stream->waits = 0;
}

static void forget(struct conn *conn, struct stream *stream)
{
    drop(conn, stream);
    *stream = (struct stream){0};
}

/* Sends what the window has room for. -ENOMEM: the rest waits for another try. */
static int send_what_may(struct conn *conn, struct stream *stream, struct weft_chain *out)
{
    while (stream->first && stream->first->size <= stream->window) {
        struct item *item = stream->first;
        if (weft_chain_append(out, weft_view_str(item->text)) < 0)
            return -ENOMEM;
        stream->window -= item->size;
        stream->waits -= item->size;
        conn->waits -= item->size;
        stream->first = item->next;
        if (!stream->first)
            stream->last = NULL;
        free(item);
    }
    if (stream->over && !stream->first)
        forget(conn, stream);
    return 0;
}

static void add(struct conn *conn, struct stream *stream, const char *text, size_t size)
{
    struct item *item = calloc(1, sizeof *item);
    assert_non_null(item);
    (void)snprintf(item->text, sizeof item->text, "%s", text);
    item->size = size;
    if (stream->last)
        stream->last->next = item;
    else
        stream->first = item;
    stream->last = item;
    stream->waits += size;
    conn->waits += size;
}

static void begin(struct conn *conn, uint32_t id, struct weft_message *msg)
{
    struct stream *stream = find(conn, 0);
    assert_non_null(stream);
    assert_null(find(conn, id));
    *stream = (struct stream){.id = id, .window = STREAM_CODEC_WINDOW};
    stream_codec_alive++;
    msg->kind = WEFT_MESSAGE_DATA;
    msg->stream = id;
}

/* Reads what stands between the number and the colon. */
static void read_head(struct conn *conn, struct weft_view part, struct weft_message *msg)
{
    conn->head = (struct weft_message_head){0};
    if (part.size == 0)
        return;
    msg->head = &conn->head;
    if (part.data[0] == '@') {
        conn->head.deadline = strtoull((const char *)part.data + 1, NULL, 10) * 1000000;
        return;
    }
    assert_int_equal(part.data[0], '/');
    conn->head.target = weft_view_skip(part, 1);
    (void)snprintf(conn->metadata, sizeof conn->metadata, "for: %.*s\n", (int)part.size - 1,
                   (const char *)part.data + 1);
    (void)snprintf(conn->credentials, sizeof conn->credentials, "by %.*s", (int)part.size - 1,
                   (const char *)part.data + 1);
    conn->head.metadata = weft_view_str(conn->metadata);
    msg->credentials = weft_view_str(conn->credentials);
}

static int read_line(struct conn *conn, struct weft_view line, struct weft_message *msg,
                     struct weft_decode_io *io)
{
    char text[LINE];
    char *rest;
    assert_true(line.size < sizeof text);
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    if (strcmp(text, "ok") == 0) {
        conn->asked = false;
        return 0;
    }
    if (strcmp(text, "bye") == 0)
        return WEFT_EOVER;
    if (strcmp(text, "lost") == 0)
        return WEFT_ELOST;
    uint32_t id = (uint32_t)strtoul(text, &rest, 10);
    struct stream *stream = find(conn, id);
    assert_true(id > 0);
    if (*rest == '!') {
        if (stream) {
            stream->reset = true;
            drop(conn, stream);
        }
        msg->kind = WEFT_MESSAGE_RESET;
        msg->stream = id;
        return 0;
    }
    if (*rest == '+') {
        if (!stream)
            return 0;
        stream->window += strtoul(rest + 1, NULL, 10);
        return send_what_may(conn, stream, io->out);
    }
    if (*rest == '>') {
        const size_t used = stream ? strlen(stream->input) : 0;
        if (!stream || !stream->many || stream->over)
            return 0;
        (void)snprintf(stream->input + used, sizeof stream->input - used, "%s\n", rest + 1);
        assert_true(used + strlen(rest) < sizeof stream->input);
        return 0;
    }
    begin(conn, id, msg);
    if (*rest == '<') {
        const size_t head = (size_t)(rest - text) + 1;
        msg->kind = WEFT_MESSAGE_HEAD;
        read_head(conn, weft_view_skip(line, head), msg);
        return 0;
    }
    if (*rest == '?') {
        msg->status = WEFT_MESSAGE_MALFORMED;
        msg->why = "told to";
        return 0;
    }
    const char *colon = strchr(rest, ':');
    assert_non_null(colon);
    size_t at = (size_t)(rest - text), payload = (size_t)(colon - text) + 1;
    read_head(conn, weft_view(line.data + at, payload - 1 - at), msg);
    msg->payload = weft_view_skip(line, payload);
    return 0;
}

/* Gives a message that was asked for and has come. Returns false if there is none. */
static bool give(struct conn *conn, struct weft_message *msg)
{
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *stream = &conn->streams[i];
        char *end = stream->wanted && !stream->reset ? strchr(stream->input, '\n') : NULL;
        if (!end)
            continue;
        stream->wanted = false;
        *end = '\0';
        (void)snprintf(conn->given, sizeof conn->given, "%.*s", LINE - 1, stream->input);
        memmove(stream->input, end + 1, strlen(end + 1) + 1);
        msg->stream = stream->id;
        msg->kind = strcmp(conn->given, ".") == 0 ? WEFT_MESSAGE_END : WEFT_MESSAGE_PART;
        if (strcmp(conn->given, "?") == 0) {
            msg->status = WEFT_MESSAGE_MALFORMED;
            msg->why = "told to";
        } else if (msg->kind == WEFT_MESSAGE_PART) {
            msg->payload = weft_view_str(conn->given);
        }
        return true;
    }
    return false;
}

static void want(const struct weft_codec_state *state, uint32_t id, struct weft_chain *out)
{
    struct stream *stream = find(state->conn, id);
    (void)out;
    assert_non_null(stream);
    assert_true(state->many);
    stream->many = stream->wanted = true;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    if (give(state->conn, msg))
        return 0;
    const uint8_t *end = in.size > 0 ? memchr(in.data, '\n', in.size) : NULL;
    if (!end)
        return 0;
    size_t size = (size_t)(end - in.data);
    int err = read_line(state->conn, weft_view(in.data, size), msg, io);
    if (err < 0)
        *msg = (struct weft_message){0};
    return err < 0 ? err : (ssize_t)size + 1;
}

static void add_message(struct conn *conn, struct stream *stream, const struct weft_body *body)
{
    char text[LINE];
    uint8_t *bytes = calloc(1, body->size + 1);
    assert_non_null(bytes);
    weft_body_write(body, bytes);
    if (body->size < TEXT)
        (void)snprintf(text, sizeof text, "%u=%s;", stream->id, (char *)bytes);
    else
        (void)snprintf(text, sizeof text, "%u=%c%zu;", stream->id, bytes[0], body->size);
    free(bytes);
    add(conn, stream, text, body->size);
}

static void add_end(struct conn *conn, struct stream *stream, const struct weft_answer *answer)
{
    char text[LINE];
    if (answer && answer->rejected)
        (void)snprintf(text, sizeof text, "%u.rejected %d", stream->id,
                       (int)answer->rejected->cause);
    else if (answer && (answer->code > 0 || answer->trailer.size > 0))
        (void)snprintf(text, sizeof text, "%u.%u:%.*s:%.*s", stream->id, answer->code,
                       (int)answer->words.size, (const char *)answer->words.data,
                       (int)answer->trailer.size, (const char *)answer->trailer.data);
    else
        (void)snprintf(text, sizeof text, "%u.", stream->id);
    add(conn, stream, text, 0);
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    struct conn *conn = state->conn;
    struct stream *stream = find(conn, io->stream);
    char text[LINE];
    assert_int_not_equal(io->stream, 0);
    assert_non_null(stream);
    assert_false(stream->over);
    assert_true(body || io->last);
    if (body && body->size > TOO_LARGE) {
        io->size = body->size;
        io->limit = TOO_LARGE;
        io->why = "max-frame";
        return WEFT_ETOOBIG;
    }
    /* All or nothing: the bytes are there before anything is noted. */
    if (!weft_chain_reserve(io->out, 4096))
        return -ENOMEM;
    if (!stream->begun && io->answer && io->answer->header.size > 0) {
        (void)snprintf(text, sizeof text, "%u#%.*s;", stream->id, (int)io->answer->header.size,
                       (const char *)io->answer->header.data);
        add(conn, stream, text, 0);
    }
    stream->begun = true;
    if (body)
        add_message(conn, stream, body);
    if (io->last) {
        add_end(conn, stream, io->answer);
        stream->over = true;
        stream_codec_alive--;
    }
    if (stream->reset)
        drop(conn, stream);
    assert_int_equal(send_what_may(conn, stream, io->out), 0);
    return 0;
}

static size_t backlog(const struct weft_codec_state *state, uint32_t id)
{
    struct conn *conn = state->conn;
    if (id == 0)
        return conn->waits + conn->asked;
    const struct stream *stream = find(conn, id);
    return stream ? stream->waits : 0;
}

static void goodbye(const struct weft_codec_state *state, bool final, struct weft_chain *out)
{
    struct conn *conn = state->conn;
    conn->asked = !final;
    if (weft_chain_append(out, weft_view_str(final ? "gone;" : "soon;")) < 0)
        conn->asked = false;
}

static void fini(const struct weft_codec_state *state)
{
    struct conn *conn = state->conn;
    for (size_t i = 0; i < STREAMS; i++) {
        if (conn->streams[i].id > 0 && !conn->streams[i].over)
            stream_codec_alive--;
        forget(conn, &conn->streams[i]);
    }
}

const struct weft_codec stream_codec = {
    .name = "streams",
    .speaks = "*",
    .conn_size = sizeof(struct conn),
    .fini = fini,
    .decode = decode,
    .encode = encode,
    .backlog = backlog,
    .want = want,
    .goodbye = goodbye,
};
