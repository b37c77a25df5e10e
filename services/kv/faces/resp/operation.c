/* SPDX-License-Identifier: MIT */
#include "task.h"

#include "core/base/mem.h"

/* The face makes its replies of the items and pairs themselves. */
static void keep(struct kv_call *call)
{
    call->reply.gives = KV_GIVES_NOTHING;
}

static void keep_cursor(struct kv_call *call)
{
    call->reply.gives = KV_GIVES_NOTHING;
    call->reply.cursor = weft_view(call->cursor.bytes, call->cursor.size);
}

/* Indexed by operation, and by whether the command writes: the first operation of a command that writes
 * must say so even if it only looks. */
static const struct kv_command operations[][2] = {
#define ONE(writes_, takes_, does_, answer_, ...)                                                  \
    {                                                                                              \
        .name = "resp", .takes = takes_, .many = true, .writes = writes_, .does = does_,           \
        .answer = answer_, __VA_ARGS__                                                             \
    }
#define OPERATION(...)                                                                             \
    {                                                                                              \
        ONE(false, __VA_ARGS__), ONE(true, __VA_ARGS__)                                            \
    }
    [RESP_GET] = OPERATION(KV_TAKES_KEYS, KV_MGET, keep, .rough = false),
    [RESP_LOOK] = OPERATION(KV_TAKES_KEYS, KV_MEXIST, keep, .rough = false),
    [RESP_PUT] = OPERATION(KV_TAKES_PAIRS, KV_MSET, keep, .rough = false),
    [RESP_PUT_IN_HASH] = OPERATION(KV_TAKES_PAIRS, KV_MSET, keep, .if_table = true),
    [RESP_UPDATE] = OPERATION(KV_TAKES_CHANGES, KV_MUPDATE, keep, .apart = true),
    [RESP_UPDATE_ALL] = OPERATION(KV_TAKES_CHANGES, KV_MUPDATE, keep, .apart = false),
    [RESP_DELETE] = OPERATION(KV_TAKES_KEYS, KV_MDEL, keep, .rough = false),
    [RESP_COUNT] = OPERATION(KV_TAKES_TABLE, KV_COUNT, keep, .rough = false),
    [RESP_DROP] = OPERATION(KV_TAKES_TABLE, KV_DROP, keep, .rough = false),
    [RESP_WALK] = OPERATION(KV_TAKES_TABLE, KV_WALK, keep, .rough = false),
    [RESP_NAMES] = OPERATION(KV_TAKES_TABLE, KV_TABLES, keep, .rough = false),
    [RESP_PAGE] = OPERATION(KV_TAKES_PAGE, KV_WALK, keep_cursor, .rough = true),
    [RESP_PAGE_NAMES] = OPERATION(KV_TAKES_NAMES, KV_TABLES, keep_cursor, .rough = true),
    [RESP_FIRST_NAME] = OPERATION(KV_TAKES_NAMES, KV_TABLES, keep_cursor, .rough = false),
#undef OPERATION
#undef ONE
};

void resp_operate(struct resp_task *task, enum resp_operation operation, struct weft_view table,
                  struct kv_item *items, size_t count)
{
    struct kv_call *call = &task->base.call;
    call->command = &operations[operation][(task->command->flags & RESP_WRITE) != 0];
    call->table = table;
    call->items = items;
    call->count = count;
    call->filter = (struct kv_filter){0};
    call->states = false;
}

bool resp_take_items(struct resp_task *task, size_t count)
{
    task->items = task->few_items;
    task->item_count = count;
    if (count > RESP_FEW)
        task->items =
            weft_arena_alloc(weft_request_arena(task->base.request), count * sizeof *task->items);
    if (!task->items)
        return resp_no_memory(task);
    for (size_t i = 0; i < count; i++)
        task->items[i] = (struct kv_item){0};
    return true;
}

void resp_look_for_string(struct resp_task *task, struct weft_view name)
{
    task->probe.key = name;
    resp_operate(task, RESP_LOOK, resp_strings(task), &task->probe, 1);
}

bool resp_found_string(const struct resp_task *task)
{
    return resp_is_done(task) && task->probe.present;
}

void resp_look_for_hash(struct resp_task *task, struct weft_view name)
{
    resp_operate(task, RESP_COUNT, name, NULL, 1);
}

bool resp_found_hash(const struct resp_task *task)
{
    return resp_is_done(task) && task->base.call.op.total > 0;
}

bool resp_knows_hashes(const struct resp_task *task)
{
    return kv_task_config(&task->base)->context->store->flags & KV_STORE_TABLES;
}

bool resp_may_drop(struct resp_task *task, struct weft_view table)
{
    const struct weft_action action = {
        .name = task->command->name, .object = table, .flags = WEFT_ACTION_WRITES};
    struct weft_rejection why;
    if (!task->base.request->layers || weft_request_ask(task->base.request, &action, &why))
        return true;
    (void)resp_error(task, "NOPERM this user has no permissions to remove that hash");
    task->base.call.reply.status = KV_DENIED;
    return false;
}
