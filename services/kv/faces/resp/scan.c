/* SPDX-License-Identifier: MIT */
#include "scan.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/compiler.h"

enum { COUNT_DEFAULT = 10, CURSOR_SIZE = 8 };

/* The last bit of a store's short cursor is free (store.h). SCAN, which lists the strings and then the
 * hashes, sets it in cursors among the hashes. */
enum { AMONG_HASHES = 1 };

enum kind { ANY_KIND, STRINGS, HASHES, NO_KIND };

static bool has_cursors(const struct resp_task *task)
{
    return kv_task_config(&task->base)->context->store->flags & KV_STORE_CURSOR64;
}

/* --- arguments ------------------------------------------------------------------------------------- */

/* Redis takes an empty text for 0, and a number below 0 for one of 64 bits. */
static bool read_cursor(struct resp_task *task, struct weft_view text)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    uint64_t number = 0;
    for (size_t i = negative; i < text.size; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return resp_error(task, "ERR invalid cursor");
        number = number * 10 + digit;
    }
    if (negative && text.size == 1)
        return resp_error(task, "ERR invalid cursor");
    task->cursor = negative ? 0 - number : number;
    return true;
}

static bool read_page_size(struct resp_task *task, struct weft_view text)
{
    int64_t count;
    if (!resp_parse_integer(text, &count))
        return resp_error(task, "ERR value is not an integer or out of range");
    if (count < 1)
        return resp_syntax_error(task);
    task->at = (uint64_t)count < SIZE_MAX ? (size_t)count : SIZE_MAX;
    return true;
}

/* Reads the options from the argument `at` on. False: the reply says what is wrong. */
static bool read_scan_options(struct resp_task *task, size_t at)
{
    bool is_hscan = task->command->begin == resp_begin_hscan;
    task->at = COUNT_DEFAULT;
    task->options = ANY_KIND;
    for (; at < task->count; at++) {
        struct weft_view word = task->args[at];
        bool has_value = at + 1 < task->count;
        if (is_hscan && resp_is_word(word, "NOVALUES")) {
            task->part = RESP_PART_KEYS;
        } else if (has_value && resp_is_word(word, "COUNT")) {
            if (!read_page_size(task, task->args[++at]))
                return false;
        } else if (has_value && resp_is_word(word, "MATCH")) {
            task->match = task->args[++at];
        } else if (has_value && !is_hscan && resp_is_word(word, "TYPE")) {
            word = task->args[++at];
            task->options = resp_is_word(word, "string") ? STRINGS
                            : resp_is_word(word, "hash") ? HASHES
                                                         : NO_KIND;
        } else {
            return resp_syntax_error(task);
        }
    }
    return true;
}

/* --- pages ----------------------------------------------------------------------------------------- */

/* Makes the next operation a page of the table, or of the names of all tables, that begins at number; 0: at the
 * beginning. */
static void show(struct resp_task *task, bool names, struct weft_view table, uint64_t number)
{
    struct kv_call *call = &task->base.call;
    enum resp_operation page = names ? RESP_PAGE_NAMES : RESP_PAGE;
    if (!has_cursors(task))
        page = names ? RESP_NAMES : RESP_WALK;
    resp_operate(task, page, table, NULL, 1);
    for (size_t i = 0; i < CURSOR_SIZE; i++)
        task->cursor_bytes[i] = (uint8_t)(number >> 8 * (CURSOR_SIZE - 1 - i));
    call->from = weft_view(task->cursor_bytes, number == 0 ? 0 : CURSOR_SIZE);
    call->limit = task->at;
}

/* Returns where the page that was shown has ended; 0: it was the last one. */
static uint64_t end_of_page(const struct resp_task *task)
{
    struct weft_view cursor = task->base.call.reply.cursor;
    uint64_t number = 0;
    if (!has_cursors(task) || cursor.size != CURSOR_SIZE)
        return 0;
    for (size_t i = 0; i < CURSOR_SIZE; i++)
        number = number << 8 | cursor.data[i];
    return number;
}

static bool tell_page(struct resp_task *task, uint64_t number)
{
    int n = snprintf(task->line, sizeof task->line, "%" PRIu64, number);
    task->form = RESP_FORM_PAGE;
    task->bytes = weft_view(task->line, (size_t)n);
    return false;
}

/* A cursor that the store has not made, or that has expired. */
static bool is_foreign_cursor(struct resp_task *task)
{
    if (task->base.call.reply.status != KV_GONE)
        return false;
    (void)resp_error(task, "ERR invalid cursor");
    return true;
}

/* Stage 0: a page of the hash was shown. If it is empty, the name may be a string. */
static bool hscan_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (is_foreign_cursor(task) || !resp_is_done(task))
        return false;
    if (task->stage++ > 0)
        return resp_found_string(task) && resp_wrong_type(task);
    (void)tell_page(task, end_of_page(task));
    if (base->pairs.count > 0 || end_of_page(task) > 0)
        return false;
    resp_look_for_string(task, task->args[1]);
    return true;
}

/* Stage 0: a page of strings was shown; 1: one of hashes. A page of strings that is the last one goes on
 * with hashes. */
static bool scan_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (is_foreign_cursor(task) || !resp_is_done(task))
        return false;
    uint64_t end = end_of_page(task);
    if (task->stage == 1)
        return tell_page(task, end > 0 ? end | AMONG_HASHES : 0);
    if (end > 0 || task->options == STRINGS || !resp_knows_hashes(task))
        return tell_page(task, end);
    task->stage = 1;
    show(task, true, weft_view(NULL, 0), 0);
    return true;
}

bool resp_begin_hscan(struct resp_task *task)
{
    if (!read_cursor(task, task->args[2]) || !read_scan_options(task, 3))
        return resp_answer(task);
    if (!has_cursors(task) && task->cursor != 0) {
        (void)resp_error(task, "ERR invalid cursor");
        return resp_answer(task);
    }
    show(task, false, task->args[1], task->cursor);
    kv_task_in_steps(&task->base, hscan_step);
    return true;
}

bool resp_begin_scan(struct resp_task *task)
{
    if (!read_cursor(task, task->args[1]) || !read_scan_options(task, 2))
        return resp_answer(task);
    task->part = RESP_PART_KEYS;
    bool among_hashes = task->cursor & AMONG_HASHES || task->options == HASHES;
    if (task->options == NO_KIND) {
        (void)tell_page(task, 0);
        return resp_answer(task);
    }
    if ((!has_cursors(task) && task->cursor != 0) || (among_hashes && !resp_knows_hashes(task))) {
        (void)resp_error(task, "ERR invalid cursor");
        return resp_answer(task);
    }
    task->stage = among_hashes;
    show(task, among_hashes, resp_strings(task), task->cursor & ~(uint64_t)AMONG_HASHES);
    kv_task_in_steps(&task->base, scan_step);
    return true;
}
