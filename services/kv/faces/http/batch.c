/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "json_read.h"

enum { LINE_HEAD = 80 };

/* The commands that a line may have. Their replies are values or bools, one or one a key. */
static const enum kv_command_id commands[] = {KV_HGET, KV_HMGET, KV_HSET,   KV_HMSET,
                                              KV_HDEL, KV_HMDEL, KV_HEXIST, KV_HMEXIST};

/* --- one line --------------------------------------------------------------------------------------- */

/* A line on its way to be a command. */
struct reading {
    struct kv_task *task;
    struct kv_http_batch *batch;
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

static const struct kv_command *command_named(struct weft_view name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (weft_view_equal(name, weft_view_str(kv_commands[commands[i]].name)))
            return &kv_commands[commands[i]];
    return NULL;
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

static int take_value(struct reading *reading, struct kv_item *item)
{
    int more = next_element(reading);
    if (more == 0)
        return malformed(reading, "a key without a value");
    return more < 0 ? more
                    : kv_json_read_value(&reading->json, reading->token, reading->arena,
                                         &item->value.bytes, &reading->why);
}

static int take_items(struct reading *reading)
{
    struct kv_call *call = &reading->task->call;
    bool pairs = kv_takes_values(call->command);
    size_t most = most_items(reading->json);
    if (most > kv_task_kv_limits(reading->task)->decode_elements)
        return malformed(reading, "over decode-elements");
    call->items = weft_arena_alloc(reading->arena, most * sizeof *call->items);
    call->count = 0;
    if (!call->items)
        return -ENOMEM;
    int more;
    while ((more = next_element(reading)) == 1) {
        struct kv_item *item = &call->items[call->count++];
        *item = (struct kv_item){.expires = KV_NEVER};
        int err = take_text(reading, &item->key);
        if (err == 0 && pairs)
            err = take_value(reading, item);
        if (err < 0)
            return err;
    }
    if (more == 0 && (call->count == 0 || (call->count > 1 && !call->command->many)))
        return malformed(reading, call->count == 0 ? "no key" : "more than the command takes");
    return more;
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
    call->command = command_named(name);
    if (!call->command)
        return malformed(reading,
                         "no such command: hget, hmget, hset, hmset, hdel, hmdel, hexist and "
                         "hmexist are");
    int more = next_element(reading);
    if (more <= 0)
        return more < 0 ? more : malformed(reading, "no table");
    err = take_text(reading, &call->table);
    if (err == 0)
        err = take_items(reading);
    if (err == 0 && weft_json_next(&reading->json) != WEFT_JSON_END)
        err = malformed(reading, "more than one array on the line");
    return err;
}

/* --- answers ---------------------------------------------------------------------------------------- */

/* Adds room for `size` bytes of answers. NULL: task->pairs_error says why. */
static uint8_t *add(struct kv_task *task, size_t size)
{
    const struct weft_limits *limits = kv_task_limits(task);
    size_t before = task->pairs.memory;
    if (task->pairs.size + size > limits->max_frame) {
        task->pairs_error = WEFT_ETOOBIG;
        return NULL;
    }
    uint8_t *dst = kv_pairs_add(&task->pairs, size);
    if (!dst)
        task->pairs_error = -ENOMEM;
    else if (task->late)
        weft_arena_count_beside(weft_request_arena(task->request), task->pairs.memory - before);
    return dst;
}

static uint8_t *append(uint8_t *dst, const char *text, size_t size)
{
    memcpy(dst, text, size);
    return dst + size;
}

/* An answer that has a status and a text, or no text. */
static void answer_text(struct kv_task *task, uint64_t line, unsigned status,
                        const struct kv_text *text)
{
    char head[LINE_HEAD];
    bool has_text = text->count > 0;
    int size = snprintf(head, sizeof head, "{\"line\":%" PRIu64 ",\"status\":%u%s", line, status,
                        has_text ? ",\"message\":" : "");
    uint8_t *dst = add(task, (size_t)size + (has_text ? kv_json_text_size(text) : 0) + 2);
    if (!dst)
        return;
    dst = append(dst, head, (size_t)size);
    if (has_text)
        dst = kv_json_put_text(dst, text);
    (void)append(dst, "}\n", 2);
}

static void answer_malformed(struct reading *reading)
{
    struct kv_text text = {.count = 0};
    kv_text_add_str(&text, reading->why);
    answer_text(reading->task, reading->batch->line, KV_BAD_REQUEST, &text);
}

/* Writes what a reply gives for one item; dst NULL: only measures. */
static size_t write_item(const struct kv_call *call, size_t i, uint8_t *dst)
{
    const struct kv_item *item = &call->items[i];
    if (call->reply.gives == KV_GIVES_BOOLS) {
        if (dst)
            memcpy(dst, item->present ? "true" : "false", item->present ? 4 : 5);
        return item->present ? 4 : 5;
    }
    struct weft_view value = item->present ? item->found.bytes : weft_view(NULL, 0);
    return dst ? (size_t)(kv_json_put_value(dst, value) - dst) : kv_json_value_size(value);
}

static size_t write_items(const struct kv_call *call, uint8_t *dst)
{
    size_t size = 0;
    for (size_t i = 0; i < call->count; i++) {
        if (i > 0 && dst)
            dst[size] = ',';
        size += i > 0;
        size += write_item(call, i, dst ? dst + size : NULL);
    }
    return size;
}

static void answer_values(struct kv_task *task, uint64_t line)
{
    const struct kv_call *call = &task->call;
    const char *end = call->command->many ? "]}\n" : "}\n";
    char head[LINE_HEAD];
    int size = snprintf(head, sizeof head, "{\"line\":%" PRIu64 ",\"status\":200,\"%s", line,
                        call->command->many ? "values\":[" : "value\":");
    uint8_t *dst = add(task, (size_t)size + write_items(call, NULL) + strlen(end));
    if (!dst)
        return;
    dst = append(dst, head, (size_t)size);
    (void)append(dst + write_items(call, dst), end, strlen(end));
}

static void answer(struct kv_task *task, uint64_t line)
{
    const struct kv_reply *reply = &task->call.reply;
    if (reply->status == KV_OK && reply->gives != KV_GIVES_NOTHING)
        answer_values(task, line);
    else
        answer_text(task, line, (unsigned)reply->status, &reply->text);
}

/* --- all lines -------------------------------------------------------------------------------------- */

/* Takes the next line that is not blank. False: there is none. */
static bool take_line(struct kv_http_batch *batch, struct weft_view *line)
{
    while (batch->rest.size > 0) {
        const uint8_t *lf = memchr(batch->rest.data, '\n', batch->rest.size);
        size_t size = lf ? (size_t)(lf - batch->rest.data) : batch->rest.size;
        *line = weft_view(batch->rest.data, size);
        batch->rest = weft_view_skip(batch->rest, lf ? size + 1 : size);
        batch->line++;
        batch->elements++;
        for (size_t i = 0; i < size; i++)
            if (!memchr(" \t\r", line->data[i], 3))
                return true;
    }
    return false;
}

static int read_line(struct reading *reading, struct weft_view line)
{
    reading->json = (struct weft_json){.rest = line};
    int err = read_command(reading);
    if (err == 0 && reading->batch->elements > kv_task_kv_limits(reading->task)->decode_elements)
        return WEFT_ETOOBIG;
    return err;
}

/* Sets task->call up for the next command. Returns 1, or 0: no command follows, or an error, which is then in
 * task->pairs_error. */
static int next_command(struct kv_task *task, struct kv_http_batch *batch)
{
    struct reading reading = {
        .task = task, .batch = batch, .arena = weft_request_arena(task->request)};
    struct weft_view line;
    while (task->pairs_error == 0 && take_line(batch, &line)) {
        int err = read_line(&reading, line);
        if (err == 0)
            return 1;
        if (err == WEFT_EMALFORMED)
            answer_malformed(&reading);
        else
            task->pairs_error = err;
    }
    return 0;
}

/* Asks the layers about each command before the first one is done, so that they are all done or none. */
static bool may_do_all(struct kv_task *task, struct weft_view body)
{
    struct kv_http_batch batch = {.rest = body};
    struct reading reading = {
        .task = task, .batch = &batch, .arena = weft_request_arena(task->request)};
    struct weft_view line;
    while (take_line(&batch, &line)) {
        if (read_line(&reading, line) != 0)
            continue;
        const struct weft_action action = {
            .name = task->call.command->name,
            .object = task->call.table,
            .flags = task->call.command->writes ? WEFT_ACTION_WRITES : 0,
        };
        if (!kv_task_ask(task, &action))
            return false;
    }
    return true;
}

bool kv_http_batch_begin(struct kv_task *task, struct kv_http_batch *batch, struct weft_view body,
                         bool *empty)
{
    *batch = (struct kv_http_batch){.rest = body};
    *empty = false;
    if (task->request->layers && !may_do_all(task, body))
        return false;
    if (next_command(task, batch) == 1)
        return true;
    *empty = task->pairs_error == 0;
    if (task->pairs_error == WEFT_ETOOBIG) {
        kv_task_refuse(task, KV_TOO_BIG, "The batch is too big: over decode-elements or max-frame",
                       true);
    } else if (task->pairs_error < 0) {
        kv_task_refuse_no_memory(task);
    }
    return false;
}

/* Makes the reply of a batch that cannot be answered line by line, though some of it was done. */
static void give_up(struct kv_task *task)
{
    bool too_big = task->pairs_error == WEFT_ETOOBIG;
    kv_pairs_free(task->pairs.first);
    task->pairs = (struct kv_pairs){0};
    task->pairs_error = 0;
    if (too_big)
        kv_reply_text(
            &task->call.reply, KV_TOO_BIG,
            "Over max-frame or decode-elements: the first lines were done, the rest was not");
    else
        kv_reply_text(&task->call.reply, KV_RETRY,
                      "Out of memory: the first lines were done, the rest was not");
}

bool kv_http_batch_step(struct kv_task *task, struct kv_http_batch *batch)
{
    answer(task, batch->line);
    if (next_command(task, batch) == 1)
        return true;
    if (task->pairs_error != 0)
        give_up(task);
    else
        kv_reply_text(&task->call.reply, KV_OK, "");
    return false;
}
