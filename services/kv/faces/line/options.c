/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/units.h"

enum { NANOSECONDS = 1000000 /* of a millisecond */, TIME_MAX = 64 /* bytes of a time's text */ };

enum kv_line_read kv_line_wrong(struct kv_line_request *request, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(request->why, sizeof request->why, format, args);
    va_end(args);
    return KV_LINE_WRONG;
}

/* Reads seconds, a fraction or a unit allowed, as milliseconds: at least one. */
static bool read_milliseconds(struct weft_view text, int64_t *milliseconds)
{
    char copy[TIME_MAX];
    uint64_t nanoseconds;
    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, '\0', text.size))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (weft_parse_seconds(copy, &nanoseconds) < 0 || nanoseconds < NANOSECONDS)
        return false;
    *milliseconds = (int64_t)(nanoseconds / NANOSECONDS);
    return true;
}

static bool read_after(const struct kv_line_request *request, struct weft_view text,
                       int64_t *expires)
{
    int64_t after, now = weft_loop_wall(request->loop);
    if (!read_milliseconds(text, &after))
        return false;
    *expires = after < INT64_MAX - now ? now + after : INT64_MAX;
    return true;
}

bool kv_line_read_time(const struct kv_line_request *request, struct weft_view text,
                       int64_t *expires)
{
    if (weft_view_equal(text, weft_view_str("never"))) {
        *expires = KV_NEVER;
        return true;
    }
    return read_after(request, text, expires);
}

static enum kv_line_read set_expiry(struct kv_line_request *request, int64_t expires)
{
    if (request->has_expiry)
        return kv_line_wrong(request, "--ttl, --expire-at and --keep-ttl: choose one of them");
    request->has_expiry = true;
    request->expires = expires;
    return KV_LINE_READ;
}

static enum kv_line_read set_condition(struct kv_line_request *request, enum kv_if when)
{
    if (request->has_condition)
        return kv_line_wrong(request,
                             "--if-absent, --if-present and --if-version: choose one of them");
    request->has_condition = true;
    request->update.when = when;
    return KV_LINE_READ;
}

static enum kv_line_read set_ttl(struct kv_line_request *request, struct weft_view value,
                                 struct kv_call *call)
{
    (void)call;
    int64_t expires;
    if (!read_after(request, value, &expires))
        return kv_line_wrong(request, "--ttl: not seconds over 0, as 10, 0.25, 500ms or 2h");
    return set_expiry(request, expires);
}

static enum kv_line_read set_expire_at(struct kv_line_request *request, struct weft_view value,
                                       struct kv_call *call)
{
    (void)call;
    int64_t expires;
    if (!read_milliseconds(value, &expires))
        return kv_line_wrong(request, "--expire-at: not seconds since 1970, as 1893456000");
    return set_expiry(request, expires);
}

static enum kv_line_read set_keep_ttl(struct kv_line_request *request, struct weft_view value,
                                      struct kv_call *call)
{
    (void)value, (void)call;
    return set_expiry(request, KV_KEEP_EXPIRY);
}

static enum kv_line_read set_if_absent(struct kv_line_request *request, struct weft_view value,
                                       struct kv_call *call)
{
    (void)value, (void)call;
    return set_condition(request, KV_IF_ABSENT);
}

