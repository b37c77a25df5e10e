/* SPDX-License-Identifier: MIT */
#include "list.h"

#include "outcome.h"
#include "scan.h"

enum { COUNTED = 16 }; /* tables whose keys are counted in one round */

struct list {
    struct kv_redis_page page;
    struct kv_redis_answer *answers; /* of a round, with names that are copied */
    size_t answer_count, at;         /* the answer whose tables are counted */
    size_t entry;                    /* the next one of that */
    size_t counted;                  /* entries that are being counted */
};

static void ask(struct kv_redis_job *job);
static void count(struct kv_redis_job *job);

/* --- counting -------------------------------------------------------------------------------------- */

/* Shows a table. False: the job is over. */
static bool show(struct kv_redis_job *job, const struct kv_redis_answer *answer, size_t i,
                 uint64_t total)
{
    struct list *list = job->state;
    struct kv_op *op = job->op;
    const struct kv_pair pair = {.key = answer->entries[i].key, .total = total};
    if (total == 0)
        return true;
    bool is_full = op->exact && list->page.shown == op->count;
    if (is_full || !op->each(op, &pair)) {
        if (op->exact)
            kv_redis_page_end_at(job, &list->page, answer, i);
        else
            kv_redis_job_end(job, KV_DONE);
        return false;
    }
    list->page.shown++;
    return true;
}

static void counted(struct kv_redis_job *job)
{
    struct list *list = job->state;
    const struct kv_redis_answer *answer = &list->answers[list->at];
    enum kv_outcome outcome = kv_redis_job_outcome(job, KV_REDIS_WANTS_NUMBER);
    struct kv_redis_part *part = job->parts;
    if (outcome != KV_DONE) {
        kv_redis_job_end(job, outcome);
        return;
    }
    for (size_t end = list->entry + list->counted; list->entry < end; list->entry++) {
        uint64_t total = 0;
        unsigned buckets = kv_redis_read_buckets(answer->entries[list->entry].field);
        for (unsigned b = 0; b < buckets; b++, part++)
            total += (uint64_t)part->reply->integer;
        if (!show(job, answer, list->entry, total))
            return;
    }
    count(job);
}

/* Makes the calls for one table, from that part on. */
static bool make_counts(struct kv_redis_job *job, struct kv_redis_part *part, struct weft_view name,
                        unsigned buckets)
{
    size_t room = kv_redis_key_room(name);
    uint8_t *at = weft_arena_alloc(&job->arena, room * buckets);
    if (!at)
        return false;
    for (unsigned b = 0; b < buckets; b++, part++, at += room) {
        size_t size = kv_redis_write_key(at, name, b);
        part->key = weft_view(at, size);
        part->index = weft_view(at, size + KV_REDIS_INDEX_MORE);
        part->call.slot = (int)kv_redis_slot(part->key);
        struct weft_view *args = kv_redis_part_script(part, KV_REDIS_COUNT, 1);
        if (!args)
            return false;
        args[0] = kv_redis_job_now(job);
    }
    return true;
}

static bool make_all_counts(struct kv_redis_job *job, const struct kv_redis_answer *answer)
{
    struct list *list = job->state;
    const struct kv_redis_entry *entries = answer->entries + list->entry;
    size_t parts = 0;
    /* One more than the page lacks shows if it is the last one. */
    size_t wanted = job->op->exact ? job->op->count - list->page.shown + 1 : COUNTED;
    list->counted = answer->count - list->entry;
    if (wanted > COUNTED)
        wanted = COUNTED;
    if (list->counted > wanted)
        list->counted = wanted;
    for (size_t i = 0; i < list->counted; i++)
        parts += kv_redis_read_buckets(entries[i].field);
    if (!kv_redis_job_bare(job, parts))
        return false;
    struct kv_redis_part *part = job->parts;
    for (size_t i = 0; i < list->counted; i++) {
        unsigned buckets = kv_redis_read_buckets(entries[i].field);
        if (!make_counts(job, part, entries[i].key, buckets))
            return false;
        part += buckets;
    }
    return true;
}

