/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/log.h"
#include "options.h"
#include "services/kv/packed.h"
#include "services/payload/base64.h"
#include "services/payload/line/value.h"
#include "services/payload/line/words.h"

/* The words behind the command, without the options among them. */
struct reader {
    struct kv_line_request *request;
    struct kv_call *call;
    struct weft_view line;
    bool ended; /* "--" has come: what follows are no options */
};

static enum kv_line_read no_room(struct kv_line_request *request)
{
    if (!request->arena->over_budget)
        return KV_LINE_NO_MEMORY;
    (void)snprintf(request->why, sizeof request->why,
                   "Request is too big: over decode-bytes, which is %" PRIu64,
                   request->limits->decode_bytes);
    return KV_LINE_TOO_BIG;
}

/* Takes the next word, which lies in the line or, if it has quotation marks, in the arena. Returns 1, 0 if
 * there is none, or below 0 with *read set. */
static int next_word(struct reader *reader, struct weft_view *word, enum kv_line_read *read)
{
    struct weft_line_word raw;
    const char *why;
    int taken = weft_line_next_word(&reader->line, &raw, &why);
    if (taken < 0) {
        *read = kv_line_wrong(reader->request, "%s", why);
        return taken;
    }
    if (taken == 0 || raw.size == raw.raw.size) {
        *word = taken == 0 ? weft_view(NULL, 0) : raw.raw;
        return taken;
    }
    uint8_t *text = weft_arena_alloc(reader->request->arena, raw.size);
    if (!text) {
        *read = no_room(reader->request);
        return -1;
    }
    (void)weft_line_put_word(text, &raw);
    *word = weft_view(text, raw.size);
    return taken;
}

static bool is_dashed(struct weft_view word)
{
    return word.size >= 2 && word.data[0] == '-' && word.data[1] == '-';
}

/* Takes the next word that is no option, and the options before it. Returns as next_word does. */
static int next_argument(struct reader *reader, struct weft_view *word, enum kv_line_read *read)
{
    int taken;
    while ((taken = next_word(reader, word, read)) > 0) {
        struct weft_view value;
        bool needs_word;
        if (reader->ended || !is_dashed(*word))
            return taken;
        if (word->size == 2) {
            reader->ended = true;
            continue;
        }
        const struct kv_line_option *option = kv_line_option_find(*word, &value, &needs_word);
        if (!option)
            return taken;
        if (needs_word && (taken = next_word(reader, &value, read)) <= 0) {
            if (taken == 0)
                *read = kv_line_wrong(reader->request, "the last option needs a value");
            return -1;
        }
        *read = kv_line_option_set(reader->request, option, value, reader->call);
        if (*read != KV_LINE_READ)
            return -1;
    }
    return taken;
}

static enum kv_line_read wrong_word(struct kv_line_request *request, const char *what,
                                    struct weft_view word, const char *why)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];
    return kv_line_wrong(request, "%s %s: %s", what, weft_log_quote(word, quoted), why);
}

static enum kv_line_read check_text(struct kv_line_request *request, const char *what,
                                    struct weft_view word)
{
    return weft_utf8_valid(word) ? KV_LINE_READ
                                 : wrong_word(request, what, word, "not valid UTF-8");
}

/* Packs a value into the arena, unless it is empty. */
static enum kv_line_read pack(struct kv_line_request *request, const struct weft_line_value *value,
                              struct weft_view *packed)
{
    bool is_text = value->type == WEFT_LINE_STRING || value->type == WEFT_LINE_BINARY;
    size_t size = 0, room = is_text ? KV_PACKED_HEAD_MAX + value->bytes.size : KV_NUMBER_MAX;
    *packed = weft_view(NULL, 0);
    if (value->type == WEFT_LINE_EMPTY)
        return KV_LINE_READ;
    uint8_t *dst = weft_arena_alloc(request->arena, room);
    if (!dst)
        return no_room(request);
    switch (value->type) {
    case WEFT_LINE_EMPTY:
        break;
    case WEFT_LINE_STRING:
    case WEFT_LINE_BINARY:
        size = kv_pack_head(dst, value->type == WEFT_LINE_STRING ? KV_TYPE_STRING : KV_TYPE_BINARY,
                            value->bytes.size);
        if (value->bytes.size > 0)
            memcpy(dst + size, value->bytes.data, value->bytes.size);
        size += value->bytes.size;
        break;
    case WEFT_LINE_INTEGER:
        size = kv_pack_integer(dst, value->integer);
        break;
    case WEFT_LINE_FLOAT:
        size = kv_pack_real(dst, value->number);
        break;
    case WEFT_LINE_BOOL:
        size = kv_pack_bool(dst, value->boolean);
        break;
    }
    *packed = weft_view(dst, size);
    return KV_LINE_READ;
}

