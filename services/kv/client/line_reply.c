/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "line.h"
#include "services/payload/base64.h"
#include "services/payload/line/value.h"

enum { STATUS_DIGITS = 3, VERSION_DIGITS = 32, MILLISECONDS = 1000 };

/* The fields that are left of an answer. */
struct fields {
    struct weft_view rest;
    size_t count;
    struct weft_arena *arena;
    const char *why; /* what is wrong */
};

static int malformed(struct fields *fields, const char *why)
{
    fields->why = why;
    return WEFT_EMALFORMED;
}

static void *allocate(struct fields *fields, size_t count, size_t size)
{
    return count <= SIZE_MAX / size ? weft_arena_alloc(fields->arena, count * size) : NULL;
}

static int no_room(struct fields *fields)
{
    int err = fields->arena->over_budget ? WEFT_ETOOBIG : -ENOMEM;
    fields->why = err == WEFT_ETOOBIG ? "the reply has too many items" : weft_strerror(err);
    return err;
}

static size_t count_tabs(struct weft_view text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == '\t';
    return count;
}

/* Takes the next field as it stands; there is one. */
static struct weft_view next_raw(struct fields *fields)
{
    const uint8_t *begin = fields->rest.data;
    const uint8_t *tab = fields->rest.size > 0 ? memchr(begin, '\t', fields->rest.size) : NULL;
    size_t size = tab ? (size_t)(tab - begin) : fields->rest.size;
    fields->rest = weft_view_skip(fields->rest, size + (tab != NULL));
    fields->count--;
    return weft_view(begin, size);
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads what follows a backslash to dst. Returns the bytes that it takes, or 0 if it is no escape. */
static size_t unescape_one(struct weft_view text, uint8_t *dst, size_t *size)
{
    static const char letters[] = "\\nrt", bytes[] = "\\\n\r\t";
    const char *letter = text.size > 0 && *text.data ? strchr(letters, *text.data) : NULL;
    if (letter) {
        dst[(*size)++] = (uint8_t)bytes[letter - letters];
        return 1;
    }
    int high = text.size > 2 && *text.data == 'x' ? hex_digit(text.data[1]) : -1;
    int low = high >= 0 ? hex_digit(text.data[2]) : -1;
    if (low < 0)
        return 0;
    int code = high << 4 | low;
    if (code >= 0x80)
        dst[(*size)++] = 0xc2; /* U+0080 to U+009F */
    dst[(*size)++] = (uint8_t)code;
    return 3;
}

static int unescape(struct fields *fields, struct weft_view *text)
{
    if (text->size == 0 || !memchr(text->data, '\\', text->size))
        return 0;
    uint8_t *dst = allocate(fields, text->size, 1);
    size_t size = 0;
    if (!dst)
        return no_room(fields);
    for (size_t i = 0; i < text->size;) {
        if (text->data[i] != '\\') {
            dst[size++] = text->data[i++];
            continue;
        }
        size_t taken = unescape_one(weft_view_skip(*text, i + 1), dst, &size);
        if (taken == 0)
            return malformed(fields, "an escape that is none");
        i += 1 + taken;
    }
    *text = weft_view(dst, size);
    return 0;
}

static int next_text(struct fields *fields, struct weft_view *text)
{
    *text = next_raw(fields);
    return unescape(fields, text);
}

static int next_value(struct fields *fields, struct weft_kv_value *value)
{
    struct weft_view text;
    struct weft_line_value line;
    const char *why;
    int err = next_text(fields, &text);
    *value = (struct weft_kv_value){.type = WEFT_KV_EMPTY};
    if (err < 0 || text.size == 0)
        return err;
    size_t room = weft_line_value_room(NULL, text);
    uint8_t *memory = room > 0 ? allocate(fields, room, 1) : NULL;
    if (room > 0 && !memory)
        return no_room(fields);
    if (weft_line_read_value(NULL, text, memory, &line, &why) < 0)
        return malformed(fields, why);
    switch (line.type) {
    case WEFT_LINE_EMPTY:
        break;
    case WEFT_LINE_STRING:
        *value = (struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = line.bytes};
        break;
    case WEFT_LINE_BINARY:
        *value = (struct weft_kv_value){.type = WEFT_KV_BINARY, .bytes = line.bytes};
        break;
    case WEFT_LINE_INTEGER:
        *value = (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = line.integer};
        break;
    case WEFT_LINE_FLOAT:
        *value = (struct weft_kv_value){.type = WEFT_KV_FLOAT, .number = line.number};
        break;
    case WEFT_LINE_BOOL:
        *value = (struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = line.boolean};
        break;
    }
    return 0;
}

static int next_number(struct fields *fields, struct weft_kv_value *value)
{
    struct weft_line_value line;
    const char *why;
    struct weft_view text = next_raw(fields);
    if (weft_line_read_value("int:", text, NULL, &line, &why) == 0)
        *value = (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = line.integer};
    else if (weft_line_read_value("float:", text, NULL, &line, &why) == 0)
        *value = (struct weft_kv_value){.type = WEFT_KV_FLOAT, .number = line.number};
    else
        return malformed(fields, "a number that is none");
    return 0;
}

static int next_bool(struct fields *fields, struct weft_kv_value *value)
{
    struct weft_view text = next_raw(fields);
    bool is_true = weft_view_equal(text, weft_view_str("true"));
    *value = (struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = is_true};
    return is_true || weft_view_equal(text, weft_view_str("false"))
               ? 0
               : malformed(fields, "neither true nor false");
}

/* Reads digits, up to a dot if there is one. Returns the bytes that they take. */
static size_t read_digits(struct weft_view text, uint64_t *number)
{
    size_t i = 0;
    for (*number = 0; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
    return i;
}

/* Reads "12.500" as milliseconds, or "never" or "absent" as 0; with the last *is_there is false. */
static int next_time(struct fields *fields, uint64_t *milliseconds, bool *is_there)
{
    enum { DIGITS_MAX = 16, DECIMALS = 3 };
    struct weft_view text = next_raw(fields);
    uint64_t seconds, rest;
    *milliseconds = 0;
    *is_there = !weft_view_equal(text, weft_view_str("absent"));
    if (!*is_there || weft_view_equal(text, weft_view_str("never")))
        return 0;
    size_t digits = read_digits(text, &seconds);
    struct weft_view decimals = weft_view_skip(text, digits);
    if (digits == 0 || digits > DIGITS_MAX || decimals.size != 1 + DECIMALS ||
        *decimals.data != '.' || read_digits(weft_view_skip(decimals, 1), &rest) != DECIMALS)
        return malformed(fields, "a time that is none");
    *milliseconds = seconds * MILLISECONDS + rest;
    return 0;
}

/* Reads the two fields of an expiry: what is left, and when. */
static int next_expiry(struct fields *fields, struct weft_kv_state *state)
{
    bool is_there;
    int err = next_time(fields, &state->left, &is_there);
    return err < 0 ? err : next_time(fields, &state->expires, &is_there);
}

static int next_version(struct fields *fields, struct weft_view *version)
{
    struct weft_view text = next_raw(fields);
    *version = weft_view(NULL, 0);
    if (text.size == 0)
        return 0;
    if (text.size != VERSION_DIGITS)
        return malformed(fields, "a version that is none");
    uint8_t *bytes = allocate(fields, VERSION_DIGITS / 2, 1);
    if (!bytes)
        return no_room(fields);
    for (size_t i = 0; i < VERSION_DIGITS / 2; i++) {
        int high = hex_digit(text.data[2 * i]), low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return malformed(fields, "a version that is none");
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *version = weft_view(bytes, VERSION_DIGITS / 2);
    return 0;
}

/* Reads one item of an answer that has values, and its state where it has one. */
static int next_item(struct fields *fields, enum weft__kv_line_answer answer,
                     struct weft_kv_value *value, struct weft_kv_state *state)
{
    bool is_there;
    int err;
    switch (answer) {
    case WEFT__KV_LINE_BOOLS:
    case WEFT__KV_LINE_CHANGED:
        return next_bool(fields, value);
    case WEFT__KV_LINE_NUMBER:
        return next_number(fields, value);
    case WEFT__KV_LINE_LEFT:
        err = next_time(fields, &state->left, &is_there);
        *value = (struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = is_there};
        return err;
    case WEFT__KV_LINE_STATES:
        err = next_value(fields, value);
        if (err == 0)
            err = next_version(fields, &state->version);
        return err < 0 ? err : next_expiry(fields, state);
    default:
        return next_value(fields, value);
    }
}

static int read_values(struct weft_kv_reply *reply, struct fields *fields,
                       enum weft__kv_line_answer answer)
{
    size_t each = answer == WEFT__KV_LINE_STATES ? 4 : 1, count = fields->count / each;
    bool has_states = answer == WEFT__KV_LINE_STATES || answer == WEFT__KV_LINE_LEFT ||
                      answer == WEFT__KV_LINE_CHANGED;
    if (fields->count % each != 0)
        return malformed(fields, "a field is missing");
    struct weft_kv_value *values = allocate(fields, count, sizeof *values);
    if (!values)
        return no_room(fields);
    struct weft_kv_state *states = has_states ? allocate(fields, count, sizeof *states) : NULL;
    if (has_states && !states)
        return no_room(fields);
    for (size_t i = 0; i < count; i++) {
        struct weft_kv_state state = {0};
        int err = next_item(fields, answer, &values[i], &state);
        if (err < 0)
            return err;
        if (has_states)
            states[i] = state;
    }
    reply->values = values;
    reply->value_count = count;
    reply->states = states;
    reply->state_count = has_states ? count : 0;
    return 0;
}

/* The fields of one pair of a page. */
struct pair_fields {
    bool value, expiry;
};

static int read_pairs(struct weft_kv_reply *reply, struct fields *fields, struct pair_fields has)
{
    size_t each = 1 + (size_t)has.value + 2 * (size_t)has.expiry, count = fields->count / each;
    if (fields->count % each != 0)
        return malformed(fields, "a field is missing");
    struct weft_kv_pair *pairs = allocate(fields, count, sizeof *pairs);
    if (!pairs)
        return no_room(fields);
    struct weft_kv_state *states = has.expiry ? allocate(fields, count, sizeof *states) : NULL;
    if (has.expiry && !states)
        return no_room(fields);
    for (size_t i = 0; i < count; i++) {
        pairs[i] = (struct weft_kv_pair){0};
        int err = next_text(fields, &pairs[i].key);
        if (err == 0 && has.value)
            err = next_value(fields, &pairs[i].value);
        if (err == 0 && states) {
            states[i] = (struct weft_kv_state){0};
            err = next_expiry(fields, &states[i]);
        }
        if (err < 0)
            return err;
    }
    reply->pairs = pairs;
    reply->pair_count = count;
    reply->states = states;
    reply->state_count = states ? count : 0;
    return 0;
}

static int read_tables(struct weft_kv_reply *reply, struct fields *fields)
{
    size_t count = fields->count / 2;
    if (fields->count % 2 != 0)
        return malformed(fields, "a field is missing");
    struct weft_kv_table *tables = allocate(fields, count, sizeof *tables);
    if (!tables)
        return no_room(fields);
    for (size_t i = 0; i < count; i++) {
        int err = next_text(fields, &tables[i].name);
        if (err < 0)
            return err;
        struct weft_view number = next_raw(fields);
        if (number.size == 0 || read_digits(number, &tables[i].count) != number.size)
            return malformed(fields, "a number that is none");
    }
    reply->tables = tables;
    reply->table_count = count;
    return 0;
}

static int read_cursor(struct weft_kv_reply *reply, struct fields *fields)
{
    if (fields->count == 0)
        return malformed(fields, "a page without a cursor");
    struct weft_view text = next_raw(fields);
    if (weft_view_equal(text, weft_view_str("-")))
        return 0;
    uint8_t *cursor = allocate(fields, text.size, 1);
    if (!cursor)
        return no_room(fields);
    ssize_t size = weft_base64_read(text, cursor);
    if (size < 0)
        return malformed(fields, "a cursor that is none");
    reply->cursor = weft_view(cursor, (size_t)size);
    return 0;
}

/* Reads a text and, behind that of a condition which does not hold, the version that is there. */
static int read_refusal(struct weft_kv_reply *reply, struct fields *fields)
{
    int err = fields->count > 0 ? next_text(fields, &reply->message) : 0;
    if (err < 0 || fields->count == 0)
        return err;
    struct weft_kv_state *state = allocate(fields, 1, sizeof *state);
    if (!state)
        return no_room(fields);
    *state = (struct weft_kv_state){.unmet = true};
    reply->states = state;
    reply->state_count = 1;
    return next_version(fields, &state->version);
}

static struct pair_fields fields_of(enum weft__kv_line_answer answer)
{
    return (struct pair_fields){
        .value = answer == WEFT__KV_LINE_PAGE || answer == WEFT__KV_LINE_PAGE_STATES,
        .expiry = answer == WEFT__KV_LINE_PAGE_STATES || answer == WEFT__KV_LINE_KEYS_STATES,
    };
}

static int read_fields(struct weft_kv_reply *reply, struct fields *fields,
                       enum weft__kv_line_answer answer)
{
    int err = 0;
    if (reply->status != 200)
        return read_refusal(reply, fields);
    switch (answer) {
    case WEFT__KV_LINE_PAIRS:
        return read_pairs(reply, fields, (struct pair_fields){.value = true});
    case WEFT__KV_LINE_PAGE:
    case WEFT__KV_LINE_PAGE_STATES:
    case WEFT__KV_LINE_KEYS:
    case WEFT__KV_LINE_KEYS_STATES:
        err = read_cursor(reply, fields);
        return err < 0 ? err : read_pairs(reply, fields, fields_of(answer));
    case WEFT__KV_LINE_TABLES:
        err = read_cursor(reply, fields);
        return err < 0 ? err : read_tables(reply, fields);
    default:
        return read_values(reply, fields, answer);
    }
}

int weft__kv_line_read(struct weft_kv_reply *reply, struct weft_view payload,
                       enum weft__kv_line_answer answer, struct weft_arena *arena, const char **why)
{
    uint64_t status;
    *reply = (struct weft_kv_reply){0};
    size_t digits = read_digits(payload, &status);
    struct weft_view rest = weft_view_skip(payload, digits);
    if (digits != STATUS_DIGITS || (rest.size > 0 && *rest.data != '\t')) {
        *why = "no status at its beginning";
        return WEFT_EMALFORMED;
    }
    struct fields fields = {.arena = arena, .count = count_tabs(rest)};
    fields.rest = weft_view_skip(rest, fields.count > 0);
    reply->status = (uint32_t)status;
    int err = read_fields(reply, &fields, answer);
    if (err < 0)
        *why = fields.why;
    return err;
}

static int next_count(struct fields *fields, uint64_t *count)
{
    struct weft_view text = next_raw(fields);
    return text.size > 0 && read_digits(text, count) == text.size
               ? 0
               : malformed(fields, "a number that is none");
}

/* Reads the fields of "message TOPIC VALUE", "lost TOPIC COUNT ID" or "end ID STATUS TEXT", which are as many. */
static int read_push(struct weft_kv_reply *message, struct fields *fields, struct weft_view name)
{
    struct weft_kv_value *value = allocate(fields, 1, sizeof *value);
    uint64_t id = 0, status = 200;
    int err = 0;
    if (!value)
        return no_room(fields);
    message->values = value;
    message->value_count = 1;
    if (*name.data == 'e')
        err = next_count(fields, &id);
    else
        err = next_text(fields, &message->topic);
    if (err == 0)
        err = *name.data == 'e'   ? next_count(fields, &status)
              : *name.data == 'l' ? next_count(fields, &message->number)
                                  : next_value(fields, value);
    message->status = *name.data == 'l' ? 410 : (uint32_t)status;
    if (err < 0 || *name.data == 'm')
        return err;
    err = *name.data == 'e' ? next_text(fields, &message->message) : next_count(fields, &id);
    *value = (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = (int64_t)id};
    return err;
}

int weft__kv_line_read_push(struct weft_kv_reply *message, struct weft_view payload,
                            struct weft_arena *arena, const char **why)
{
    struct fields fields = {.rest = payload, .arena = arena, .count = count_tabs(payload) + 1};
    struct weft_view name = next_raw(&fields);
    *message = (struct weft_kv_reply){.is_push = true};
    bool is_known = (weft_view_equal(name, weft_view_str("message")) && fields.count == 2) ||
                    (weft_view_equal(name, weft_view_str("lost")) && fields.count == 3) ||
                    (weft_view_equal(name, weft_view_str("end")) && fields.count == 3);
    int err = is_known ? read_push(message, &fields, name)
                       : malformed(&fields, "a line that is neither a reply nor a message");
    if (err < 0)
        *why = fields.why;
    return err;
}

enum weft__kv_line_answer weft__kv_line_answer_of(const struct weft_kv_request *request)
{
    switch (request->op) {
    case WEFT_KV_HGETALL:
        return WEFT__KV_LINE_PAIRS;
    case WEFT_KV_HSCAN:
        if (request->state)
            return request->keys_only ? WEFT__KV_LINE_KEYS_STATES : WEFT__KV_LINE_PAGE_STATES;
        return request->keys_only ? WEFT__KV_LINE_KEYS : WEFT__KV_LINE_PAGE;
    case WEFT_KV_TABLES:
        return WEFT__KV_LINE_TABLES;
    case WEFT_KV_HEXIST:
    case WEFT_KV_HMEXIST:
        return WEFT__KV_LINE_BOOLS;
    case WEFT_KV_HEXPIRE:
        /* The answer to hexpire does not say when the key will expire. */
        return request->expiry.when == WEFT_KV_EXPIRE_UNSAID  ? WEFT__KV_LINE_LEFT
               : request->expiry.when == WEFT_KV_EXPIRE_NEVER ? WEFT__KV_LINE_CHANGED
                                                              : WEFT__KV_LINE_BOOLS;
    case WEFT_KV_HINCR:
    case WEFT_KV_DROP:
    case WEFT_KV_COUNT:
    case WEFT_KV_NUMBER:
    case WEFT_KV_SUBSCRIBE:
    case WEFT_KV_UNSUBSCRIBE:
    case WEFT_KV_PUBLISH:
        return WEFT__KV_LINE_NUMBER;
    default:
        return request->state ? WEFT__KV_LINE_STATES : WEFT__KV_LINE_VALUES;
    }
}
