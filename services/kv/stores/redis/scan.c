/* SPDX-License-Identifier: MIT */
#include "scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "loads.h"
#include "outcome.h"

/* Returns the glob-style pattern of all keys that begin with the prefix. Its data is NULL if there is no memory. */
static struct weft_view pattern_of(struct weft_arena *arena, struct weft_view prefix)
{
    uint8_t *pattern = weft_arena_alloc(arena, 2 * prefix.size + 1);
    size_t size = 0;
    if (!pattern)
        return weft_view(NULL, 0);
    for (size_t i = 0; i < prefix.size; i++) {
        if (memchr("*?[]\\^-", prefix.data[i], 7))
            pattern[size++] = '\\';
        pattern[size++] = prefix.data[i];
    }
    pattern[size++] = '*';
    return weft_view(pattern, size);
}

enum kv_outcome kv_redis_page_begin(struct kv_redis_job *job, struct kv_redis_page *page,
                                    const struct kv_redis_walk *walk)
{
    const struct kv_op *op = job->op;
    *page = (struct kv_redis_page){.walk = *walk};
    if (op->prefix.size > 0) {
        page->pattern = pattern_of(&job->arena, op->prefix);
        if (!page->pattern.data)
            return KV_UNAVAILABLE;
    }
    if (op->cursor->size == 0) {
        page->is_proven = true;
        return KV_DONE;
    }
    if (!kv_redis_read_cursor(op->cursor, walk, &page->place))
        return KV_EXPIRED;
    /* Only the answer tells which process the place would have to belong to. */
    page->is_proven = !kv_redis_place_is_bound(&page->place);
    if (page->is_proven && !kv_redis_prove_cursor(op->cursor, walk, &page->place, 0))
        return KV_EXPIRED;
    return KV_DONE;
}

/* Returns how many buckets are asked at once: as many as have the pairs that the page lacks, by those before. */
static size_t width_of(const struct kv_redis_job *job, const struct kv_redis_page *page)
{
    size_t left = page->walk.buckets - page->place.bucket, width = 1;
    size_t wanted = job->op->count > page->shown ? job->op->count - page->shown : 1;
    if (page->place.scan == 0 && page->ended > 0)
        width = 1 + wanted * page->ended / (page->ended_pairs > 0 ? page->ended_pairs : 1);
    if (width > KV_REDIS_SCAN_BUCKETS)
        width = KV_REDIS_SCAN_BUCKETS;
    return width < left ? width : left;
}

static bool make_scan(struct kv_redis_part *part, const struct kv_redis_page *page,
                      const char *scan)
{
    size_t more = page->pattern.size > 0 ? 5 : 3;
    struct weft_view *args = kv_redis_part_command(part, "HSCAN", more);
    if (!args)
        return false;
    *args++ = weft_view_str(scan);
    if (page->pattern.size > 0) {
        *args++ = weft_view_str("MATCH");
        *args++ = page->pattern;
    }
    *args++ = weft_view_str("COUNT");
    *args = weft_view_str(page->count_text);
    return true;
}

/* Gives the parts of a list the keys of directories. */
static bool name_directories(struct kv_redis_job *job)
{
    for (size_t i = 0; i < job->part_count; i++) {
        struct kv_redis_part *part = &job->parts[i];
        uint8_t *key = weft_arena_alloc(&job->arena, KV_REDIS_DIRECTORY_ROOM);
        if (!key)
            return false;
        part->key = weft_view(key, kv_redis_write_directory(key, part->bucket));
        part->call.slot = (int)kv_redis_slot(part->key);
    }
    return true;
}

bool kv_redis_page_ask(struct kv_redis_job *job, struct kv_redis_page *page)
{
    size_t count = job->op->count < KV_REDIS_SCAN_MOST ? job->op->count : KV_REDIS_SCAN_MOST;
    if (job->op->exact || count < 10)
        count = job->op->exact ? KV_REDIS_SCAN_EXACT : 10;
    (void)snprintf(page->count_text, sizeof page->count_text, "%zu", count);
    (void)snprintf(page->scan_text, sizeof page->scan_text, "%" PRIu64, page->place.scan);
    if (!kv_redis_job_buckets(job, page->walk.table, page->place.bucket, width_of(job, page)))
        return false;
    if (page->walk.is_list && !name_directories(job))
        return false;
    page->rounds++;
    for (size_t i = 0; i < job->part_count; i++)
        if (!make_scan(&job->parts[i], page, i == 0 ? page->scan_text : "0"))
            return false;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct kv_redis_entry *one = a, *other = b;
    return (one->hash > other->hash) - (one->hash < other->hash);
}

