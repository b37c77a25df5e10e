/* SPDX-License-Identifier: MIT */
#include "changes.h"

#include <errno.h>
#include <math.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "finish.h"

static const char out_of_range[] = "Sum is out of range for table: ";

static int compare(struct weft_view a, struct weft_view b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Moves the item at `at` down to its place in a heap whose greatest key comes first. */
static void sift(const struct kv_item **heap, size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && compare(heap[child]->key, heap[child + 1]->key) < 0)
            child++;
        if (compare(heap[at]->key, heap[child]->key) >= 0)
            return;
        const struct kv_item *greater = heap[child];
        heap[child] = heap[at];
        heap[at] = greater;
    }
}

/* Sorts by heap: no keys that a peer may choose make it slow, and it takes no more memory. Returns an item
 * whose key another one has, too, or NULL. */
static const struct kv_item *sort_for_repeated(const struct kv_item **items, size_t count)
{
    for (size_t i = count / 2; i > 0; i--)
        sift(items, i - 1, count);
    const struct kv_item *last = NULL;
    for (size_t left = count; left > 0; left--) {
        const struct kv_item *greatest = items[0];
        if (last && compare(last->key, greatest->key) == 0)
            return last;
        last = greatest;
        items[0] = items[left - 1];
        sift(items, 0, left - 1);
    }
    return NULL;
}

/* Finds a key that comes twice: what would a condition mean of the second one? Returns 0 or -ENOMEM. */
static int find_repeated(const struct kv_call *call, const struct kv_item **repeated)
{
    enum { FEW = 16 };
    const struct kv_item *few[FEW], **items = few;
    if (call->count > FEW)
        items = weft_malloc(call->count * sizeof *items);
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < call->count; i++)
        items[i] = &call->items[i];
    *repeated = sort_for_repeated(items, call->count);
    if (items != few)
        weft_free(items);
    return 0;
}

/* Sets the updates that are NULL. True if all are, so that any store can do the call. */
static bool is_plain(struct kv_call *call)
{
    static const struct kv_update set = {.when = KV_IF_ANY, .then = KV_THEN_SET};
    bool plain = true;
    for (size_t i = 0; i < call->count; i++) {
        plain &= !call->items[i].update && call->items[i].expires != KV_KEEP_EXPIRY;
        if (!call->items[i].update)
            call->items[i].update = &set;
    }
    return plain;
}

static bool wants_expiry(const struct kv_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct kv_item *item = &call->items[i];
        if (item->expires > KV_NEVER || (item->update && item->update->then == KV_THEN_EXPIRE))
            return true;
    }
    return false;
}

static int64_t found_expiry(const struct kv_call *call, const struct kv_item *item)
{
    return item->present && call->store->flags & KV_STORE_EXPIRY ? item->found_expires : KV_NEVER;
}

/* Decides once more what became of an item. */
static void decide(const struct kv_call *call, const struct kv_item *item, struct kv_next *next)
{
    weft_kv_update_decide(item, item->present ? &item->found : NULL, found_expiry(call, item), 0,
                          next);
}

/* Makes the reply of changes of which one was refused: the first such one, and why. */
static void answer_refusal(struct kv_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct kv_item *item = &call->items[i];
        struct kv_next next;
        decide(call, item, &next);
        if (next.verdict == KV_VERDICT_UNMET) {
            kv__reply_key(call, KV_NOT_MET, "Condition is not met for table: ", item);
            call->reply.states = true;
            return;
        }
        if (next.verdict == KV_VERDICT_WRONG) {
            const char *text = item->update->then == KV_THEN_ADD ? "Not an integer for table: "
                                                                 : "Not a number for table: ";
            kv__reply_key(call, KV_CONFLICT, text, item);
            return;
        }
        if (next.verdict == KV_VERDICT_RANGE) {
            kv__reply_key(call, KV_CONFLICT, out_of_range, item);
            return;
        }
    }
}

