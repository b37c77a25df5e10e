/* SPDX-License-Identifier: MIT
 *
 * The commands and their options are those of the line face (faces/line), in JSON. */
#include "batch_line.h"

#include <errno.h>

#include "json_read.h"
#include "services/kv/faces/line/options.h"
#include "services/kv/packed.h"

/* A line on its way to be a command. */
struct reading {
    struct kv_task *task;
    struct kv_http_batch *batch;
    struct kv_line_request *request;
    struct weft_arena *arena;
    struct weft_json json;
    enum weft_json_token token; /* the last one */
    const char *why;            /* with WEFT_EMALFORMED */
};

static int malformed(struct reading *reading, const char *why)
{
    reading->why = why;
    return WEFT_EMALFORMED;
}

/* Takes the comma and the element behind it. Returns 1; 0: the array ends here; or as kv_json_read_value. */
static int next_element(struct reading *reading)
{
    enum weft_json_token token = weft_json_next(&reading->json);
    if (token == WEFT_JSON_ARRAY_END)
        return 0;
    if (token != WEFT_JSON_COMMA)
        return malformed(reading, token == WEFT_JSON_BAD ? reading->json.why
                                                         : "a comma is missing in the array");
    reading->token = weft_json_next(&reading->json);
    reading->batch->elements++;
    return 1;
}

static int take_text(struct reading *reading, struct weft_view *text)
{
    if (reading->token == WEFT_JSON_BAD)
        return malformed(reading, reading->json.why);
    if (reading->token != WEFT_JSON_STRING)
        return malformed(reading, "commands, tables and keys are strings");
    return kv_json_read_text(&reading->json, reading->arena, text, &reading->why);
}

/* Returns the number of commas that follow in the array: each item has one before it. */
static size_t most_items(struct weft_json json)
{
    size_t commas = 0;
    for (enum weft_json_token token = weft_json_next(&json);
         token != WEFT_JSON_ARRAY_END && token != WEFT_JSON_BAD && token != WEFT_JSON_END;
         token = weft_json_next(&json))
        commas += token == WEFT_JSON_COMMA;
    return commas;
}

/* --- options ---------------------------------------------------------------------------------------- */

/* Takes a text, or a number as its text. */
static int take_scalar(struct reading *reading, const char *what, struct weft_view *text)
{
    *text = reading->json.text;
    if (reading->token == WEFT_JSON_INTEGER || reading->token == WEFT_JSON_REAL)
        return 0;
    return reading->token == WEFT_JSON_STRING ? take_text(reading, text) : malformed(reading, what);
}

/* Takes the value of an option and applies it. True stands for an option without a value, false for none. */
static int take_option(struct reading *reading, const struct kv_line_option *option, bool has_value)
{
    struct weft_view text = {NULL, 0};
    if (reading->token == WEFT_JSON_FALSE)
        return 0;
    if (has_value || reading->token != WEFT_JSON_TRUE) {
        int err = take_scalar(reading, "an option is true, false, a text or a number", &text);
        if (err < 0)
            return err;
        if (!has_value)
            return malformed(reading, "an option that takes no value but true or false");
    }
    if (kv_line_option_set(reading->request, option, text, &reading->task->call) != KV_LINE_READ)
        return malformed(reading, reading->request->why);
    return 0;
}

/* Finds the option "if_absent" or "if-absent", which the line face calls --if-absent. */
static const struct kv_line_option *option_named(struct weft_view name, bool *has_value)
{
    enum { LONGEST = 32 };
    char word[LONGEST] = "--";
    struct weft_view value;
    if (name.size > LONGEST - 2 || memchr(name.data, '=', name.size))
        return NULL;
    for (size_t i = 0; i < name.size; i++)
        word[2 + i] = name.data[i] == '_' ? '-' : (char)name.data[i];
    return kv_line_option_find(weft_view(word, name.size + 2), &value, has_value);
}

