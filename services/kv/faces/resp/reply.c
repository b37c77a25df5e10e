/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "task.h"

/* --- what a command says --------------------------------------------------------------------------- */

bool resp_status(struct resp_task *task, const char *text)
{
    task->form = RESP_FORM_STATUS;
    task->text = text;
    return false;
}

bool resp_error(struct resp_task *task, const char *text)
{
    task->form = RESP_FORM_ERROR;
    task->text = text;
    kv_reply_text(&task->base.call.reply, KV_BAD_REQUEST, "");
    return false;
}

bool resp_error_format(struct resp_task *task, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(task->line, sizeof task->line, format, args);
    va_end(args);
    return resp_error(task, task->line);
}

bool resp_integer(struct resp_task *task, int64_t number)
{
    task->form = RESP_FORM_INTEGER;
    task->integer = number;
    return false;
}

bool resp_bulk(struct resp_task *task, struct weft_view bytes)
{
    task->form = RESP_FORM_BULK;
    task->bytes = bytes;
    return false;
}

bool resp_nil(struct resp_task *task)
{
    task->form = RESP_FORM_NIL;
    return false;
}

bool resp_raw(struct resp_task *task, struct weft_view bytes)
{
    task->form = RESP_FORM_RAW;
    task->bytes = bytes;
    return false;
}

bool resp_wrong_type(struct resp_task *task)
{
    return resp_error(task, "WRONGTYPE Operation against a key holding the wrong kind of value");
}

bool resp_syntax_error(struct resp_task *task)
{
    return resp_error(task, "ERR syntax error");
}

bool resp_wrong_arity(struct resp_task *task, const char *command)
{
    return resp_error_format(task, "ERR wrong number of arguments for '%s' command", command);
}

bool resp_no_memory(struct resp_task *task)
{
    (void)resp_error(task, "ERR Out of memory: nothing was changed");
    task->base.call.reply.status = KV_RETRY;
    return false;
}

bool resp_answer(struct resp_task *task)
{
    struct kv_reply reply;
    kv_reply_text(&reply, task->form == RESP_FORM_ERROR ? KV_BAD_REQUEST : KV_OK, "");
    kv_task_answer(&task->base, &reply, false);
    return false;
}

/* --- its bytes ------------------------------------------------------------------------------------- */

static const char *nil_of(const struct resp_task *task)
{
    return resp_is_3(task) ? "_\r\n" : "$-1\r\n";
}

static size_t nil_size(const struct resp_task *task)
{
    return resp_is_3(task) ? 3 : 5;
}

static size_t value_size(const struct resp_task *task, const struct kv_item *item)
{
    char space[RESP_NUMBER_MAX];
    if (!item->present)
        return nil_size(task);
    return weft_resp_bulk_size(resp_value_text(item->found.bytes, space).size);
}

static uint8_t *put_value(const struct resp_task *task, uint8_t *dst, const struct kv_item *item)
{
    char space[RESP_NUMBER_MAX];
    if (item->present)
        return weft_resp_put_bulk(dst, resp_value_text(item->found.bytes, space));
    size_t size = nil_size(task);
    memcpy(dst, nil_of(task), size);
    return dst + size;
}

/* The head of the task's pairs. */
static enum weft_resp_mark pairs_mark(const struct resp_task *task)
{
    if (!resp_is_3(task))
        return WEFT_RESP_ARRAY;
    return task->as_map ? WEFT_RESP_MAP : task->as_set ? WEFT_RESP_SET : WEFT_RESP_ARRAY;
}

static bool is_nested(const struct resp_task *task)
{
    return task->as_nested && task->part == RESP_PART_BOTH && resp_is_3(task);
}

static int64_t pairs_count(const struct resp_task *task)
{
    size_t count = task->base.pairs.count;
    bool flat =
        task->part == RESP_PART_BOTH && pairs_mark(task) == WEFT_RESP_ARRAY && !is_nested(task);
    return (int64_t)(flat ? 2 * count : count);
}

