/* SPDX-License-Identifier: MIT */
#include "head.h"

#include <llhttp.h>
#include <strings.h>

static const char version_1_1[] = " HTTP/1.1", version_1_0[] = " HTTP/1.0";

void weft__http_refuse(struct weft_message *msg, enum weft_message_status status, const char *why,
                       uint64_t size, uint64_t limit)
{
    msg->kind = WEFT_MESSAGE_DATA;
    msg->status = status;
    msg->why = why;
    msg->size = size;
    msg->limit = limit;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct weft_view trim(struct weft_view text)
{
    while (text.size > 0 && is_space(text.data[0]))
        text = weft_view_skip(text, 1);
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

static bool is_word(struct weft_view text, const char *word)
{
    return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

/* Returns the value of a field if its name is `name`, which has a colon at its end; else a view without
 * address. */
static struct weft_view value_of(struct weft_view line, const char *name)
{
    size_t size = strlen(name);
    if (line.size < size || strncasecmp((const char *)line.data, name, size) != 0)
        return weft_view(NULL, 0);
    return trim(weft_view_skip(line, size));
}

static void note_credentials(struct weft__http_scan *scan, struct weft_view value, size_t at)
{
    scan->twice |= scan->credentials != 0;
    scan->credentials = (uint32_t)at;
    scan->credentials_size = (uint32_t)value.size;
}

/* Notes what the codec has to know beside what llhttp tells it. `at` is where the line stands in the head. */
static void note_field(struct weft__http_scan *scan, struct weft_view line, size_t at)
{
    struct weft_view value;
    switch (line.data[0] | 0x20) {
    case 'h':
        if (value_of(line, "host:").data && scan->hosts < 2)
            scan->hosts++;
        break;
    case 't':
        value = value_of(line, "transfer-encoding:");
        if (!value.data)
            break;
        scan->codings = scan->codings < 2 ? scan->codings + 1 : 2;
        scan->strange_coding |= !is_word(value, "chunked");
        break;
    case 'e':
        value = value_of(line, "expect:");
        scan->expects |= value.data && is_word(value, "100-continue");
        break;
    case 'a':
        value = value_of(line, "authorization:");
        if (value.data)
            note_credentials(scan, value, at + (size_t)(value.data - line.data));
        value = value_of(line, "accept-encoding:");
        if (value.data)
            weft__http_accept(&scan->accepts, value);
        break;
    default:
        break;
    }
}

/* Returns why the request line is refused, or NULL. llhttp reads the rest of it. */
static const char *check_request_line(struct weft_view line)
{
    const size_t version = sizeof version_1_1 - 1;
    if (line.size < version)
        return "not a request line";
    const uint8_t *end = line.data + line.size - version;
    if (memcmp(end, version_1_1, version) != 0 && memcmp(end, version_1_0, version) != 0)
        return "not HTTP/1.1 or HTTP/1.0";
    const uint8_t *space = memchr(line.data, ' ', line.size);
    if (memchr(space + 1, ' ', (size_t)(line.data + line.size - space) - 1) != end)
        return "spaces in the request line";
    return NULL;
}

/* Returns why a line is refused, or NULL. `line` has no end of line; it is empty only in the place of the
 * request line or if it ended with LF alone. */
static const char *check_line(struct weft__http_scan *scan, struct weft_view line, bool has_cr)
{
    if (!has_cr || memchr(line.data, '\r', line.size))
        return "a line that does not end with CR LF";
    if (scan->line == 0)
        return check_request_line(line);
    if (is_space(line.data[0]))
        return "a field that goes on in the next line";
    if (line.data[0] == ':')
        return "a field without a name";
    note_field(scan, line, scan->line);
    scan->fields++;
    return NULL;
}

static int too_long(struct weft_message *msg, const char *why, uint64_t limit)
{
    weft__http_refuse(msg, WEFT_MESSAGE_TOO_BIG, why, limit + 1, limit);
    return -1;
}

/* Takes one line, whose LF is at `end`. Returns as weft__http_scan. */
static int take_line(struct weft__http_scan *scan, struct weft_view in, size_t end,
                     const struct weft__http_limits *limits, struct weft_message *msg)
{
    size_t size = end - scan->line;
    bool has_cr = size > 0 && in.data[end - 1] == '\r';
    struct weft_view line = weft_view(in.data + scan->line, has_cr ? size - 1 : size);
    if (has_cr && line.size == 0 && scan->line > 0) {
        scan->seen = (uint32_t)end + 1;
        return 1;
    }
    const char *why = check_line(scan, line, has_cr);
    if (why) {
        weft__http_refuse(msg, WEFT_MESSAGE_MALFORMED, why, 0, 0);
        return -1;
    }
    if (scan->fields > limits->fields)
        return too_long(msg, "max-fields", limits->fields);
    scan->line = scan->seen = (uint32_t)end + 1;
    return 0;
}

/* Refuses a head as soon as it is over a limit, whether or not the end of its line has come: the same
 * bytes are refused in the same way however they arrive. */
static int check_size(const struct weft__http_scan *scan, size_t end,
                      const struct weft__http_limits *limits, struct weft_message *msg)
{
    uint64_t line_ends = (uint64_t)scan->line + limits->line;
    if (end <= line_ends && end <= limits->head)
        return 0;
    /* The words tell who answers which of the statuses 414 and 431 it is. */
    const char *why = scan->line == 0 ? "max-line" : "max-line (a field)";
    return line_ends < limits->head ? too_long(msg, why, limits->line)
                                    : too_long(msg, "max-head", limits->head);
}

int weft__http_scan(struct weft__http_scan *scan, struct weft_view in,
                    const struct weft__http_limits *limits, struct weft_message *msg)
{
    int result = 0;
    while (result == 0 && scan->seen < in.size) {
        const uint8_t *lf = memchr(in.data + scan->seen, '\n', in.size - scan->seen);
        size_t end = lf ? (size_t)(lf - in.data) + 1 : in.size;
        result = check_size(scan, end, limits, msg);
        if (result == 0 && !lf) {
            scan->seen = (uint32_t)in.size;
            break;
        }
        if (result == 0)
            result = take_line(scan, in, end - 1, limits, msg);
    }
    return result;
}

static int pause_parser(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

/* Returns why the parts of a head that llhttp takes one by one do not fit each other, or NULL. */
static const char *check_together(const struct weft__http_scan *scan, const llhttp_t *parser)
{
    bool is_old = parser->http_minor == 0;
    if (parser->method == HTTP_CONNECT)
        return "CONNECT: this is no proxy";
    if (scan->hosts > 1 || (scan->hosts == 0 && !is_old))
        return "exactly one Host field must be there";
    if (scan->codings > 0 && (is_old || scan->codings > 1 || scan->strange_coding))
        return "the only transfer coding is chunked";
    if ((scan->codings > 0) != ((parser->flags & F_CHUNKED) != 0))
        return "the only transfer coding is chunked";
    if (scan->codings > 0 && parser->flags & F_CONTENT_LENGTH)
        return "Content-Length and Transfer-Encoding";
    if (scan->twice)
        return "more than one Authorization field";
    return NULL;
}

const char *weft__http_read_head(const struct weft__http_scan *scan, struct weft_view head,
                                 struct weft__http_head *out)
{
    static const llhttp_settings_t settings = {.on_headers_complete = pause_parser};
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    llhttp_errno_t err = llhttp_execute(&parser, (const char *)head.data, head.size);
    if (err != HPE_PAUSED)
        return parser.reason && *parser.reason ? parser.reason : "not a request";
    const char *why = check_together(scan, &parser);
    *out = (struct weft__http_head){
        .length = parser.flags & F_CONTENT_LENGTH ? parser.content_length : 0,
        .chunked = (parser.flags & F_CHUNKED) != 0,
        .is_head = parser.method == HTTP_HEAD,
        .is_old = parser.http_minor == 0,
        .keeps = llhttp_should_keep_alive(&parser),
    };
    return why;
}
