/* SPDX-License-Identifier: MIT */
#include "update.h"

#include "batch.h"
#include "line.h"
#include "outcome.h"
#include "services/kv/packed.h"
#include "services/kv/update.h"
#include "tables.h"

/* One key of a part, which several items may name. */
struct key {
    uint64_t hash;
    struct weft_view name;
    /* The state that the items before have given it. */
    bool present, changed;
    struct weft_view bytes;
    int64_t expires;
};

struct kv_redis_keys {
    struct key *keys;
    size_t count;
    size_t *of_items;    /* for each item of the part, its key */
    redisReply **fields; /* for each key, what the node holds; NULL: nothing */
    bool is_settled;     /* the part is as it was decided */
};

/* --- keys ------------------------------------------------------------------------------------------ */

/* Returns the key of that name among those made so far, or the next one. Equal names have equal hashes, and the items
 * are in the order of their hashes. */
static size_t find_key(const struct kv_redis_keys *keys, uint64_t hash, struct weft_view name)
{
    size_t i = keys->count;
    while (i > 0 && keys->keys[i - 1].hash == hash)
        if (weft_view_equal(keys->keys[--i].name, name))
            return i;
    return keys->count;
}

static bool make_keys(struct kv_redis_part *part)
{
    struct weft_arena *arena = &part->job->arena;
    struct kv_redis_keys *keys = weft_arena_alloc(arena, sizeof *keys);
    if (!keys)
        return false;
    *keys = (struct kv_redis_keys){
        .keys = weft_arena_alloc(arena, part->count * sizeof *keys->keys),
        .of_items = weft_arena_alloc(arena, part->count * sizeof *keys->of_items)};
    if (!keys->keys || !keys->of_items)
        return false;
    for (size_t i = 0; i < part->count; i++) {
        uint64_t hash = part->job->order[part->first + i].hash;
        struct weft_view name = kv_redis_part_item(part, i)->key;
        size_t at = find_key(keys, hash, name);
        if (at == keys->count)
            keys->keys[keys->count++] = (struct key){.hash = hash, .name = name};
        keys->of_items[i] = at;
    }
    part->keys = keys;
    return true;
}

static bool make_all_keys(struct kv_redis_job *job)
{
    for (size_t i = 0; i < job->part_count; i++)
        if (!make_keys(&job->parts[i]))
            return false;
    return true;
}

/* Takes the answer over as what the node holds, from that element on. */
static void see(struct kv_redis_part *part, size_t first)
{
    part->keys->fields = part->reply->element + first;
}

/* --- decisions ------------------------------------------------------------------------------------- */

static void begin_key(struct kv_redis_part *part, size_t i)
{
    struct key *key = &part->keys->keys[i];
    struct weft_view field;
    struct kv_redis_value value;
    key->present = key->changed = false;
    key->expires = KV_NEVER;
    if (!part->keys->fields || !kv_redis_field_of(part->keys->fields[i], &field))
        return;
    kv_redis_read_value(field, &value);
    if (kv_has_expired(value.expires, part->job->now))
        return;
    key->present = true;
    key->bytes = value.bytes;
    key->expires = value.expires;
}

/* Sets the key's bytes to those of a decision. False: no memory. */
static bool take_bytes(struct kv_redis_job *job, struct key *key, const struct kv_next *next)
{
    size_t size = 0;
    if (next->part_count == 1 && next->parts[0].data != next->bytes) {
        key->bytes = next->parts[0];
        return true;
    }
    for (size_t i = 0; i < next->part_count; i++)
        size += next->parts[i].size;
    uint8_t *bytes = weft_arena_alloc(&job->arena, size);
    if (!bytes)
        return false;
    key->bytes = weft_view(bytes, size);
    for (size_t i = 0; i < next->part_count; i++) {
        if (next->parts[i].size > 0)
            memcpy(bytes, next->parts[i].data, next->parts[i].size);
        bytes += next->parts[i].size;
    }
    return true;
}

