/* SPDX-License-Identifier: MIT
 *
 * Answers: a header, messages as DATA, and a trailer with the status. A message that the windows have room for
 * goes from its body to the output; what they have no room for becomes pieces, which leave as the peer opens the windows. */
#include <errno.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/metadata.h"
#include "parts.h"

#define STATIC_FIELD(n, v)                                                                         \
    {                                                                                              \
        .name = (uint8_t *)(uintptr_t)(n), .value = (uint8_t *)(uintptr_t)(v),                     \
        .namelen = sizeof(n) - 1, .valuelen = sizeof(v) - 1,                                       \
        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE                      \
    }

/* Returns a field whose name is static, and whose value nghttp2 copies. */
static nghttp2_nv field_of(const char *name, const void *value, size_t size)
{
    return (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name,
        .value = (uint8_t *)(uintptr_t)value,
        .namelen = strlen(name),
        .valuelen = size,
        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME,
    };
}

/* True if a service may send this field: a protocol's own names are not for it, but for the details of a status. */
static bool is_sendable(struct weft_view name, struct weft_view value)
{
    if (!nghttp2_check_header_name(name.data, name.size) ||
        !nghttp2_check_header_value(value.data, value.size) || name.data[0] == ':')
        return false;
    if (weft_view_equal(name, weft_view_str("grpc-status-details-bin")))
        return true;
    return !(name.size >= 5 && memcmp(name.data, "grpc-", 5) == 0) &&
           !weft_view_equal(name, weft_view_str("content-type")) &&
           !weft_view_equal(name, weft_view_str("te")) &&
           !weft_view_equal(name, weft_view_str("connection"));
}

/* Adds fields of metadata behind the first `count`. Returns how many there are then. */
static size_t add_metadata(nghttp2_nv *fields, size_t count, struct weft_view metadata)
{
    struct weft_view name, value;
    size_t most = count + GRPC_FIELDS_MAX;
    while (count < most && weft_metadata_next(&metadata, &name, &value))
        if (is_sendable(name, value))
            fields[count++] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.data,
                                           .value = (uint8_t *)(uintptr_t)value.data,
                                           .namelen = name.size,
                                           .valuelen = value.size};
    return count;
}

/* Adds the status, the words and the service's trailer. code must live until the fields are copied. */
static size_t add_status(nghttp2_nv *fields, size_t count, const struct grpc_stream *stream,
                         char code[12])
{
    int digits = snprintf(code, 12, "%u", stream->code);
    fields[count++] = field_of("grpc-status", code, (size_t)digits);
    if (stream->words_size > 0)
        fields[count++] = field_of("grpc-message", stream->trailer, stream->words_size);
    return add_metadata(fields, count,
                        weft_view(stream->trailer ? stream->trailer + stream->words_size : NULL,
                                  stream->trailer_size));
}

static int submit_trailer(nghttp2_session *session, const struct grpc_stream *stream)
{
    static const nghttp2_nv fine = STATIC_FIELD("grpc-status", "0");
    nghttp2_nv fields[2 + GRPC_FIELDS_MAX];
    char code[12];
    if (stream->code == GRPC_OK && !stream->trailer)
        return nghttp2_submit_trailer(session, (int32_t)stream->id, &fine, 1);
    size_t count = add_status(fields, 0, stream, code);
    return nghttp2_submit_trailer(session, (int32_t)stream->id, fields, count);
}

/* --- DATA ------------------------------------------------------------------------------------------- */

static bool is_direct(const struct grpc_conn *conn, const struct grpc_stream *stream)
{
    return conn->direct && conn->direct_of == stream;
}

static size_t size_of_piece(const struct grpc_piece *piece)
{
    return GRPC_PREFIX + weft_blob_view(piece->blob).size;
}

/* Puts a message behind the others of its stream. Returns 0 or -ENOMEM. */
static int queue(struct grpc_conn *conn, struct grpc_stream *stream, const struct weft_body *body,
                 const uint8_t *prefix)
{
    struct grpc_piece *piece = weft_calloc(1, sizeof *piece);
    uint8_t *data;
    if (!piece)
        return -ENOMEM;
    piece->blob = body->blob ? weft_blob_ref(body->blob) : weft_blob_new(body->size, &data);
    if (!piece->blob) {
        weft_free(piece);
        return -ENOMEM;
    }
    if (!body->blob)
        weft_body_write(body, data);
    memcpy(piece->prefix, prefix, GRPC_PREFIX);
    if (stream->last)
        stream->last->next = piece;
    else
        stream->first = piece;
    stream->last = piece;
    stream->queued += size_of_piece(piece);
    conn->queued += size_of_piece(piece);
    return 0;
}

