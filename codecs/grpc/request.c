/* SPDX-License-Identifier: MIT
 *
 * Requests: header fields become a head, and DATA frames a message. A message that lies whole in one frame is not
 * copied. */
#include <errno.h>

#include "core/base/mem.h"
#include "core/base/buf.h"
#include "parts.h"

enum {
    FIELD_EXTRA =
        32, /* what HTTP/2 counts for a field beside its name and value (RFC 9113, 6.5.2) */
    BODY_FIRST = 4096
};

/* --- the head --------------------------------------------------------------------------------------- */

int grpc_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct grpc_conn *conn = user;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct grpc_stream *stream = grpc_stream_new(conn, (uint32_t)frame->hd.stream_id);
    if (!stream) {
        conn->no_memory = true;
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    conn->brought = true;
    grpc_calm_credit(conn);
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
}

static void find_fault(struct grpc_stream *stream, unsigned http, enum grpc_code code,
                       const char *what)
{
    if (stream->bad)
        return;
    stream->bad = what;
    stream->bad_http = (uint16_t)http;
    stream->bad_code = (uint8_t)code;
}

/* Makes room for `size` bytes more in the head. */
static bool reserve_head(struct grpc_stream *stream, size_t size)
{
    size_t need = stream->head_size + size;
    if (need <= stream->head_cap)
        return true;
    size_t cap = 2 * stream->head_cap > need ? 2 * stream->head_cap : need;
    bool is_own = stream->head != stream->room;
    uint8_t *head = is_own ? weft_realloc(stream->head, cap) : weft_malloc(cap);
    if (!head)
        return false;
    if (!is_own)
        memcpy(head, stream->room, stream->head_size);
    stream->head = head;
    stream->head_cap = cap;
    return true;
}

static void put(struct grpc_stream *stream, struct weft_view bytes)
{
    if (bytes.size > 0)
        memcpy(stream->head + stream->head_size, bytes.data, bytes.size);
    stream->head_size += bytes.size;
}

/* Adds a field to the metadata. */
static bool add_field(struct grpc_stream *stream, struct weft_view name, struct weft_view value)
{
    if (!reserve_head(stream, name.size + value.size + 3))
        return false;
    put(stream, name);
    put(stream, weft_view_str(": "));
    if (stream->credentials_size == 0 && weft_view_equal(name, weft_view_str("authorization"))) {
        stream->credentials_at = stream->head_size;
        stream->credentials_size = value.size;
    }
    put(stream, value);
    put(stream, weft_view_str("\n"));
    return true;
}

static bool begins_with(struct weft_view text, const char *start)
{
    size_t size = strlen(start);
    return text.size >= size && memcmp(text.data, start, size) == 0;
}

/* True if a list with commas, such as of grpc-accept-encoding, has the word. */
static bool lists(struct weft_view list, const char *word)
{
    size_t size = strlen(word);
    while (list.size > 0) {
        const uint8_t *comma = memchr(list.data, ',', list.size);
        struct weft_view item =
            weft_view(list.data, comma ? (size_t)(comma - list.data) : list.size);
        list = weft_view_skip(list, comma ? item.size + 1 : item.size);
        while (item.size > 0 && item.data[0] == ' ')
            item = weft_view_skip(item, 1);
        while (item.size > 0 && item.data[item.size - 1] == ' ')
            item.size--;
        if (item.size == size && memcmp(item.data, word, size) == 0)
            return true;
    }
    return false;
}

static void read_type(struct grpc_stream *stream, struct weft_view value)
{
    static const char type[] = "application/grpc";
    uint8_t next = value.size > sizeof type - 1 ? value.data[sizeof type - 1] : ';';
    stream->has_type = begins_with(value, type) && (next == ';' || next == '+' || next == ' ');
}

/* Reads a field of the protocol itself. Returns false if it is metadata. */
static bool read_own(struct grpc_stream *stream, struct weft_view name, struct weft_view value)
{
    if (name.data[0] == ':') {
        if (weft_view_equal(name, weft_view_str(":method")))
            stream->is_post = weft_view_equal(value, weft_view_str("POST"));
        return true;
    }
    if (weft_view_equal(name, weft_view_str("te")))
        return true;
    if (weft_view_equal(name, weft_view_str("content-type"))) {
        read_type(stream, value);
        return true;
    }
    if (!begins_with(name, "grpc-"))
        return false;
    if (weft_view_equal(name, weft_view_str("grpc-timeout"))) {
        if (!grpc_read_timeout(value, &stream->deadline))
            find_fault(stream, 200, GRPC_INTERNAL, "grpc-timeout is malformed");
    } else if (weft_view_equal(name, weft_view_str("grpc-encoding"))) {
        stream->gzip_comes = weft_view_equal(value, weft_view_str("gzip"));
        stream->other_coding =
            !stream->gzip_comes && !weft_view_equal(value, weft_view_str("identity"));
    } else if (weft_view_equal(name, weft_view_str("grpc-accept-encoding"))) {
        stream->gzip_goes = lists(value, "gzip");
    } else {
        return false; /* such as grpc-trace-bin, which is metadata */
    }
    return true;
}

