/* SPDX-License-Identifier: MIT */
#include "command.h"

#include "core/base/compiler.h"

enum { WALK_PAGE = 1000 };

void kv_reply_text(struct kv_reply *reply, enum kv_status status, const char *text)
{
    reply->status = status;
    reply->gives = KV_GIVES_NOTHING;
    reply->text.count = 0;
    reply->cursor = weft_view(NULL, 0);
    kv_text_add_str(&reply->text, text);
}

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
    if (call->items[0].present) {
        answer_values(call);
        return;
    }
    struct kv_text *text = &call->reply.text;
    kv_reply_text(&call->reply, KV_NOT_FOUND, "Not found for table: ");
    kv_text_add(text, call->table);
    kv_text_add_str(text, ", key: ");
    kv_text_add(text, call->items[0].key);
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
};

static void finish(struct kv_call *call, enum kv_outcome outcome)
{
    struct kv_reply *reply = &call->reply;
    reply->status = KV_OK;
    reply->text.count = 0;
    reply->cursor = weft_view(NULL, 0);
    switch (outcome) {
    case KV_DONE:
        call->command->answer(call);
        break;
    case KV_FAILED:
        kv_reply_text(reply, KV_STORE_FAILED, "Store failed: nothing was changed");
        break;
    case KV_UNAVAILABLE:
        kv_reply_text(reply, KV_RETRY, "Store has no memory or is away: nothing was changed");
        break;
    case KV_EXPIRED:
        kv_reply_text(reply, KV_GONE, "cursor expired: start again");
        break;
    case KV_UNKNOWN:
        kv_reply_text(reply, KV_NO_ANSWER,
                      call->command->writes
                          ? "Store did not answer: the command may have taken effect"
                          : "Store did not answer");
        break;
    case KV_FULL:
        kv_reply_text(reply, KV_STORE_FULL, "Store is full");
        break;
    case KV_UNMET: /* no command has conditions */
        kv_reply_text(reply, KV_STORE_FAILED, "Store failed: nothing was changed");
        break;
    }
    call->done(call);
}

static void batch_done(struct kv_op *op, enum kv_outcome outcome)
{
    finish(weft_container_of(op, struct kv_call, op), outcome);
}

static bool walk_each(struct kv_op *op, const struct kv_pair *pair)
{
    struct kv_call *call = weft_container_of(op, struct kv_call, op);
    if (call->pair(call, pair->key, &pair->value))
        return true;
    call->pair = NULL;
    return false;
}

/* The result of a page that completed inside submit(). It lies on the stack of walk_on, because the call
 * itself may be gone by then. */
struct kv_walk_step {
    bool more, finished;
};

/* Submits one page after another for as long as each completes inside submit(). A loop does this, not a
 * recursion, so that the stack does not grow with the table. */
static void walk_on(struct kv_call *call)
{
    struct kv_walk_step step;
    do {
        step = (struct kv_walk_step){false, false};
        call->step = &step;
        call->store->submit(call->session, &call->op);
    } while (step.more);
    if (!step.finished)
        call->step = NULL;
}

static void page_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct kv_call *call = weft_container_of(op, struct kv_call, op);
    bool more = outcome == KV_DONE && call->pair && call->cursor.size > 0;
    struct kv_walk_step *step = call->step;
    if (step)
        *step = (struct kv_walk_step){.more = more, .finished = !more};
    if (!more)
        finish(call, outcome);
    else if (!step)
        walk_on(call);
}

static void walk_table(struct kv_call *call)
{
    call->cursor.size = 0;
    call->op.count = WALK_PAGE;
    call->op.exact = false;
    call->op.prefix = weft_view(NULL, 0);
    call->op.each = walk_each;
    call->op.done = page_done;
    walk_on(call);
}

static bool scan_each(struct kv_op *op, const struct kv_pair *pair)
{
    struct kv_call *call = weft_container_of(op, struct kv_call, op);
    return call->pair(call, pair->key, &pair->value);
}

static void walk_page(struct kv_call *call)
{
    if (call->from.size > sizeof call->cursor.bytes) {
        finish(call, KV_EXPIRED);
        return;
    }
    call->cursor.size = (uint16_t)call->from.size;
    if (call->from.size > 0)
        memcpy(call->cursor.bytes, call->from.data, call->from.size);
    call->op.count = call->limit > 0 ? call->limit : KV_SCAN_LIMIT;
    call->op.exact = true;
    call->op.prefix = weft_view(NULL, 0);
    call->op.each = scan_each;
    call->store->submit(call->session, &call->op);
}

WEFT_NOINLINE static void start_walk(struct kv_call *call)
{
    call->op.cursor = &call->cursor;
    if (!(call->store->flags & KV_STORE_WALK)) {
        kv_reply_text(&call->reply, KV_NOT_IMPLEMENTED, "Store has no walks: no ");
        kv_text_add_str(&call->reply.text, call->command->name);
        call->done(call);
    } else if (call->command->takes == KV_TAKES_PAGE) {
        walk_page(call);
    } else {
        walk_table(call);
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
    call->op.done = batch_done;

    if (command->does == KV_WALK)
        start_walk(call);
    else if (call->count > 0)
        store->submit(session, &call->op);
    else
        finish(call, KV_DONE); /* nothing asked for, nothing to do */
}