/* Returns an item whose update adds what is no number, or NULL. */
static const struct kv_item *find_infinite(const struct kv_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct kv_update *update = call->items[i].update;
        if (update->then == KV_THEN_ADD_REAL && !isfinite(update->real))
            return &call->items[i];
    }
    return NULL;
}

static void update_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct kv_call *call = weft_container_of(op, struct kv_call, op);
    if (outcome != KV_UNMET) {
        kv__call_finish(call, outcome);
        return;
    }
    answer_refusal(call);
    call->done(call);
}

static void update(struct kv_call *call)
{
    const struct kv_item *infinite = find_infinite(call), *repeated = NULL;
    if (infinite) {
        kv__reply_key(call, KV_CONFLICT, out_of_range, infinite);
        call->done(call);
    } else if (!call->command->apart && find_repeated(call, &repeated) < 0) {
        kv__call_finish(call, KV_UNAVAILABLE);
    } else if (repeated) {
        kv__reply_key(call, KV_BAD_REQUEST, "One key comes twice for table: ", repeated);
        call->done(call);
    } else {
        call->op.kind = KV_MUPDATE;
        call->op.apart = call->command->apart;
        call->op.done = update_done;
        call->store->submit(call->session, &call->op);
    }
}

void kv__changes_start(struct kv_call *call)
{
    unsigned flags = call->store->flags;
    if (call->count == 0) {
        kv__call_finish(call, KV_DONE);
    } else if (!(flags & KV_STORE_EXPIRY) && wants_expiry(call)) {
        kv__call_lacks(call, "expiry");
    } else if (is_plain(call)) {
        call->op.kind = KV_MSET;
        call->store->submit(call->session, &call->op);
    } else if (!(flags & KV_STORE_UPDATE)) {
        kv__call_lacks(call, "conditions");
    } else {
        update(call);
    }
}

void kv__changes_answer_sum(struct kv_call *call)
{
    struct kv_next next;
    decide(call, &call->items[0], &next);
    memcpy(call->packed, next.parts[0].data, next.parts[0].size);
    call->reply.gives = KV_GIVES_VALUE;
    call->reply.value = weft_view(call->packed, next.parts[0].size);
}

/* Sets *state and *value to what an update has made of a key. */
static void set_changed(const struct kv_next *next, struct kv_state *state, struct weft_view *value)
{
    if (next->verdict == KV_VERDICT_REMOVE) {
        *state = (struct kv_state){.present = false};
    } else if (next->verdict == KV_VERDICT_STORE) {
        *state = (struct kv_state){
            .present = true, .has_version = next->part_count == 1, .expires = next->expires};
        *value = next->parts[0];
    }
}

/* Sets *state but for its version, which is the digest of *value. That lies in the item or in *next. */
static void outline(const struct kv_call *call, size_t index, int64_t now, struct kv_state *state,
                    struct weft_view *value, struct kv_next *next)
{
    const struct kv_item *item = &call->items[index];
    *state = (struct kv_state){.present = item->present,
                               .has_version = item->present,
                               .expires = found_expiry(call, item)};
    *value = item->found.bytes;
    if (call->command->takes == KV_TAKES_CHANGES) {
        decide(call, item, next);
        state->unmet = next->verdict == KV_VERDICT_UNMET;
        if (call->reply.status == KV_OK)
            set_changed(next, state, value);
        if (kv_has_expired(state->expires, now))
            *state = (struct kv_state){.present = false};
    }
    /* Replies of bools are about expiry: nobody wants to know what the digest of a value is. */
    state->has_version &= call->reply.gives != KV_GIVES_BOOLS;
}

void kv_call_state(const struct kv_call *call, size_t index, int64_t now, struct kv_state *state)
{
    struct weft_view value;
    struct kv_next next;
    outline(call, index, now, state, &value, &next);
    if (state->has_version)
        weft_kv_version(value, state->version);
}

void kv_call_state_outline(const struct kv_call *call, size_t index, int64_t now,
                           struct kv_state *state)
{
    struct weft_view value;
    struct kv_next next;
    outline(call, index, now, state, &value, &next);
}
