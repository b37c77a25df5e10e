/* SPDX-License-Identifier: MIT
 *
 * resp: the requests of the Redis protocol (https://redis.io/docs/latest/develop/reference/protocol-spec/).
 * A message is one command as it was received, either an array of bulk strings,
 *
 *     *2\r\n$3\r\nGET\r\n$5\r\nhello\r\n
 *
 * or a line of text (an inline command). The codec finds its end and checks its form, but neither copies nor
 * translates it; the service reads the arguments (services/payload/resp). A reply is sent as the service
 * has written it, so it may be of any type of RESP2 or RESP3.
 *
 * The connection remembers how far it has looked. Without that, a command of many arguments that
 * arrives in small pieces would cost the square of their number. */
#include <errno.h>

#include "codecs.h"
#include "length_prefix.h"
#include "parts/first_bytes.h"

enum {
    ARRAY_HEAD = 4,                           /* bytes that the head of an array has at least */
    ARGUMENTS_MAX = 1024 * 1024,              /* of a command; so it was in Redis up to version 6 */
    BULK_MAX = 512 * 1024 * 1024,             /* bytes of an argument, as Redis has it by default */
    INLINE_MAX = 64 * 1024,                   /* bytes of an inline command, as in Redis */
    ARGUMENT_LEAST = sizeof "$0\r\n\r\n" - 1, /* bytes that the shortest argument takes */
    DIGITS_MAX = 20,                          /* more cannot be a length */
    LINE_END = 2                              /* bytes of \r\n */
};

struct config {
    uint64_t max_frame;
};

enum state {
    BETWEEN,   /* the view begins with a command */
    ARGUMENTS, /* the head of an array has been read */
    SKIPPING,  /* what is left of a refused command is dropped as it comes */
    OVER,      /* the next decode ends the connection, as the command before has asked for */
    LOST       /* the next decode ends the connection */
};

struct conn {
    uint64_t skip;    /* SKIPPING: bytes of the present argument that still have to be dropped */
    uint64_t skipped; /* SKIPPING: bytes of the command that were or will be dropped */
    size_t seen;      /* bytes from the beginning of the view on that need not be looked at again */
    uint32_t count;   /* arguments of the command */
    uint32_t left;    /* those that have not been read yet */
    uint8_t state;    /* enum state */
    bool quits;       /* the command asks for the end of the connection */
};

static int configure(void *config_memory, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set, (void)error;
    struct config *config = config_memory;
    config->max_frame = limits->max_frame;
    return 0;
}

/* Answers that the command is malformed. Redis closes the connection after any such error, because nobody
 * knows what the peer meant by the bytes that follow. */
WEFT_NOINLINE static ssize_t malformed(struct conn *conn, struct weft_message *msg, const char *why)
{
    conn->state = LOST;
    msg->kind = WEFT_MESSAGE_DATA;
    msg->status = WEFT_MESSAGE_MALFORMED;
    msg->why = why;
    return 0;
}

WEFT_NOINLINE static int read_any_number(struct weft_view in, size_t *at, int64_t *number)
{
    size_t i = *at;
    bool negative = i < in.size && in.data[i] == '-';
    i += negative;
    size_t first = i;
    uint64_t value = 0;
    while (i < in.size && in.data[i] >= '0' && in.data[i] <= '9' && i - first < DIGITS_MAX - 1)
        value = value * 10 + (uint64_t)(in.data[i++] - '0');
    if (i == in.size)
        return 0;
    bool is_number = i > first && (in.data[first] != '0' || (i == first + 1 && !negative));
    if (in.data[i] != '\r' || !is_number || value > INT64_MAX)
        return WEFT_EMALFORMED;
    if (in.size - i < LINE_END)
        return 0;
    if (in.data[i + 1] != '\n')
        return WEFT_EMALFORMED;
    *number = negative ? -(int64_t)value : (int64_t)value;
    *at = i + LINE_END;
    return 1;
}