/* Sorts the entries, and drops those that were shown before. */
static void put_in_order(struct kv_redis_answer *answer)
{
    size_t kept = 0;
    for (size_t i = 0; i < answer->count; i++) {
        struct kv_redis_entry entry = answer->entries[i];
        entry.hash = kv_redis_hash(entry.key);
        if (!answer->is_known || entry.hash >= answer->place.hash)
            answer->entries[kept++] = entry;
    }
    answer->count = kept;
    if (kept > 1)
        qsort(answer->entries, kept, sizeof *answer->entries, compare);
}

/* Reads what HSCAN says: its next number, and fields and values by turns. */
static enum kv_outcome parse(struct kv_redis_part *part, struct kv_redis_answer *answer)
{
    const redisReply *reply = part->reply;
    if (reply->elements != 2 || reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_ARRAY)
        return KV_FAILED;
    const redisReply *pairs = reply->element[1];
    answer->next = strtoull(reply->element[0]->str, NULL, 10);
    answer->count = pairs->elements / 2;
    answer->entries =
        weft_arena_alloc(&part->job->arena, (answer->count + 1) * sizeof *answer->entries);
    if (!answer->entries)
        return KV_UNAVAILABLE;
    for (size_t i = 0; i < answer->count; i++) {
        struct kv_redis_entry *entry = &answer->entries[i];
        *entry = (struct kv_redis_entry){0};
        if (!kv_redis_field_of(pairs->element[2 * i], &entry->key) ||
            !kv_redis_field_of(pairs->element[2 * i + 1], &entry->field))
            return KV_FAILED;
    }
    return KV_DONE;
}

/* Moves behind an answer. If that was smaller than the one of which a part was shown before, what was shown of the rest
 * is remembered. */
static void move_on(struct kv_redis_page *page, const struct kv_redis_answer *answer)
{
    struct kv_redis_place *place = &page->place;
    if (answer->next == 0) {
        page->ended++;
        page->ended_pairs += answer->count;
        *place = (struct kv_redis_place){.bucket = place->bucket + 1};
        return;
    }
    place->scan = answer->next;
    if (!answer->is_known || answer->next == place->until)
        *place = (struct kv_redis_place){.bucket = place->bucket, .scan = place->scan};
}

enum kv_outcome kv_redis_page_read(struct kv_redis_part *part, struct kv_redis_page *page,
                                   struct kv_redis_answer *answer)
{
    struct kv_redis_job *job = part->job;
    *answer = (struct kv_redis_answer){.place = page->place};
    enum kv_outcome outcome = kv_redis_part_outcome(part, KV_REDIS_WANTS_ARRAY);
    if (outcome != KV_DONE)
        return outcome;
    answer->process = part->process;
    if (!page->is_proven &&
        !kv_redis_prove_cursor(job->op->cursor, &page->walk, &page->place, answer->process))
        return KV_EXPIRED;
    page->is_proven = true;
    outcome = parse(part, answer);
    if (outcome != KV_DONE)
        return outcome;
    answer->is_known =
        page->place.partial && (answer->next == page->place.until ||
                                kv_redis_scan_is_before(answer->next, page->place.until));
    if (job->op->exact)
        put_in_order(answer);
    move_on(page, answer);
    return KV_DONE;
}

/* A place within a bucket needs the process, which is not known if a node did not say which it is. */
static void end_at(struct kv_redis_job *job, const struct kv_redis_page *page,
                   const struct kv_redis_place *place, uint64_t process)
{
    struct kv_op *op = job->op;
    if (kv_redis_place_is_bound(place) && process == 0)
        kv_redis_job_end(job, KV_UNAVAILABLE);
    else if (!kv_redis_write_cursor(op->cursor, &page->walk, place, process, op->exact))
        kv_redis_job_end(job, KV_FAILED);
    else
        kv_redis_job_end(job, KV_DONE);
}

void kv_redis_page_end(struct kv_redis_job *job, const struct kv_redis_page *page, uint64_t process)
{
    if (!kv_redis_page_is_last(page)) {
        end_at(job, page, &page->place, process);
        return;
    }
    job->op->cursor->size = 0;
    kv_redis_job_end(job, KV_DONE);
}

void kv_redis_page_end_at(struct kv_redis_job *job, const struct kv_redis_page *page,
                          const struct kv_redis_answer *answer, size_t i)
{
    struct kv_redis_place place = answer->place;
    place.partial = true;
    place.until = answer->next;
    place.hash = answer->entries[i].hash;
    end_at(job, page, &place, answer->process);
}
