/* SPDX-License-Identifier: MIT
 *
 * http: HTTP/1.1 and HTTP/1.0 (RFC 9110, RFC 9112), for servers. docs/wire.md says what a payload is.
 *
 * A message is the head as it was received, an empty line, and the body. A body that says its length lies
 * where it was received, so nothing is copied; one in chunks is put together in the loop's scratch.
 *
 * A request whose end is not known beyond doubt ends the connection, behind an answer: what follows it could
 * be another's request (request smuggling). Only a body that is too large, and says so in advance, is
 * skipped. */
#include <errno.h>

#include "codecs.h"
#include "compress/scratch.h"
#include "http/chunks.h"
#include "http/reply.h"
#include "http/two.h"
#include "length_prefix.h"
#include "core/base/units.h"

struct config {
    uint64_t max_frame;
    struct weft__gzip_settings gzip;
    struct weft__http_limits limits;
    uint32_t padding; /* stays zero: configs are compared as bytes */
};

struct loop {
    struct weft__scratch body; /* of a message that came in chunks, its head included */
    struct weft__http_coder coder;
};

struct conn {
    struct weft__http_scan scan;
    struct weft__http_head head; /* valid if is_known */
    struct weft__http_chunks chunks;
    struct weft__http_answers answers;
    struct weft__http_two two;
    uint64_t skip;      /* bytes of a refused body that are still to be dropped */
    const char *detail; /* for the end */
    int end;            /* what decode returns once nothing is skipped any more; 0: it goes on */
    bool is_known;      /* the head of the request that `in` begins with has been read */
    bool blank;         /* an empty line before a request was dropped */
    bool begun;         /* a request has come: the peer speaks HTTP */
};

static const struct weft_option options[] = {
    {"max-line", "BYTES", "largest request line or header field (default 8KiB)"},
    {"max-head", "BYTES", "largest request line and header fields in all (default 16KiB)"},
    {"max-fields", "N", "most header fields of a request (default 100)"},
    {"threshold", "BYTES|off", "gzip larger contents, if asked to (default 1436)"},
    {"level", "1...9|auto", "how hard (default auto: by size, never for long)"},
    {0},
};

enum { LEAST_HEAD = 128, MOST_HEAD = 1 << 20, MOST_FIELDS = 10000 };

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

static int read_size(const struct weft_option_set *set, const char *name, uint32_t *value,
                     struct weft_error *error)
{
    const char *text = weft_option_get(set, name);
    uint64_t number;
    if (!text)
        return 0;
    if (weft_parse_size(text, &number) < 0 || number < LEAST_HEAD || number > MOST_HEAD)
        return weft_error_set(error, WEFT_ECONFIG, "%s=%s: it takes 128 bytes to 1MiB", name, text);
    *value = (uint32_t)number;
    return 0;
}

static int read_fields(const struct weft_option_set *set, uint32_t *value, struct weft_error *error)
{
    const char *text = weft_option_get(set, "max-fields");
    uint64_t number;
    if (!text)
        return 0;
    if (weft_parse_count(text, &number) < 0 || number < 1 || number > MOST_FIELDS)
        return weft_error_set(error, WEFT_ECONFIG, "max-fields=%s: it takes 1 to %d", text,
                              MOST_FIELDS);
    *value = (uint32_t)number;
    return 0;
}

static int configure(void *config_memory, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct config *config = config_memory;
    config->max_frame = limits->max_frame;
    config->limits = (struct weft__http_limits){.line = 8 << 10, .head = 16 << 10, .fields = 100};
    int err = read_size(set, "max-line", &config->limits.line, error);
    if (err == 0)
        err = read_size(set, "max-head", &config->limits.head, error);
    if (err == 0)
        err = read_fields(set, &config->limits.fields, error);
    if (err == 0)
        err = weft__gzip_configure(&config->gzip, set, error);
    return err;
}

static void loop_fini(void *loop_memory)
{
    struct loop *loop = loop_memory;
    weft__scratch_fini(&loop->body);
    weft__http_coder_fini(&loop->coder);
}

static void fini(const struct weft_codec_state *state)
{
    struct loop *loop = state->loop;
    struct conn *conn = state->conn;
    weft__http_answers_fini(&conn->answers);
    weft__scratch_trim(&loop->body);
}

/* Forgets the request that has been read, so that the next one can come. */
static void next_request(struct conn *conn)
{
    conn->scan = (struct weft__http_scan){0};
    conn->chunks = (struct weft__http_chunks){0};
    conn->is_known = conn->blank = false;
    conn->begun = true;
}