/* Reads the number of a head such as `$5\r\n`, whose mark has been read, from *at on, and moves *at
 * behind it. Returns 1; 0 if more bytes are needed; or WEFT_EMALFORMED. As in Redis, a number has no sign
 * but `-`, and no leading zeros. Nearly all numbers have one digit or two, and their heads have come whole. */
static inline int read_number(struct weft_view in, size_t *at, int64_t *number)
{
    const uint8_t *p = in.data + *at;
    if (in.size - *at < 4)
        return read_any_number(in, at, number);
    unsigned first = p[0] - (unsigned)'0', second = p[1] - (unsigned)'0';
    if (first <= 9 && p[1] == '\r' && p[2] == '\n') {
        *number = first;
        *at += 1 + LINE_END;
        return 1;
    }
    if (first - 1 < 9 && second <= 9 && p[2] == '\r' && p[3] == '\n') {
        *number = first * 10 + second;
        *at += 2 + LINE_END;
        return 1;
    }
    return read_any_number(in, at, number);
}

/* Refuses a command that has at least `size` bytes, of which the first `taken` have been read, and
 * the argument in them another `skip`. */
WEFT_NOINLINE static ssize_t refuse_size(const struct config *config, struct conn *conn,
                                         uint64_t size, size_t taken, uint64_t skip,
                                         struct weft_message *msg, struct weft_decode_io *io)
{
    msg->kind = WEFT_MESSAGE_DATA;
    msg->status = WEFT_MESSAGE_TOO_BIG;
    msg->size = size;
    msg->limit = config->max_frame;
    msg->why = "max-frame";
    if (size > WEFT_PREFIX_SKIP * config->max_frame) {
        conn->state = LOST;
        return 0;
    }
    conn->state = SKIPPING;
    conn->skipped = taken + skip;
    conn->skip = skip;
    io->inside = true;
    return (ssize_t)taken;
}

static ssize_t lost(struct conn *conn, struct weft_decode_io *io, const char *detail)
{
    conn->state = LOST;
    io->detail = detail;
    return WEFT_ELOST;
}

