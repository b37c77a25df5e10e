/* SPDX-License-Identifier: MIT */
#include "route.h"

#include <errno.h>

#include "services/kv/store.h"
#include "services/payload/base64.h"

enum { TAG_DIGITS = 2 * KV_VERSION_SIZE };

/* The longest time that may be asked for: a hundred years. */
static const uint64_t longest_expiry = UINT64_C(100) * 366 * 86400;

static const char keys[] = "/keys/";

const char *kv_http_methods(enum kv_http_resource resource)
{
    switch (resource) {
    case KV_HTTP_KEY:
        return "GET, HEAD, PUT, DELETE, OPTIONS";
    case KV_HTTP_TABLE:
        return "GET, HEAD, DELETE, OPTIONS";
    case KV_HTTP_TOPIC:
        return "GET, HEAD, POST, OPTIONS";
    case KV_HTTP_BATCH:
        return "POST, OPTIONS";
    case KV_HTTP_SERVER:
        return "OPTIONS";
    case KV_HTTP_CHANGES:
    case KV_HTTP_TOPICS:
    case KV_HTTP_TABLES:
    case KV_HTTP_HEALTH:
    case KV_HTTP_NOTHING:
        break;
    }
    return "GET, HEAD, OPTIONS";
}

static int malformed(struct kv_http_route *route, const char *wrong)
{
    route->wrong = wrong;
    return WEFT_EMALFORMED;
}

/* Takes a part of the target without its percent-encoding. Most have none, and stay where they are. */
static int take_decoded(struct kv_http_route *route, struct weft_view text, bool form,
                        struct weft_arena *arena, struct weft_view *out)
{
    *out = text;
    if (text.size == 0 ||
        (!memchr(text.data, '%', text.size) && !(form && memchr(text.data, '+', text.size))))
        return 0;
    uint8_t *dst = weft_arena_alloc(arena, text.size);
    if (!dst)
        return -ENOMEM;
    size_t size;
    if (!weft_http_decode(text, form, dst, &size))
        return malformed(route, "a percent sign without two hex digits");
    *out = weft_view(dst, size);
    return 0;
}

