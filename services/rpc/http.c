/* SPDX-License-Identifier: MIT
 *
 * Calls as JSON over HTTP: POST /package.Service/Method. A streamed answer is a line of JSON a message, each
 * {"result": ...}, and a last line {"error": ...} if it did not end well, as the gateway of gRPC has it.
 *
 * A page of another origin must not reach a service behind its user's back. So the Content-Type has to be
 * application/json, which no page can send there without asking first, and nothing here says yes to that. */
#include <errno.h>
#include <stdio.h>

#include "json.h"
#include "private.h"
#include "services/payload/http/request.h"
#include "services/payload/json/writer.h"

/* --- requests ----------------------------------------------------------------------------------------- */

static bool find_field(struct weft_view fields, struct weft_view wanted, struct weft_view *value)
{
    struct weft_view name;
    char word[64];
    if (wanted.size >= sizeof word)
        return false;
    memcpy(word, wanted.data, wanted.size);
    word[wanted.size] = '\0';
    while (weft_http_next_field(&fields, &name, value))
        if (weft_http_is(name, word))
            return true;
    return false;
}

static bool metadata(const struct weft_rpc_call *call, struct weft_view wanted,
                     struct weft_view *value)
{
    return find_field(call->metadata, wanted, value);
}

/* Reads a Grpc-Timeout: up to 8 digits and a unit. */
static bool read_timeout(struct weft_view text, uint64_t *nanoseconds)
{
    static const char units[] = "HMSmun";
    static const uint64_t sizes[] = {3600000000000, 60000000000, 1000000000, 1000000, 1000, 1};
    uint64_t number = 0;
    size_t i = 0;
    for (; i < text.size && i < 8 && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        number = number * 10 + text.data[i] - '0';
    const char *unit = i > 0 && i + 1 == text.size ? memchr(units, text.data[i], 6) : NULL;
    if (!unit)
        return false;
    /* A time of 0 is over at once; the call's 0 means that there is none. */
    *nanoseconds = number > 0 ? number * sizes[unit - units] : 1;
    return true;
}

/* True if the type is `wanted`, with or without parameters. */
static bool is_type(struct weft_view type, const char *wanted)
{
    const uint8_t *end = type.size > 0 ? memchr(type.data, ';', type.size) : NULL;
    if (end)
        type.size = (size_t)(end - type.data);
    while (type.size > 0 && type.data[type.size - 1] == ' ')
        type.size--;
    return weft_http_is(type, wanted);
}

static enum weft_rpc_code refuse(struct weft_rpc_call *call, enum weft_rpc_code code,
                                 const char *words)
{
    weft__rpc_set_words(call, words);
    return code;
}

static enum weft_rpc_code read_call(struct weft_rpc_call *call)
{
    struct weft_http_request request;
    struct weft_view value;
    if (!weft_http_read(call->request->payload, &request))
        return refuse(call, WEFT_RPC_INVALID_ARGUMENT, "The payload is no request of HTTP");
    if (request.method != WEFT_HTTP_POST)
        return refuse(call, WEFT_RPC_UNIMPLEMENTED, "A method is called with POST");
    if (!find_field(request.fields, weft_view_str("Content-Type"), &value) ||
        !is_type(value, "application/json"))
        return refuse(call, WEFT_RPC_INVALID_ARGUMENT,
                      "The Content-Type of a call is application/json");
    if (find_field(request.fields, weft_view_str("Content-Encoding"), &value))
        return refuse(call, WEFT_RPC_INVALID_ARGUMENT,
                      "The body has a Content-Encoding: send it as it is");
    if (find_field(request.fields, weft_view_str("Grpc-Timeout"), &value) &&
        !read_timeout(value, &call->timeout))
        return refuse(call, WEFT_RPC_INVALID_ARGUMENT,
                      "Grpc-Timeout is up to 8 digits and one of H M S m u n");
    call->target = request.path;
    call->message = request.body;
    call->metadata = request.fields;
    return WEFT_RPC_OK;
}

static ProtobufCMessage *unpack(struct weft_rpc_call *call, struct weft_arena *arena,
                                enum weft_rpc_code *code)
{
    bool malformed;
    const struct weft_view json =
        call->message.size > 0 ? call->message : weft_view("{}", 2); /* curl -X POST */
    ProtobufCMessage *message = weft__rpc_read_json(call->method->descriptor->input, json, arena,
                                                    call->words, sizeof call->words, &malformed);
    if (!message)
        *code = malformed ? WEFT_RPC_INVALID_ARGUMENT : WEFT_RPC_RESOURCE_EXHAUSTED;
    return message;
}

/* --- answers ------------------------------------------------------------------------------------------ */

static uint8_t *put_view(uint8_t *dst, struct weft_view view)
{
    if (view.size > 0)
        memcpy(dst, view.data, view.size);
    return dst + view.size;
}

static void put_answer(const struct weft_body *body, uint8_t *dst)
{
    const struct weft__rpc_reply *reply = (const void *)body;
    dst = put_view(dst, weft_view(reply->head, reply->head_size));
    if (reply->head_size > 0) {
        dst = put_view(dst, reply->header);
        dst = put_view(dst, reply->trailer);
        dst = put_view(dst, weft_view("\r\n", 2));
    }
    (void)put_view(dst, reply->view);
}

static const char stream_head[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nX-Accel-Buffering: no\r\n";

static int write_answer(struct weft_rpc_call *call, struct weft__rpc_reply *reply)
{
    struct weft_text *text = &call->loop->text;
    weft_buf_consume(&text->buf, weft_buf_size(&text->buf));
    text->failed = false;
    if (!reply->last)
        weft_text_puts(text, "{\"result\":");
    weft__rpc_write_json(text, reply->message);
    if (!reply->last)
        weft_text_puts(text, "}\n");
    if (text->failed)
        return -ENOMEM;
    reply->view = weft_text_view(text);
    int size = 0;
    if (reply->last)
        size = snprintf(reply->head, sizeof reply->head,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n",
                        reply->view.size);
    else if (!call->sent)
        size = snprintf(reply->head, sizeof reply->head, "%s", stream_head);
    reply->head_size = (size_t)size;
    reply->body.write = put_answer;
    reply->body.size = reply->head_size + reply->view.size;
    if (size > 0)
        reply->body.size += reply->header.size + reply->trailer.size + 2;
    return 0;
}

static const char *status_line(enum weft_rpc_code code)
{
    static const struct {
        unsigned status;
        const char *line;
    } lines[] = {
        {200, "200 OK"},
        {400, "400 Bad Request"},
        {401, "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"rpc\", Bearer"},
        {403, "403 Forbidden"},
        {404, "404 Not Found"},
        {409, "409 Conflict"},
        {429, "429 Too Many Requests"},
        {499, "499 Client Closed Request"},
        {501, "501 Not Implemented"},
        {503, "503 Service Unavailable"},
        {504, "504 Gateway Timeout"},
        {500, "500 Internal Server Error"},
    };
    size_t i = 0;
    while (i < sizeof lines / sizeof *lines - 1 && lines[i].status != weft_rpc_code_http(code))
        i++;
    return lines[i].line;
}

/* Writes {"code":5,"message":"words" to dst, with as much of the words as there is room for. */
static size_t put_status(char *dst, size_t room, enum weft_rpc_code code, const char *words)
{
    struct weft_view rest = weft_view_str(words);
    size_t at = (size_t)snprintf(dst, room, "{\"code\":%d,\"message\":\"", (int)code);
    while (rest.size > 0) {
        uint8_t escape[WEFT_JSON_ESCAPE_MAX];
        size_t plain = weft_json_plain(rest), taken = weft_utf8_length(rest), size = taken;
        const uint8_t *from = rest.data;
        if (plain == 0) {
            size = weft_json_escape(rest, escape, &taken);
            from = escape;
        }
        if (at + size + 1 > room)
            break;
        memcpy(dst + at, from, size);
        at += size;
        rest = weft_view_skip(rest, taken);
    }
    dst[at++] = '"';
    return at;
}

enum { STATUS_ROOM = 300, HEAD_ROOM = WEFT_REJECT_MAX - STATUS_ROOM - 8 };

static const char details_begin[] = ",\"details\":[";

/* Returns what stands behind the words of a status: the details, and its end. */
static struct weft_view end_of_status(bool has_details)
{
    return weft_view_str(has_details ? "]}" : "}");
}

static void add_status(struct weft__rpc_last *last, struct weft_view status,
                       struct weft_view details)
{
    weft__rpc_add_piece(last, status);
    if (details.size > 0) {
        /* Each begins with the comma before it, and the first with the array's begin. */
        weft__rpc_add_piece(last, weft_view_str(details_begin));
        weft__rpc_add_piece(last, weft_view_skip(details, 1));
    }
}

static int end_stream(const struct weft_rpc_call *call, enum weft_rpc_code code, const char *words,
                      struct weft__rpc_last *last)
{
    static const char begin[] = "{\"error\":";
    const struct weft_view details = weft__rpc_details_of(call);
    if (code == WEFT_RPC_OK)
        return 0;
    memcpy(last->text, begin, sizeof begin - 1);
    const size_t size = put_status((char *)last->text + sizeof begin - 1, STATUS_ROOM, code, words);
    add_status(last, weft_view(last->text, sizeof begin - 1 + size), details);
    weft__rpc_add_piece(last, end_of_status(details.size > 0));
    weft__rpc_add_piece(last, weft_view_str("}\n"));
    return 1;
}

static int end(const struct weft_rpc_call *call, enum weft_rpc_code code, const char *words,
               struct weft__rpc_last *last)
{
    if (call && call->sent)
        return end_stream(call, code, words, last);
    const struct weft_view details =
        code == WEFT_RPC_OK ? weft_view(NULL, 0) : weft__rpc_details_of(call);
    char *status = (char *)last->text, *head = status + 2 + STATUS_ROOM;
    size_t size = 0;
    memcpy(status, "\r\n", 2);
    if (code != WEFT_RPC_OK)
        size = put_status(status + 2, STATUS_ROOM, code, words);
    const struct weft_view rest =
        code == WEFT_RPC_OK ? weft_view(NULL, 0) : end_of_status(details.size > 0);
    const size_t of_details = details.size > 0 ? sizeof details_begin - 1 + details.size - 1 : 0;
    const int head_size = snprintf(
        head, HEAD_ROOM, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
        status_line(code), code == WEFT_RPC_OK ? "application/x-ndjson" : "application/json",
        size + of_details + rest.size);
    weft__rpc_add_piece(last, weft_view(head, (size_t)head_size));
    weft__rpc_add_piece(last, weft__rpc_header_of(call));
    weft__rpc_add_piece(last, weft__rpc_trailer_of(call));
    add_status(last, weft_view(status, 2 + size), details);
    weft__rpc_add_piece(last, rest);
    return 1;
}

static void put_field(struct weft_text *text, enum weft__rpc_part part, struct weft_view name,
                      struct weft_view value)
{
    weft_text_puts(text, part == WEFT__RPC_HEADER ? "Grpc-Metadata-" : "Grpc-Trailer-");
    weft_text_add(text, name);
    weft_text_puts(text, ": ");
    if (weft__rpc_is_bin(name))
        weft__rpc_put_base64(text, value);
    else
        weft_text_add(text, value);
    weft_text_puts(text, "\r\n");
}

/* Adds a comma and the JSON of the message, whose first member is its type, as google.protobuf.Any has it. */
static void put_detail(struct weft_text *text, const ProtobufCMessage *detail)
{
    struct weft_text json = {.failed = false};
    weft__rpc_write_json(&json, detail);
    const struct weft_view object = weft_text_view(&json);
    weft_text_puts(text, ",{\"@type\":\"type.googleapis.com/");
    weft_text_puts(text, detail->descriptor->name);
    weft_text_puts(text, object.size > 2 ? "\"," : "\"");
    text->failed |= json.failed;
    if (!json.failed)
        weft_text_add(text, weft_view_skip(object, 1));
    weft_text_fini(&json);
}

const struct weft__rpc_face weft__rpc_http = {
    .speaks = "http",
    .read = read_call,
    .unpack = unpack,
    .write = write_answer,
    .end = end,
    .metadata = metadata,
    .put_field = put_field,
    .put_detail = put_detail,
};