/* Takes the rest of {"ttl": "10s", "if_absent": true}. Returns 0, or as kv_json_read_value. */
static int take_options(struct reading *reading)
{
    struct weft_view name;
    bool has_value;
    enum weft_json_token token = weft_json_next(&reading->json);
    while (token == WEFT_JSON_STRING) {
        reading->token = token;
        int err = take_text(reading, &name);
        if (err < 0)
            return err;
        const struct kv_line_option *option = option_named(name, &has_value);
        if (!option)
            return malformed(reading, "no such option: ttl, expire_at, keep_ttl, if_absent, "
                                      "if_present, if_version and state are");
        if (weft_json_next(&reading->json) != WEFT_JSON_COLON)
            return malformed(reading, "a colon is missing in the object");
        reading->token = weft_json_next(&reading->json);
        reading->batch->elements++;
        err = take_option(reading, option, has_value);
        if (err < 0)
            return err;
        token = weft_json_next(&reading->json);
        if (token == WEFT_JSON_COMMA)
            token = weft_json_next(&reading->json);
    }
    return token == WEFT_JSON_OBJECT_END ? 0
                                         : malformed(reading, "an object of options does not end");
}

/* --- arguments -------------------------------------------------------------------------------------- */

static int take_value(struct reading *reading, struct kv_item *item)
{
    int more = next_element(reading);
    if (more == 0)
        return malformed(reading, "a key without a value");
    return more < 0 ? more
                    : kv_json_read_value(&reading->json, reading->token, reading->arena,
                                         &item->value.bytes, &reading->why);
}

/* Takes the number behind the key of hincr. */
static int take_delta(struct reading *reading)
{
    struct kv_update *update = &reading->request->update;
    struct weft_view packed;
    struct kv_unpacked value;
    int err =
        kv_json_read_value(&reading->json, reading->token, reading->arena, &packed, &reading->why);
    if (err < 0)
        return err;
    if (!kv_unpack(packed, &value) || value.is_empty ||
        (value.type != KV_TYPE_INTEGER && value.type != KV_TYPE_FLOAT))
        return malformed(reading, "hincr adds an integer or a float");
    update->then = value.type == KV_TYPE_INTEGER ? KV_THEN_ADD : KV_THEN_ADD_REAL;
    if (value.type == KV_TYPE_INTEGER)
        update->integer = (int64_t)value.number;
    else
        update->real = kv_real_of(&value);
    return 0;
}

/* Takes the time behind the key of hexpire. */
static int take_time(struct reading *reading)
{
    static const char what[] =
        "a time is never, or seconds over 0, as 10, 0.25, \"500ms\" or \"2h\"";
    struct weft_view text;
    int err = take_scalar(reading, what, &text);
    if (err == 0 && !kv_line_read_time(reading->request, text, &reading->request->expires))
        err = malformed(reading, what);
    return err;
}

/* Takes a key and what belongs to it. */
static int take_item(struct reading *reading)
{
    struct kv_call *call = &reading->task->call;
    struct kv_item *item = &call->items[call->count++];
    enum kv_line_shape shape = reading->request->command->shape;
    *item = (struct kv_item){.expires = KV_NEVER};
    int err = take_text(reading, &item->key);
    if (err == 0 && (shape == KV_LINE_PAIR || shape == KV_LINE_PAIRS))
        err = take_value(reading, item);
    return err;
}

/* Takes the element behind the key of hincr or hexpire. */
static int take_behind(struct reading *reading)
{
    return reading->request->command->shape == KV_LINE_SUM ? take_delta(reading)
                                                           : take_time(reading);
}

/* True if a command has all the words that it may have, its table among them. */
static bool is_full(enum kv_line_shape shape, size_t words)
{
    switch (shape) {
    case KV_LINE_TABLE:
        return words >= 1;
    case KV_LINE_KEY:
        return words >= 2;
    case KV_LINE_PAIR:
    case KV_LINE_SUM:
    case KV_LINE_EXPIRE:
        return words >= 3;
    default:
        return false;
    }
}

