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

static void put_answer(const struct weft_body *body, uint8_t *dst)
{
    const struct weft__rpc_reply *reply = (const void *)body;
    memcpy(dst, reply->head, reply->head_size);
    memcpy(dst + reply->head_size, reply->view.data, reply->view.size);
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
                        "Content-Length: %zu\r\n\r\n",
                        reply->view.size);
    else if (!call->sent)
        size = snprintf(reply->head, sizeof reply->head, "%s\r\n", stream_head);
    reply->head_size = (size_t)size;
    reply->body.write = put_answer;
    reply->body.size = reply->head_size + reply->view.size;
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

/* Writes {"code":5,"message":"words"} to dst, with as much of the words as there is room for. */
static size_t put_status(char *dst, size_t room, enum weft_rpc_code code, const char *words)
{
    static const char tail[] = "\"}";
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
        if (at + size + sizeof tail > room)
            break;
        memcpy(dst + at, from, size);
        at += size;
        rest = weft_view_skip(rest, taken);
    }
    memcpy(dst + at, tail, sizeof tail - 1);
    return at + sizeof tail - 1;
}

enum { STATUS_ROOM = 320, HEAD_ROOM = WEFT_REJECT_MAX - STATUS_ROOM };

static size_t end_stream(enum weft_rpc_code code, const char *words, uint8_t *dst)
{
    static const char begin[] = "{\"error\":", end[] = "}\n";
    memcpy(dst, begin, sizeof begin - 1);
    size_t at = sizeof begin - 1;
    at += put_status((char *)dst + at, STATUS_ROOM, code, words);
    memcpy(dst + at, end, sizeof end - 1);
    return at + sizeof end - 1;
}

static int end(const struct weft_rpc_call *call, enum weft_rpc_code code, const char *words,
               uint8_t *dst, size_t *size)
{
    char status[STATUS_ROOM], head[HEAD_ROOM];
    if (call && call->sent) {
        *size = code == WEFT_RPC_OK ? 0 : end_stream(code, words, dst);
        return code != WEFT_RPC_OK;
    }
    const size_t body = code == WEFT_RPC_OK ? 0 : put_status(status, sizeof status, code, words);
    const int head_size = snprintf(
        head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
        status_line(code), code == WEFT_RPC_OK ? "application/x-ndjson" : "application/json", body);
    memcpy(dst, head, (size_t)head_size);
    memcpy(dst + head_size, status, body);
    *size = (size_t)head_size + body;
    return 1;
}

const struct weft__rpc_face weft__rpc_http = {
    .speaks = "http",
    .read = read_call,
    .unpack = unpack,
    .write = write_answer,
    .end = end,
    .metadata = metadata,
};