int grpc_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                   size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                   void *user)
{
    (void)flags;
    enum { BOMB = 16 }; /* lists so many times over the limit end the connection */
    struct grpc_conn *conn = user;
    struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!stream)
        return 0;
    const uint64_t most = conn->config->max_head;
    stream->fields_size += name_size + value_size + FIELD_EXTRA;
    if (stream->fields_size > most) {
        find_fault(stream, 200, GRPC_RESOURCE_EXHAUSTED, "the header fields are over max-head");
        if (stream->fields_size <= BOMB * most)
            return 0;
        grpc_session_end(conn, NGHTTP2_ENHANCE_YOUR_CALM, "too many header fields");
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST || stream->bad)
        return 0;
    const struct weft_view field = weft_view(name, name_size), text = weft_view(value, value_size);
    bool taken = true;
    if (weft_view_equal(field, weft_view_str(":path"))) {
        taken = reserve_head(stream, text.size);
        if (taken)
            put(stream, text);
        stream->target_size = stream->head_size;
    } else if (!read_own(stream, field, text)) {
        taken = add_field(stream, field, text);
    }
    if (!taken) {
        conn->no_memory = true;
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return 0;
}

static void refuse_head(struct grpc_conn *conn, struct grpc_stream *stream)
{
    grpc_reply_refuse(conn, stream, stream->bad_http, (enum grpc_code)stream->bad_code,
                      stream->bad);
}

/* A client that does not speak gRPC hears so when its body begins or its request ends: curl before 8.0 forgets an answer
 * that a reset follows while it still has a body to send. A client of gRPC may wait for the answer before it sends. */
void grpc_request_head_done(struct grpc_conn *conn, struct grpc_stream *stream)
{
    if (!stream->has_type)
        find_fault(stream, 415, GRPC_UNIMPLEMENTED, "the content-type is not application/grpc");
    if (!stream->is_post)
        find_fault(stream, 405, GRPC_UNIMPLEMENTED, "the method is not POST");
    if (stream->target_size == 0 || stream->head[0] != '/')
        find_fault(stream, 200, GRPC_UNIMPLEMENTED, "the path is not /SERVICE/METHOD");
    if (stream->other_coding)
        find_fault(stream, 200, GRPC_UNIMPLEMENTED,
                   "this grpc-encoding is not known; there are identity and gzip");
    if (stream->bad && stream->has_type)
        refuse_head(conn, stream);
    else if (!stream->bad && conn->many)
        conn->opened = stream;
}

/* --- the message ------------------------------------------------------------------------------------ */

/* Appends bytes to what has come of the message. Memory grows with the bytes, not with the length that the prefix
 * announces. */
static bool keep(struct grpc_conn *conn, struct grpc_stream *stream, const uint8_t *data,
                 size_t size)
{
    size_t need = stream->body_size + size;
    if (need > stream->body_cap || !stream->body) {
        size_t cap = stream->body_cap > 0 ? 2 * stream->body_cap : BODY_FIRST;
        if (cap > stream->length)
            cap = stream->length;
        if (cap < need)
            cap = need;
        uint8_t *body = weft_realloc(stream->body, cap > 0 ? cap : 1);
        if (!body)
            return false;
        stream->body = body;
        stream->body_cap = cap;
    }
    if (size > 0)
        memcpy(stream->body + stream->body_size, data, size);
    stream->body_size = need;
    conn->partial += size;
    return true;
}

int grpc_request_own(struct grpc_conn *conn, struct grpc_stream *stream)
{
    const uint8_t *borrowed = stream->borrowed;
    stream->borrowed = NULL;
    return keep(conn, stream, borrowed, stream->length) ? 0 : -ENOMEM;
}

/* Judges a prefix that has come whole. */
static void read_prefix(struct grpc_conn *conn, struct grpc_stream *stream)
{
    enum { UNKNOWN_MAX = 64 << 10 }; /* bytes of messages that an unknown peer may have under way */
    bool is_too_big;
    const char *why = grpc_request_judge(conn, stream, stream->prefix, &is_too_big);
    stream->length = weft_load_be32(stream->prefix + 1);
    if (is_too_big)
        stream->too_big = true;
    else if (why)
        grpc_request_refuse(conn, stream, GRPC_INTERNAL, why);
    else if (grpc_is_unknown(conn, stream) && conn->partial + stream->length > UNKNOWN_MAX)
        grpc_request_refuse(conn, stream, GRPC_RESOURCE_EXHAUSTED,
                            "too large before the first login");
}

