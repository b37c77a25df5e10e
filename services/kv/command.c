/* SPDX-License-Identifier: MIT */
#include "command.h"

#include "changes.h"
#include "core/base/compiler.h"
#include "finish.h"
#include "packed.h"
#include "walk.h"

static void answer_values(struct kv_call *call)
{
    call->reply.gives = KV_GIVES_VALUES;
}

static void answer_bools(struct kv_call *call)
{
    call->reply.gives = KV_GIVES_BOOLS;
}

static void answer_pairs(struct kv_call *call)
{
    call->reply.gives = KV_GIVES_NOTHING;
}

static void answer_page(struct kv_call *call)
{
    call->reply.gives = KV_GIVES_NOTHING;
    call->reply.cursor = weft_view(call->cursor.bytes, call->cursor.size);
}

static void answer_value_or_not_found(struct kv_call *call)
{
    if (call->items[0].present)
        answer_values(call);
    else
        kv__reply_key(call, KV_NOT_FOUND, "Not found for table: ", &call->items[0]);
}

static void answer_value_with_state(struct kv_call *call)
{
    answer_value_or_not_found(call);
    call->reply.states = call->items[0].present;
}

static void answer_values_with_states(struct kv_call *call)
{
    answer_values(call);
    call->reply.states = true;
}

static void answer_changes(struct kv_call *call)
{
    answer_values(call);
    call->reply.states = call->states;
}

static void answer_bools_with_states(struct kv_call *call)
{
    answer_bools(call);
    call->reply.states = true;
}

static void answer_total(struct kv_call *call)
{
    size_t size = kv_pack_integer(call->packed, (int64_t)call->op.total);
    call->reply.gives = KV_GIVES_VALUE;
    call->reply.value = weft_view(call->packed, size);
}

const struct kv_command kv_commands[KV_COMMAND_COUNT] = {
    [KV_HGET] = {.name = "hget",
                 .takes = KV_TAKES_KEYS,
                 .does = KV_MGET,
                 .answer = answer_value_or_not_found},
    [KV_HGETALL] = {.name = "hgetall",
                    .takes = KV_TAKES_TABLE,
                    .does = KV_WALK,
                    .answer = answer_pairs},
    [KV_HMGET] = {.name = "hmget",
                  .takes = KV_TAKES_KEYS,
                  .many = true,
                  .does = KV_MGET,
                  .answer = answer_values},
    [KV_HSET] = {.name = "hset",
                 .takes = KV_TAKES_PAIRS,
                 .writes = true,
                 .does = KV_MSET,
                 .answer = answer_values},
    [KV_HMSET] = {.name = "hmset",
                  .takes = KV_TAKES_PAIRS,
                  .many = true,
                  .writes = true,
                  .does = KV_MSET,
                  .answer = answer_values},
    [KV_HDEL] = {.name = "hdel",
                 .takes = KV_TAKES_KEYS,
                 .writes = true,
                 .does = KV_MDEL,
                 .answer = answer_values},
    [KV_HMDEL] = {.name = "hmdel",
                  .takes = KV_TAKES_KEYS,
                  .many = true,
                  .writes = true,
                  .does = KV_MDEL,
                  .answer = answer_values},
    [KV_HEXIST] = {.name = "hexist",
                   .takes = KV_TAKES_KEYS,
                   .does = KV_MEXIST,
                   .answer = answer_bools},
    [KV_HMEXIST] = {.name = "hmexist",
                    .takes = KV_TAKES_KEYS,
                    .many = true,
                    .does = KV_MEXIST,
                    .answer = answer_bools},
    [KV_HSCAN] = {.name = "hscan", .takes = KV_TAKES_PAGE, .does = KV_WALK, .answer = answer_page},
    [KV_HGET_STATE] = {.name = "hget",
                       .takes = KV_TAKES_KEYS,
                       .does = KV_MGET,
                       .answer = answer_value_with_state},
    [KV_HMGET_STATE] = {.name = "hmget",
                        .takes = KV_TAKES_KEYS,
                        .many = true,
                        .does = KV_MGET,
                        .answer = answer_values_with_states},
    [KV_HPUT] = {.name = "hput",
                 .takes = KV_TAKES_CHANGES,
                 .many = true,
                 .writes = true,
                 .does = KV_MUPDATE,
                 .answer = answer_changes},
    [KV_HINCR] = {.name = "hincr",
                  .takes = KV_TAKES_CHANGES,
                  .writes = true,
                  .does = KV_MUPDATE,
                  .answer = kv__changes_answer_sum},
    [KV_HEXPIRE] = {.name = "hexpire",
                    .takes = KV_TAKES_CHANGES,
                    .many = true,
                    .writes = true,
                    .does = KV_MUPDATE,
                    .answer = answer_bools_with_states},
    [KV_HTTL] = {.name = "httl",
                 .takes = KV_TAKES_KEYS,
                 .many = true,
                 .does = KV_MGET,
                 .answer = answer_bools_with_states},
    [KV_TABLES_PAGE] = {.name = "tables",
                        .takes = KV_TAKES_NAMES,
                        .does = KV_TABLES,
                        .answer = answer_page},
    [KV_TABLE_DROP] = {.name = "drop",
                       .takes = KV_TAKES_TABLE,
                       .writes = true,
                       .does = KV_DROP,
                       .answer = answer_total},
    [KV_TABLE_COUNT] = {.name = "count",
                        .takes = KV_TAKES_TABLE,
                        .does = KV_COUNT,
                        .answer = answer_total},
};

static void op_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct kv_call *call = weft_container_of(op, struct kv_call, op);
    if (outcome == KV_DONE)
        kv__call_succeed(call);
    else
        kv__call_finish(call, outcome);
}

/* Begins a command that is no simple batch of items. */
WEFT_NOINLINE static void start_other(struct kv_call *call)
{
    switch (call->command->does) {
    case KV_MUPDATE:
        kv__changes_start(call);
        break;
    case KV_COUNT:
    case KV_DROP:
        if (call->store->flags & KV_STORE_TABLES)
            call->store->submit(call->session, &call->op);
        else
            kv__call_lacks(call, "list of tables");
        break;
    default:
        kv__walk_start(call);
        break;
    }
}

void kv_call_start(struct kv_call *call, const struct kv_store *store, void *session)
{
    const struct kv_command *command = call->command;
    call->store = store;
    call->session = session;
    call->op.kind = command->does;
    call->op.table = call->table;
    call->op.items = call->items;
    call->op.count = call->count;
    call->op.if_table = command->if_table;
    call->op.done = op_done;

    if (command->does >= KV_WALK)
        start_other(call);
    else if (call->count > 0)
        store->submit(session, &call->op);
    else
        kv__call_finish(call, KV_DONE); /* nothing asked for, nothing to do */
}
