/* SPDX-License-Identifier: MIT
 *
 * Everything is written twice: first to NULL, which counts. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "line.h"
#include "services/payload/base64.h"
#include "services/payload/line/value.h"

enum { NUMBER_TEXT = 48 };

/* A line being written, or only counted if dst is NULL. */
struct line {
    uint8_t *dst;
    size_t size;
};

static void put(struct line *line, const void *bytes, size_t size)
{
    if (line->dst && size > 0)
        memcpy(line->dst + line->size, bytes, size);
    line->size += size;
}

static void put_str(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static bool is_plain(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || (byte != 0 && strchr("_:./+=,@%-", byte));
}

/* Writes the parts of one word, quoted if they need it. */
static void put_word(struct line *line, const char *prefix, struct weft_view text)
{
    size_t plain = 0;
    while (plain < text.size && is_plain(text.data[plain]))
        plain++;
    put_str(line, " ");
    if (plain == text.size && (text.size > 0 || *prefix)) {
        put_str(line, prefix);
        put(line, text.data, text.size);
        return;
    }
    put_str(line, "\"");
    put_str(line, prefix);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            put_str(line, "\\");
        put(line, &text.data[i], 1);
    }
    put_str(line, "\"");
}

static void put_base64(struct line *line, struct weft_view bytes)
{
    put_str(line, " base64:");
    if (line->dst)
        (void)weft_base64_put(line->dst + line->size, bytes);
    line->size += weft_base64_size(bytes.size);
}

static void put_value(struct line *line, const struct weft_kv_value *value)
{
    char text[NUMBER_TEXT], number[WEFT_LINE_NUMBER];
    switch (value->type) {
    case WEFT_KV_EMPTY:
        put_str(line, " empty:");
        break;
    case WEFT_KV_STRING:
        put_word(line, weft_line_prefix(value->bytes) ? "str:" : "", value->bytes);
        break;
    case WEFT_KV_BINARY:
        put_base64(line, value->bytes);
        break;
    case WEFT_KV_INTEGER:
        (void)snprintf(text, sizeof text, " int:%" PRId64, value->integer);
        put_str(line, text);
        break;
    case WEFT_KV_FLOAT:
        put_str(line, " \"float:");
        put_str(line, weft_line_format_double(value->number, number));
        put_str(line, "\"");
        break;
    case WEFT_KV_BOOL:
        put_str(line, value->boolean ? " bool:true" : " bool:false");
        break;
    }
}

static void put_seconds(struct line *line, const char *option, uint64_t milliseconds)
{
    char text[NUMBER_TEXT];
    (void)snprintf(text, sizeof text, "%s %" PRIu64 ".%03d", option, milliseconds / 1000,
                   (int)(milliseconds % 1000));
    put_str(line, text);
}

static void put_version(struct line *line, struct weft_view version)
{
    put_str(line, " --if-version ");
    for (size_t i = 0; i < version.size; i++) {
        char digits[3];
        (void)snprintf(digits, sizeof digits, "%02x", version.data[i]);
        put(line, digits, 2);
    }
}

/* Writes the options of changes, which are those of all of them. */
static void put_change_options(struct line *line, const struct weft_kv_change *change)
{
    switch (change->expiry.when) {
    case WEFT_KV_EXPIRE_UNSAID:
    case WEFT_KV_EXPIRE_NEVER:
        break;
    case WEFT_KV_EXPIRE_AFTER:
        put_seconds(line, " --ttl", change->expiry.milliseconds);
        break;
    case WEFT_KV_EXPIRE_AT:
        put_seconds(line, " --expire-at", change->expiry.milliseconds);
        break;
    case WEFT_KV_EXPIRE_KEEP:
        put_str(line, " --keep-ttl");
        break;
    }
    if (change->condition == WEFT_KV_IF_VERSION && change->version.size > 0)
        put_version(line, change->version);
    else if (change->condition == WEFT_KV_IF_PRESENT)
        put_str(line, " --if-present");
    else if (change->condition != WEFT_KV_ALWAYS)
        put_str(line, " --if-absent");
}

static void put_changes(struct line *line, const struct weft_kv_request *request)
{
    bool stores = request->change_count == 0 || request->changes[0].what == WEFT_KV_STORE;
    put_str(line, stores ? "hmset" : "hmdel");
    if (request->change_count > 0)
        put_change_options(line, &request->changes[0]);
    put_str(line, " --");
    put_word(line, "", request->table);
    for (size_t i = 0; i < request->change_count; i++) {
        put_word(line, "", request->changes[i].key);
        if (stores)
            put_value(line, &request->changes[i].value);
    }
}