static enum kv_line_read take_value(struct kv_line_request *request, struct weft_view word,
                                    struct weft_view *packed)
{
    struct weft_line_value value;
    const char *why;
    size_t room = weft_line_value_room(NULL, word);
    uint8_t *memory = room > 0 ? weft_arena_alloc(request->arena, room) : NULL;
    if (room > 0 && !memory)
        return no_room(request);
    if (weft_line_read_value(NULL, word, memory, &value, &why) < 0)
        return wrong_word(request, "value", word, why);
    return pack(request, &value, packed);
}

/* Reads what is added: "5", "-0.5", "int:5", "float:1". */
static enum kv_line_read take_delta(struct kv_line_request *request, struct weft_view word)
{
    struct weft_line_value value;
    struct kv_update *update = &request->update;
    const char *why, *prefix = weft_line_prefix(word);
    bool read = prefix ? weft_line_value_room(NULL, word) == 0 &&
                             weft_line_read_value(NULL, word, NULL, &value, &why) == 0
                       : weft_line_read_value("int:", word, NULL, &value, &why) == 0 ||
                             weft_line_read_value("float:", word, NULL, &value, &why) == 0;
    if (!read || (value.type != WEFT_LINE_INTEGER && value.type != WEFT_LINE_FLOAT))
        return wrong_word(request, "number", word, "neither an integer nor a float");
    update->then = value.type == WEFT_LINE_INTEGER ? KV_THEN_ADD : KV_THEN_ADD_REAL;
    if (value.type == WEFT_LINE_INTEGER)
        update->integer = value.integer;
    else
        update->real = value.number;
    return KV_LINE_READ;
}

/* Reads a cursor as an answer has it; a - is the beginning. */
static enum kv_line_read take_cursor(struct kv_line_request *request, struct weft_view word,
                                     struct kv_call *call)
{
    if (weft_view_equal(word, weft_view_str("-")))
        return KV_LINE_READ;
    uint8_t *cursor = weft_arena_alloc(request->arena, word.size / 4 * 3 + 1);
    if (!cursor)
        return no_room(request);
    ssize_t size = weft_base64_read(word, cursor);
    if (size < 0)
        return wrong_word(request, "cursor", word, "not one that was answered");
    call->from = weft_view(cursor, (size_t)size);
    return KV_LINE_READ;
}

static enum kv_line_read take_limit(struct kv_line_request *request, struct weft_view word,
                                    struct kv_call *call)
{
    uint64_t limit = 0;
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9' || limit > UINT32_MAX / 10)
            return wrong_word(request, "limit", word, "not a number below 2^32");
        limit = limit * 10 + (uint64_t)(word.data[i] - '0');
    }
    call->limit = (size_t)limit;
    return word.size > 0 ? KV_LINE_READ : wrong_word(request, "limit", word, "not a number");
}

/* Counts the words that are left, options included: there are at most so many items. */
static size_t count_words(struct weft_view line)
{
    struct weft_line_word word;
    const char *why;
    size_t count = 0;
    while (weft_line_next_word(&line, &word, &why) > 0)
        count++;
    return count;
}

static enum kv_line_read too_many(struct kv_line_request *request)
{
    (void)snprintf(request->why, sizeof request->why,
                   "Request is too big: over decode-elements, which is %" PRIu64,
                   request->max_elements);
    return KV_LINE_TOO_BIG;
}

static enum kv_line_read make_items(struct reader *reader)
{
    struct kv_line_request *request = reader->request;
    size_t words = count_words(reader->line);
    bool pairs = kv_commands[request->command->id].takes == KV_TAKES_PAIRS;
    size_t most = pairs ? words / 2 + 1 : words;
    if (words > request->max_elements)
        return too_many(request);
    reader->call->items = request->few;
    if (most <= KV_LINE_FEW)
        return KV_LINE_READ;
    reader->call->items = weft_arena_alloc(request->arena, most * sizeof *reader->call->items);
    return reader->call->items ? KV_LINE_READ : no_room(request);
}

