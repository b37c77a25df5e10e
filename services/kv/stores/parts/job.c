/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <stdalign.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "services/kv/update.h"

enum {
    COPY_MOST = 4096,    /* of a value that lies in a blob: more is kept by reference */
    PAGE_MOST = 1 << 20, /* bytes of keys and values that a page keeps */
    FEW = 4,             /* items, each with room for a value of */
    ROOM = 96,           /* that many bytes that was found */
    POOLED = 1024,       /* bytes of a job that the pool keeps */
    POOLED_MOST = 1024,  /* jobs that it keeps */
};

static bool is_copied(const struct kv_value *value)
{
    return !value->blob || value->bytes.size <= COPY_MOST;
}

static bool stores(const struct kv_op *op)
{
    return op->kind == KV_MSET || op->kind == KV_MUPDATE;
}

static bool is_page(const struct kv_op *op)
{
    return op->kind == KV_WALK || op->kind == KV_TABLES;
}

/* Bytes of keys and values that are copied. */
static size_t bytes_of(const struct kv_op *op, size_t count)
{
    size_t size = op->table.size + (is_page(op) ? op->prefix.size : 0);
    for (size_t i = 0; i < count; i++) {
        size += op->items[i].key.size;
        if (stores(op) && is_copied(&op->items[i].value))
            size += op->items[i].value.bytes.size;
    }
    return size;
}

static struct weft_view copy_view(uint8_t **at, struct weft_view view)
{
    uint8_t *copy = *at;
    if (view.size > 0)
        memcpy(copy, view.data, view.size);
    *at += view.size;
    return weft_view(copy, view.size);
}

static void copy_item(struct kv_item *to, const struct kv_item *from, bool has_value, uint8_t **at)
{
    *to = (struct kv_item){.key = copy_view(at, from->key), .expires = from->expires};
    if (!has_value)
        return;
    if (is_copied(&from->value)) {
        to->value.bytes = copy_view(at, from->value.bytes);
    } else {
        to->value = from->value;
        weft_blob_ref(to->value.blob);
    }
}

/* Updates are often one for all items, so equal neighbours share a copy. */
static void copy_updates(struct kv_disk_job *job, const struct kv_op *op, struct kv_update *updates)
{
    struct kv_item *items = job->copy.items;
    for (size_t i = 0; i < op->count; i++) {
        if (i > 0 && op->items[i].update == op->items[i - 1].update) {
            items[i].update = items[i - 1].update;
            continue;
        }
        updates[i] = *op->items[i].update;
        items[i].update = &updates[i];
    }
}

bool kv_disk_job_keep(struct kv_op *copy, const struct kv_pair *pair)
{
    struct kv_disk_job *job = weft_container_of(copy, struct kv_disk_job, copy);
    size_t size = pair->key.size + pair->value.bytes.size;
    if (job->kept > 0 && job->kept + size > PAGE_MOST)
        return false;
    struct kv_disk_pair *kept = kv_results_alloc(&job->results, sizeof *kept, copy->count);
    job->lacks_memory = true;
    if (!kept)
        return false;
    kept->next = NULL;
    kept->pair = *pair;
    if (kv_results_keep(&job->results, &kept->pair.key, copy->count) < 0 ||
        kv_results_keep(&job->results, &kept->pair.value.bytes, copy->count) < 0)
        return false;
    job->lacks_memory = false;
    *job->pairs_end = kept;
    job->pairs_end = &kept->next;
    job->kept += size;
    return true;
}

static void copy_page(struct kv_disk_job *job, const struct kv_op *op, struct weft_view prefix)
{
    job->cursor = *op->cursor;
    job->copy.cursor = &job->cursor;
    job->copy.each = kv_disk_job_keep;
    job->copy.prefix = prefix;
    job->pairs_end = &job->pairs;
}

static struct kv_disk_job *take(struct kv_disk_jobs *jobs, size_t size)
{
    if (size > POOLED)
        return weft_malloc(size);
    struct kv_disk_job *job = jobs->free;
    if (!job)
        return weft_malloc(POOLED);
    jobs->free = job->next;
    jobs->count--;
    return job;
}

static void copy_items(struct kv_disk_job *job, const struct kv_op *op, uint8_t **at)
{
    struct kv_item *items = job->copy.items;
    for (size_t i = 0; i < job->copy.count; i++) {
        copy_item(&items[i], &op->items[i], stores(op), at);
        if (items[i].value.blob)
            job->job.size += items[i].value.bytes.size;
    }
}

/* The job, the items, the updates, the room for what is found and the bytes lie one behind the other. */
struct kv_disk_job *kv_disk_job_new(struct kv_disk_jobs *jobs, struct kv_op *op,
                                    enum kv_disk_way way)
{
    bool here = way == KV_DISK_HERE;
    _Static_assert(alignof(struct kv_update) <= alignof(struct kv_item) &&
                       alignof(struct kv_item) <= alignof(struct kv_disk_job),
                   "what lies behind a job is aligned");
    size_t count = here || is_page(op) || !op->items ? 0 : op->count;
    size_t update_count = op->kind == KV_MUPDATE && !here ? op->count : 0;
    size_t bytes = here ? 0 : bytes_of(op, count), room = count <= FEW ? count * ROOM : 0;
    size_t size = sizeof(struct kv_disk_job) + count * sizeof(struct kv_item) +
                  update_count * sizeof(struct kv_update) + room + bytes;
    struct kv_disk_job *job = take(jobs, size);
    if (!job)
        return NULL;
    *job = (struct kv_disk_job){
        .op = op, .way = way, .job.size = bytes, .copy = *op, .pooled = size <= POOLED};
    if (here)
        return job;
    struct kv_item *items = (struct kv_item *)(job + 1);
    struct kv_update *updates = (struct kv_update *)(items + count);
    uint8_t *at = (uint8_t *)(updates + update_count);
    job->results = (struct kv_results){.room = at, .room_size = room};
    at += room;
    job->copy.items = count > 0 ? items : NULL;
    job->copy.table = copy_view(&at, op->table);
    if (count > 0)
        copy_items(job, op, &at);
    if (update_count)
        copy_updates(job, op, updates);
    if (is_page(op))
        copy_page(job, op, copy_view(&at, op->prefix));
    return job;
}

void kv_disk_job_free(struct kv_disk_jobs *jobs, struct kv_disk_job *job)
{
    if (job->way != KV_DISK_HERE && stores(&job->copy))
        for (size_t i = 0; i < job->copy.count; i++)
            weft_blob_unref(job->copy.items[i].value.blob);
    kv_results_drop(&job->results);
    if (!job->pooled || jobs->count == POOLED_MOST) {
        weft_free(job);
        return;
    }
    job->next = jobs->free;
    jobs->free = job;
    jobs->count++;
}

void kv_disk_jobs_fini(struct kv_disk_jobs *jobs)
{
    while (jobs->free) {
        struct kv_disk_job *job = jobs->free;
        jobs->free = job->next;
        weft_free(job);
    }
    jobs->count = 0;
}

void kv_disk_job_tell(const struct kv_disk_job *job)
{
    struct kv_op *op = job->op;
    op->total = job->copy.total;
    if (!job->copy.items)
        return;
    for (size_t i = 0; i < op->count; i++) {
        const struct kv_item *item = &job->copy.items[i];
        op->items[i].present = item->present;
        op->items[i].found = item->found;
        op->items[i].found_expires = item->found_expires;
        op->items[i].verdict = item->verdict;
    }
}
