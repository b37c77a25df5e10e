/* SPDX-License-Identifier: MIT */
#include "hashes.h"

#include "core/base/compiler.h"

/* --- reading --------------------------------------------------------------------------------------- */

static int64_t count_present(const struct resp_task *task)
{
    int64_t count = 0;
    for (size_t i = 0; i < task->item_count; i++)
        count += task->items[i].present;
    return count;
}

/* Says what was found, if it says more than that the hash is there. */
static bool tell_fields_found(struct resp_task *task)
{
    char space[RESP_NUMBER_MAX];
    if (task->command->begin == resp_begin_hexists || task->command->begin == resp_begin_hdel)
        return resp_integer(task, count_present(task));
    if (task->command->begin == resp_begin_hlen)
        return resp_integer(task, (int64_t)task->base.call.op.total);
    if (task->command->begin == resp_begin_hstrlen)
        return resp_integer(task,
                            task->items[0].present
                                ? (int64_t)resp_value_text(task->items[0].found.bytes, space).size
                                : 0);
    return false;
}

static bool found_any(const struct resp_task *task)
{
    return count_present(task) > 0 || task->base.pairs.count > 0 ||
           (task->command->begin == resp_begin_hlen && task->base.call.op.total > 0);
}

/* Stage 0: the hash was looked into. If nothing was found, the name may be a string. 1: it was looked for
 * there. */
static bool hash_or_wrong_type(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task))
        return false;
    if (task->stage++ > 0)
        return resp_found_string(task) && resp_wrong_type(task);
    (void)tell_fields_found(task);
    if (found_any(task))
        return false;
    resp_look_for_string(task, task->args[1]);
    return true;
}

/* Begins a command whose fields are the arguments from the third on, `count` of them. */
static bool begin_fields(struct resp_task *task, enum resp_operation operation, size_t count)
{
    if (!resp_take_items(task, count))
        return resp_answer(task);
    for (size_t i = 0; i < count; i++)
        task->items[i].key = task->args[2 + i];
    resp_operate(task, operation, task->args[1], task->items, count);
    kv_task_in_steps(&task->base, hash_or_wrong_type);
    return true;
}

bool resp_begin_hget(struct resp_task *task)
{
    task->form = RESP_FORM_VALUE;
    return begin_fields(task, RESP_GET, 1);
}

bool resp_begin_hmget(struct resp_task *task)
{
    task->form = RESP_FORM_VALUES;
    return begin_fields(task, RESP_GET, task->count - 2);
}

bool resp_begin_hexists(struct resp_task *task)
{
    return begin_fields(task, RESP_LOOK, 1);
}

bool resp_begin_hstrlen(struct resp_task *task)
{
    return begin_fields(task, RESP_GET, 1);
}

bool resp_begin_hdel(struct resp_task *task)
{
    return begin_fields(task, RESP_DELETE, task->count - 2);
}

static bool begin_whole(struct resp_task *task, enum resp_operation operation, enum resp_part part)
{
    task->form = RESP_FORM_PAIRS;
    task->part = part;
    resp_operate(task, operation, task->args[1], NULL, 1);
    kv_task_in_steps(&task->base, hash_or_wrong_type);
    return true;
}

bool resp_begin_hlen(struct resp_task *task)
{
    if (!resp_knows_hashes(task)) {
        (void)resp_error(task, "ERR this store counts no keys: no HLEN");
        return resp_answer(task);
    }
    return begin_whole(task, RESP_COUNT, RESP_PART_BOTH);
}

bool resp_begin_hkeys(struct resp_task *task)
{
    return begin_whole(task, RESP_WALK, RESP_PART_KEYS);
}

bool resp_begin_hvals(struct resp_task *task)
{
    return begin_whole(task, RESP_WALK, RESP_PART_VALUES);
}

bool resp_begin_hgetall(struct resp_task *task)
{
    task->as_map = true;
    return begin_whole(task, RESP_WALK, RESP_PART_BOTH);
}

/* --- writing --------------------------------------------------------------------------------------- */

enum put_stage { ASKED, TRIED, PUT };

static void drop_values(struct resp_task *task, size_t count)
{
    while (count > 0) {
        struct kv_value *value = &task->items[--count].value;
        weft_blob_unref(value->blob);
        value->blob = NULL;
    }
}

static bool put_fields(struct resp_task *task, enum resp_operation operation)
{
    for (size_t i = 0; i < task->item_count; i++) {
        struct kv_item *item = &task->items[i];
        if (resp_value_make(task, task->args[3 + 2 * i], &item->value) < 0) {
            drop_values(task, i);
            return resp_no_memory(task);
        }
        item->update = &task->update;
    }
    resp_operate(task, operation, task->args[1], task->items, task->item_count);
    return true;
}

/* ASKED: the name was looked for among the strings. TRIED: the fields are set if the store sees that the name is a hash,
 * which no string then has. PUT: the fields are set. */
static bool hset_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (task->stage == TRIED && base->call.reply.status == KV_NOT_MET) {
        drop_values(task, task->item_count);
        task->stage = ASKED;
        resp_look_for_string(task, task->args[1]);
        return true;
    }
    if (!resp_is_done(task))
        return false;
    if (task->stage == ASKED) {
        task->stage = PUT;
        bool is_nx = task->command->begin == resp_begin_hsetnx;
        return resp_found_string(task) ? resp_wrong_type(task)
                                       : put_fields(task, is_nx ? RESP_UPDATE : RESP_PUT);
    }
    if (task->command->begin == resp_begin_hmset)
        return resp_status(task, "OK");
    return resp_integer(task, (int64_t)task->item_count - count_present(task));
}

/* True if the fields may be set before anybody asks if the name is a string. */
static bool may_try(const struct resp_task *task)
{
    return kv_task_config(&task->base)->context->store->flags & KV_STORE_IF_TABLE &&
           task->command->begin != resp_begin_hsetnx;
}

static bool begin_hset(struct resp_task *task)
{
    if (task->count % 2 != 0) {
        (void)resp_wrong_arity(task, task->command->name);
        return resp_answer(task);
    }
    if (!resp_take_items(task, task->count / 2 - 1))
        return resp_answer(task);
    for (size_t i = 0; i < task->item_count; i++)
        task->items[i].key = task->args[2 + 2 * i];
    if (may_try(task)) {
        task->stage = TRIED;
        if (task->base.looking)
            resp_operate(task, RESP_PUT_IN_HASH, task->args[1], task->items, task->item_count);
        else if (!put_fields(task, RESP_PUT_IN_HASH))
            return resp_answer(task);
    } else {
        task->stage = ASKED;
        resp_look_for_string(task, task->args[1]);
    }
    kv_task_in_steps(&task->base, hset_step);
    return true;
}

bool resp_begin_hset(struct resp_task *task)
{
    return begin_hset(task);
}

bool resp_begin_hmset(struct resp_task *task)
{
    return begin_hset(task);
}

bool resp_begin_hsetnx(struct resp_task *task)
{
    task->update = (struct kv_update){.when = KV_IF_ABSENT, .then = KV_THEN_SET};
    return begin_hset(task);
}