/* Takes one word behind the first; `index` counts them from 1. */
static enum kv_line_read take_word(struct reader *reader, size_t index, struct weft_view word)
{
    struct kv_line_request *request = reader->request;
    struct kv_call *call = reader->call;
    enum kv_line_shape shape = request->command->shape;
    if (shape == KV_LINE_PAGE || shape == KV_LINE_NAMES)
        return index == 1 ? take_cursor(request, word, call) : take_limit(request, word, call);
    if (index == 2 && shape == KV_LINE_SUM)
        return take_delta(request, word);
    if (index == 2 && shape == KV_LINE_EXPIRE)
        return kv_line_read_time(request, word, &request->expires)
                   ? KV_LINE_READ
                   : wrong_word(request, "time", word,
                                "neither never nor seconds over 0, as 10, 0.25, 500ms or 2h");
    bool is_value = index % 2 == 0 && (shape == KV_LINE_PAIR || shape == KV_LINE_PAIRS);
    if (is_value)
        return take_value(request, word, &call->items[call->count - 1].value.bytes);
    call->items[call->count++] = (struct kv_item){.key = word, .expires = KV_NEVER};
    return check_text(request, "key", word);
}

static enum kv_line_read usage(struct kv_line_request *request)
{
    return kv_line_wrong(request, "usage: %s%s", request->command->name,
                         kv_line_shape_words(request->command->shape));
}

/* Reads the words behind the command. */
static enum kv_line_read take_words(struct reader *reader)
{
    struct kv_line_request *request = reader->request;
    struct weft_view word, *first = &reader->call->table;
    enum kv_line_read read = KV_LINE_READ;
    size_t count = 0;
    int taken;
    if (request->command->shape == KV_LINE_NAMES)
        first = &reader->call->filter.prefix;
    while ((taken = next_argument(reader, &word, &read)) > 0) {
        if (request->command->shape == KV_LINE_NOTHING)
            return usage(request);
        if (count == 0) {
            *first = word;
            read = check_text(request, first == &reader->call->table ? "table" : "prefix", word);
        } else {
            read = take_word(reader, count, word);
        }
        if (read != KV_LINE_READ)
            return read;
        count++;
    }
    if (taken < 0)
        return read;
    return kv_line_count_fits(request->command->shape, count) ? KV_LINE_READ : usage(request);
}

void kv_line_request_finish(struct kv_line_request *request, struct kv_call *call)
{
    enum kv_command_id id = request->command->id;
    bool removes = id == KV_HDEL || id == KV_HMDEL;
    if (request->has_expiry || request->has_condition)
        id = KV_HPUT;
    else if (call->states && id != KV_HSCAN)
        id = id == KV_HGET ? KV_HGET_STATE : KV_HMGET_STATE;
    call->command = &kv_commands[id];
    if (call->command->takes != KV_TAKES_CHANGES)
        return;
    if (id == KV_HPUT)
        request->update.then = removes ? KV_THEN_REMOVE : KV_THEN_SET;
    bool plain = id == KV_HPUT && !removes && request->update.when == KV_IF_ANY;
    for (size_t i = 0; i < call->count; i++) {
        call->items[i].update = plain ? NULL : &request->update;
        call->items[i].expires = removes ? KV_KEEP_EXPIRY : request->expires;
    }
}

static enum kv_line_read take_id(struct kv_line_request *request, struct weft_view word)
{
    uint64_t id = 0;
    bool good = word.size > 0 && word.size <= 10; /* digits of a number below 2^32 */
    for (size_t i = 0; good && i < word.size; i++) {
        good = word.data[i] >= '0' && word.data[i] <= '9';
        id = 10 * id + (word.data[i] - '0');
    }
    if (!good || id == 0 || id > UINT32_MAX)
        return wrong_word(request, "subscription", word, "not an id that subscribe answered");
    request->topic.id = (uint32_t)id;
    request->topic.by_id = true;
    return KV_LINE_READ;
}

/* Takes one word of subscribe, unsubscribe or publish. The words behind the first go to `views`. */
static enum kv_line_read take_topic_word(struct reader *reader, size_t index, struct weft_view word,
                                         struct weft_view *views)
{
    struct kv_line_request *request = reader->request;
    struct kv_topic_spec *spec = &request->topic;
    if (request->command->shape == KV_LINE_ID)
        return take_id(request, word);
    if (index == 0)
        spec->topic = word;
    else if (request->command->shape == KV_LINE_VALUES)
        return take_value(request, word, &views[spec->count++]);
    else
        views[spec->more_count++] = word;
    return check_text(request, "topic", word);
}