static unsigned notes_of(const struct conn *conn)
{
    const struct weft__http_head *head = &conn->head;
    unsigned flags = head->is_head ? WEFT__HTTP_HEAD : 0;
    if (weft__http_wants_gzip(&conn->scan.accepts)) {
        flags |= WEFT__HTTP_GZIP;
        flags |= weft__http_refuses_plain(&conn->scan.accepts) ? WEFT__HTTP_MUST : 0;
    }
    if (head->is_old)
        flags |= WEFT__HTTP_OLD | (head->keeps ? WEFT__HTTP_KEEP : 0);
    return head->keeps ? flags : flags | WEFT__HTTP_CLOSE;
}

/* Makes the refusal in *msg the last message of the connection. Returns what decode returns. */
static ssize_t end_with(struct conn *conn, const struct weft_message *msg)
{
    unsigned flags = WEFT__HTTP_CLOSE | (conn->is_known ? notes_of(conn) : 0);
    conn->end = WEFT_ELOST;
    conn->detail = msg->why;
    return weft__http_ask(&conn->answers, flags);
}

/* A peer that does not begin with a method may speak something else, which its first four bytes tell, and one that
 * begins with PRI speaks HTTP/2. Returns 1 if the request may be read, or what decode returns. */
static ssize_t check_first(struct conn *conn, struct weft_view in, struct weft_message *msg,
                           struct weft_decode_io *io)
{
    uint8_t letter = in.data[0] | 0x20;
    if (!conn->begun && in.data[0] == 'P')
        return weft__http_two_begin(&conn->two, in, io);
    if (letter >= 'a' && letter <= 'z')
        return 1;
    if (!conn->begun && !conn->blank) {
        if (in.size < WEFT_PREFIX_SIZE) {
            io->need = WEFT_PREFIX_SIZE;
            return 0;
        }
        int err = weft_first_bytes_check(in.data, WEFT_SERVER, weft_codec_http.name, io);
        if (err < 0)
            return err;
    }
    weft__http_refuse(msg, WEFT_MESSAGE_MALFORMED, "not a request line", 0, 0);
    return end_with(conn, msg);
}

/* Drops one empty line before a request, which some clients send behind a body (RFC 9112, 2.2). Returns 2 if it
 * did, 0 if more bytes are needed, 1 if there is none. */
static ssize_t drop_blank(struct conn *conn, struct weft_view in, struct weft_decode_io *io)
{
    if (in.data[0] != '\r' || conn->blank || !conn->begun)
        return 1;
    if (in.size < 2) {
        io->need = 2;
        return 0;
    }
    if (in.data[1] != '\n')
        return 1;
    conn->blank = true;
    return 2;
}

/* Refuses a body that says it is over max-frame. It is skipped if that is worth it and the peer sends it in any
 * case; one who waits for 100 Continue may send it or not. */
static ssize_t refuse_length(const struct config *config, struct conn *conn,
                             struct weft_message *msg, struct weft_decode_io *io)
{
    uint64_t length = conn->head.length;
    weft__http_refuse(msg, WEFT_MESSAGE_TOO_BIG, "max-frame", length, config->max_frame);
    if (conn->scan.expects || length > WEFT_PREFIX_SKIP * config->max_frame)
        return end_with(conn, msg);
    int err = weft__http_ask(&conn->answers, notes_of(conn));
    if (err < 0)
        return err;
    size_t head = conn->scan.seen;
    conn->skip = length;
    conn->end = conn->head.keeps ? 0 : WEFT_EOVER;
    next_request(conn);
    io->inside = true;
    return (ssize_t)head;
}

/* Reads the head. Returns 1 if the body is to be read, or what decode returns. */
static ssize_t read_head(const struct config *config, struct conn *conn, struct weft_view in,
                         struct weft_message *msg, struct weft_decode_io *io)
{
    int found = weft__http_scan(&conn->scan, in, &config->limits, msg);
    if (found <= 0)
        return found < 0 ? end_with(conn, msg) : 0;
    const char *why =
        weft__http_read_head(&conn->scan, weft_view(in.data, conn->scan.seen), &conn->head);
    if (why) {
        weft__http_refuse(msg, WEFT_MESSAGE_MALFORMED, why, 0, 0);
        return end_with(conn, msg);
    }
    conn->is_known = true;
    if (conn->head.length > config->max_frame)
        return refuse_length(config, conn, msg, io);
    bool waits = conn->scan.expects && !conn->head.is_old;
    if (waits && (conn->head.chunked || conn->head.length > 0) &&
        weft_chain_append(io->out, weft_view_str(continue_line)) < 0)
        return -ENOMEM;
    return 1;
}

/* Hands out the message, whose bytes on the wire are `size`. */
static ssize_t deliver(struct conn *conn, struct weft_view payload, size_t size,
                       struct weft_message *msg)
{
    int err = weft__http_ask(&conn->answers, notes_of(conn));
    if (err < 0)
        return err;
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = payload;
    msg->credentials =
        weft_view(payload.data + conn->scan.credentials, conn->scan.credentials_size);
    conn->end = conn->head.keeps ? 0 : WEFT_EOVER;
    next_request(conn);
    return (ssize_t)size;
}

