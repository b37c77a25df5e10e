/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include "core/base/compiler.h"
#include "core/base/mem.h"

/* --- names that are given -------------------------------------------------------------------------- */

/* Goes on to the next name that is no string. False: there is none, and the reply is made. */
static bool go_to_next_hash(struct resp_task *task, bool drops)
{
    while (task->at < task->item_count && task->items[task->at].present)
        task->at++;
    if (task->at == task->item_count || !resp_knows_hashes(task))
        return resp_integer(task, task->integer);
    struct weft_view name = task->items[task->at].key;
    /* The table of the strings is no name, or DEL would remove them all. */
    if (weft_view_equal(name, resp_strings(task))) {
        task->at++;
        return go_to_next_hash(task, drops);
    }
    if (drops && !resp_may_drop(task, name))
        return false;
    resp_operate(task, drops ? RESP_DROP : RESP_COUNT, name, NULL, 1);
    return true;
}

/* Stage 0: the strings were removed, or looked for. 1: a name that is none of them was, among the hashes. */
static bool names_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task))
        return false;
    if (task->stage == 0) {
        task->stage = 1;
        for (size_t i = 0; i < task->item_count; i++)
            task->integer += task->items[i].present;
    } else {
        task->integer += base->call.op.total > 0;
        task->at++;
    }
    return go_to_next_hash(task, task->command->flags & RESP_WRITE);
}

static bool begin_names(struct resp_task *task, enum resp_operation operation)
{
    if (!resp_take_items(task, task->count - 1))
        return resp_answer(task);
    for (size_t i = 0; i < task->item_count; i++)
        task->items[i].key = task->args[1 + i];
    task->integer = 0;
    resp_operate(task, operation, resp_strings(task), task->items, task->item_count);
    kv_task_in_steps(&task->base, names_step);
    return true;
}

bool resp_begin_del(struct resp_task *task)
{
    return begin_names(task, RESP_DELETE);
}

bool resp_begin_exists(struct resp_task *task)
{
    return begin_names(task, RESP_LOOK);
}

static bool type_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task))
        return false;
    if (task->stage++ > 0)
        return resp_status(task, resp_found_hash(task) ? "hash" : "none");
    (void)resp_status(task, resp_found_string(task) ? "string" : "none");
    if (resp_found_string(task) || !resp_knows_hashes(task))
        return false;
    resp_look_for_hash(task, task->args[1]);
    return true;
}

bool resp_begin_type(struct resp_task *task)
{
    resp_look_for_string(task, task->args[1]);
    kv_task_in_steps(&task->base, type_step);
    return true;
}

/* --- all names ------------------------------------------------------------------------------------- */

static bool is_strings(const struct resp_task *task, struct weft_view table)
{
    return weft_view_equal(table, resp_strings(task));
}

/* Stage 0: the strings were listed. 1: the hashes were. */
static bool keys_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task) || task->stage++ > 0 || !resp_knows_hashes(task))
        return false;
    resp_operate(task, RESP_NAMES, weft_view(NULL, 0), NULL, 1);
    return true;
}

bool resp_begin_keys(struct resp_task *task)
{
    task->form = RESP_FORM_PAIRS;
    task->part = RESP_PART_KEYS;
    task->match = task->args[1];
    if (!task->match.data)
        task->match.data = (const uint8_t *)"";
    resp_operate(task, RESP_WALK, resp_strings(task), NULL, 1);
    kv_task_in_steps(&task->base, keys_step);
    return true;
}

static bool count_name(struct kv_call *call, const struct kv_pair *pair)
{
    struct resp_task *task = resp_task_of(weft_container_of(call, struct kv_task, call));
    if (!is_strings(task, pair->key) && pair->total > 0)
        task->integer++;
    return true;
}

/* Stage 0: the strings were counted. 1: the hashes were. */
static bool count_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task))
        return false;
    if (task->stage++ > 0)
        return task->tell(task);
    task->integer = (int64_t)base->call.op.total;
    base->call.pair = count_name;
    resp_operate(task, RESP_NAMES, weft_view(NULL, 0), NULL, 1);
    return true;
}

bool resp_begin_counting(struct resp_task *task, bool (*tell)(struct resp_task *task))
{
    task->tell = tell;
    resp_operate(task, RESP_COUNT, resp_strings(task), NULL, 1);
    kv_task_in_steps(&task->base, count_step);
    return true;
}

static bool needs_tables(struct resp_task *task)
{
    if (resp_knows_hashes(task))
        return true;
    (void)resp_error_format(task, "ERR this store cannot list its tables: no %s",
                            task->command->name);
    return resp_answer(task);
}

static bool tell_count(struct resp_task *task)
{
    return resp_integer(task, task->integer);
}

bool resp_begin_dbsize(struct resp_task *task)
{
    return needs_tables(task) && resp_begin_counting(task, tell_count);
}

/* --- removing everything --------------------------------------------------------------------------- */

/* Notes the name of a table that is to be removed. Each is removed before the next is looked for. */
static bool note_name(struct kv_call *call, const struct kv_pair *pair)
{
    struct resp_task *task = resp_task_of(weft_container_of(call, struct kv_task, call));
    uint8_t *name = (uint8_t *)task->line;
    if (pair->key.size > sizeof task->line)
        name = weft_arena_alloc(weft_request_arena(task->base.request), pair->key.size);
    if (!name) {
        task->base.pairs_error = -1;
        return false;
    }
    memcpy(name, pair->key.data, pair->key.size);
    task->bytes = weft_view(name, pair->key.size);
    task->at = 1;
    return false;
}

/* Stage 0: a table was removed. 1: the next one was looked for. */
static bool flush_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task))
        return false;
    if (task->stage == 0) {
        task->stage = 1;
        task->at = 0;
        base->call.pair = note_name;
        base->call.from = weft_view(NULL, 0);
        base->call.limit = 1;
        resp_operate(task, RESP_FIRST_NAME, weft_view(NULL, 0), NULL, 1);
        return true;
    }
    if (task->at == 0)
        return resp_status(task, "OK");
    if (!resp_may_drop(task, task->bytes))
        return false;
    task->stage = 0;
    resp_operate(task, RESP_DROP, task->bytes, NULL, 1);
    return true;
}

bool resp_begin_flush(struct resp_task *task)
{
    if (task->count > 2 || (task->count == 2 && !resp_is_word(task->args[1], "ASYNC") &&
                            !resp_is_word(task->args[1], "SYNC"))) {
        (void)resp_syntax_error(task);
        return resp_answer(task);
    }
    if (!needs_tables(task))
        return false;
    resp_operate(task, RESP_DROP, resp_strings(task), NULL, 1);
    kv_task_in_steps(&task->base, flush_step);
    return true;
}
