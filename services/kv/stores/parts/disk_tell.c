/* SPDX-License-Identifier: MIT */
#include "disk_tell.h"

#include <errno.h>

#include "core/base/mem.h"
#include "services/kv/update.h"

enum { PAIR_HEAD = 1 + 8 }; /* bytes of the key of a pair before its name */

/* A value in parts has to be made whole. -ENOMEM. */
static int tell_parts(struct kv_disk *disk, struct kv_change *change, const struct kv_next *next)
{
    size_t size = 0;
    for (size_t i = 0; i < next->part_count; i++)
        size += next->parts[i].size;
    uint8_t *whole = weft_malloc(size > 0 ? size : 1), *dst = whole;
    if (!whole)
        return -ENOMEM;
    for (size_t i = 0; i < next->part_count; i++) {
        if (next->parts[i].size > 0)
            memcpy(dst, next->parts[i].data, next->parts[i].size);
        dst += next->parts[i].size;
    }
    change->value = weft_view(whole, size);
    kv_trail_put(&disk->trail, NULL, change);
    weft_free(whole);
    return 0;
}

/* The update is decided again from what it found, which gives the same result (update.h). */
static int tell_update(struct kv_disk *disk, struct kv_change *change, const struct kv_item *item)
{
    struct kv_next next;
    weft_kv_update_decide(item, item->present ? &item->found : NULL,
                          item->present ? item->found_expires : KV_NEVER, 0, &next);
    change->expires = next.expires;
    change->part = kv_update_part(item);
    if (next.part_count != 1)
        return tell_parts(disk, change, &next);
    change->value = next.parts[0];
    kv_trail_put(&disk->trail, NULL, change);
    return 0;
}

static bool removes(const struct kv_op *op, const struct kv_item *item)
{
    return item->scratch.number != 0 &&
           (op->kind == KV_MDEL || (op->kind == KV_MUPDATE && item->verdict == KV_VERDICT_REMOVE));
}

static bool is_changed(const struct kv_op *op, const struct kv_item *item)
{
    return op->kind == KV_MSET || (op->kind == KV_MUPDATE && item->verdict == KV_VERDICT_STORE) ||
           removes(op, item);
}

static int tell_item(struct kv_disk *disk, const struct kv_op *op, const struct kv_item *item,
                     bool more)
{
    struct kv_change change = {.table = op->table, .key = item->key, .more = more};
    if (removes(op, item)) {
        change.kind = item->present ? KV_CHANGE_REMOVED : KV_CHANGE_EXPIRED;
    } else if (op->kind == KV_MSET) {
        change.value = item->value.bytes;
        change.expires = item->expires;
    } else {
        return tell_update(disk, &change, item);
    }
    kv_trail_put(&disk->trail, NULL, &change);
    return 0;
}

static int tell_items(struct kv_disk *disk, const struct kv_op *op)
{
    size_t count = op->count;
    int err = 0;
    while (count > 0 && !is_changed(op, &op->items[count - 1]))
        count--;
    if (count == 0 || !kv_trail_begin(&disk->trail))
        return 0;
    for (size_t i = 0; i < count && err == 0; i++)
        if (is_changed(op, &op->items[i]))
            err = tell_item(disk, op, &op->items[i], i < count - 1);
    kv_trail_end(&disk->trail, NULL);
    return err;
}

static int tell_job(struct kv_disk *disk, const struct kv_disk_job *job)
{
    const struct kv_op *op = &job->copy;
    const struct kv_change drop = {.kind = KV_CHANGE_DROPPED, .table = op->table};
    if (job->outcome != KV_DONE)
        return 0;
    switch (op->kind) {
    case KV_MSET:
    case KV_MDEL:
    case KV_MUPDATE:
        return tell_items(disk, op);
    case KV_DROP:
        if (op->total > 0)
            kv_trail_add(&disk->trail, NULL, &drop);
        break;
    case KV_MGET:
    case KV_MEXIST:
    case KV_WALK:
    case KV_TABLES:
    case KV_COUNT:
        break;
    }
    return 0;
}

void kv_disk_tell(struct kv_disk *disk, struct kv_job *first, const struct kv_job *end)
{
    int err = 0;
    if (!kv_trail_is_on(&disk->trail))
        return;
    for (struct kv_job *job = first; job != end && err == 0; job = job->next)
        err = tell_job(disk, (const struct kv_disk_job *)job);
    if (err < 0)
        kv_trail_lose(&disk->trail);
    kv_trail_notify(&disk->trail);
}

/* An expired pair as it is noted: its sizes, then its table's name and its key. */
struct noted {
    size_t table, key;
};

void kv_disk_note_expired(struct kv_disk *disk, const struct kv_ledger_table *table,
                          const struct kv_key *key, const struct kv_disk_record *record)
{
    if (!kv_trail_is_on(&disk->trail))
        return;
    struct weft_view name =
        record->key.data ? record->key : weft_view_skip(kv_key_view(key), PAIR_HEAD);
    const struct noted noted = {table->size, name.size};
    int err = weft_buf_append(&disk->expired, weft_view(&noted, sizeof noted));
    if (err == 0)
        err = weft_buf_append(&disk->expired, weft_view(table->name, table->size));
    if (err == 0)
        err = weft_buf_append(&disk->expired, name);
    disk->expired_is_lost |= err < 0;
    disk->changed++;
}

void kv_disk_tell_expired(struct kv_disk *disk, bool committed)
{
    struct weft_view all = weft_buf_view(&disk->expired);
    if (committed && disk->expired_is_lost)
        kv_trail_lose(&disk->trail);
    while (committed && !disk->expired_is_lost && all.size > 0) {
        struct noted noted;
        memcpy(&noted, all.data, sizeof noted);
        all = weft_view_skip(all, sizeof noted);
        const struct kv_change change = {.kind = KV_CHANGE_EXPIRED,
                                         .table = weft_view(all.data, noted.table),
                                         .key = weft_view(all.data + noted.table, noted.key)};
        kv_trail_add(&disk->trail, NULL, &change);
        all = weft_view_skip(all, noted.table + noted.key);
    }
    if (weft_buf_size(&disk->expired) > 0 || disk->expired_is_lost)
        kv_trail_notify(&disk->trail);
    weft_buf_fini(&disk->expired);
    disk->expired_is_lost = false;
}