static bool has_prefix(struct weft_view text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

/* Reads T, T/changes or T/keys/K. A slash within a name is written %2F. */
static int read_names(struct kv_http_route *route, struct weft_view names, struct weft_arena *arena)
{
    const uint8_t *slash = names.size > 0 ? memchr(names.data, '/', names.size) : NULL;
    struct weft_view table = names;
    bool changes = false;
    if (slash) {
        table.size = (size_t)(slash - names.data);
        struct weft_view rest = weft_view_skip(names, table.size);
        changes = weft_view_equal(rest, weft_view_str("/changes"));
        if (!changes && !has_prefix(rest, keys))
            return 0;
        struct weft_view key = weft_view_skip(rest, changes ? rest.size : sizeof keys - 1);
        if (key.size > 0 && memchr(key.data, '/', key.size))
            return 0;
        int err = take_decoded(route, key, false, arena, &route->key);
        if (err < 0)
            return err;
    }
    route->resource = changes ? KV_HTTP_CHANGES : slash ? KV_HTTP_KEY : KV_HTTP_TABLE;
    return take_decoded(route, table, false, arena, &route->table);
}

static int read_path(struct kv_http_route *route, struct weft_arena *arena)
{
    static const char tables[] = "/v1/tables", topics[] = "/v1/topics/";
    struct weft_view path = route->request.path;
    if (has_prefix(path, tables)) {
        struct weft_view rest = weft_view_skip(path, sizeof tables - 1);
        if (rest.size == 0)
            route->resource = KV_HTTP_TABLES;
        else if (rest.data[0] == '/')
            return read_names(route, weft_view_skip(rest, 1), arena);
    } else if (has_prefix(path, topics)) {
        struct weft_view name = weft_view_skip(path, sizeof topics - 1);
        if (name.size > 0 && memchr(name.data, '/', name.size))
            return 0;
        route->resource = KV_HTTP_TOPIC;
        return take_decoded(route, name, false, arena, &route->table);
    } else if (weft_view_equal(path, weft_view(topics, sizeof topics - 2))) {
        route->resource = KV_HTTP_TOPICS;
    } else if (weft_view_equal(path, weft_view_str("/v1/changes"))) {
        route->resource = KV_HTTP_CHANGES;
        route->all = true;
    } else if (weft_view_equal(path, weft_view_str("/v1/batch"))) {
        route->resource = KV_HTTP_BATCH;
    } else if (weft_view_equal(path, weft_view_str("/healthz"))) {
        route->resource = KV_HTTP_HEALTH;
    } else if (weft_view_equal(path, weft_view_str("*"))) {
        route->resource = KV_HTTP_SERVER;
    }
    return 0;
}

/* False: text is no number, or one over `most`. */
static bool read_number(struct weft_view text, uint64_t most, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t digit = (uint8_t)(text.data[i] - '0');
        if (digit > 9 || *number > (most - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return text.size > 0;
}

static int take_cursor(struct kv_http_route *route, struct weft_view text, struct weft_arena *arena)
{
    struct weft_view base64;
    int err = take_decoded(route, text, false, arena, &base64);
    if (err < 0)
        return err;
    uint8_t *dst = weft_arena_alloc(arena, base64.size + 1);
    if (!dst)
        return -ENOMEM;
    ssize_t size = weft_base64_read(base64, dst);
    if (size < 0)
        return malformed(route, "cursor is not one that a page ended with");
    route->from = weft_view(dst, (size_t)size);
    return 0;
}

static int read_query(struct kv_http_route *route, struct weft_arena *arena)
{
    enum { LIMIT_MAX = 1000000 };
    struct weft_view query = route->request.query, name, value;
    int err = 0;
    while (err == 0 && weft_http_next_parameter(&query, &name, &value)) {
        if (weft_view_equal(name, weft_view_str("cursor")))
            err = take_cursor(route, value, arena);
        else if (weft_view_equal(name, weft_view_str("prefix")))
            err = take_decoded(route, value, true, arena, &route->prefix);
        else if (!weft_view_equal(name, weft_view_str("limit")))
            err = malformed(route, "a parameter that is not known: cursor, limit and prefix are");
        else if (!read_number(value, LIMIT_MAX, &route->limit) || route->limit == 0)
            err = malformed(route, "limit is a number from 1 to 1000000");
    }
    return err;
}

static int read_changes_query(struct kv_http_route *route, struct weft_arena *arena)
{
    struct weft_view query = route->request.query, name, value;
    bool has_prefix = false;
    uint64_t after;
    int err = 0;
    while (err == 0 && weft_http_next_parameter(&query, &name, &value)) {
        bool is_key = weft_view_equal(name, weft_view_str("key"));
        if (is_key || weft_view_equal(name, weft_view_str("prefix"))) {
            *(is_key ? &route->has_key : &has_prefix) = true;
            err = take_decoded(route, value, true, arena, &route->key);
        } else if (!weft_view_equal(name, weft_view_str("from"))) {
            err = malformed(route, "a parameter that is not known: key, prefix and from are");
        } else if (!read_number(value, UINT64_MAX, &after) || after == 0) {
            err = malformed(route, "from is a number from 1 on");
        } else if (route->after == 0) {
            route->after = after;
        }
    }
    return err == 0 && route->has_key && has_prefix ? malformed(route, "key and prefix: choose one")
                                                    : err;
}

/* Reads the query of a topic, or of /v1/topics, which has a pattern. */
static int read_topic_query(struct kv_http_route *route, struct weft_arena *arena)
{
    struct weft_view query = route->request.query, name, value;
    bool takes_pattern = route->resource == KV_HTTP_TOPICS;
    int err = 0;
    while (err == 0 && weft_http_next_parameter(&query, &name, &value)) {
        if (takes_pattern && weft_view_equal(name, weft_view_str("match"))) {
            route->all = true;
            err = take_decoded(route, value, true, arena, &route->table);
        } else if (!weft_view_equal(name, weft_view_str("slow"))) {
            err = malformed(route,
                            "a parameter that is not known: match, of /v1/topics, and slow are");
        } else {
            route->end_if_slow = weft_view_equal(value, weft_view_str("end"));
            if (!route->end_if_slow && !weft_view_equal(value, weft_view_str("skip")))
                err = malformed(route, "slow is skip or end");
        }
    }
    bool lacks_pattern = takes_pattern && !route->all && route->request.method != WEFT_HTTP_OPTIONS;
    return err == 0 && lacks_pattern ? malformed(route, "match=PATTERN is missing") : err;
}

static enum kv_http_type type_of(struct weft_view value)
{
    const uint8_t *semicolon = value.size > 0 ? memchr(value.data, ';', value.size) : NULL;
    if (semicolon)
        value.size = (size_t)(semicolon - value.data);
    while (value.size > 0 && value.data[value.size - 1] == ' ')
        value.size--;
    if (weft_http_is(value, "application/json"))
        return KV_HTTP_TYPE_JSON;
    if (weft_http_is(value, "application/octet-stream"))
        return KV_HTTP_TYPE_BYTES;
    if (weft_http_is(value, "application/x-ndjson"))
        return KV_HTTP_TYPE_NDJSON;
    bool text = value.size > 5 && weft_http_is(weft_view(value.data, 5), "text/");
    return text ? KV_HTTP_TYPE_TEXT : KV_HTTP_TYPE_NONE;
}

/* JSON is sent to who names it, and does not want everything as much. */
static bool wants_json(struct weft_view accept)
{
    unsigned json = weft_http_quality(accept, "application/json");
    return json > weft_http_quality(accept, "application/octet-stream") &&
           json > weft_http_quality(accept, "text/plain");
}

static int take_condition(struct kv_http_route *route, struct kv_http_condition *condition,
                          struct weft_view value)
{
    if (condition->given)
        return malformed(route, "a condition that stands in two fields");
    condition->given = true;
    condition->any = weft_view_equal(value, weft_view_str("*"));
    condition->tags = value;
    return 0;
}

static int take_expiry(struct kv_http_route *route, struct weft_view value)
{
    uint64_t seconds;
    if (route->expires || !read_number(value, longest_expiry, &seconds))
        return malformed(route, "Weft-Expires-In takes whole seconds, up to a hundred years");
    route->expires = true;
    route->expires_in = (int64_t)seconds * 1000;
    return 0;
}

static int read_field(struct kv_http_route *route, struct weft_view name, struct weft_view value)
{
    switch (name.data[0] | 0x20) {
    case 'a':
        if (weft_http_is(name, "accept"))
            route->wants_json = wants_json(value);
        break;
    case 'c':
        if (weft_http_is(name, "content-type"))
            route->type = type_of(value);
        else if (weft_http_is(name, "content-encoding"))
            route->coded |= !weft_http_is(value, "identity");
        else if (weft_http_is(name, "content-range"))
            return malformed(route, "a part of a value is not taken");
        break;
    case 'i':
        if (weft_http_is(name, "if-match"))
            return take_condition(route, &route->match, value);
        if (weft_http_is(name, "if-none-match"))
            return take_condition(route, &route->none_match, value);
        break;
    case 'l':
        if (weft_http_is(name, "last-event-id") && value.size > 0 &&
            !read_number(value, UINT64_MAX, &route->after))
            return malformed(route, "Last-Event-ID is not one that an event had");
        break;
    case 'o':
        if (weft_http_is(name, "origin"))
            route->origin = value;
        break;
    case 'w':
        if (weft_http_is(name, "weft-expires-in"))
            return take_expiry(route, value);
        break;
    default:
        break;
    }
    return 0;
}

int kv_http_route_read(struct kv_http_route *route, struct weft_view payload,
                       struct weft_arena *arena)
{
    *route = (struct kv_http_route){0};
    if (!weft_http_read(payload, &route->request))
        return malformed(route, "not a request");
    struct weft_view fields = route->request.fields, name, value;
    int err = 0;
    while (err == 0 && weft_http_next_field(&fields, &name, &value))
        err = name.size > 0 ? read_field(route, name, value) : 0;
    if (err == 0)
        err = read_path(route, arena);
    if (err == 0 && (route->resource == KV_HTTP_TABLE || route->resource == KV_HTTP_TABLES))
        err = read_query(route, arena);
    if (err == 0 && route->resource == KV_HTTP_CHANGES)
        err = read_changes_query(route, arena);
    if (err == 0 && (route->resource == KV_HTTP_TOPIC || route->resource == KV_HTTP_TOPICS))
        err = read_topic_query(route, arena);
    return err;
}

static int hex_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads "0123...", in quotes, or "0123...-gzip". */
static bool read_strong(struct weft_view tag, uint8_t version[KV_VERSION_SIZE], bool *coded)
{
    static const char end[] = KV_HTTP_TAG_CODED "\"";
    const size_t more = sizeof end - 2;
    *coded = tag.size == TAG_DIGITS + 2 + more &&
             memcmp(tag.data + TAG_DIGITS + 1, end, sizeof end - 1) == 0;
    if (*coded)
        tag.size -= more;
    else if (tag.size > 0 && tag.data[tag.size - 1] != '"')
        return false;
    if (tag.size != TAG_DIGITS + 2 || tag.data[0] != '"')
        return false;
    for (size_t i = 0; i < KV_VERSION_SIZE; i++) {
        int high = hex_of(tag.data[1 + 2 * i]), low = hex_of(tag.data[2 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        version[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool kv_http_has_tag(struct weft_view tags, const uint8_t version[KV_VERSION_SIZE], bool weak,
                     bool *coded)
{
    struct weft_view tag;
    uint8_t found[KV_VERSION_SIZE];
    while (weft_http_next_element(&tags, &tag)) {
        if (weak && has_prefix(tag, "W/"))
            tag = weft_view_skip(tag, 2);
        if (read_strong(tag, found, coded) && memcmp(found, version, KV_VERSION_SIZE) == 0)
            return true;
    }
    return false;
}

bool kv_http_read_tag(struct weft_view tags, uint8_t version[KV_VERSION_SIZE])
{
    struct weft_view tag, other;
    bool coded;
    return weft_http_next_element(&tags, &tag) && !weft_http_next_element(&tags, &other) &&
           read_strong(tag, version, &coded);
}
