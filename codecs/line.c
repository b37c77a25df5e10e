/* SPDX-License-Identifier: MIT
 *
 * line: a message is a line of text, ended by LF or CR LF, so that nc(1) is a client. It behaves as the
 * LinesCodec of tokio-util does. */
#include <errno.h>
#include <inttypes.h>

#include "codecs.h"
#include "core/base/units.h"
#include "length_prefix.h"
#include "parts/first_bytes.h"

enum {
    END_MAX = 2,    /* bytes of a line's end */
    PROBE_SIZE = 4, /* bytes that tell a line from a header, and from HTTP */
};

struct line_config {
    uint64_t max_line;  /* of a line that is read, without its end */
    uint64_t max_frame; /* of a line that is written */
};

struct line_conn {
    size_t scanned; /* bytes of the view that hold no LF; they are not looked at again */
    bool skipping;  /* true within the rest of a line that was refused */
};

static const struct weft_option options[] = {
    {"max-line", "BYTES", "longest line that is read (default max-frame)"},
    {0},
};

static int configure(void *config, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct line_config *line = config;
    const char *text = weft_option_get(set, "max-line");
    line->max_line = line->max_frame = limits->max_frame;
    if (!text)
        return 0;
    if (weft_parse_size(text, &line->max_line) < 0 || line->max_line == 0)
        return weft_error_set(error, WEFT_ECONFIG, "max-line=%s: it takes BYTES, as 4096 or 64KiB",
                              text);
    if (line->max_line > line->max_frame)
        return weft_error_set(error, WEFT_ECONFIG,
                              "max-line=%s is over max-frame, which is %" PRIu64, text,
                              line->max_frame);
    return 0;
}

/* The size of a line that has not ended is not known, so what is announced is the first size that is too
 * large, however much of the line has come. */
static void refuse(const struct line_config *config, struct weft_message *msg)
{
    msg->kind = WEFT_MESSAGE_DATA;
    msg->status = WEFT_MESSAGE_TOO_BIG;
    msg->size = config->max_line + 1;
    msg->limit = config->max_line;
    msg->why = config->max_line < config->max_frame ? "max-line" : "max-frame";
}

/* Returns where the line at the beginning of `in` ends, or NULL if no LF has come yet. */
static const uint8_t *find_end(const struct line_conn *conn, struct weft_view in)
{
    struct weft_view fresh = weft_view_skip(in, conn->scanned);
    return fresh.size > 0 ? memchr(fresh.data, '\n', fresh.size) : NULL;
}

/* Makes a message of a line without its LF; the CR before that goes as well. */
static void take(const struct line_config *config, struct weft_view line, struct weft_message *msg)
{
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (line.size > config->max_line) {
        refuse(config, msg);
        return;
    }
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = line;
}

/* Takes the last line of a stream that ends without LF. A CR alone is no line: it is what is left of an
 * end. */
static ssize_t take_last(const struct line_config *config, struct weft_view in,
                         struct weft_message *msg)
{
    if (in.size > 1 || (in.size == 1 && in.data[0] != '\r'))
        take(config, in, msg);
    return (ssize_t)in.size;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    const struct line_config *config = state->config;
    struct line_conn *conn = state->conn;
    const uint8_t *end = find_end(conn, in);
    size_t length = end ? (size_t)(end - in.data) : in.size;

    if (conn->skipping || length > config->max_line + 1) {
        if (!conn->skipping)
            refuse(config, msg);
        conn->scanned = 0;
        conn->skipping = io->inside = !end;
        return (ssize_t)(length + (end != NULL));
    }
    if (!end && !io->eof) {
        conn->scanned = in.size;
        return 0;
    }
    conn->scanned = 0;
    if (!end)
        return take_last(config, in, msg);
    take(config, weft_view(in.data, length), msg);
    return (ssize_t)length + 1;
}

/* Refuses a message that holds a LF. It would be read as two, the second of which may be whatever the
 * first's author wants. */
static int refuse_newline(struct weft_encode_io *io, size_t size, size_t at)
{
    return weft_prefix_too_big(io, size, at, "max-line (a newline ends a line)");
}

/* Writes the end of a line whose last byte is `last`. A CR there would be taken for a part of a LF alone. */
static size_t put_end(uint8_t *dst, uint8_t last)
{
    size_t size = 0;
    if (last == '\r')
        dst[size++] = '\r';
    dst[size++] = '\n';
    return size;
}

static int encode_blob(struct weft_blob *blob, struct weft_encode_io *io)
{
    struct weft_view line = weft_blob_view(blob);
    const uint8_t *newline = line.size > 0 ? memchr(line.data, '\n', line.size) : NULL;
    if (newline)
        return refuse_newline(io, line.size, (size_t)(newline - line.data));

    uint8_t end[END_MAX];
    size_t size = put_end(end, line.size > 0 ? line.data[line.size - 1] : 0);
    struct weft_chain_mark mark = weft_chain_mark(io->out);
    int err = weft_chain_append_blob(io->out, blob);
    if (err == 0)
        err = weft_chain_append(io->out, weft_view(end, size));
    if (err < 0)
        weft_chain_rollback(io->out, mark);
    return err;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct line_config *config = state->config;
    if (body->size > config->max_frame)
        return weft_prefix_too_big(io, body->size, config->max_frame, "max-frame");
    if (body->blob)
        return encode_blob(body->blob, io);

    uint8_t *line = weft_chain_reserve(io->out, body->size + END_MAX);
    if (!line)
        return -ENOMEM;
    body->write(body, line);
    const uint8_t *newline = body->size > 0 ? memchr(line, '\n', body->size) : NULL;
    if (newline)
        return refuse_newline(io, body->size, (size_t)(newline - line));
    size_t end = put_end(line + body->size, body->size > 0 ? line[body->size - 1] : 0);
    weft_chain_commit(io->out, body->size + end);
    return 0;
}

static bool is_text(uint8_t byte)
{
    return (byte >= ' ' && byte <= '~') || byte == '\t' || byte == '\r';
}

/* Claims printable text but for what begins a request of HTTP or of RESP. */
static enum weft_probe probe(const void *config, struct weft_view in)
{
    (void)config;
    enum weft_probe ping = weft__probe_inline_ping(in);
    if (in.size >= PROBE_SIZE &&
        (weft__first_bytes_are_http(in.data) || weft__first_bytes_are_resp(in.data)))
        return WEFT_PROBE_NO;
    if (ping != WEFT_PROBE_NO)
        return ping == WEFT_PROBE_YES ? WEFT_PROBE_NO : WEFT_PROBE_MORE;
    for (size_t i = 0; i < in.size && i < PROBE_SIZE; i++) {
        if (in.data[i] == '\n')
            return WEFT_PROBE_YES;
        if (!is_text(in.data[i]))
            return WEFT_PROBE_NO;
    }
    return in.size < PROBE_SIZE ? WEFT_PROBE_MORE : WEFT_PROBE_YES;
}

const struct weft_codec weft_codec_line = {
    .name = "line",
    .speaks = "line",
    .options = options,
    .config_size = sizeof(struct line_config),
    .conn_size = sizeof(struct line_conn),
    .configure = configure,
    .decode = decode,
    .encode = encode,
    .probe = probe,
};