static bool decide_item(struct kv_redis_job *job, struct kv_item *item, struct key *key)
{
    const struct kv_value value = {.bytes = key->bytes};
    struct kv_next next;
    item->present = key->present;
    if (key->present) {
        item->found = value;
        item->found_expires = key->expires;
    }
    weft_kv_update_decide(item, key->present ? &value : NULL, key->expires, job->now, &next);
    item->verdict = next.verdict;
    if (next.verdict == KV_VERDICT_STORE) {
        key->present = key->changed = true;
        key->expires = next.expires;
        return take_bytes(job, key, &next);
    }
    if (next.verdict == KV_VERDICT_REMOVE) {
        key->present = false;
        key->changed = true;
        key->expires = KV_NEVER;
    }
    return true;
}

/* Decides about the items of a part. False: no memory. */
static bool decide_part(struct kv_redis_part *part)
{
    for (size_t i = 0; i < part->keys->count; i++)
        begin_key(part, i);
    for (size_t i = 0; i < part->count; i++)
        if (!decide_item(part->job, kv_redis_part_item(part, i),
                         &part->keys->keys[part->keys->of_items[i]]))
            return false;
    return true;
}

static bool is_refused(const struct kv_op *op)
{
    for (size_t i = 0; !op->apart && i < op->count; i++)
        if (kv_verdict_is_refusal(op->items[i].verdict))
            return true;
    return false;
}

/* --- changes --------------------------------------------------------------------------------------- */

/* Says what the node has to find, and what it has to make of it. */
static bool add_key(struct kv_redis_part *part, size_t i, struct weft_view args[5])
{
    const struct key *key = &part->keys->keys[i];
    redisReply *field = part->keys->fields ? part->keys->fields[i] : NULL;
    struct weft_view held = {NULL, 0};
    bool is_held = field && kv_redis_field_of(field, &held);
    struct kv_redis_value value = {.expires = KV_NEVER};
    uint8_t *head = weft_arena_alloc(&part->job->arena, KV_REDIS_HEAD);
    if (!head)
        return false;
    if (is_held)
        kv_redis_read_value(held, &value);
    bool is_there = is_held && !kv_has_expired(value.expires, part->job->now);
    args[0] = key->name;
    args[1] = weft_view_str(is_there ? "v" : "a");
    args[2] = is_there ? held : weft_view(NULL, 0);
    args[4] = weft_view(NULL, 0);
    if (!key->changed) {
        args[3] = weft_view_str("k");
    } else if (!key->present) {
        args[3] = weft_view_str("d");
    } else {
        args[3] = weft_view(head, kv_redis_write_head(head, key->bytes, key->expires));
        args[4] = key->bytes;
    }
    return true;
}

/* Makes the call that changes a part, unless there is nothing to change. */
static bool make_swap(struct kv_redis_part *part)
{
    bool changed = false;
    for (size_t i = 0; i < part->keys->count; i++)
        changed |= part->keys->keys[i].changed;
    if (!changed) {
        part->keys->is_settled = part->skip = true;
        return true;
    }
    struct weft_view *args = kv_redis_part_script(part, KV_REDIS_SWAP, 1 + 5 * part->keys->count);
    if (!args)
        return false;
    args[0] = kv_redis_job_now(part->job);
    for (size_t i = 0; i < part->keys->count; i++)
        if (!add_key(part, i, args + 1 + 5 * i))
            return false;
    return true;
}

static void swapped(struct kv_redis_job *job);

static void give_up(struct kv_redis_job *job, enum kv_outcome outcome)
{
    kv_redis_job_end(job, job->applied ? KV_UNKNOWN : outcome);
}

/* Decides about all parts that are not settled, and changes them. */
static void change(struct kv_redis_job *job)
{
    for (size_t i = 0; i < job->part_count; i++) {
        struct kv_redis_part *part = &job->parts[i];
        part->skip = part->keys->is_settled;
        if (!part->skip && !decide_part(part)) {
            give_up(job, KV_UNAVAILABLE);
            return;
        }
    }
    if (is_refused(job->op)) {
        give_up(job, KV_UNMET);
        return;
    }
    for (size_t i = 0; i < job->part_count; i++) {
        if (!job->parts[i].skip && !make_swap(&job->parts[i])) {
            give_up(job, KV_UNAVAILABLE);
            return;
        }
    }
    kv_redis_job_run(job, swapped);
}

