/* SPDX-License-Identifier: MIT
 *
 * netstring: a message is its length in decimal digits, a colon, its bytes and a comma. "12:hello
 * world!," is one. See https://cr.yp.to/proto/netstrings.txt. */
#include "netstring.h"

#include <errno.h>
#include <stdio.h>

enum {
    DIGITS_MAX = 10,
    SKIP_MAX =
        4 /* a message of up to this many times max-frame is skipped, then the next is read */
};

/* The longest length of so many digits. */
#define LENGTH_MAX UINT64_C(9999999999)

struct netstring_config {
    uint64_t max_frame;
};

struct netstring_conn {
    uint64_t skip; /* bytes of a refused message, its comma included, that are still to come */
    bool lost;     /* the next decode ends the connection */
};

static int configure(void *config, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set; /* there are no options */
    struct netstring_config *netstring = config;
    if (limits->max_frame > LENGTH_MAX)
        return weft_error_set(error, WEFT_ECONFIG,
                              "max-frame: a length of netstring has at most %d digits", DIGITS_MAX);
    netstring->max_frame = limits->max_frame;
    return 0;
}

static ssize_t lose(struct weft_decode_io *io, const char *detail)
{
    io->detail = detail;
    return WEFT_ELOST;
}

/* Drops what has come of a refused message. Its bytes are kept nowhere. */
static ssize_t skip(struct netstring_conn *conn, struct weft_view in, struct weft_decode_io *io)
{
    size_t size = in.size < conn->skip ? in.size : (size_t)conn->skip;
    conn->skip -= size;
    io->inside = conn->skip > 0;
    if (size == 0)
        io->need = 1;
    else if (conn->skip == 0 && in.data[size - 1] != ',')
        return lose(io, "no comma behind a netstring");
    return (ssize_t)size;
}

/* A message over the limit is answered in its place. The connection lives on if it can be skipped. */
static ssize_t refuse(const struct netstring_config *config, struct netstring_conn *conn,
                      uint64_t length, size_t header, struct weft_message *msg,
                      struct weft_decode_io *io)
{
    *msg = (struct weft_message){
        .kind = WEFT_MESSAGE_DATA,
        .status = WEFT_MESSAGE_TOO_BIG,
        .size = length,
        .limit = config->max_frame,
        .why = "max-frame",
    };
    if (length > SKIP_MAX * config->max_frame) {
        conn->lost = true;
        return 0;
    }
    conn->skip = length + 1;
    io->inside = true;
    return (ssize_t)header;
}

/* Reads the digits and the colon. Returns how many bytes they are, 0 if more must come, or -1 if this
 * is no netstring. */
static ssize_t read_header(struct weft_view in, uint64_t *length)
{
    *length = 0;
    for (size_t i = 0; i < in.size; i++) {
        uint8_t byte = in.data[i];
        if (byte == ':' && i > 0)
            return (ssize_t)i + 1;
        bool leading_zero = i == 1 && in.data[0] == '0';
        if (byte < '0' || byte > '9' || i == DIGITS_MAX || leading_zero)
            return -1;
        *length = *length * 10 + (uint64_t)(byte - '0');
    }
    return 0;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    const struct netstring_config *config = state->config;
    struct netstring_conn *conn = state->conn;
    uint64_t length;

    if (conn->lost)
        return lose(io, "a length beyond what is skipped");
    if (conn->skip > 0)
        return skip(conn, in, io);
    ssize_t header = read_header(in, &length);
    if (header < 0)
        return lose(io, "not the length of a netstring");
    if (header == 0) {
        io->need = in.size + 1;
        return 0;
    }
    if (length > config->max_frame)
        return refuse(config, conn, length, (size_t)header, msg, io);
    size_t size = (size_t)header + (size_t)length + 1;
    if (in.size < size) {
        io->need = size;
        return 0;
    }
    if (in.data[size - 1] != ',')
        return lose(io, "no comma behind a netstring");
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = weft_view(in.data + header, (size_t)length);
    return (ssize_t)size;
}

static int append_body(struct weft_chain *out, const struct weft_body *body)
{
    if (body->blob)
        return weft_chain_append_blob(out, body->blob);
    uint8_t *dst = weft_chain_reserve(out, body->size);
    if (!dst)
        return -ENOMEM;
    body->write(body, dst);
    weft_chain_commit(out, body->size);
    return 0;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct netstring_config *config = state->config;
    if (body->size > config->max_frame) {
        io->size = body->size;
        io->limit = config->max_frame;
        io->why = "max-frame";
        return WEFT_ETOOBIG;
    }
    char header[DIGITS_MAX + 2];
    snprintf(header, sizeof header, "%zu:", body->size);

    /* On failure the output must be as it was. */
    struct weft_chain_mark mark = weft_chain_mark(io->out);
    int err = weft_chain_append(io->out, weft_view_str(header));
    if (err == 0)
        err = append_body(io->out, body);
    if (err == 0)
        err = weft_chain_append(io->out, weft_view_str(","));
    if (err < 0)
        weft_chain_rollback(io->out, mark);
    return err;
}

const struct weft_codec codec_netstring = {
    .name = "netstring",
    .speaks = "*",
    .config_size = sizeof(struct netstring_config),
    .conn_size = sizeof(struct netstring_conn),
    .configure = configure,
    .decode = decode,
    .encode = encode,
};
