/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include <assert.h>

#include "core/base/compiler.h"
#include "finish.h"

enum {
    WALK_PAGE = 1000,
    /* A page that shows few of many keys ends after about as many keys, and after about as many
     * characters of them have been compared: less than a millisecond of a turn. Its cursor goes on. */
    FILTER_STEPS = 1 << 18
};

static bool walk_each(struct kv_op *op, const struct kv_pair *pair)
{
    struct kv_call *call = weft_container_of(op, struct kv_call, op);
    if (call->pair(call, pair))
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
        kv__call_finish(call, outcome);
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

static size_t limit_of(const struct kv_call *call)
{
    return call->limit > 0 ? call->limit : KV_SCAN_LIMIT;
}

static bool page_each(struct kv_op *op, const struct kv_pair *pair)
{
    struct kv_call *call = weft_container_of(op, struct kv_call, op);
    return call->pair(call, pair);
}

/* Shows a pair of a page that has a filter. A pair that would be one too many is left to the next page, as
 * is the first one after too much has been compared. */
static bool filtered_each(struct kv_op *op, const struct kv_pair *pair)
{
    struct kv_call *call = weft_container_of(op, struct kv_call, op);
    if (call->shown >= limit_of(call) || call->steps > FILTER_STEPS)
        return false;
    if (!kv_filter_shows(&call->filter, pair->key, &call->steps))
        return true;
    call->shown++;
    if (!call->filter.keys_only)
        return call->pair(call, pair);
    struct kv_pair bare = *pair;
    bare.value = (struct kv_value){{NULL, 0}, NULL};
    return call->pair(call, &bare);
}

static bool has_filter(const struct kv_call *call)
{
    return call->filter.prefix.size > 0 || call->filter.match.size > 0 || call->filter.keys_only;
}

static void show_page(struct kv_call *call)
{
    if (call->from.size > sizeof call->cursor.bytes) {
        kv__call_finish(call, KV_EXPIRED);
        return;
    }
    call->cursor.size = (uint16_t)call->from.size;
    if (call->from.size > 0)
        memcpy(call->cursor.bytes, call->from.data, call->from.size);
    call->op.count = limit_of(call);
    call->op.exact = !call->command->rough;
    call->op.each = page_each;
    call->op.prefix = call->filter.prefix;
    if (has_filter(call)) {
        call->shown = call->steps = 0;
        call->op.each = filtered_each;
        if (call->op.count < KV_SCAN_LIMIT)
            call->op.count = KV_SCAN_LIMIT;
    }
    call->store->submit(call->session, &call->op);
}

static void refuse_pattern(struct kv_call *call)
{
    static_assert(KV_PATTERN_MAX == 128, "the text names it");
    kv_reply_text(&call->reply, KV_BAD_REQUEST, "Pattern is too long: 128 bytes are the most");
    call->done(call);
}

static void start_page(struct kv_call *call)
{
    if (call->command->takes == KV_TAKES_NAMES)
        call->filter = (struct kv_filter){.prefix = call->filter.prefix};
    if (call->filter.match.size > KV_PATTERN_MAX)
        refuse_pattern(call);
    else
        show_page(call);
}

void kv__walk_start(struct kv_call *call)
{
    unsigned flags = call->store->flags;
    call->op.cursor = &call->cursor;
    if (call->command->does == KV_WALK && !(flags & KV_STORE_WALK))
        kv__call_lacks(call, "walks");
    else if (call->command->does == KV_TABLES && !(flags & KV_STORE_TABLES))
        kv__call_lacks(call, "list of tables");
    else if (kv_is_paged(call->command))
        start_page(call);
    else
        walk_table(call);
}