/* The direct message cannot leave at once, or not all of it. */
static int queue_direct(struct grpc_conn *conn)
{
    const struct weft_body *body = conn->direct;
    conn->direct = NULL;
    if (!conn->direct_of)
        return 0; /* its stream is gone */
    int err = queue(conn, conn->direct_of, body, conn->direct_prefix);
    conn->no_memory |= err < 0;
    return err;
}

ssize_t grpc_read_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
                       uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)id, (void)buf;
    struct grpc_conn *conn = user;
    struct grpc_stream *stream = source->ptr;
    size_t there = stream->queued;
    if (is_direct(conn, stream)) {
        there = GRPC_PREFIX + conn->direct->size;
        if (there > length) {
            if (queue_direct(conn) < 0)
                return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    if (there == 0 && !stream->over)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (there > length)
        return (ssize_t)length;
    if (stream->over) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        int err = submit_trailer(session, stream);
        if (err < 0)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return (ssize_t)there;
}

/* Appends the direct message, which fits in one frame. */
static int send_direct(struct grpc_conn *conn, const uint8_t *header)
{
    const struct weft_body *body = conn->direct;
    const size_t head = GRPC_FRAME_HEADER + GRPC_PREFIX;
    uint8_t *dst = weft_chain_reserve(conn->out, head + body->size);
    if (!dst)
        return -ENOMEM;
    memcpy(dst, header, GRPC_FRAME_HEADER);
    memcpy(dst + GRPC_FRAME_HEADER, conn->direct_prefix, GRPC_PREFIX);
    weft_body_write(body, dst + head);
    weft_chain_commit(conn->out, head + body->size);
    conn->direct = NULL;
    return 0;
}

/* Appends up to `size` bytes of the first piece to dst. Returns how many. */
static size_t take_of_piece(struct grpc_conn *conn, struct grpc_stream *stream, uint8_t *dst,
                            size_t size)
{
    struct grpc_piece *piece = stream->first;
    size_t part = 0;
    if (piece->at < GRPC_PREFIX) {
        part = GRPC_PREFIX - piece->at;
        if (part > size)
            part = size;
        memcpy(dst, piece->prefix + piece->at, part);
        piece->at += part;
    }
    struct weft_view rest = weft_view_skip(weft_blob_view(piece->blob),
                                           piece->at > GRPC_PREFIX ? piece->at - GRPC_PREFIX : 0);
    size_t more = size - part < rest.size ? size - part : rest.size;
    if (more > 0)
        memcpy(dst + part, rest.data, more);
    piece->at += more;
    stream->queued -= part + more;
    conn->queued -= part + more;
    if (piece->at == size_of_piece(piece)) {
        stream->first = piece->next;
        if (!stream->first)
            stream->last = NULL;
        weft_blob_unref(piece->blob);
        weft_free(piece);
    }
    return part + more;
}

int grpc_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header,
                   size_t length, nghttp2_data_source *source, void *user)
{
    (void)session, (void)frame;
    struct grpc_conn *conn = user;
    struct grpc_stream *stream = source->ptr;
    conn->pinged = false;
    conn->strikes = 0;
    grpc_calm_credit(conn);
    if (is_direct(conn, stream) && length > 0) {
        conn->no_memory |= send_direct(conn, header) < 0;
        return conn->no_memory ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
    }
    uint8_t *dst = weft_chain_reserve(conn->out, GRPC_FRAME_HEADER + length);
    if (!dst) {
        conn->no_memory = true;
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    memcpy(dst, header, GRPC_FRAME_HEADER);
    for (size_t at = 0; at < length;)
        at += take_of_piece(conn, stream, dst + GRPC_FRAME_HEADER + at, length - at);
    weft_chain_commit(conn->out, GRPC_FRAME_HEADER + length);
    return 0;
}

/* --- headers and trailers --------------------------------------------------------------------------- */

/* Notes the end of the answer: the code, and words and metadata in a form that can be sent. */
static int note_end(struct grpc_stream *stream, uint32_t code, struct weft_view words,
                    struct weft_view trailer)
{
    stream->code = code;
    stream->over = true;
    if (words.size > GRPC_MESSAGE_MAX / 3)
        words.size = GRPC_MESSAGE_MAX / 3;
    if (words.size + trailer.size == 0)
        return 0;
    stream->trailer = weft_malloc(3 * words.size + trailer.size);
    if (!stream->trailer)
        return -ENOMEM;
    uint8_t *end = grpc_percent_encode(words, stream->trailer);
    stream->words_size = (size_t)(end - stream->trailer);
    if (trailer.size > 0)
        memcpy(end, trailer.data, trailer.size);
    stream->trailer_size = trailer.size;
    return 0;
}

enum { USUAL_FIELDS = 5 };

/* Submits the header of an answer with messages. */
static int submit_header(struct grpc_conn *conn, struct grpc_stream *stream,
                         struct weft_view metadata)
{
    static const nghttp2_nv usual[USUAL_FIELDS] = {
        STATIC_FIELD(":status", "200"),
        STATIC_FIELD("content-type", "application/grpc"),
        STATIC_FIELD("grpc-accept-encoding", "identity,gzip"),
        STATIC_FIELD("grpc-encoding", "gzip"),
    };
    nghttp2_nv fields[USUAL_FIELDS + GRPC_FIELDS_MAX];
    const nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = grpc_read_data};
    size_t count = stream->gzip_goes ? 4 : 3;
    stream->begun = true;
    if (metadata.size == 0)
        return nghttp2_submit_response(conn->session, (int32_t)stream->id, usual, count, &provider);
    memcpy(fields, usual, count * sizeof *fields);
    count = add_metadata(fields, count, metadata);
    return nghttp2_submit_response(conn->session, (int32_t)stream->id, fields, count, &provider);
}