/* Looks at the answer of a part. Returns its outcome; KV_UNMET: somebody else was faster. */
static enum kv_outcome settle(struct kv_redis_part *part)
{
    enum kv_outcome outcome = kv_redis_part_outcome(part, KV_REDIS_WANTS_ARRAY);
    if (outcome == KV_UNKNOWN)
        part->job->applied = true;
    if (outcome != KV_DONE)
        return outcome;
    const redisReply *reply = part->reply;
    if (reply->elements == part->keys->count + 1 && reply->element[0]->integer == 0) {
        see(part, 1);
        return KV_UNMET;
    }
    part->job->applied = part->keys->is_settled = true;
    return KV_DONE;
}

static bool adds_one(const struct kv_op *op)
{
    const struct kv_item *item = &op->items[0];
    return op->count == 1 && item->update->when == KV_IF_ANY && item->update->then == KV_THEN_ADD &&
           (item->expires == KV_KEEP_EXPIRY || item->expires == KV_NEVER);
}

static void add(struct kv_redis_job *job);

/* Begins the parts again that others have changed. What was read before stays in the arena, so that is bounded, too. */
static void try_again(struct kv_redis_job *job)
{
    if (weft_loop_now(job->loop->loop) >= job->deadline ||
        job->arena.used > KV_REDIS_UPDATE_MEMORY) {
        give_up(job, KV_UNAVAILABLE);
        return;
    }
    kv_redis_job_clock(job);
    if (adds_one(job->op))
        add(job);
    else
        change(job);
}

static void swapped(struct kv_redis_job *job)
{
    enum kv_outcome failure = KV_DONE;
    bool again = false;
    for (size_t i = 0; i < job->next_part; i++) {
        if (job->parts[i].skip)
            continue;
        enum kv_outcome outcome = settle(&job->parts[i]);
        again |= outcome == KV_UNMET;
        if (outcome != KV_UNMET && failure == KV_DONE)
            failure = outcome;
    }
    if (failure != KV_DONE) {
        give_up(job, failure);
    } else if (!again) {
        kv_redis_job_end(job, KV_DONE);
    } else {
        try_again(job);
    }
}

/* --- beginnings ------------------------------------------------------------------------------------ */

static void read_all(struct kv_redis_job *job)
{
    enum kv_outcome outcome = kv_redis_job_outcome(job, KV_REDIS_WANTS_ARRAY);
    for (size_t i = 0; outcome == KV_DONE && i < job->part_count; i++) {
        struct kv_redis_part *part = &job->parts[i];
        if (part->reply->elements != part->keys->count)
            outcome = KV_FAILED;
        else
            see(part, 0);
    }
    if (outcome != KV_DONE) {
        kv_redis_job_end(job, outcome);
        return;
    }
    kv_redis_job_clock(job);
    change(job);
}

static bool make_reads(struct kv_redis_job *job)
{
    for (size_t i = 0; i < job->part_count; i++) {
        struct kv_redis_part *part = &job->parts[i];
        struct weft_view *args = kv_redis_part_command(part, "HMGET", part->keys->count);
        if (!args)
            return false;
        for (size_t k = 0; k < part->keys->count; k++)
            args[k] = part->keys->keys[k].name;
    }
    return true;
}

/* True if the key is set only if it is absent. That is tried before it is read: if it is there, the node says what it
 * has. */
static bool may_guess(const struct kv_op *op)
{
    const struct kv_update *update = op->items[0].update;
    return op->count == 1 && update->when == KV_IF_ABSENT && update->then == KV_THEN_SET;
}

static void begin_by_reading(struct kv_redis_job *job)
{
    if (may_guess(job->op))
        change(job);
    else if (make_reads(job))
        kv_redis_job_run(job, read_all);
    else
        kv_redis_job_end(job, KV_UNAVAILABLE);
}

