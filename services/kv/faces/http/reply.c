/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <inttypes.h>
#include <stdio.h>

#include "head.h"
#include "services/kv/packed.h"

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
    KV__HTTP_PUT(self, "X-Content-Type-Options: nosniff\r\nWeft-Type: ");
    kv__http_put_text(self, good ? names[value.type] : "empty");
    KV__HTTP_PUT(self, "\r\n");
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
    kv__http_begin(self, status, about);
    if (status == 405) {
        KV__HTTP_PUT(self, "Allow: ");
        kv__http_put_text(self, kv_http_methods(about->route->resource));
        KV__HTTP_PUT(self, "\r\n");
    }
    self->content = KV_HTTP_PROBLEM;
    self->text = text;
    kv__http_finish(self, "application/problem+json");
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
    bool coded = false;
    kv_call_state(call, 0, about->now, &state);
    if (route->match.given && !route->match.any &&
        !kv_http_has_tag(route->match.tags, state.version, false, &coded)) {
        reply_problem(self, about, KV_NOT_MET, &text_unmet);
        return;
    }
    bool same =
        route->none_match.any ||
        (state.has_version && kv_http_has_tag(route->none_match.tags, state.version, true, &coded));
    kv__http_begin(self, same ? 304 : 200, about);
    kv__http_put_state(self, &state, same && coded, about->now);
    if (same) {
        self->content = KV_HTTP_NO_BODY;
        kv__http_finish(self, NULL);
        return;
    }
    self->content = KV_HTTP_JSON;
    self->value = call->items[0].found.bytes;
    self->blob = call->items[0].found.blob;
    if (!route->wants_json)
        type = show_raw(self, call->items[0].found.bytes);
    kv__http_finish(self, type);
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
    kv__http_begin(self, created ? 201 : 204, about);
    kv__http_put_state(self, &state, false, about->now);
    self->content = created ? KV_HTTP_EMPTY : KV_HTTP_NO_BODY;
    kv__http_finish(self, NULL);
}

static void reply_options(struct kv_http_body *self, const struct kv_http_about *about)
{
    const char *methods = kv_http_methods(about->route->resource);
    kv__http_begin(self, 204, about);
    KV__HTTP_PUT(self, "Allow: ");
    kv__http_put_text(self, methods);
    KV__HTTP_PUT(self, "\r\n");
    if (about->origin) {
        KV__HTTP_PUT(self, "Access-Control-Allow-Methods: ");
        kv__http_put_text(self, methods);
        KV__HTTP_PUT(
            self,
            "\r\nAccess-Control-Allow-Headers: Accept, Authorization, Content-Type, If-Match, "
            "If-None-Match, Last-Event-ID, Weft-Expires-In\r\nAccess-Control-Max-Age: 600\r\n");
    }
    self->content = KV_HTTP_NO_BODY;
    kv__http_finish(self, NULL);
}

static void reply_health(struct kv_http_body *self, const struct kv_http_about *about)
{
    kv__http_begin(self, 200, about);
    KV__HTTP_PUT(self, "Cache-Control: no-store\r\n");
    self->content = KV_HTTP_RAW;
    self->value = weft_view_str("ok\n");
    kv__http_finish(self, "text/plain; charset=utf-8");
}

static void reply_page(struct kv_http_body *self, const struct kv_http_about *about)
{
    kv__http_begin(self, 200, about);
    self->content = KV_HTTP_PAGE;
    self->names = about->route->resource == KV_HTTP_TABLES;
    kv__http_finish(self, type_json);
}

static void reply_published(struct kv_http_body *self, const struct kv_http_about *about)
{
    int size = snprintf(self->number, sizeof self->number, "{\"receivers\":%" PRIu64 "}\n",
                        about->receivers);
    kv__http_begin(self, 200, about);
    self->content = KV_HTTP_RAW;
    self->value = weft_view(self->number, (size_t)size);
    kv__http_finish(self, type_json);
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
        kv__http_begin(self, 204, about);
        self->content = KV_HTTP_NO_BODY;
        kv__http_finish(self, NULL);
        break;
    case KV_HTTP_TOPIC:
        reply_published(self, about);
        break;
    case KV_HTTP_BATCH:
        kv__http_begin(self, 200, about);
        self->content = KV_HTTP_LINES;
        kv__http_finish(self, "application/x-ndjson");
        break;
    case KV_HTTP_HEALTH:
    case KV_HTTP_SERVER:
    case KV_HTTP_CHANGES:
    case KV_HTTP_TOPICS:
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
    self->blob = NULL;
    if (reply->status != KV_OK || !about->route)
        reply_problem(self, about, (unsigned)reply->status, &reply->text);
    else if (about->route->request.method == WEFT_HTTP_OPTIONS)
        reply_options(self, about);
    else
        reply_done(self, about, call);
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
        kv__http_begin(&self, status, &about);
        kv__http_put_text(&self, fields);
        kv__http_finish(&self, "application/problem+json");
    } while (self.parts.body.size > room && shown.size-- > 0);
    weft_body_write(&self.parts.body, dst);
    return self.parts.body.size;
}