/* Submits an answer without a message: the header is the trailer, too ("Trailers-Only"). */
static int submit_only_trailer(struct grpc_conn *conn, struct grpc_stream *stream, unsigned http,
                               struct weft_view metadata)
{
    nghttp2_nv fields[USUAL_FIELDS + 2 * GRPC_FIELDS_MAX];
    char status[12], code[12];
    int digits = snprintf(status, sizeof status, "%u", http);
    stream->begun = true;
    fields[0] = field_of(":status", status, (size_t)digits);
    fields[1] = field_of("content-type", "application/grpc", 16);
    size_t count = add_metadata(fields, 2, metadata);
    count = add_status(fields, count, stream, code);
    return nghttp2_submit_response(conn->session, (int32_t)stream->id, fields, count, NULL);
}

/* An error of nghttp2 about a stream that is no more is none: there is nobody to tell. */
static int result_of(struct grpc_conn *conn, int err)
{
    conn->no_memory |= err == NGHTTP2_ERR_NOMEM;
    return conn->no_memory ? -ENOMEM : 0;
}

void grpc_reply_refuse(struct grpc_conn *conn, struct grpc_stream *stream, unsigned http,
                       enum grpc_code code, const char *words)
{
    stream->refused = true;
    if (note_end(stream, code, weft_view_str(words), weft_view(NULL, 0)) < 0)
        conn->no_memory = true;
    else
        (void)result_of(conn, submit_only_trailer(conn, stream, http, weft_view(NULL, 0)));
}

/* Deflates a message to the scratch. Returns the member, or an empty view: the message is sent as it is. */
static struct weft_view deflate(struct grpc_conn *conn, const struct weft_body *body,
                                struct weft_encode_io *io, int *err)
{
    struct grpc_loop *loop = conn->loop;
    int level =
        weft__gzip_level(&conn->config->gzip, body->size, body->size > conn->config->max_frame);
    size_t before = body->blob ? 0 : body->size;
    if (level == 0)
        return weft_view(NULL, 0);
    if (weft__scratch_reserve(&loop->deflated, before + body->size) < 0) {
        *err = -ENOMEM;
        return weft_view(NULL, 0);
    }
    struct weft_view message = weft_view(loop->deflated.data, body->size);
    if (body->blob)
        message = weft_blob_view(body->blob);
    else
        weft_body_write(body, loop->deflated.data);
    uint8_t *dst = loop->deflated.data + before;
    ssize_t size = weft__gzip_deflate(&loop->gzip, level, message, dst, body->size);
    io->heavy = size >= 0;
    *err = size < 0 ? (int)size : 0;
    return weft_view(dst, size > 0 ? (size_t)size : 0);
}