static bool sets_all(const struct kv_op *op)
{
    for (size_t i = 0; i < op->count; i++) {
        const struct kv_item *item = &op->items[i];
        if (item->update->when != KV_IF_ANY || item->update->then != KV_THEN_SET ||
            item->expires == KV_KEEP_EXPIRY)
            return false;
    }
    return true;
}

static void set_all_answered(struct kv_redis_job *job)
{
    enum kv_outcome outcome = kv_redis_job_outcome(job, KV_REDIS_WANTS_ANY);
    if (outcome == KV_DONE && !kv_redis_batch_find(job))
        outcome = KV_UNKNOWN;
    for (size_t i = 0; i < job->op->count; i++) {
        struct kv_item *item = &job->op->items[i];
        bool stays = !kv_has_expired(item->expires, job->now);
        item->verdict = stays ? KV_VERDICT_STORE : KV_VERDICT_REMOVE;
    }
    kv_redis_job_end(job, outcome);
}

static void added(struct kv_redis_job *job)
{
    struct kv_redis_part *part = &job->parts[0];
    struct kv_item *item = &job->op->items[0];
    enum kv_outcome outcome = kv_redis_part_outcome(part, KV_REDIS_WANTS_ARRAY);
    struct kv_next next;
    if (outcome != KV_DONE) {
        kv_redis_job_end(job, outcome);
        return;
    }
    const redisReply *reply = part->reply;
    if (reply->elements != 2) {
        kv_redis_job_end(job, KV_UNKNOWN);
        return;
    }
    if (reply->element[0]->integer == 0) {
        see(part, 1);
        change(job);
        return;
    }
    kv_redis_find(item, reply->element[1], job->now);
    weft_kv_update_decide(item, item->present ? &item->found : NULL, item->found_expires, job->now,
                          &next);
    item->verdict = next.verdict;
    kv_redis_job_end(job, KV_DONE);
}

static bool make_addition(struct kv_redis_job *job)
{
    const struct kv_item *item = &job->op->items[0];
    struct weft_view *args = kv_redis_part_script(&job->parts[0], KV_REDIS_ADD, 4);
    uint8_t *delta = weft_arena_alloc(&job->arena, KV_NUMBER_MAX);
    if (!args || !delta)
        return false;
    args[0] = kv_redis_job_now(job);
    args[1] = item->key;
    args[2] = weft_view(delta, kv_pack_integer(delta, item->update->integer));
    args[3] = weft_view_str(item->expires == KV_KEEP_EXPIRY ? "k" : "n");
    return true;
}

static void add(struct kv_redis_job *job)
{
    if (make_addition(job))
        kv_redis_job_run(job, added);
    else
        give_up(job, KV_UNAVAILABLE);
}

/* Called when those before the job have left the line, which may have taken long. */
static void begin_in_line(struct kv_redis_job *job)
{
    if (weft_loop_now(job->loop->loop) >= job->deadline)
        kv_redis_job_end(job, KV_UNAVAILABLE);
    else
        begin_by_reading(job);
}

static void begin(struct kv_redis_job *job)
{
    if (!kv_redis_job_group(job)) {
        kv_redis_job_end(job, KV_UNAVAILABLE);
        return;
    }
    /* A bucket is decided about by what was answered before. */
    job->keeps = true;
    if (sets_all(job->op) && kv_redis_batch_set(job))
        kv_redis_job_run(job, set_all_answered);
    else if (!make_all_keys(job))
        kv_redis_job_end(job, KV_UNAVAILABLE);
    else if (adds_one(job->op))
        add(job);
    else if (job->op->count == 1)
        kv_redis_line_enter(job, job->order[0].hash ^ kv_redis_hash(job->op->table), begin_in_line);
    else
        begin_by_reading(job);
}

void kv_redis_update_begin(struct kv_redis_job *job)
{
    job->deadline = weft_loop_now(job->loop->loop) + kv_redis_timeout(job->loop->store->shared);
    kv_redis_tables_find(job, true, begin);
}
