/* SPDX-License-Identifier: MIT */
#include "counters.h"

#include <stdio.h>

#include "core/base/compiler.h"

/* How a command words that the value is no number, and that the sum is out of range. */
struct words {
    const char *wrong, *range;
};

static const struct words integer_words = {"ERR value is not an integer or out of range",
                                           "ERR increment or decrement would overflow"};
static const struct words hash_integer_words = {"ERR hash value is not an integer",
                                                "ERR increment or decrement would overflow"};
static const struct words real_words = {"ERR value is not a valid float",
                                        "ERR increment would produce NaN or Infinity"};
static const struct words hash_real_words = {"ERR hash value is not a float",
                                             "ERR increment would produce NaN or Infinity"};
static const struct words append_words = {
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)"};

enum { STRING_MAX = 512 * 1024 * 1024 };

static bool is_hash(const struct resp_task *task)
{
    return task->command->flags & RESP_HASH;
}

static const struct words *counter_words_of(const struct resp_task *task)
{
    switch (task->update.then) {
    case KV_THEN_ADD:
        return is_hash(task) ? &hash_integer_words : &integer_words;
    case KV_THEN_ADD_REAL:
        return is_hash(task) ? &hash_real_words : &real_words;
    default:
        return &append_words;
    }
}

/* Decides once more what the store has made of the item, which is the reply. */
static bool tell_result(struct resp_task *task)
{
    const struct kv_item *item = &task->items[0];
    char space[RESP_NUMBER_MAX];
    struct kv_next next;
    if (task->update.then == KV_THEN_APPEND) {
        size_t before = item->present ? resp_value_text(item->found.bytes, space).size : 0;
        return resp_integer(task, (int64_t)(before + task->args[2].size));
    }
    weft_kv_update_decide(item, item->present ? &item->found : NULL, KV_NEVER, 0, &next);
    struct weft_view text = resp_value_text(next.parts[0], space);
    if (task->update.then == KV_THEN_ADD) {
        int64_t sum = 0;
        (void)resp_parse_integer(text, &sum);
        return resp_integer(task, sum);
    }
    memcpy(task->line, text.data, text.size);
    return resp_bulk(task, weft_view(task->line, text.size));
}

static bool update_counter(struct resp_task *task)
{
    struct kv_item *item = &task->items[0];
    item->expires = KV_KEEP_EXPIRY;
    item->update = &task->update;
    if (task->update.then == KV_THEN_APPEND &&
        resp_value_make(task, task->args[2], &item->value) < 0)
        return resp_no_memory(task);
    resp_operate(task, RESP_UPDATE, is_hash(task) ? task->args[1] : resp_strings(task), item, 1);
    task->stage = 1;
    return true;
}

/* Stage 0: the name was looked for among the other kind. 1: the update is done. */
static bool counter_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task))
        return false;
    if (task->stage == 0) {
        bool is_wrong = is_hash(task) ? resp_found_string(task) : resp_found_hash(task);
        return is_wrong ? resp_wrong_type(task) : update_counter(task);
    }
    if (task->items[0].verdict == KV_VERDICT_WRONG)
        return resp_error(task, counter_words_of(task)->wrong);
    if (task->items[0].verdict == KV_VERDICT_RANGE)
        return resp_error(task, counter_words_of(task)->range);
    return tell_result(task);
}

static bool begin_counter(struct resp_task *task, struct weft_view key, enum kv_then then)
{
    if (!resp_take_items(task, 1))
        return resp_answer(task);
    task->items[0].key = key;
    task->update.when = KV_IF_ANY;
    task->update.then = then;
    task->update.text = true;
    task->update.size_max = STRING_MAX;
    kv_task_in_steps(&task->base, counter_step);
    if (is_hash(task)) {
        resp_look_for_string(task, task->args[1]);
        return true;
    }
    if (resp_knows_hashes(task)) {
        resp_look_for_hash(task, task->args[1]);
        return true;
    }
    return update_counter(task) || resp_answer(task);
}

bool resp_begin_append(struct resp_task *task)
{
    return begin_counter(task, task->args[1], KV_THEN_APPEND);
}

static bool begin_integer(struct resp_task *task, struct weft_view key, int64_t integer)
{
    task->update.integer = integer;
    return begin_counter(task, key, KV_THEN_ADD);
}

static bool begin_parsed(struct resp_task *task, struct weft_view key, struct weft_view text,
                         bool negate)
{
    int64_t integer;
    if (!resp_parse_integer(text, &integer)) {
        (void)resp_error(task, "ERR value is not an integer or out of range");
        return resp_answer(task);
    }
    if (negate && integer == INT64_MIN) {
        (void)resp_error(task, "ERR decrement would overflow");
        return resp_answer(task);
    }
    return begin_integer(task, key, negate ? -integer : integer);
}

static bool begin_real(struct resp_task *task, struct weft_view key, struct weft_view text)
{
    struct weft_view bare =
        weft_view_skip(text, text.size > 0 && (text.data[0] == '-' || text.data[0] == '+'));
    if (resp_is_word(bare, "inf") || resp_is_word(bare, "infinity")) {
        (void)resp_error(task, real_words.range);
        return resp_answer(task);
    }
    if (!resp_parse_real(text, &task->update.real)) {
        (void)resp_error(task, "ERR value is not a valid float");
        return resp_answer(task);
    }
    return begin_counter(task, key, KV_THEN_ADD_REAL);
}

bool resp_begin_incr(struct resp_task *task)
{
    return begin_integer(task, task->args[1], 1);
}

bool resp_begin_decr(struct resp_task *task)
{
    return begin_integer(task, task->args[1], -1);
}

bool resp_begin_incrby(struct resp_task *task)
{
    return begin_parsed(task, task->args[1], task->args[2], false);
}

bool resp_begin_decrby(struct resp_task *task)
{
    return begin_parsed(task, task->args[1], task->args[2], true);
}

bool resp_begin_incrbyfloat(struct resp_task *task)
{
    return begin_real(task, task->args[1], task->args[2]);
}

bool resp_begin_hincrby(struct resp_task *task)
{
    return begin_parsed(task, task->args[2], task->args[3], false);
}

bool resp_begin_hincrbyfloat(struct resp_task *task)
{
    return begin_real(task, task->args[2], task->args[3]);
}