/* A page begins with an array of two, the cursor and the pairs. */
static size_t page_head(const struct resp_task *task, uint8_t dst[64])
{
    struct weft_view cursor = task->bytes;
    uint8_t *end = weft_resp_put_head(dst, WEFT_RESP_ARRAY, 2);
    end = weft_resp_put_bulk(end, cursor);
    end = weft_resp_put_head(end, WEFT_RESP_ARRAY, pairs_count(task));
    return (size_t)(end - dst);
}

/* The line that words a failure: a status that Redis has a prefix for gets it. */
static const char *prefix_of(enum kv_status status)
{
    switch (status) {
    case KV_NOT_KNOWN:
        return "-NOAUTH ";
    case KV_DENIED:
        return "-NOPERM ";
    case KV_STORE_FULL:
        return "-OOM ";
    default:
        return "-ERR ";
    }
}

/* Copies a text into a line of a reply, which must not end before its end. */
static uint8_t *put_line(uint8_t *dst, const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *dst++ = text[i] == '\r' || text[i] == '\n' ? ' ' : text[i];
    return weft_resp_put_line_end(dst);
}

static size_t words_size(const struct kv_reply *reply)
{
    return strlen(prefix_of(reply->status)) + kv_text_size(&reply->text) + 2;
}

static void put_words(uint8_t *dst, const struct kv_reply *reply)
{
    const char *prefix = prefix_of(reply->status);
    size_t size = kv_text_size(&reply->text);
    memcpy(dst, prefix, strlen(prefix));
    dst += strlen(prefix);
    (void)kv_text_write(&reply->text, dst);
    (void)put_line(dst, dst, size);
}

static size_t form_size(const struct resp_task *task)
{
    uint8_t head[64];
    size_t size = 0;
    switch (task->form) {
    case RESP_FORM_STATUS:
    case RESP_FORM_ERROR:
        return 1 + strlen(task->text) + 2;
    case RESP_FORM_INTEGER:
        return weft_resp_head_size(task->integer);
    case RESP_FORM_BULK:
        return weft_resp_bulk_size(task->bytes.size);
    case RESP_FORM_NIL:
        return nil_size(task);
    case RESP_FORM_VALUE:
        return value_size(task, &task->items[0]);
    case RESP_FORM_VALUES:
        size = weft_resp_head_size((int64_t)task->item_count);
        for (size_t i = 0; i < task->item_count; i++)
            size += value_size(task, &task->items[i]);
        return size;
    case RESP_FORM_PAIRS:
        return weft_resp_head_size(pairs_count(task)) + task->base.pairs.size;
    case RESP_FORM_PAGE:
        return page_head(task, head) + task->base.pairs.size;
    case RESP_FORM_RAW:
        return task->bytes.size;
    }
    return 0;
}

static void put_form(const struct resp_task *task, uint8_t *dst)
{
    switch (task->form) {
    case RESP_FORM_STATUS:
    case RESP_FORM_ERROR:
        *dst++ = task->form == RESP_FORM_STATUS ? '+' : '-';
        (void)put_line(dst, (const uint8_t *)task->text, strlen(task->text));
        break;
    case RESP_FORM_INTEGER:
        (void)weft_resp_put_head(dst, WEFT_RESP_INTEGER, task->integer);
        break;
    case RESP_FORM_BULK:
        (void)weft_resp_put_bulk(dst, task->bytes);
        break;
    case RESP_FORM_NIL:
        memcpy(dst, nil_of(task), nil_size(task));
        break;
    case RESP_FORM_VALUE:
        (void)put_value(task, dst, &task->items[0]);
        break;
    case RESP_FORM_VALUES:
        dst = weft_resp_put_head(dst, WEFT_RESP_ARRAY, (int64_t)task->item_count);
        for (size_t i = 0; i < task->item_count; i++)
            dst = put_value(task, dst, &task->items[i]);
        break;
    case RESP_FORM_PAIRS:
        dst = weft_resp_put_head(dst, pairs_mark(task), pairs_count(task));
        (void)kv_pairs_write(&task->base.pairs, dst);
        break;
    case RESP_FORM_PAGE:
        dst += page_head(task, dst);
        (void)kv_pairs_write(&task->base.pairs, dst);
        break;
    case RESP_FORM_RAW:
        memcpy(dst, task->bytes.data, task->bytes.size);
        break;
    }
}