static enum kv_line_read set_if_present(struct kv_line_request *request, struct weft_view value,
                                        struct kv_call *call)
{
    (void)value, (void)call;
    return set_condition(request, KV_IF_PRESENT);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum kv_line_read set_if_version(struct kv_line_request *request, struct weft_view value,
                                        struct kv_call *call)
{
    (void)call;
    bool good = value.size == 2u * KV_VERSION_SIZE;
    for (size_t i = 0; good && i < KV_VERSION_SIZE; i++) {
        int high = hex_digit(value.data[2 * i]), low = hex_digit(value.data[2 * i + 1]);
        good = high >= 0 && low >= 0;
        if (good)
            request->update.version[i] = (uint8_t)(high << 4 | low);
    }
    if (!good)
        return kv_line_wrong(request, "--if-version: not 32 hexadecimal digits, as hget --state "
                                      "answers");
    return set_condition(request, KV_IF_VERSION);
}

static enum kv_line_read set_state(struct kv_line_request *request, struct weft_view value,
                                   struct kv_call *call)
{
    (void)request, (void)value;
    call->states = true;
    return KV_LINE_READ;
}

static enum kv_line_read set_prefix(struct kv_line_request *request, struct weft_view value,
                                    struct kv_call *call)
{
    (void)request;
    call->filter.prefix = value;
    return KV_LINE_READ;
}

static enum kv_line_read set_match(struct kv_line_request *request, struct weft_view value,
                                   struct kv_call *call)
{
    (void)request;
    call->filter.match = value;
    return KV_LINE_READ;
}

static enum kv_line_read set_keys_only(struct kv_line_request *request, struct weft_view value,
                                       struct kv_call *call)
{
    (void)request, (void)value;
    call->filter.keys_only = true;
    return KV_LINE_READ;
}

static enum kv_line_read set_pattern(struct kv_line_request *request, struct weft_view value,
                                     struct kv_call *call)
{
    (void)value, (void)call;
    request->topic.is_pattern = true;
    return KV_LINE_READ;
}

static const struct kv_line_option {
    const char *name;
    bool has_value;
    unsigned kind; /* of enum kv_line_takes */
    const char *commands;
    enum kv_line_read (*set)(struct kv_line_request *request, struct weft_view value,
                             struct kv_call *call);
} options[] = {
    {"--ttl", true, KV_LINE_TAKES_EXPIRY, "hset and hmset", set_ttl},
    {"--expire-at", true, KV_LINE_TAKES_EXPIRY, "hset and hmset", set_expire_at},
    {"--keep-ttl", false, KV_LINE_TAKES_EXPIRY, "hset and hmset", set_keep_ttl},
    {"--if-absent", false, KV_LINE_TAKES_CONDITION, "hset and hmset", set_if_absent},
    {"--if-present", false, KV_LINE_TAKES_CONDITION, "hset and hmset", set_if_present},
    {"--if-version", true, KV_LINE_TAKES_VERSION, "hset, hmset, hdel and hmdel", set_if_version},
    {"--state", false, KV_LINE_TAKES_STATE, "hget, hmget and hscan", set_state},
    {"--prefix", true, KV_LINE_TAKES_FILTER, "hscan", set_prefix},
    {"--match", true, KV_LINE_TAKES_FILTER, "hscan", set_match},
    {"--keys-only", false, KV_LINE_TAKES_FILTER, "hscan", set_keys_only},
    {"--pattern", false, KV_LINE_TAKES_PATTERN, "subscribe", set_pattern},
};

const struct kv_line_option *kv_line_option_find(struct weft_view word, struct weft_view *value,
                                                 bool *needs_word)
{
    const uint8_t *equals = word.size > 2 ? memchr(word.data, '=', word.size) : NULL;
    size_t length = equals ? (size_t)(equals - word.data) : word.size;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct kv_line_option *option = &options[i];
        if (!weft_view_equal(weft_view(word.data, length), weft_view_str(option->name)) ||
            (equals && !option->has_value))
            continue;
        *needs_word = option->has_value && !equals;
        *value = equals ? weft_view_skip(word, length + 1) : weft_view(NULL, 0);
        return option;
    }
    return NULL;
}

enum kv_line_read kv_line_option_set(struct kv_line_request *request,
                                     const struct kv_line_option *option, struct weft_view value,
                                     struct kv_call *call)
{
    if (!(request->command->takes & option->kind))
        return kv_line_wrong(request, "%s is an option of %s", option->name, option->commands);
    return option->set(request, value, call);
}
