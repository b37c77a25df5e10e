/* SPDX-License-Identifier: MIT */
#include "expiry.h"

#include <stdio.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/task.h"

enum { ABSENT = -2, UNTIMED = -1 }; /* in place of a time to live */

int64_t resp_now(const struct resp_task *task)
{
    return weft_loop_wall(kv_task_loop(&task->base));
}

bool resp_read_expiry(struct resp_task *task, struct weft_view text, enum resp_unit unit,
                      bool absolute, bool positive, int64_t *expires)
{
    int64_t number, scale = unit == RESP_SECONDS ? 1000 : 1, base = absolute ? 0 : resp_now(task);
    if (!resp_parse_integer(text, &number))
        return resp_error(task, "ERR value is not an integer or out of range");
    if ((positive && number <= 0) || number > INT64_MAX / scale || number < INT64_MIN / scale ||
        number * scale > INT64_MAX - base)
        return resp_error_format(task, "ERR invalid expire time in '%s' command",
                                 task->command->name);
    /* A time before 1970 has passed as any other; so has 0, which would mean never. */
    int64_t time = number * scale + base;
    *expires = time > KV_NEVER ? time : 1;
    return true;
}

/* --- options --------------------------------------------------------------------------------------- */

enum expire_option { ONLY_UNTIMED = 1, ONLY_TIMED = 2, ONLY_LATER = 4, ONLY_SOONER = 8 };

static unsigned option_of(struct weft_view word)
{
    if (resp_is_word(word, "NX"))
        return ONLY_UNTIMED;
    if (resp_is_word(word, "XX"))
        return ONLY_TIMED;
    if (resp_is_word(word, "GT"))
        return ONLY_LATER;
    return resp_is_word(word, "LT") ? ONLY_SOONER : 0;
}

/* Sets the condition of the update. False: the options contradict each other. */
static bool take_options(struct resp_task *task, unsigned options)
{
    task->options = options;
    if (options & ONLY_UNTIMED && options != ONLY_UNTIMED)
        return resp_error(task,
                          "ERR NX and XX, GT or LT options at the same time are not compatible");
    if (options & ONLY_LATER && options & ONLY_SOONER)
        return resp_error(task, "ERR GT and LT options at the same time are not compatible");
    task->update.when = options & ONLY_LATER     ? KV_IF_LATER
                        : options & ONLY_SOONER  ? KV_IF_SOONER
                        : options & ONLY_TIMED   ? KV_IF_TIMED
                        : options & ONLY_UNTIMED ? KV_IF_UNTIMED
                                                 : KV_IF_ANY;
    return true;
}

static bool read_conditions(struct resp_task *task, size_t at, size_t end)
{
    unsigned options = 0;
    for (; at < end; at++) {
        unsigned option = option_of(task->args[at]);
        if (option == 0)
            return resp_error_format(task, "ERR Unsupported option %.*s",
                                     RESP_SHOWN(task->args[at]));
        options |= option;
    }
    return take_options(task, options);
}

/* --- strings --------------------------------------------------------------------------------------- */

static bool is_changed(const struct kv_item *item)
{
    return item->present &&
           (item->verdict == KV_VERDICT_STORE || item->verdict == KV_VERDICT_REMOVE);
}

/* A command about the expiry of a name. Stage 0: it was done for a string. 1: if there is none, a hash was
 * looked for. */
static bool expire_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task))
        return false;
    if (task->stage++ == 0) {
        (void)resp_integer(task, is_changed(&task->items[0]));
        if (task->items[0].present || !resp_knows_hashes(task))
            return false;
        resp_look_for_hash(task, task->args[1]);
        return true;
    }
    if (!resp_found_hash(task) || task->command->begin == resp_begin_persist)
        return false;
    return resp_error(task, "ERR a hash does not expire here, only its fields do: use HEXPIRE");
}

