/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "json.h"
#include "services/kv/packed.h"
#include "services/payload/json/writer.h"

/* The reasons of RFC 9110 and RFC 4918, which are the titles of problems, too. */
static const struct {
    unsigned status;
    const char *line;
} statuses[] = {
    {200, "HTTP/1.1 200 OK\r\n"},
    {201, "HTTP/1.1 201 Created\r\n"},
    {204, "HTTP/1.1 204 No Content\r\n"},
    {304, "HTTP/1.1 304 Not Modified\r\n"},
    {400, "HTTP/1.1 400 Bad Request\r\n"},
    {401, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"kv\", Bearer\r\n"},
    {403, "HTTP/1.1 403 Forbidden\r\n"},
    {404, "HTTP/1.1 404 Not Found\r\n"},
    {405, "HTTP/1.1 405 Method Not Allowed\r\n"},
    {409, "HTTP/1.1 409 Conflict\r\n"},
    {410, "HTTP/1.1 410 Gone\r\n"},
    {412, "HTTP/1.1 412 Precondition Failed\r\n"},
    {413, "HTTP/1.1 413 Content Too Large\r\n"},
    {414, "HTTP/1.1 414 URI Too Long\r\n"},
    {415, "HTTP/1.1 415 Unsupported Media Type\r\n"},
    {429, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n"},
    {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
    {501, "HTTP/1.1 501 Not Implemented\r\n"},
    {503, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"},
    {504, "HTTP/1.1 504 Gateway Timeout\r\n"},
    {507, "HTTP/1.1 507 Insufficient Storage\r\n"},
    {500, "HTTP/1.1 500 Internal Server Error\r\n"},
};
enum { STATUSES = sizeof statuses / sizeof *statuses, BEFORE_STATUS = 9, BEFORE_TITLE = 13 };

static const char *line_of(unsigned status)
{
    size_t i = 0;
    while (i < STATUSES - 1 && statuses[i].status != status)
        i++;
    return statuses[i].line;
}

static struct weft_view title_of(unsigned status)
{
    const char *title = line_of(status) + BEFORE_TITLE;
    return weft_view(title, strcspn(title, "\r"));
}

/* The head grows behind `head`; what is put there is bounded, so that it fits. */

static void put(struct kv_http_body *self, const char *text, size_t size)
{
    memcpy(self->head + self->head_size, text, size);
    self->head_size += size;
}

#define PUT(self, literal) put((self), (literal), sizeof(literal) - 1)

static void put_text(struct kv_http_body *self, const char *text)
{
    put(self, text, strlen(text));
}

static void put_number(struct kv_http_body *self, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(self, digits + at, sizeof digits - at);
}

static void put_tag(struct kv_http_body *self, const uint8_t version[KV_VERSION_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char tag[2 * KV_VERSION_SIZE];
    for (size_t i = 0; i < KV_VERSION_SIZE; i++) {
        tag[2 * i] = digits[version[i] >> 4];
        tag[2 * i + 1] = digits[version[i] & 15];
    }
    PUT(self, "ETag: \"");
    put(self, tag, sizeof tag);
    PUT(self, "\"\r\n");
}

/* Rounds up, so that a key never outlives what is said of it by less than is said. */
static uint64_t seconds_left(int64_t expires, int64_t now)
{
    return expires > now ? (uint64_t)(expires - now + 999) / 1000 : 0;
}

static void put_state(struct kv_http_body *self, const struct kv_state *state, int64_t now)
{
    if (state->has_version)
        put_tag(self, state->version);
    if (state->expires == KV_NEVER)
        return;
    PUT(self, "Weft-Expires-In: ");
    put_number(self, seconds_left(state->expires, now));
    PUT(self, "\r\n");
}

static void put_about(struct kv_http_body *self, const struct kv_http_about *about)
{
    if (about->date) {
        PUT(self, "Date: ");
        put_text(self, about->date);
        PUT(self, "\r\n");
    }
    if (about->origin) {
        PUT(self, "Access-Control-Allow-Origin: ");
        put_text(self, about->origin);
        PUT(self, "\r\nAccess-Control-Expose-Headers: ETag, Weft-Type, Weft-Expires-In\r\n");
    }
    if (about->has_cors)
        PUT(self, "Vary: Accept, Origin\r\n");
    else
        PUT(self, "Vary: Accept\r\n");
}

/* --- sizes of contents, and writing them ------------------------------------------------------------ */

static const char page_pairs[] = "{\"pairs\":[", page_tables[] = "{\"tables\":[";
static const char page_cursor[] = "],\"cursor\":";

/* The pairs bring a comma each, the last of which becomes the bracket. */
static size_t page_size(const struct kv_http_body *self)
{
    size_t size = self->names ? sizeof page_tables - 1 : sizeof page_pairs - 1;
    size += self->pairs->size + (self->pairs->size > 0 ? 0 : 1);
    if (self->reply->cursor.size > 0)
        size += sizeof page_cursor - 2 + weft_json_base64_size(self->reply->cursor.size);
    return size + 2;
}

static void write_page(const struct kv_http_body *self, uint8_t *dst)
{
    const char *open = self->names ? page_tables : page_pairs;
    memcpy(dst, open, strlen(open));
    dst = kv_pairs_write(self->pairs, dst + strlen(open));
    if (self->pairs->size > 0)
        dst--;
    *dst++ = ']';
    if (self->reply->cursor.size > 0) {
        memcpy(dst, page_cursor + 1, sizeof page_cursor - 2);
        dst = weft_json_put_base64(dst + sizeof page_cursor - 2, self->reply->cursor);
    }
    memcpy(dst, "}\n", 2);
}

static const char problem_title[] = "{\"title\":\"", problem_status[] = "\",\"status\":";
static const char problem_detail[] = ",\"detail\":";

static size_t problem_size(const struct kv_http_body *self)
{
    return sizeof problem_title - 1 + title_of(self->status).size + sizeof problem_status - 1 + 3 +
           sizeof problem_detail - 1 + kv_json_text_size(self->text) + 2;
}

static uint8_t *append(uint8_t *dst, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(dst, bytes, size);
    return dst + size;
}

static void write_problem(const struct kv_http_body *self, uint8_t *dst)
{
    struct weft_view title = title_of(self->status);
    dst = append(dst, problem_title, sizeof problem_title - 1);
    dst = append(dst, title.data, title.size);
    dst = append(dst, problem_status, sizeof problem_status - 1);
    dst = append(dst, line_of(self->status) + BEFORE_STATUS, 3);
    dst = append(dst, problem_detail, sizeof problem_detail - 1);
    dst = kv_json_put_text(dst, self->text);
    (void)append(dst, "}\n", 2);
}

static size_t size_of(const struct kv_http_body *self)
{
    switch (self->content) {
    case KV_HTTP_EMPTY:
    case KV_HTTP_NO_BODY:
        break;
    case KV_HTTP_RAW:
        return self->value.size;
    case KV_HTTP_JSON:
        return kv_json_value_size(self->value) + 1;
    case KV_HTTP_PAGE:
        return page_size(self);
    case KV_HTTP_PROBLEM:
        return problem_size(self);
    case KV_HTTP_LINES:
        return self->pairs->size;
    }
    return 0;
}

static void write_body(const struct weft_body *body, uint8_t *dst)
{
    const struct kv_http_body *self = (const struct kv_http_body *)body;
    dst = append(dst, self->head, self->head_size);
    switch (self->content) {
    case KV_HTTP_EMPTY:
    case KV_HTTP_NO_BODY:
        break;
    case KV_HTTP_RAW:
        (void)append(dst, self->value.data, self->value.size);
        break;
    case KV_HTTP_JSON:
        *kv_json_put_value(dst, self->value) = '\n';
        break;
    case KV_HTTP_PAGE:
        write_page(self, dst);
        break;
    case KV_HTTP_PROBLEM:
        write_problem(self, dst);
        break;
    case KV_HTTP_LINES:
        (void)kv_pairs_write(self->pairs, dst);
        break;
    }
}

/* --- replies ---------------------------------------------------------------------------------------- */

static void begin(struct kv_http_body *self, unsigned status, const struct kv_http_about *about)
{
    self->status = (enum kv_status)status;
    self->head_size = 0;
    put_text(self, line_of(status));
    put_about(self, about);
}

/* Ends the head, and with it what self->body is. */
static void finish(struct kv_http_body *self, const char *type)
{
    size_t size = size_of(self);
    if (type) {
        PUT(self, "Content-Type: ");
        put_text(self, type);
        PUT(self, "\r\n");
    }
    if (self->content != KV_HTTP_NO_BODY) {
        PUT(self, "Content-Length: ");
        put_number(self, size);
        PUT(self, "\r\n");
    }
    PUT(self, "\r\n");
    self->body = (struct weft_body){.size = self->head_size + size, .write = write_body};
}

static const char type_json[] = "application/json";

/* Shows a value as its bytes or its text, and says of which type it was. */
static const char *show_raw(struct kv_http_body *self, struct weft_view packed)
{
    static const char *const names[] = {
        [KV_TYPE_STRING] = "string", [KV_TYPE_BINARY] = "binary", [KV_TYPE_INTEGER] = "integer",
        [KV_TYPE_FLOAT] = "float",   [KV_TYPE_BOOL] = "bool",
    };
    struct kv_unpacked value;
    bool good = kv_unpack(packed, &value) && !value.is_empty;
    PUT(self, "X-Content-Type-Options: nosniff\r\nWeft-Type: ");
    put_text(self, good ? names[value.type] : "empty");
    PUT(self, "\r\n");
    self->content = KV_HTTP_RAW;
    self->value = good ? value.text : weft_view(NULL, 0);
    if (good && value.type == KV_TYPE_BOOL) {
        self->value = weft_view_str(value.number ? "true" : "false");
    } else if (good && value.type == KV_TYPE_INTEGER) {
        int size = snprintf(self->number, sizeof self->number, "%" PRId64, (int64_t)value.number);
        self->value = weft_view(self->number, (size_t)size);
    } else if (good && value.type == KV_TYPE_FLOAT) {
        self->value = weft_view(self->number, kv_write_real(self->number, kv_real_of(&value)));
    }
    return good && value.type == KV_TYPE_BINARY ? "application/octet-stream"
                                                : "text/plain; charset=utf-8";
}

static void reply_problem(struct kv_http_body *self, const struct kv_http_about *about,
                          unsigned status, const struct kv_text *text)
{
    begin(self, status, about);
    if (status == 405) {
        PUT(self, "Allow: ");
        put_text(self, kv_http_methods(about->route->resource));
        PUT(self, "\r\n");
    }
    self->content = KV_HTTP_PROBLEM;
    self->text = text;
    finish(self, "application/problem+json");
}

#define TEXT(literal)                                                                              \
    {                                                                                              \
        .parts = {{.view = {(const uint8_t *)(literal), sizeof(literal) - 1}}}, .count = 1         \
    }
static const struct kv_text text_unmet = TEXT("The value has another ETag");
static const struct kv_text text_missing = TEXT("The key was not there");

static void reply_value(struct kv_http_body *self, const struct kv_http_about *about,
                        const struct kv_call *call)
{
    const struct kv_http_route *route = about->route;
    const char *type = type_json;
    struct kv_state state;
    kv_call_state(call, 0, about->now, &state);
    if (route->match.given && !route->match.any &&
        !kv_http_has_tag(route->match.tags, state.version, false)) {
        reply_problem(self, about, KV_NOT_MET, &text_unmet);
        return;
    }
    bool same = route->none_match.any ||
                (state.has_version && kv_http_has_tag(route->none_match.tags, state.version, true));
    begin(self, same ? 304 : 200, about);
    put_state(self, &state, about->now);
    if (same) {
        self->content = KV_HTTP_NO_BODY;
        finish(self, NULL);
        return;
    }
    self->content = KV_HTTP_JSON;
    self->value = call->items[0].found.bytes;
    if (!route->wants_json)
        type = show_raw(self, call->items[0].found.bytes);
    finish(self, type);
}

/* A key was stored or removed. */
static void reply_changed(struct kv_http_body *self, const struct kv_http_about *about,
                          const struct kv_call *call)
{
    struct kv_state state = {0};
    bool stored = about->route->request.method == WEFT_HTTP_PUT;
    if (!stored && !call->items[0].present) {
        reply_problem(self, about, KV_NOT_FOUND, &text_missing);
        return;
    }
    bool created = stored && !call->items[0].present;
    if (stored)
        kv_call_state(call, 0, about->now, &state);
    begin(self, created ? 201 : 204, about);
    put_state(self, &state, about->now);
    self->content = created ? KV_HTTP_EMPTY : KV_HTTP_NO_BODY;
    finish(self, NULL);
}

static void reply_options(struct kv_http_body *self, const struct kv_http_about *about)
{
    const char *methods = kv_http_methods(about->route->resource);
    begin(self, 204, about);
    PUT(self, "Allow: ");
    put_text(self, methods);
    PUT(self, "\r\n");
    if (about->origin) {
        PUT(self, "Access-Control-Allow-Methods: ");
        put_text(self, methods);
        PUT(self,
            "\r\nAccess-Control-Allow-Headers: Accept, Authorization, Content-Type, If-Match, "
            "If-None-Match, Weft-Expires-In\r\nAccess-Control-Max-Age: 600\r\n");
    }
    self->content = KV_HTTP_NO_BODY;
    finish(self, NULL);
}

static void reply_health(struct kv_http_body *self, const struct kv_http_about *about)
{
    begin(self, 200, about);
    PUT(self, "Cache-Control: no-store\r\n");
    self->content = KV_HTTP_RAW;
    self->value = weft_view_str("ok\n");
    finish(self, "text/plain; charset=utf-8");
}

static void reply_page(struct kv_http_body *self, const struct kv_http_about *about)
{
    begin(self, 200, about);
    self->content = KV_HTTP_PAGE;
    self->names = about->route->resource == KV_HTTP_TABLES;
    finish(self, type_json);
}

static void reply_done(struct kv_http_body *self, const struct kv_http_about *about,
                       const struct kv_call *call)
{
    const struct kv_http_route *route = about->route;
    bool reads = route->request.method <= WEFT_HTTP_HEAD;
    switch (route->resource) {
    case KV_HTTP_KEY:
        if (reads)
            reply_value(self, about, call);
        else
            reply_changed(self, about, call);
        break;
    case KV_HTTP_TABLE:
    case KV_HTTP_TABLES:
        if (reads) {
            reply_page(self, about);
            break;
        }
        begin(self, 204, about);
        self->content = KV_HTTP_NO_BODY;
        finish(self, NULL);
        break;
    case KV_HTTP_BATCH:
        begin(self, 200, about);
        self->content = KV_HTTP_LINES;
        finish(self, "application/x-ndjson");
        break;
    case KV_HTTP_HEALTH:
    case KV_HTTP_SERVER:
    case KV_HTTP_NOTHING:
        reply_health(self, about);
        break;
    }
}

void kv_http_body_init(struct kv_http_body *self, const struct kv_http_about *about,
                       const struct kv_reply *reply, const struct kv_call *call,
                       const struct kv_pairs *pairs)
{
    self->reply = reply;
    self->pairs = pairs;
    if (reply->status != KV_OK || !about->route)
        reply_problem(self, about, (unsigned)reply->status, &reply->text);
    else if (about->route->request.method == WEFT_HTTP_OPTIONS)
        reply_options(self, about);
    else
        reply_done(self, about, call);
}

/* --- pairs ------------------------------------------------------------------------------------------ */

static const char pair_key[] = "{\"key\":", pair_value[] = ",\"value\":",
                  pair_left[] = ",\"expires_in\":";
static const char table_name[] = "{\"name\":", table_keys[] = ",\"keys\":";

static size_t digits_of(uint64_t number)
{
    size_t digits = 1;
    for (; number >= 10; number /= 10)
        digits++;
    return digits;
}

static uint8_t *append_number(uint8_t *dst, uint64_t number)
{
    size_t digits = digits_of(number);
    for (size_t i = digits; i > 0; number /= 10)
        dst[--i] = (uint8_t)('0' + number % 10);
    return dst + digits;
}

size_t kv_http_pair_size(const struct kv_call *call, const struct kv_pair *pair, int64_t now)
{
    size_t size = kv_json_name_size(pair->key) + 2;
    if (call->command->takes == KV_TAKES_NAMES)
        return size + sizeof table_name - 1 + sizeof table_keys - 1 + digits_of(pair->total);
    size += sizeof pair_key - 1 + sizeof pair_value - 1 + kv_json_value_size(pair->value.bytes);
    if (pair->expires != KV_NEVER)
        size += sizeof pair_left - 1 + digits_of(seconds_left(pair->expires, now));
    return size;
}

void kv_http_put_pair(uint8_t *dst, const struct kv_call *call, const struct kv_pair *pair,
                      int64_t now)
{
    if (call->command->takes == KV_TAKES_NAMES) {
        dst = kv_json_put_name(append(dst, table_name, sizeof table_name - 1), pair->key);
        dst = append_number(append(dst, table_keys, sizeof table_keys - 1), pair->total);
    } else {
        dst = kv_json_put_name(append(dst, pair_key, sizeof pair_key - 1), pair->key);
        dst = append(dst, pair_value, sizeof pair_value - 1);
        dst = kv_json_put_value(dst, pair->value.bytes);
        if (pair->expires != KV_NEVER) {
            dst = append(dst, pair_left, sizeof pair_left - 1);
            dst = append_number(dst, seconds_left(pair->expires, now));
        }
    }
    (void)append(dst, "},", 2);
}

size_t kv_http_put_problem(uint8_t *dst, size_t room, unsigned status, const char *fields,
                           const char *text)
{
    struct kv_reply reply;
    struct kv_http_body self = {.content = KV_HTTP_PROBLEM, .text = &reply.text};
    static const struct kv_http_about about = {0};
    struct weft_view shown = weft_view_str(text);
    do {
        reply.text.count = 0;
        kv_text_add(&reply.text, shown);
        begin(&self, status, &about);
        put_text(&self, fields);
        finish(&self, "application/problem+json");
    } while (self.body.size > room && shown.size-- > 0);
    weft_body_write(&self.body, dst);
    return self.body.size;
}
