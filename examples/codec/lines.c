/* SPDX-License-Identifier: MIT */
#include "lines.h"

#include <errno.h>

struct lines_config {
    uint64_t max_line;
};

struct lines_conn {
    size_t scanned; /* so many bytes of the view hold no LF: they are not looked at again */
    bool skipping;  /* the rest of a line that was too long */
};

static int configure(void *config, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set, (void)error; /* no options, nothing to refuse */
    struct lines_config *lines = config;
    lines->max_line = limits->max_frame;
    return 0;
}

/* A bad frame whose end is known is a message like any other: the service words the answer, in its
 * place, and the connection lives. */
static void refuse(struct weft_message *msg, uint64_t limit)
{
    *msg = (struct weft_message){
        .kind = WEFT_MESSAGE_DATA,
        .status = WEFT_MESSAGE_TOO_BIG,
        .size = limit + 1, /* counted so far: how long the line will be, nobody knows */
        .limit = limit,
        .why = "max-frame",
    };
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    const struct lines_config *config = state->config;
    struct lines_conn *conn = state->conn;

    const struct weft_view fresh = weft_view_skip(in, conn->scanned);
    const uint8_t *end = fresh.size > 0 ? memchr(fresh.data, '\n', fresh.size) : NULL;
    const size_t length = end ? (size_t)(end - in.data) : in.size;
    const size_t taken = length + (end != NULL);

    if (conn->skipping || length > config->max_line + 1) {
        if (!conn->skipping)
            refuse(msg, config->max_line);
        conn->scanned = 0;
        conn->skipping = io->inside = !end;
        return (ssize_t)taken;
    }
    if (!end) {
        conn->scanned = in.size;
        return 0;
    }
    conn->scanned = 0;
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = weft_view(in.data, length);
    if (length > 0 && in.data[length - 1] == '\r')
        msg->payload.size--;
    if (msg->payload.size > config->max_line)
        refuse(msg, config->max_line);
    return (ssize_t)taken;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct lines_config *config = state->config;
    if (body->size > config->max_line) {
        io->size = body->size;
        io->limit = config->max_line;
        io->why = "max-frame";
        return WEFT_ETOOBIG;
    }
    uint8_t *line = weft_chain_reserve(io->out, body->size + 1);
    if (!line)
        return -ENOMEM;
    weft_body_write(body, line);
    line[body->size] = '\n';
    weft_chain_commit(io->out, body->size + 1);
    return 0;
}

const struct weft_codec codec_lines = {
    .name = "lines",
    .speaks = "line",
    .config_size = sizeof(struct lines_config),
    .conn_size = sizeof(struct lines_conn),
    .configure = configure,
    .decode = decode,
    .encode = encode,
};