static int take_elements(struct reading *reading, size_t *words)
{
    enum kv_line_shape shape = reading->request->command->shape;
    bool behind = shape == KV_LINE_SUM || shape == KV_LINE_EXPIRE;
    int more, err = 0;
    while (err == 0 && (more = next_element(reading)) != 0) {
        if (more < 0)
            return more;
        if (reading->token == WEFT_JSON_OBJECT && reading->request->command->takes != 0) {
            err = take_options(reading);
            if (err == 0 && weft_json_next(&reading->json) != WEFT_JSON_ARRAY_END)
                err = malformed(reading, "options stand at the end");
            return err;
        }
        if (is_full(shape, *words))
            return malformed(reading, "more than the command takes");
        err = behind && *words == 2 ? take_behind(reading) : take_item(reading);
        *words += shape == KV_LINE_PAIR || shape == KV_LINE_PAIRS ? 2 : 1;
    }
    return err;
}

static int take_arguments(struct reading *reading)
{
    struct kv_call *call = &reading->task->call;
    size_t words = 1, most = most_items(reading->json);
    if (most > kv_task_kv_limits(reading->task)->decode_elements)
        return malformed(reading, "over decode-elements");
    if (most > 0) {
        call->items = weft_arena_alloc(reading->arena, most * sizeof *call->items);
        if (!call->items)
            return -ENOMEM;
    }
    int err = take_elements(reading, &words);
    if (err == 0 && !kv_line_count_fits(reading->request->command->shape, words))
        err = malformed(reading, words == 1 ? "no key" : "too few words for the command");
    return err;
}

/* --- commands --------------------------------------------------------------------------------------- */

/* Returns the command of that name, if a batch can have it, or NULL. */
static const struct kv_line_command *command_named(struct weft_view name)
{
    const struct kv_line_command *command = kv_line_command_find(name);
    if (!command || kv_line_command_is_ping(command))
        return command;
    bool answers_pairs = command->shape == KV_LINE_PAGE || command->shape == KV_LINE_NAMES ||
                         command->id == KV_HGETALL;
    return command->id == KV_COMMAND_COUNT || answers_pairs ? NULL : command;
}

static int read_ping(struct reading *reading)
{
    if (weft_json_next(&reading->json) != WEFT_JSON_ARRAY_END)
        return malformed(reading, "more than the command takes");
    return KV_HTTP_BATCH_PING;
}

static int read_command(struct reading *reading)
{
    struct kv_call *call = &reading->task->call;
    struct weft_view name;
    if (weft_json_next(&reading->json) != WEFT_JSON_ARRAY)
        return malformed(reading, "a command is an array: [\"hset\", \"table\", \"key\", 42]");
    reading->token = weft_json_next(&reading->json);
    int err = take_text(reading, &name);
    if (err < 0)
        return err;
    reading->request->command = command_named(name);
    if (!reading->request->command)
        return malformed(reading,
                         "no such command: hget, hmget, hset, hmset, hincr, hdel, hmdel, hexist, "
                         "hmexist, hexpire, httl, hpersist, count, drop and ping are");
    if (kv_line_command_is_ping(reading->request->command))
        return read_ping(reading);
    kv_line_request_begin(reading->request, call);
    int more = next_element(reading);
    if (more <= 0)
        return more < 0 ? more : malformed(reading, "no table");
    err = take_text(reading, &call->table);
    if (err == 0)
        err = take_arguments(reading);
    return err;
}

int kv_http_batch_read(struct kv_task *task, struct kv_http_batch *batch, struct weft_view line,
                       const char **why)
{
    struct reading reading = {
        .task = task,
        .batch = batch,
        .request = batch->request,
        .arena = weft_request_arena(task->request),
        .json = {.rest = line},
    };
    batch->request->arena = reading.arena;
    batch->request->loop = kv_task_loop(task);
    int read = read_command(&reading);
    if (read >= 0 && weft_json_next(&reading.json) != WEFT_JSON_END)
        read = malformed(&reading, "more than one array on the line");
    if (read >= 0 && batch->elements > kv_task_kv_limits(task)->decode_elements)
        read = WEFT_ETOOBIG;
    if (read == 0)
        kv_line_request_finish(batch->request, &task->call);
    *why = reading.why;
    return read;
}

bool kv_http_batch_is_many(const struct kv_http_batch *batch)
{
    enum kv_line_shape shape = batch->request->command->shape;
    return shape == KV_LINE_KEYS || shape == KV_LINE_PAIRS;
}
