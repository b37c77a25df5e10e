/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "batch_line.h"
#include "json.h"
#include "services/kv/faces/line/request.h"

enum { LINE_HEAD = 80, STATE_TEXT = 160 };

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

static void answer_malformed(struct kv_task *task, uint64_t line, const char *why)
{
    struct kv_text text = {.count = 0};
    kv_text_add_str(&text, why);
    answer_text(task, line, KV_BAD_REQUEST, &text);
}

static size_t copy(uint8_t *dst, const char *text, size_t size)
{
    if (dst)
        memcpy(dst, text, size);
    return size;
}

static uint8_t *after(uint8_t *dst, size_t size)
{
    return dst ? dst + size : NULL;
}

/* Writes what a reply gives for one item; dst NULL: only measures. */
static size_t write_item(const struct kv_call *call, size_t i, uint8_t *dst)
{
    const struct kv_item *item = &call->items[i];
    if (call->reply.gives == KV_GIVES_BOOLS)
        return item->present ? copy(dst, "true", 4) : copy(dst, "false", 5);
    struct weft_view value = item->present ? item->found.bytes : weft_view(NULL, 0);
    return dst ? (size_t)(kv_json_put_value(dst, value) - dst) : kv_json_value_size(value);
}

/* {"version":"9f86...","expires":1893456000000,"left":9998}, or null for a key that is not there. The size does not
 * depend on the version, which takes time to compute. */
static size_t write_state(const struct kv_task *task, size_t i, int64_t now, uint8_t *dst)
{
    static const char digits[] = "0123456789abcdef";
    char text[STATE_TEXT];
    struct kv_state state;
    int size = 1;
    if (dst)
        kv_call_state(&task->call, i, now, &state);
    else
        kv_call_state_outline(&task->call, i, now, &state);
    bool expires = state.present && state.expires != KV_NEVER;
    if (!state.has_version && !expires)
        return copy(dst, "null", 4);
    text[0] = '{';
    if (state.has_version) {
        size += snprintf(text + size, sizeof text - (size_t)size, "\"version\":\"");
        for (size_t n = 0; n < KV_VERSION_SIZE; n++) {
            text[size++] = digits[state.version[n] >> 4];
            text[size++] = digits[state.version[n] & 15];
        }
        text[size++] = '"';
    }
    if (expires)
        size += snprintf(text + size, sizeof text - (size_t)size,
                         "%s\"expires\":%" PRId64 ",\"left\":%" PRId64, size > 1 ? "," : "",
                         state.expires, state.expires > now ? state.expires - now : 1);
    text[size++] = '}';
    return copy(dst, text, (size_t)size);
}

/* Writes what the answer has one of for each item, in brackets if the command takes several keys. */
static size_t write_items(const struct kv_task *task, bool many, bool states, int64_t now,
                          uint8_t *dst)
{
    const struct kv_call *call = &task->call;
    size_t size = many ? copy(dst, "[", 1) : 0;
    for (size_t i = 0; i < call->count; i++) {
        size += i > 0 ? copy(after(dst, size), ",", 1) : 0;
        size += states ? write_state(task, i, now, after(dst, size))
                       : write_item(call, i, after(dst, size));
    }
    return size + (many ? copy(after(dst, size), "]", 1) : 0);
}

static size_t write_name(uint8_t *dst, const char *name, bool many)
{
    size_t size = copy(dst, ",\"", 2);
    size += copy(after(dst, size), name, strlen(name));
    return size + (many ? copy(after(dst, size), "s\":", 3) : copy(after(dst, size), "\":", 2));
}

/* Writes what stands between the status and the end of an answer. */
static size_t write_contents(const struct kv_task *task, bool many, int64_t now, uint8_t *dst)
{
    const struct kv_reply *reply = &task->call.reply;
    size_t size = 0;
    if (reply->text.count > 0) {
        size += copy(dst, ",\"message\":", 11);
        if (dst)
            (void)kv_json_put_text(dst + size, &reply->text);
        size += kv_json_text_size(&reply->text);
    }
    if (reply->gives == KV_GIVES_VALUE) {
        size += write_name(after(dst, size), "value", false);
        if (dst)
            (void)kv_json_put_value(dst + size, reply->value);
        size += kv_json_value_size(reply->value);
    } else if (reply->gives != KV_GIVES_NOTHING) {
        size += write_name(after(dst, size), "value", many);
        size += write_items(task, many, false, now, after(dst, size));
    }
    if (reply->states) {
        size += write_name(after(dst, size), "state", many);
        size += write_items(task, many, true, now, after(dst, size));
    }
    return size;
}

static void answer(struct kv_task *task, const struct kv_http_batch *batch)
{
    char head[LINE_HEAD];
    bool many = kv_http_batch_is_many(batch);
    int64_t now = weft_loop_wall(kv_task_loop(task));
    int size = snprintf(head, sizeof head, "{\"line\":%" PRIu64 ",\"status\":%u", batch->line,
                        (unsigned)task->call.reply.status);
    size_t contents = write_contents(task, many, now, NULL);
    uint8_t *dst = add(task, (size_t)size + contents + 2);
    if (!dst)
        return;
    dst = append(dst, head, (size_t)size);
    (void)write_contents(task, many, now, dst);
    (void)append(dst + contents, "}\n", 2);
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

/* Sets task->call up for the next command. Returns 1, or 0: no command follows, or an error, which is then in
 * task->pairs_error. */
static int next_command(struct kv_task *task, struct kv_http_batch *batch)
{
    static const struct kv_text no_text = {.count = 0};
    struct weft_view line;
    const char *why;
    while (task->pairs_error == 0 && take_line(batch, &line)) {
        int read = kv_http_batch_read(task, batch, line, &why);
        if (read == 0)
            return 1;
        if (read == KV_HTTP_BATCH_PING)
            answer_text(task, batch->line, KV_OK, &no_text);
        else if (read == WEFT_EMALFORMED)
            answer_malformed(task, batch->line, why);
        else
            task->pairs_error = read;
    }
    return 0;
}

/* Asks the layers about each command before the first one is done, so that they are all done or none. */
static bool may_do_all(struct kv_task *task, const struct kv_http_batch *all)
{
    struct kv_http_batch batch = *all;
    struct weft_view line;
    const char *why;
    while (take_line(&batch, &line)) {
        if (kv_http_batch_read(task, &batch, line, &why) != 0)
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
    batch->request = weft_arena_alloc(weft_request_arena(task->request), sizeof *batch->request);
    if (!batch->request) {
        kv_task_refuse_no_memory(task);
        return false;
    }
    if (task->request->layers && !may_do_all(task, batch))
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
    answer(task, batch);
    if (next_command(task, batch) == 1)
        return true;
    if (task->pairs_error != 0)
        give_up(task);
    else
        kv_reply_text(&task->call.reply, KV_OK, "");
    return false;
}