static bool begin_update(struct resp_task *task)
{
    if (!resp_take_items(task, 1))
        return resp_answer(task);
    task->update.then = KV_THEN_EXPIRE;
    task->items[0] =
        (struct kv_item){.key = task->args[1], .update = &task->update, .expires = task->expires};
    resp_operate(task, RESP_UPDATE, resp_strings(task), task->items, 1);
    kv_task_in_steps(&task->base, expire_step);
    return true;
}

static bool begin_expire(struct resp_task *task, enum resp_unit unit, bool absolute)
{
    if (!read_conditions(task, 3, task->count) ||
        !resp_read_expiry(task, task->args[2], unit, absolute, false, &task->expires))
        return resp_answer(task);
    /* In Redis GT and LT go with XX, which GT implies. */
    return begin_update(task);
}

bool resp_begin_expire(struct resp_task *task)
{
    return begin_expire(task, RESP_SECONDS, false);
}

bool resp_begin_pexpire(struct resp_task *task)
{
    return begin_expire(task, RESP_MILLISECONDS, false);
}

bool resp_begin_expireat(struct resp_task *task)
{
    return begin_expire(task, RESP_SECONDS, true);
}

bool resp_begin_pexpireat(struct resp_task *task)
{
    return begin_expire(task, RESP_MILLISECONDS, true);
}

bool resp_begin_persist(struct resp_task *task)
{
    task->expires = KV_NEVER;
    task->update.when = KV_IF_TIMED;
    return begin_update(task);
}

/* The time to live of an item, or the time when it expires, as the command has it. */
static int64_t time_left(const struct resp_task *task, const struct kv_item *item, bool absolute)
{
    if (!item->present)
        return ABSENT;
    if (item->found_expires == KV_NEVER)
        return UNTIMED;
    bool in_ms = task->options == RESP_MILLISECONDS;
    if (absolute)
        return in_ms ? item->found_expires : item->found_expires / 1000;
    int64_t left = item->found_expires - resp_now(task);
    left = left > 0 ? left : 0;
    return in_ms ? left : (left + 500) / 1000;
}

static bool is_absolute(const struct resp_task *task)
{
    return task->command->begin == resp_begin_expiretime ||
           task->command->begin == resp_begin_pexpiretime;
}

static bool ttl_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task))
        return false;
    if (task->stage++ > 0)
        return resp_found_hash(task) && resp_integer(task, UNTIMED);
    (void)resp_integer(task, time_left(task, &task->items[0], is_absolute(task)));
    if (task->items[0].present || !resp_knows_hashes(task))
        return false;
    resp_look_for_hash(task, task->args[1]);
    return true;
}

static bool begin_ttl(struct resp_task *task, enum resp_unit unit)
{
    if (!resp_take_items(task, 1))
        return resp_answer(task);
    task->options = unit;
    task->items[0].key = task->args[1];
    resp_operate(task, RESP_GET, resp_strings(task), task->items, 1);
    kv_task_in_steps(&task->base, ttl_step);
    return true;
}

bool resp_begin_ttl(struct resp_task *task)
{
    return begin_ttl(task, RESP_SECONDS);
}

bool resp_begin_pttl(struct resp_task *task)
{
    return begin_ttl(task, RESP_MILLISECONDS);
}

bool resp_begin_expiretime(struct resp_task *task)
{
    return begin_ttl(task, RESP_SECONDS);
}

bool resp_begin_pexpiretime(struct resp_task *task)
{
    return begin_ttl(task, RESP_MILLISECONDS);
}

/* --- fields of hashes ------------------------------------------------------------------------------ */

static int64_t field_result(const struct resp_task *task, const struct kv_item *item)
{
    if (!(task->command->flags & RESP_WRITE))
        return time_left(task, item, false);
    if (!item->present)
        return ABSENT;
    if (task->command->begin == resp_begin_hpersist)
        return item->verdict == KV_VERDICT_STORE ? 1 : UNTIMED;
    return item->verdict == KV_VERDICT_REMOVE ? 2 : item->verdict == KV_VERDICT_STORE;
}

