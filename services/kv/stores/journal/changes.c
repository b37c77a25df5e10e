/* SPDX-License-Identifier: MIT */
#include "changes.h"

#include "core/base/compiler.h"
#include "records/record.h"

/* A change of the memory store as it will stand in the journal. False: it changes nothing. */
static bool read_touch(const struct kv_touch *touch, struct kv_record_change *change)
{
    *change = (struct kv_record_change){.key = touch->item->key};
    if (touch->fresh == touch->old)
        return false;
    change->removal = touch->fresh == NULL;
    if (touch->fresh) {
        change->value = kv_entry_value(touch->fresh).bytes;
        change->expires = kv_entry_expires(touch->fresh);
    }
    return true;
}

static int stage_change(struct kv_watch *watch, struct kv_loop *loop, struct weft_view table,
                        const struct kv_touch *touches, size_t count)
{
    struct kv_kept_loop *self = weft_container_of(watch, struct kv_kept_loop, watch);
    struct kv_record_change change;
    size_t size = 0;
    bool removes = true; /* and does nothing else */
    int err;
    (void)loop;
    for (size_t i = 0; i < count; i++) {
        if (!read_touch(&touches[i], &change))
            continue;
        size += kv_record_change_size(&change);
        removes &= change.removal;
    }
    if (size == 0)
        return 0;
    size += kv_record_table_size(table);
    if (self->found) {
        err = kv_found_reserve(self->found, touches, count);
        if (err < 0)
            return err;
    }
    struct kv_queued *record =
        kv_journal_stage(&self->kept->journal, &self->port, size, removes, &err);
    if (!record)
        return err;
    uint8_t *dst = kv_record_put_table(record->bytes, table);
    for (size_t i = 0; i < count; i++)
        if (read_touch(&touches[i], &change))
            dst = kv_record_put_change(dst, &change);
    return 0;
}

static int stage_drop(struct kv_watch *watch, struct kv_loop *loop, struct weft_view table)
{
    struct kv_kept_loop *self = weft_container_of(watch, struct kv_kept_loop, watch);
    const struct kv_record_change drop = {.drop = true};
    size_t size = kv_record_table_size(table) + kv_record_change_size(&drop);
    int err;
    (void)loop;
    struct kv_queued *record =
        kv_journal_stage(&self->kept->journal, &self->port, size, true, &err);
    if (!record)
        return err;
    (void)kv_record_put_change(kv_record_put_table(record->bytes, table), &drop);
    return 0;
}

void kv_changes_watch(struct kv_kept_loop *loop)
{
    loop->watch.drop = stage_drop;
    loop->watch.change = stage_change;
    kv_watch_set(kv_store_memory_part(loop->memory), &loop->watch);
}

void kv_changes_submit(struct kv_kept_session *self, struct kv_op *op, struct kv_found *found)
{
    struct kv_kept_loop *loop = self->loop;
    loop->found = found;
    weft_kv_store_memory.submit(self->memory, op);
    if (loop->port.queue.dirty)
        kv_journal_publish(&loop->port);
}