/* Drops what has come of a refused command. */
WEFT_NOINLINE static ssize_t skip(const struct config *config, struct conn *conn,
                                  struct weft_view in, struct weft_decode_io *io)
{
    size_t taken = 0;
    int64_t size;
    io->inside = true;
    if (in.size == 0) {
        io->need = 1;
        return 0;
    }
    if (conn->skip > 0) {
        taken = in.size < conn->skip ? in.size : (size_t)conn->skip;
        conn->skip -= taken;
    } else {
        taken = 1;
        int found = in.data[0] == '$' ? read_number(in, &taken, &size) : WEFT_EMALFORMED;
        if (found == 0) {
            io->need = in.size + 1;
            return 0;
        }
        if (found < 0 || size < 0 || size > BULK_MAX)
            return lost(conn, io, "invalid bulk length");
        conn->skip = (uint64_t)size + LINE_END;
        conn->skipped += taken + conn->skip;
        conn->left--;
        if (conn->skipped > WEFT_PREFIX_SKIP * config->max_frame)
            return lost(conn, io, "a command beyond what is skipped");
    }
    if (conn->skip == 0 && conn->left == 0) {
        conn->state = BETWEEN;
        io->inside = false;
    }
    return (ssize_t)taken;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* True if it is the name of QUIT, which announces that nothing follows. */
static inline bool is_quit(const uint8_t name[4])
{
    static const uint8_t lower[4] = {'q', 'u', 'i', 't'};
    const uint32_t case_bits = 0x20202020;
    uint32_t word, quit;
    memcpy(&word, name, sizeof word);
    memcpy(&quit, lower, sizeof quit);
    return (word | case_bits) == quit;
}

static ssize_t whole(struct conn *conn, struct weft_view in, size_t size, struct weft_message *msg)
{
    conn->state = conn->quits ? OVER : BETWEEN;
    conn->seen = 0;
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = weft_view(in.data, size);
    return (ssize_t)size;
}

/* Notes how far the arguments of a command have been read. Returns 0: more bytes are needed. */
static ssize_t wait(struct conn *conn, size_t seen, uint32_t left, struct weft_decode_io *io,
                    size_t need)
{
    conn->seen = seen;
    conn->left = left;
    io->need = need;
    return 0;
}

/* Reads the arguments that have come whole. */
static ssize_t read_arguments(const struct config *config, struct conn *conn, struct weft_view in,
                              struct weft_message *msg, struct weft_decode_io *io)
{
    size_t seen = conn->seen;
    for (uint32_t left = conn->left; left > 0; left--) {
        size_t at = seen;
        int64_t size;
        if (at == in.size)
            return wait(conn, seen, left, io, at + 1);
        if (in.data[at++] != '$')
            return malformed(conn, msg, "expected '$'");
        int found = read_number(in, &at, &size);
        if (found < 0 || (found > 0 && (size < 0 || size > BULK_MAX)))
            return malformed(conn, msg, "invalid bulk length");
        if (found == 0)
            return wait(conn, seen, left, io, in.size + 1);
        size_t end = at + (size_t)size, behind = (size_t)(left - 1) * ARGUMENT_LEAST;
        if (end + LINE_END + behind > config->max_frame) {
            conn->left = left - 1;
            conn->seen = 0;
            return refuse_size(config, conn, end + LINE_END + behind, at, (size_t)size + LINE_END,
                               msg, io);
        }
        if (in.size < end + LINE_END)
            return wait(conn, seen, left, io, end + LINE_END);
        if (in.data[end] != '\r' || in.data[end + 1] != '\n')
            return malformed(conn, msg, "expected CRLF behind a bulk string");
        if (size == 4 && left == conn->count)
            conn->quits = is_quit(in.data + at);
        seen = end + LINE_END;
    }
    return whole(conn, in, seen, msg);
}

static ssize_t read_array(const struct config *config, struct conn *conn, struct weft_view in,
                          struct weft_message *msg, struct weft_decode_io *io)
{
    size_t at = 1;
    int64_t count;
    int found = read_number(in, &at, &count);
    if (found == 0) {
        io->need = in.size + 1;
        return 0;
    }
    if (found < 0 || count > ARGUMENTS_MAX)
        return malformed(conn, msg, "invalid multibulk length");
    if (count <= 0)
        return (ssize_t)at; /* no command, and no answer either */
    conn->left = conn->count = (uint32_t)count;
    uint64_t least = at + (uint64_t)count * ARGUMENT_LEAST;
    if (least > config->max_frame)
        return refuse_size(config, conn, least, at, 0, msg, io);
    conn->state = ARGUMENTS;
    conn->seen = at;
    return read_arguments(config, conn, in, msg, io);
}

/* Moves *at, which is behind an opening quotation mark, behind the closing one. False if there is none, or
 * if it is not the end of a word. */
static bool skip_quoted(struct weft_view line, size_t *at, uint8_t mark)
{
    size_t i = *at;
    while (i < line.size && line.data[i] != mark && line.data[i] != '\0') {
        bool escapes = line.data[i] == '\\' && i + 1 < line.size && line.data[i + 1] != '\0' &&
                       (mark == '"' || line.data[i + 1] == mark);
        i += escapes ? 2 : 1;
    }
    if (i >= line.size || line.data[i] != mark)
        return false;
    *at = i + 1;
    return i + 1 == line.size || is_space(line.data[i + 1]) || line.data[i + 1] == '\0';
}

/* True if each quotation mark that is opened is closed. As in Redis, a NUL ends the line. */
static bool is_balanced(struct weft_view line)
{
    for (size_t i = 0; i < line.size && line.data[i] != '\0';) {
        uint8_t c = line.data[i++];
        if ((c == '"' || c == '\'') && !skip_quoted(line, &i, c))
            return false;
    }
    return true;
}

static bool begins_with(struct weft_view line, const char *word)
{
    size_t i = 0;
    for (; word[i]; i++)
        if (i == line.size || (line.data[i] | 0x20) != (uint8_t)(word[i] | 0x20))
            return false;
    return i == line.size || is_space(line.data[i]);
}

/* A web page can make a browser send a POST whose body is made of commands, so no line after these is
 * read. Redis does the same. */
static bool is_http(struct weft_view line)
{
    return begins_with(line, "POST") || begins_with(line, "Host:");
}

static ssize_t read_inline(const struct config *config, struct conn *conn, struct weft_view in,
                           struct weft_message *msg, struct weft_decode_io *io)
{
    const size_t most = config->max_frame < INLINE_MAX ? (size_t)config->max_frame : INLINE_MAX;
    const uint8_t *newline = memchr(in.data + conn->seen, '\n', in.size - conn->seen);
    size_t size = newline ? (size_t)(newline - in.data) + 1 : in.size;
    if (size > most)
        return malformed(conn, msg, "too big inline request");
    if (!newline) {
        conn->seen = in.size;
        io->need = in.size + 1;
        return 0;
    }
    conn->seen = 0;
    struct weft_view line = weft_view(in.data, size);
    size_t blank = 0;
    while (blank < size && is_space(line.data[blank]))
        blank++;
    line = weft_view_skip(line, blank);
    if (line.size == 0 || line.data[0] == '\0')
        return (ssize_t)size;
    if (is_http(line)) {
        io->detail = "looks like HTTP";
        return WEFT_EFOREIGN;
    }
    if (!is_balanced(line))
        return malformed(conn, msg, "unbalanced quotes in request");
    conn->quits = line.size > 4 && is_quit(line.data) && is_space(line.data[4]);
    return whole(conn, in, size, msg);
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    struct conn *conn = state->conn;
    switch ((enum state)conn->state) {
    case BETWEEN:
        break;
    case ARGUMENTS:
        return read_arguments(state->config, conn, in, msg, io);
    case SKIPPING:
        return skip(state->config, conn, in, io);
    case OVER:
        return WEFT_EOVER;
    case LOST:
        return lost(conn, io, "a command that cannot be read");
    }
    if (in.size == 0) {
        io->need = 1;
        return 0;
    }
    if (in.data[0] == '*')
        return read_array(state->config, conn, in, msg, io);
    return read_inline(state->config, conn, in, msg, io);
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct config *config = state->config;
    if (body->size > config->max_frame)
        return weft_prefix_too_big(io, body->size, config->max_frame, "max-frame");
    if (body->blob)
        return weft_chain_append_blob(io->out, body->blob);
    uint8_t *dst = weft_chain_reserve(io->out, body->size);
    if (!dst)
        return -ENOMEM;
    body->write(body, dst);
    weft_chain_commit(io->out, body->size);
    return 0;
}

/* Claims an array, which drivers send, and an inline PING. Other inline commands might be any text. */
static enum weft_probe probe(const void *config, struct weft_view in)
{
    (void)config;
    if (in.data[0] != '*')
        return weft__probe_inline_ping(in);
    if (in.size >= ARRAY_HEAD)
        return weft__first_bytes_are_resp(in.data) ? WEFT_PROBE_YES : WEFT_PROBE_NO;
    for (size_t i = 1; i < in.size; i++)
        if ((in.data[i] < '0' || in.data[i] > '9') && (in.data[i] != '\r' || i == 1))
            return WEFT_PROBE_NO;
    return WEFT_PROBE_MORE;
}

const struct weft_codec weft_codec_resp = {
    .name = "resp",
    .speaks = "resp",
    .config_size = sizeof(struct config),
    .conn_size = sizeof(struct conn),
    .configure = configure,
    .decode = decode,
    .encode = encode,
    .probe = probe,
};