/* Ends the page, or asks for more: all tables of an answer are counted. */
static bool is_over(struct kv_redis_job *job, uint64_t process)
{
    const struct list *list = job->state;
    bool is_full = !job->op->exact && list->page.shown >= job->op->count;
    if (is_full || kv_redis_page_is_last(&list->page) ||
        list->page.rounds == KV_REDIS_SCAN_ROUNDS) {
        kv_redis_page_end(job, &list->page, process);
        return true;
    }
    return false;
}

static void count(struct kv_redis_job *job)
{
    struct list *list = job->state;
    while (list->at < list->answer_count && list->entry == list->answers[list->at].count) {
        list->at++;
        list->entry = 0;
    }
    if (list->at == list->answer_count) {
        uint64_t process = list->answers[list->answer_count - 1].process;
        if (!is_over(job, process))
            ask(job);
    } else if (!make_all_counts(job, &list->answers[list->at])) {
        kv_redis_job_end(job, KV_UNAVAILABLE);
    } else {
        kv_redis_job_run(job, counted);
    }
}

/* --- names ----------------------------------------------------------------------------------------- */

/* Copies the names and numbers of an answer, as far as they are wanted. */
static bool copy(struct kv_redis_job *job, struct kv_redis_answer *answer)
{
    struct weft_view prefix = job->op->prefix;
    size_t kept = 0;
    for (size_t i = 0; i < answer->count; i++) {
        struct kv_redis_entry entry = answer->entries[i];
        if (entry.key.size < prefix.size ||
            (prefix.size > 0 && memcmp(entry.key.data, prefix.data, prefix.size) != 0) ||
            kv_redis_read_buckets(entry.field) == 0)
            continue;
        uint8_t *bytes = weft_arena_alloc(&job->arena, entry.key.size + entry.field.size);
        if (!bytes)
            return false;
        if (entry.key.size > 0)
            memcpy(bytes, entry.key.data, entry.key.size);
        memcpy(bytes + entry.key.size, entry.field.data, entry.field.size);
        entry.key.data = bytes;
        entry.field.data = bytes + entry.key.size;
        answer->entries[kept++] = entry;
    }
    answer->count = kept;
    return true;
}

static void answered(struct kv_redis_job *job)
{
    struct list *list = job->state;
    struct kv_redis_page *page = &list->page;
    kv_redis_job_clock(job);
    list->answer_count = list->at = list->entry = 0;
    list->answers = weft_arena_alloc(&job->arena, job->part_count * sizeof *list->answers);
    if (!list->answers) {
        kv_redis_job_end(job, KV_UNAVAILABLE);
        return;
    }
    for (size_t i = 0; i < job->part_count; i++) {
        struct kv_redis_answer *answer = &list->answers[list->answer_count++];
        enum kv_outcome outcome = kv_redis_page_read(&job->parts[i], page, answer);
        if (outcome == KV_DONE && !copy(job, answer))
            outcome = KV_UNAVAILABLE;
        if (outcome != KV_DONE) {
            kv_redis_job_end(job, outcome);
            return;
        }
        if (answer->next != 0)
            break;
    }
    count(job);
}

static void ask(struct kv_redis_job *job)
{
    struct list *list = job->state;
    if (!kv_redis_page_ask(job, &list->page))
        kv_redis_job_end(job, KV_UNAVAILABLE);
    else
        kv_redis_job_run(job, answered);
}

void kv_redis_list_begin(struct kv_redis_job *job)
{
    const struct kv_redis_walk walk = {.is_list = true, .buckets = KV_REDIS_DIRECTORIES};
    struct list *list = weft_arena_alloc(&job->arena, sizeof *list);
    enum kv_outcome outcome = KV_UNAVAILABLE;
    if (list) {
        *list = (struct list){0};
        outcome = kv_redis_page_begin(job, &list->page, &walk);
    }
    if (outcome != KV_DONE) {
        kv_redis_job_end(job, outcome);
        return;
    }
    job->state = list;
    ask(job);
}