static void write_form(const struct weft_body *body, uint8_t *dst)
{
    put_form(((const struct resp_body *)body)->task, dst);
}

static void write_words(const struct weft_body *body, uint8_t *dst)
{
    put_words(dst, ((const struct resp_body *)body)->reply);
}

const struct weft_body *resp_reply(struct kv_task *base, const struct kv_reply *reply)
{
    struct resp_task *task = (struct resp_task *)base;
    /* A refusal may come before the form is known; it has words. */
    bool is_words = reply->status != KV_OK && reply->text.count > 0 &&
                    !(kv_text_size(&reply->text) == 0 && task->form == RESP_FORM_ERROR);
    task->body = (struct resp_body){.task = task, .reply = reply};
    task->body.body.size = is_words ? words_size(reply) : form_size(task);
    task->body.body.write = is_words ? write_words : write_form;
    return &task->body.body;
}

/* --- pairs ----------------------------------------------------------------------------------------- */

size_t resp_pair_size(const struct kv_task *base, const struct kv_pair *pair)
{
    const struct resp_task *task = (const struct resp_task *)base;
    char space[RESP_NUMBER_MAX];
    size_t size = 0;
    if (task->match.data && !resp_matches(task->match, pair->key))
        return 0;
    /* The table of the strings is no name. */
    if (base->call.command->does == KV_TABLES && weft_view_equal(pair->key, resp_strings(task)))
        return 0;
    if (is_nested(task))
        size += weft_resp_head_size(2);
    if (task->part != RESP_PART_VALUES)
        size += weft_resp_bulk_size(pair->key.size);
    if (task->part != RESP_PART_KEYS)
        size += weft_resp_bulk_size(resp_value_text(pair->value.bytes, space).size);
    return size;
}

void resp_put_pair(const struct kv_task *base, uint8_t *dst, const struct kv_pair *pair)
{
    const struct resp_task *task = (const struct resp_task *)base;
    char space[RESP_NUMBER_MAX];
    if (is_nested(task))
        dst = weft_resp_put_head(dst, WEFT_RESP_ARRAY, 2);
    if (task->part != RESP_PART_VALUES)
        dst = weft_resp_put_bulk(dst, pair->key);
    if (task->part != RESP_PART_KEYS)
        (void)weft_resp_put_bulk(dst, resp_value_text(pair->value.bytes, space));
}

/* --- without a task -------------------------------------------------------------------------------- */

size_t resp_put_text(uint8_t *dst, enum kv_status status, const char *text)
{
    struct kv_reply reply;
    kv_reply_text(&reply, status, text);
    put_words(dst, &reply);
    return words_size(&reply);
}

size_t resp_reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    char line[KV_LINE_MAX];
    if (rejection->cause == WEFT_REJECT_MALFORMED) {
        (void)snprintf(line, sizeof line, "Protocol error: %s",
                       rejection->what ? rejection->what : "malformed");
        return resp_put_text(dst, KV_BAD_REQUEST, line);
    }
    if (rejection->cause == WEFT_REJECT_TOO_MANY)
        return resp_put_text(dst, KV_RETRY, "max number of clients reached");
    if (rejection->cause == WEFT_REJECT_NOT_KNOWN)
        return resp_put_text(dst, KV_NOT_KNOWN, "Authentication required.");
    return kv_session_reject(loop_state, rejection, dst);
}