/* Makes the reply: an array with a number for each field. */
static bool tell_fields(struct resp_task *task)
{
    size_t most = (1 + task->item_count) * WEFT_RESP_HEAD_MAX;
    uint8_t *reply = weft_arena_alloc(weft_request_arena(task->base.request), most);
    if (!reply)
        return resp_no_memory(task);
    uint8_t *end = weft_resp_put_head(reply, WEFT_RESP_ARRAY, (int64_t)task->item_count);
    for (size_t i = 0; i < task->item_count; i++)
        end = weft_resp_put_head(end, WEFT_RESP_INTEGER, field_result(task, &task->items[i]));
    return resp_raw(task, weft_view(reply, (size_t)(end - reply)));
}

/* Stage 0: the name was looked for among the strings. 1: the fields were found or updated. */
static bool fields_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task))
        return false;
    if (task->stage++ > 0)
        return tell_fields(task);
    if (resp_found_string(task))
        return resp_wrong_type(task);
    resp_operate(task, task->command->flags & RESP_WRITE ? RESP_UPDATE : RESP_GET, task->args[1],
                 task->items, task->item_count);
    return true;
}

/* Reads `FIELDS count field...`, from the argument `at` on. */
static bool begin_field_expiry(struct resp_task *task, size_t at)
{
    int64_t count;
    if (at + 1 >= task->count || !resp_is_word(task->args[at], "FIELDS")) {
        (void)resp_error(task,
                         "ERR Mandatory argument FIELDS is missing or not at the right position");
        return resp_answer(task);
    }
    if (!resp_parse_integer(task->args[at + 1], &count) || count < 1) {
        (void)resp_error(task, "ERR Number of fields must be a positive integer");
        return resp_answer(task);
    }
    if ((uint64_t)count != task->count - at - 2) {
        (void)resp_error(task, "ERR The `numfields` parameter must match the number of arguments");
        return resp_answer(task);
    }
    if (!resp_take_items(task, (size_t)count))
        return resp_answer(task);
    task->update.then = KV_THEN_EXPIRE;
    for (size_t i = 0; i < task->item_count; i++)
        task->items[i] = (struct kv_item){
            .key = task->args[at + 2 + i], .update = &task->update, .expires = task->expires};
    resp_look_for_string(task, task->args[1]);
    kv_task_in_steps(&task->base, fields_step);
    return true;
}

static bool begin_hexpire(struct resp_task *task, enum resp_unit unit, bool absolute)
{
    size_t at = 3;
    unsigned option = task->count > 3 ? option_of(task->args[at]) : 0;
    if (!resp_read_expiry(task, task->args[2], unit, absolute, false, &task->expires) ||
        !take_options(task, option))
        return resp_answer(task);
    return begin_field_expiry(task, at + (option != 0));
}

bool resp_begin_hexpire(struct resp_task *task)
{
    return begin_hexpire(task, RESP_SECONDS, false);
}

bool resp_begin_hpexpire(struct resp_task *task)
{
    return begin_hexpire(task, RESP_MILLISECONDS, false);
}

bool resp_begin_hexpireat(struct resp_task *task)
{
    return begin_hexpire(task, RESP_SECONDS, true);
}

bool resp_begin_hpexpireat(struct resp_task *task)
{
    return begin_hexpire(task, RESP_MILLISECONDS, true);
}

bool resp_begin_httl(struct resp_task *task)
{
    task->options = RESP_SECONDS;
    return begin_field_expiry(task, 2);
}

bool resp_begin_hpttl(struct resp_task *task)
{
    task->options = RESP_MILLISECONDS;
    return begin_field_expiry(task, 2);
}

bool resp_begin_hpersist(struct resp_task *task)
{
    task->expires = KV_NEVER;
    task->update.when = KV_IF_TIMED;
    return begin_field_expiry(task, 2);
}