static int too_big(struct weft_encode_io *io, uint64_t size, uint64_t limit, const char *why)
{
    io->size = size;
    io->limit = limit;
    io->why = why;
    return WEFT_ETOOBIG;
}

/* Notes what a service or the core has said of the end. */
static int note_answer(struct grpc_stream *stream, const struct weft_answer *answer)
{
    const struct weft_view none = weft_view(NULL, 0);
    char text[WEFT_REJECT_MAX];
    if (answer && answer->rejected) {
        grpc_words_of(answer->rejected, text, sizeof text);
        return note_end(stream, grpc_code_of(answer->rejected->cause), weft_view_str(text), none);
    }
    return answer ? note_end(stream, answer->code, answer->words, answer->trailer)
                  : note_end(stream, GRPC_OK, none, none);
}

/* Sends the body, which may be the member of a message that was deflated. */
static int send_body(struct grpc_conn *conn, struct grpc_stream *stream,
                     const struct weft_body *body, bool is_deflated, struct weft_view header)
{
    uint8_t prefix[GRPC_PREFIX] = {is_deflated};
    int err = 0;
    if (body)
        weft_store_be32(prefix + 1, (uint32_t)body->size);
    if (body && stream->first) {
        err = queue(conn, stream, body, prefix);
    } else if (body) {
        conn->direct = body;
        conn->direct_of = stream;
        memcpy(conn->direct_prefix, prefix, GRPC_PREFIX);
    }
    if (err == 0 && !stream->begun)
        err = result_of(conn, submit_header(conn, stream, header));
    else if (err == 0)
        err = result_of(conn, nghttp2_session_resume_data(conn->session, (int32_t)stream->id));
    if (err == 0)
        err = grpc_session_send(conn);
    if (err == 0 && conn->direct)
        err = queue_direct(conn);
    conn->direct = NULL;
    conn->direct_of = NULL;
    return err;
}

static int encode(struct grpc_conn *conn, struct grpc_stream *stream, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct weft_answer *answer = io->answer;
    const struct weft_view header = answer ? answer->header : weft_view(NULL, 0);
    const struct grpc_config *config = conn->config;
    struct weft_view member = weft_view(NULL, 0);
    int err = 0;
    if (body && body->size > config->max_message)
        return too_big(io, body->size, config->max_message, "max-message");
    if (body && stream->gzip_goes)
        member = deflate(conn, body, io, &err);
    if (err < 0)
        return err;
    size_t size = member.size > 0 ? member.size : body ? body->size : 0;
    if (size > config->max_frame)
        return too_big(io, size, config->max_frame, "max-frame");
    conn->let_in |= stream->credentials_size > 0 && !(answer && answer->rejected);
    if (io->last)
        err = note_answer(stream, answer);
    if (err < 0)
        return err;
    if (!body && io->last && !stream->begun) {
        err = result_of(conn, submit_only_trailer(conn, stream, 200, header));
        return err < 0 ? err : grpc_session_send(conn);
    }
    if (member.size == 0)
        return send_body(conn, stream, body, false, header);
    const struct weft_body_bytes deflated = weft_body_from_view(member);
    return send_body(conn, stream, &deflated.body, true, header);
}

int grpc_reply_encode(struct grpc_conn *conn, struct grpc_stream *stream,
                      const struct weft_body *body, struct weft_encode_io *io)
{
    struct weft_chain_mark mark = weft_chain_mark(io->out);
    conn->out = io->out;
    int err = encode(conn, stream, body, io);
    conn->out = NULL;
    if (err == -ENOMEM) {
        /* Its notes do not match what was sent. */
        conn->no_memory = true;
        weft_chain_rollback(io->out, mark);
    }
    weft__scratch_trim(&conn->loop->deflated);
    return err;
}