/* Writes a cursor and a limit, behind the table or the prefix. */
static void put_page(struct line *line, const struct weft_kv_request *request)
{
    char text[NUMBER_TEXT];
    put_str(line, " ");
    if (request->cursor.size == 0)
        put_str(line, "-");
    else if (line->dst)
        (void)weft_base64_put(line->dst + line->size, request->cursor);
    line->size += weft_base64_size(request->cursor.size);
    (void)snprintf(text, sizeof text, " %" PRIu32, request->limit);
    put_str(line, text);
}

static void put_scan(struct line *line, const struct weft_kv_request *request)
{
    put_str(line, "hscan");
    if (request->prefix.size > 0) {
        put_str(line, " --prefix");
        put_word(line, "", request->prefix);
    }
    if (request->match.size > 0) {
        put_str(line, " --match");
        put_word(line, "", request->match);
    }
    put_str(line, request->keys_only ? " --keys-only" : "");
    put_str(line, request->state ? " --state --" : " --");
    put_word(line, "", request->table);
    put_page(line, request);
}

static const char *name_of(const struct weft_kv_request *request)
{
    switch (request->op) {
    case WEFT_KV_HGET:
        return request->state ? "hget --state" : "hget";
    case WEFT_KV_HGETALL:
        return "hgetall";
    case WEFT_KV_HMGET:
        return request->state ? "hmget --state" : "hmget";
    case WEFT_KV_HSET:
        return "hset";
    case WEFT_KV_HMSET:
        return "hmset";
    case WEFT_KV_HDEL:
        return "hdel";
    case WEFT_KV_HMDEL:
        return "hmdel";
    case WEFT_KV_HEXIST:
        return "hexist";
    case WEFT_KV_HMEXIST:
        return "hmexist";
    case WEFT_KV_HINCR:
        return "hincr";
    case WEFT_KV_HEXPIRE:
        return request->expiry.when == WEFT_KV_EXPIRE_UNSAID  ? "httl"
               : request->expiry.when == WEFT_KV_EXPIRE_NEVER ? "hpersist"
                                                              : "hexpire";
    case WEFT_KV_DROP:
        return "drop";
    case WEFT_KV_COUNT:
        return "count";
    case WEFT_KV_HSCAN:
    case WEFT_KV_HPUT:
    case WEFT_KV_TABLES:
    case WEFT_KV_NUMBER:
    case WEFT_KV_SUBSCRIBE:
    case WEFT_KV_UNSUBSCRIBE:
    case WEFT_KV_PUBLISH:
        break;
    }
    return "";
}

/* Writes a command of a table and keys or pairs, with what else it takes. */
static void put_usual(struct line *line, const struct weft_kv_request *request)
{
    put_str(line, name_of(request));
    put_str(line, " --");
    put_word(line, "", request->table);
    for (size_t i = 0; i < request->key_count; i++)
        put_word(line, "", request->keys[i]);
    for (size_t i = 0; i < request->pair_count; i++) {
        put_word(line, "", request->pairs[i].key);
        put_value(line, &request->pairs[i].value);
    }
    if (request->op == WEFT_KV_HINCR)
        put_value(line, &request->delta);
    else if (request->op == WEFT_KV_HEXPIRE && request->expiry.when == WEFT_KV_EXPIRE_AFTER)
        put_seconds(line, "", request->expiry.milliseconds);
}

/* Writes a command about a topic, which a request has in the place of a table. */
static void put_topic(struct line *line, const struct weft_kv_request *request)
{
    char text[NUMBER_TEXT];
    if (request->op == WEFT_KV_UNSUBSCRIBE) {
        (void)snprintf(text, sizeof text, "unsubscribe %" PRIu32, request->id);
        put_str(line, text);
        return;
    }
    put_str(line, request->op == WEFT_KV_PUBLISH ? "publish --"
                  : request->pattern             ? "subscribe --pattern --"
                                                 : "subscribe --");
    put_word(line, "", request->table);
    for (size_t i = 0; i < request->value_count; i++)
        put_value(line, &request->values[i]);
}

static bool is_of_a_topic(enum weft_kv_op op)
{
    return op == WEFT_KV_SUBSCRIBE || op == WEFT_KV_UNSUBSCRIBE || op == WEFT_KV_PUBLISH;
}

static size_t put_request(uint8_t *dst, const struct weft_kv_request *request)
{
    struct line line = {.dst = dst};
    if (is_of_a_topic(request->op)) {
        put_topic(&line, request);
    } else if (request->op == WEFT_KV_HPUT) {
        put_changes(&line, request);
    } else if (request->op == WEFT_KV_HSCAN) {
        put_scan(&line, request);
    } else if (request->op == WEFT_KV_TABLES) {
        put_str(&line, "tables --");
        put_word(&line, "", request->prefix);
        put_page(&line, request);
    } else {
        put_usual(&line, request);
    }
    return line.size;
}

size_t weft__kv_line_put_login(uint8_t *dst, struct weft_view user, struct weft_view password)
{
    struct line line = {.dst = dst};
    put_str(&line, "login");
    put_word(&line, "", user);
    put_word(&line, "", password);
    return line.size;
}