static ssize_t read_chunks(const struct weft_codec_state *state, struct weft_view in,
                           struct weft_message *msg, struct weft_decode_io *io)
{
    const struct config *config = state->config;
    struct loop *loop = state->loop;
    struct conn *conn = state->conn;
    size_t head = conn->scan.seen, need;
    struct weft_view body = weft_view_skip(in, head);

    int found =
        weft__http_walk_chunks(&conn->chunks, body, config->max_frame, &config->limits, msg, &need);
    if (found < 0)
        return end_with(conn, msg);
    if (found == 0) {
        io->need = need > 0 ? head + need : 0;
        return 0;
    }
    size_t data = (size_t)conn->chunks.data;
    if (weft__scratch_reserve(&loop->body, head + data) < 0)
        return -ENOMEM;
    memcpy(loop->body.data, in.data, head);
    weft__http_copy_chunks(body, loop->body.data + head);
    return deliver(conn, weft_view(loop->body.data, head + data), head + (size_t)conn->chunks.at,
                   msg);
}

/* Drops what has come of a refused body. */
static ssize_t skip(struct conn *conn, struct weft_view in, struct weft_decode_io *io)
{
    size_t size = in.size < conn->skip ? in.size : (size_t)conn->skip;
    conn->skip -= size;
    io->inside = conn->skip > 0;
    if (size == 0)
        io->need = 1;
    return (ssize_t)size;
}

static ssize_t read_request(const struct weft_codec_state *state, struct weft_view in,
                            struct weft_message *msg, struct weft_decode_io *io)
{
    struct conn *conn = state->conn;
    if (!conn->is_known) {
        ssize_t n = drop_blank(conn, in, io);
        if (n == 1)
            n = check_first(conn, in, msg, io);
        if (n == 1)
            n = read_head(state->config, conn, in, msg, io);
        if (n != 1)
            return n;
    }
    if (conn->head.chunked)
        return read_chunks(state, in, msg, io);
    size_t size = conn->scan.seen + (size_t)conn->head.length;
    if (in.size < size) {
        io->need = size;
        return 0;
    }
    return deliver(conn, weft_view(in.data, size), size, msg);
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    struct loop *loop = state->loop;
    struct conn *conn = state->conn;

    weft__scratch_trim(&loop->body); /* the message before this has been read */
    if (conn->two.begun)
        return weft__http_two_decode(&conn->two, in, io);
    if (conn->skip > 0)
        return skip(conn, in, io);
    if (conn->end != 0) {
        io->detail = conn->detail;
        return conn->end;
    }
    if (in.size == 0)
        return 0;
    ssize_t n = read_request(state, in, msg, io);
    if (n == 0 && conn->is_known)
        io->credentials = weft_view(in.data + conn->scan.credentials, conn->scan.credentials_size);
    if (n < 0)
        msg->kind = WEFT_MESSAGE_NONE; /* there was no memory to note what was to be answered */
    return n;
}

static struct weft__http_coding coding_of(const struct weft_codec_state *state)
{
    const struct config *config = state->config;
    struct loop *loop = state->loop;
    return (struct weft__http_coding){
        .settings = &config->gzip,
        .coder = &loop->coder,
        .config_id = state->config_id,
    };
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct config *config = state->config;
    struct conn *conn = state->conn;
    if (body->size > config->max_frame)
        return weft_prefix_too_big(io, body->size, config->max_frame, "max-frame");
    const struct weft__http_coding coding = coding_of(state);
    return weft__http_encode(&conn->answers, &coding, body, io);
}

static int finish(const struct weft_codec_state *state, struct weft_encode_io *io)
{
    struct conn *conn = state->conn;
    const struct weft__http_coding coding = coding_of(state);
    return weft__http_finish(&conn->answers, &coding, io);
}

static enum weft_probe probe(const void *config, struct weft_view in)
{
    (void)config;
    static const char starts[][10] = {"GET /",    "HEAD /",    "PUT /",   "POST /",
                                      "DELETE /", "OPTIONS /", "PATCH /", "OPTIONS *"};
    enum weft_probe result = WEFT_PROBE_NO;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        size_t size = strlen(starts[i]);
        if (memcmp(in.data, starts[i], in.size < size ? in.size : size) != 0)
            continue;
        if (in.size >= size)
            return WEFT_PROBE_YES;
        result = WEFT_PROBE_MORE;
    }
    return result;
}

const struct weft_codec weft_codec_http = {
    .name = "http",
    .speaks = "http",
    .options = options,
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct loop),
    .conn_size = sizeof(struct conn),
    .configure = configure,
    .loop_fini = loop_fini,
    .fini = fini,
    .decode = decode,
    .encode = encode,
    .finish = finish,
    .alpn = "http/1.1",
    .probe = probe,
};
