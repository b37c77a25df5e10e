/* SPDX-License-Identifier: MIT */
#include "changes.h"

#include "core/base/compiler.h"
#include "record.h"

/* A change of the memory store as it will stand in the journal. False: it changes nothing. */
static bool read_touch(enum kv_touch_kind kind, const struct kv_touch *touch,
                       struct kv_record_change *change)
{
    const struct kv_entry *entry = touch->item->scratch.pointer;
    *change = (struct kv_record_change){.key = touch->item->key};
    if (kind == KV_TOUCH_REMOVE) {
        change->removal = true;
        return touch->old != NULL;
    }
    change->value = kv_entry_value(entry).bytes;
    return true;
}

static int stage_change(struct kv_watch *watch, struct kv_loop *loop, struct weft_view table,
                        enum kv_touch_kind kind, const struct kv_touch *touches, size_t count)
{
    struct kv_kept_loop *self = weft_container_of(watch, struct kv_kept_loop, watch);
    struct kv_record_change change;
    size_t size = 0;
    int err;
    (void)loop;
    for (size_t i = 0; i < count; i++)
        if (read_touch(kind, &touches[i], &change))
            size += kv_record_change_size(&change);
    if (size == 0)
        return 0;
    size += kv_record_table_size(table);
    if (self->found) {
        err = kv_found_reserve(self->found, touches, count);
        if (err < 0)
            return err;
    }
    struct kv_queued *record =
        kv_journal_stage(&self->kept->journal, &self->port, size, kind == KV_TOUCH_REMOVE, &err);
    if (!record)
        return err;
    uint8_t *dst = kv_record_put_table(record->bytes, table);
    for (size_t i = 0; i < count; i++)
        if (read_touch(kind, &touches[i], &change))
            dst = kv_record_put_change(dst, &change);
    return 0;
}

void kv_changes_watch(struct kv_kept_loop *loop)
{
    loop->watch.change = stage_change;
    kv_store_memory_part(loop->memory)->watch = &loop->watch;
}

void kv_changes_submit(struct kv_kept_session *self, struct kv_op *op, struct kv_found *found)
{
    struct kv_kept_loop *loop = self->loop;
    loop->found = found;
    weft_kv_store_memory.submit(self->memory, op);
    if (loop->port.queue.dirty)
        kv_journal_publish(&loop->port);
}