static void write_request(const struct weft_body *body, uint8_t *dst)
{
    (void)put_request(dst, ((const struct weft__kv_request_body *)body)->request);
}

struct weft__kv_request_body weft__kv_line_to_body(const struct weft_kv_request *request)
{
    return (struct weft__kv_request_body){
        .body = {.size = put_request(NULL, request), .write = write_request},
        .request = request,
    };
}

/* Each refusal ends by naming a codec that carries the request. */
#define USE_ANOTHER ": use codec '" WEFT__KV_LINE_INSTEAD "'"

static bool has_newline(struct weft_view text)
{
    return text.size > 0 && memchr(text.data, '\n', text.size);
}

static bool value_has_newline(const struct weft_kv_value *value)
{
    return value->type == WEFT_KV_STRING && has_newline(value->bytes);
}

/* Returns what has a newline, or NULL if nothing does. */
static const char *find_newline(const struct weft_kv_request *request)
{
    bool keys = false, values = false;
    for (size_t i = 0; i < request->key_count; i++)
        keys |= has_newline(request->keys[i]);
    for (size_t i = 0; i < request->pair_count; i++) {
        keys |= has_newline(request->pairs[i].key);
        values |= value_has_newline(&request->pairs[i].value);
    }
    for (size_t i = 0; i < request->change_count; i++) {
        keys |= has_newline(request->changes[i].key);
        values |= value_has_newline(&request->changes[i].value);
    }
    for (size_t i = 0; i < request->value_count; i++)
        values |= value_has_newline(&request->values[i]);
    return has_newline(request->table)    ? is_of_a_topic(request->op) ? "topic" : "table"
           : has_newline(request->prefix) ? "prefix"
           : has_newline(request->match)  ? "pattern"
           : keys                         ? "key"
           : values                       ? "string"
                                          : NULL;
}

static bool is_alike(const struct weft_kv_change *a, const struct weft_kv_change *b)
{
    return a->what == b->what && a->expiry.when == b->expiry.when &&
           a->expiry.milliseconds == b->expiry.milliseconds && a->condition == b->condition &&
           weft_view_equal(a->version, b->version);
}

/* Checks that one hmset or hmdel says all changes. */
static bool are_sayable(const struct weft_kv_request *request)
{
    for (size_t i = 0; i < request->change_count; i++) {
        const struct weft_kv_change *change = &request->changes[i];
        bool version = change->condition == WEFT_KV_IF_VERSION && change->version.size > 0;
        bool removes = change->what == WEFT_KV_REMOVE &&
                       (version || change->condition == WEFT_KV_ALWAYS) &&
                       change->expiry.when == WEFT_KV_EXPIRE_UNSAID;
        if ((change->what != WEFT_KV_STORE && !removes) || !is_alike(change, request->changes))
            return false;
    }
    return request->change_count > 0;
}

static int check_op(const struct weft_kv_request *request, struct weft_error *error)
{
    if (request->op == WEFT_KV_NUMBER)
        return weft_error_set(error, -ENOTSUP, "codec 'line' carries no watches" USE_ANOTHER);
    if (request->op == WEFT_KV_UNSUBSCRIBE && request->id == 0)
        return weft_error_set(error, -ENOTSUP,
                              "codec 'line' ends a subscription by its id alone" USE_ANOTHER);
    if (request->op == WEFT_KV_SUBSCRIBE && request->end_if_slow)
        return weft_error_set(error, -ENOTSUP,
                              "codec 'line' carries no subscription that ends if it is "
                              "slow" USE_ANOTHER);
    return 0;
}

int weft__kv_line_check(const struct weft_kv_request *request, struct weft_error *error)
{
    enum weft_kv_expire when = request->expiry.when;
    int err = check_op(request, error);
    if (err < 0)
        return err;
    const char *newline = find_newline(request);
    if (newline)
        return weft_error_set(error, -EINVAL,
                              "codec 'line' carries no %s with a newline" USE_ANOTHER, newline);
    if (request->op == WEFT_KV_HPUT && !are_sayable(request))
        return weft_error_set(error, -EINVAL,
                              "codec 'line' carries one condition and one expiry for all "
                              "keys" USE_ANOTHER);
    if (request->state && request->op == WEFT_KV_HPUT)
        return weft_error_set(error, -EINVAL,
                              "codec 'line' carries no states of what was changed" USE_ANOTHER);
    if (request->op == WEFT_KV_HEXPIRE &&
        (when == WEFT_KV_EXPIRE_AT || (when == WEFT_KV_EXPIRE_AFTER && request->key_count != 1)))
        return weft_error_set(error, -EINVAL,
                              "codec 'line' carries an expiry from now and of one key "
                              "alone" USE_ANOTHER);
    return 0;
}