static enum kv_line_read read_topics(struct reader *reader)
{
    struct kv_line_request *request = reader->request;
    size_t words = count_words(reader->line), count = 0;
    struct weft_view word, *views;
    enum kv_line_read read = KV_LINE_READ;
    int taken;
    request->topic = (struct kv_topic_spec){0};
    if (words > request->max_elements)
        return too_many(request);
    views = weft_arena_alloc(request->arena, (words + 1) * sizeof *views);
    if (!views)
        return no_room(request);
    while ((taken = next_argument(reader, &word, &read)) > 0) {
        read = take_topic_word(reader, count++, word, views);
        if (read != KV_LINE_READ)
            return read;
    }
    if (taken < 0)
        return read;
    request->topic.more = request->topic.data = views;
    return kv_line_count_fits(request->command->shape, count) ? KV_LINE_TOPIC : usage(request);
}

/* Reads the two words of a login, which are no options whatever they begin with. Moves the password to the arena, so
 * that no copy of the line has it; what is left of it is still a word. */
static enum kv_line_read read_login(struct reader *reader)
{
    struct kv_line_request *request = reader->request;
    struct weft_line_word raw, excess;
    const char *why;
    enum kv_line_read read;
    int taken = next_word(reader, &request->user, &read);
    if (taken < 0)
        return read;
    if (taken == 0 || weft_line_next_word(&reader->line, &raw, &why) <= 0 ||
        weft_line_next_word(&reader->line, &excess, &why) != 0)
        return usage(request);
    uint8_t *secret = weft_arena_alloc(request->arena, raw.size + 1);
    if (!secret)
        return no_room(request);
    (void)weft_line_put_word(secret, &raw);
    request->secret = weft_view(secret, raw.size);
    memset((void *)(uintptr_t)raw.raw.data, '*', raw.raw.size);
    return KV_LINE_LOGIN;
}

void kv_line_request_begin(struct kv_line_request *request, struct kv_call *call)
{
    bool adds = request->command->id == KV_HINCR;
    request->has_expiry = request->has_condition = false;
    request->expires = adds ? KV_KEEP_EXPIRY : KV_NEVER;
    request->update = (struct kv_update){
        .when = KV_IF_ANY, .then = adds ? KV_THEN_ADD : KV_THEN_EXPIRE, .integer = 1};
    call->table = weft_view(NULL, 0);
    call->items = NULL;
    call->count = 0;
    call->from = weft_view(NULL, 0);
    call->limit = 0;
    call->filter = (struct kv_filter){0};
    call->states = false;
}

static enum kv_line_read refuse_name(struct kv_line_request *request, struct weft_view name)
{
    char quoted[WEFT_LOG_QUOTE_TEXT], list[KV_LINE_WHY];
    kv_line_command_list(list, sizeof list);
    (void)kv_line_wrong(
        request, "unknown command %s; there are: %s",
        weft_log_quote(weft_view(name.data, name.size < 20 ? name.size : 20), quoted), list);
    return KV_LINE_UNKNOWN;
}

enum kv_line_read kv_line_request_read(struct kv_line_request *request, struct weft_view line,
                                       struct kv_call *call)
{
    struct reader reader = {.request = request, .call = call, .line = line};
    struct weft_view name;
    enum kv_line_read read = KV_LINE_READ;
    int taken = next_word(&reader, &name, &read);
    if (taken < 0)
        return read;
    if (taken == 0)
        return kv_line_wrong(request, "no command; help lists them");
    request->command = kv_line_command_find(name);
    if (!request->command)
        return refuse_name(request, name);
    kv_line_request_begin(request, call);
    if (kv_line_command_is_login(request->command))
        return read_login(&reader);
    if (kv_line_command_is_topical(request->command))
        return read_topics(&reader);
    bool answers = request->command->id == KV_COMMAND_COUNT;
    if (!answers)
        read = make_items(&reader);
    if (read == KV_LINE_READ)
        read = take_words(&reader);
    if (read != KV_LINE_READ)
        return read;
    if (!answers) {
        kv_line_request_finish(request, call);
        return KV_LINE_READ;
    }
    request->why[0] = '\0';
    if (kv_line_command_is_help(request->command))
        kv_line_command_list(request->why, sizeof request->why);
    return KV_LINE_ANSWERED;
}