/* Takes bytes of the message. Returns how many, or 0 if there was no memory for them. */
static size_t take(struct grpc_conn *conn, struct grpc_stream *stream, const uint8_t *data,
                   size_t size)
{
    size_t rest = stream->length - stream->body_size;
    if (size > rest)
        size = rest;
    if (stream->body_size == 0 && size == stream->length) {
        stream->borrowed = data;
        conn->borrower = stream;
        return size;
    }
    if (!keep(conn, stream, data, size)) {
        conn->no_memory = true;
        return 0;
    }
    if (conn->partial > 2 * conn->config->max_frame)
        grpc_request_refuse(conn, stream, GRPC_RESOURCE_EXHAUSTED,
                            "the messages under way are over twice max-frame");
    return size;
}

static bool is_whole(const struct grpc_stream *stream)
{
    return stream->prefix_size == GRPC_PREFIX &&
           (stream->borrowed || (stream->body_size == stream->length && stream->body));
}

/* Takes bytes of a request with one message. Returns false if there is no memory. */
static bool take_all(struct grpc_conn *conn, struct grpc_stream *stream, const uint8_t *data,
                     size_t size)
{
    while (size > 0 && !stream->refused && !stream->delivered && !stream->over) {
        size_t taken;
        if (is_whole(stream)) {
            grpc_request_refuse(conn, stream, GRPC_UNIMPLEMENTED, "a request has one message here");
            break;
        }
        if (stream->prefix_size < GRPC_PREFIX) {
            taken = GRPC_PREFIX - stream->prefix_size;
            if (taken > size)
                taken = size;
            memcpy(stream->prefix + stream->prefix_size, data, taken);
            stream->prefix_size = (uint8_t)(stream->prefix_size + taken);
            if (stream->prefix_size == GRPC_PREFIX)
                read_prefix(conn, stream);
            if (stream->prefix_size == GRPC_PREFIX && stream->length == 0 && !stream->refused)
                (void)take(conn, stream, data, 0);
        } else {
            taken = take(conn, stream, data, size);
            if (taken == 0)
                return false;
        }
        if (stream->too_big) {
            conn->message = stream;
            stream->delivered = true;
        }
        data += taken;
        size -= taken;
    }
    return true;
}

int grpc_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                 size_t size, void *user)
{
    (void)flags;
    struct grpc_conn *conn = user;
    struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    const bool is_many = stream && stream->many && !stream->over;
    if (size > 0 && stream && !stream->refused)
        conn->brought = true;
    if (stream && stream->bad && !stream->refused)
        refuse_head(conn, stream);
    if (is_many)
        conn->no_memory |= !grpc_many_take(conn, stream, data, size);
    else if (nghttp2_session_consume(session, id, size) < 0 ||
             (stream && !take_all(conn, stream, data, size)))
        conn->no_memory = true;
    return conn->no_memory ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

void grpc_request_half_closed(struct grpc_conn *conn, struct grpc_stream *stream)
{
    stream->half_closed = true;
    if (stream->bad && !stream->refused)
        refuse_head(conn, stream);
    if (stream->many)
        grpc_many_half_closed(conn, stream);
    if (stream->refused || stream->delivered || stream->over || conn->opened == stream)
        return;
    if (is_whole(stream)) {
        conn->message = stream;
        stream->delivered = true;
    } else if (stream->prefix_size == 0) {
        grpc_request_refuse_empty(conn, stream);
    } else {
        grpc_request_refuse(conn, stream, GRPC_INTERNAL, "the request ends within its message");
    }
}

int grpc_request_deliver(struct grpc_conn *conn, struct grpc_stream *stream,
                         struct weft_message *msg)
{
    grpc_request_set_head(conn, stream, msg);
    msg->kind = WEFT_MESSAGE_DATA;
    conn->partial -= stream->body_size; /* it is under way no more */
    stream->body_size = 0;
    if (stream->too_big) {
        msg->size = stream->length;
        msg->limit = conn->config->max_frame;
        grpc_make_bad(msg, WEFT_MESSAGE_TOO_BIG, "max-frame");
        return 0;
    }
    msg->payload = weft_view(stream->borrowed ? stream->borrowed : stream->body, stream->length);
    if (stream->prefix[0] == 0)
        return 0;
    int err = grpc_request_inflate(conn, stream, msg);
    if (err < 0)
        *msg = (struct weft_message){.kind = WEFT_MESSAGE_NONE};
    return err;
}
