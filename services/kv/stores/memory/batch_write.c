/* SPDX-License-Identifier: MIT
 *
 * A small batch of changes is written in place. All segments touched are locked with the BATCH flag,
 * changed, and unlocked with a new version. A reader that meets the flag, even of one key, waits until
 * it goes, which takes some microseconds for at most IN_PLACE_MAX keys. A batch that is larger, or that
 * needs a segment to grow, is written to copies of the segments, which are published together
 * (rebuild.c). Readers do not wait for that; writers of the same segments do.
 *
 * An update has to be decided in one step with what is there. To decide may take long (a digest of a
 * large value, a copy of it), so it is done without locks first: the keys are read, the new entries are
 * made, and then they are written only if each key still has the entry that was read. Entries are
 * immutable, and epochs keep an entry's address from being used again within the turn, so the same
 * address means that nothing has changed. After TRIES times that others spoilt, the update is decided
 * with the locks held, so that it cannot be kept waiting for ever. */
#include <errno.h>

#include "batch_private.h"
#include "services/kv/update.h"
#include "segment_lock.h"
#include "watch.h"

enum {
    IN_PLACE_MAX = 64, /* the most keys of a change in place, for which readers wait */
    TRIES = 16,        /* to decide an update without locks */
};

static void find_all(struct kv_batch *batch)
{
    size_t begin = 0;
    for (size_t k = 0; k < batch->locked; k++) {
        size_t end = kv__batch_end_of(batch, batch->segments[k], begin);
        kv_touches_find(batch->touches + begin, end - begin, batch->segments[k]);
        begin = end;
    }
}

/* True if the locked segment has room for the new keys among touches[begin, end). */
static bool has_room(const struct kv_batch *batch, const struct kv_segment *segment, size_t begin,
                     size_t end)
{
    size_t missing = 0;
    if (kv_segment_has_room(segment, end - begin))
        return true;
    for (size_t i = begin; i < end; i++)
        missing += batch->touches[i].fresh && !batch->touches[i].old;
    return kv_segment_has_room(segment, missing);
}

static bool all_have_room(const struct kv_batch *batch)
{
    size_t i = 0;
    for (size_t k = 0; k < batch->locked; k++) {
        size_t end = kv__batch_end_of(batch, batch->segments[k], i);
        if (!has_room(batch, batch->segments[k], i, end))
            return false;
        i = end;
    }
    return true;
}

/* Changes the locked segments. -ENOBUFS (a segment has to grow first), -ENOSPC, or what settle or a watch
 * answered: nothing has changed. */
static int change_locked(struct kv_batch *batch, struct kv_map *map, struct kv_loop *loop,
                         struct kv_settle *settle)
{
    int err = 0;
    find_all(batch);
    if (settle)
        err = settle->settle(settle, batch->touches, batch->count);
    if (err < 0)
        return err;
    if (!all_have_room(batch))
        return -ENOBUFS;
    int64_t growth = kv_touches_growth(batch->touches, batch->count);
    if (!kv_account_take(loop, growth))
        return -ENOSPC;
    if (kv_is_watched(loop))
        err = kv__watch_ask(map, loop, batch->touches, batch->count);
    if (err < 0) {
        kv_account_undo(loop, growth);
        return err;
    }
    for (size_t i = 0; i < batch->count; i++) {
        const struct kv_touch *touch = &batch->touches[i];
        kv_touch_do(touch, kv_map_segment(map, touch->hash));
        kv_touch_done(touch, map, loop);
    }
    return 0;
}

/* Writes the batch into its segments. A reader of one key sees all of a change of one key anyway. */
static int write_in_place(struct kv_batch *batch, struct kv_map *map, struct kv_loop *loop,
                          struct kv_settle *settle)
{
    int err = kv_epoch_reserve(&loop->epoch, batch->count);
    if (err == 0)
        err = kv__batch_lock(batch, map, batch->count > 1 ? KV_SEGMENT_BATCH : 0);
    if (err == 0)
        err = change_locked(batch, map, loop, settle);
    kv__batch_unlock(batch, err == 0);
    return err;
}

/* frees: the batch may give memory back, which must work in a full store, so if the limit allows no copies
 * of the segments a large batch is written in place too. */
static int write(struct kv_batch *batch, struct kv_map *map, struct kv_loop *loop,
                 struct kv_settle *settle, bool frees)
{
    int err = -ENOBUFS;
    if (batch->count <= IN_PLACE_MAX)
        err = write_in_place(batch, map, loop, settle);
    if (err == -ENOBUFS)
        err = kv_rebuild(map, loop, settle, batch->touches, batch->count);
    if (frees && (err == -ENOMEM || err == -ENOSPC) && batch->count > IN_PLACE_MAX) {
        int in_place = write_in_place(batch, map, loop, settle);
        err = in_place == -ENOBUFS ? err : in_place;
    }
    return err;
}

static void shrink(const struct kv_batch *batch, struct kv_map *map, struct kv_loop *loop)
{
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t hash = batch->touches[i].hash;
        if (kv_segment_is_sparse(kv_map_segment(map, hash)))
            kv_map_shrink(map, loop, hash);
    }
}

int kv_batch_put(struct kv_map *map, struct kv_loop *loop, struct kv_item *items, size_t count)
{
    struct kv_batch batch;
    int err = kv__batch_init(&batch, loop, items, count);
    if (err < 0)
        return err;
    for (size_t i = 0; i < count; i++)
        batch.touches[i].fresh = items[i].scratch.pointer;
    kv__batch_sort(&batch);
    err = write(&batch, map, loop, NULL, false);
    kv__batch_fini(&batch);
    return err;
}

int kv_batch_remove(struct kv_map *map, struct kv_loop *loop, struct kv_item *items, size_t count)
{
    struct kv_batch batch;
    int err = kv__batch_init(&batch, loop, items, count);
    if (err < 0)
        return err;
    kv__batch_sort(&batch);
    err = write(&batch, map, loop, NULL, true);
    if (err == 0)
        shrink(&batch, map, loop);
    kv__batch_fini(&batch);
    return err;
}

/* How an update settles: by deciding, or by a look whether what was decided still holds. */
struct decision {
    struct kv_settle settle; /* first: settles are cast back */
    struct kv_loop *loop;
    int64_t now;
    bool apart, refused;
    int64_t due; /* the earliest `due` of the entries that it has made, or KV_UNTIMED */
};

static void drop_made(const struct decision *self, struct kv_touch *touches, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (touches[i].made)
            kv_entry_free(touches[i].fresh, &self->loop->cache);
        touches[i].made = false;
    }
}

static struct kv_entry *make_entry(const struct decision *self, const struct kv_touch *touch,
                                   const struct kv_next *next)
{
    struct kv_pool_cache *cache = &self->loop->cache;
    struct weft_view key = touch->item->key;
    if (next->part_count > 1)
        return kv_entry_join(cache, key, next->parts, next->part_count, next->expires);
    if (next->blob && next->blob != touch->item->value.blob)
        return kv_entry_renew(touch->old, cache, next->expires);
    const struct kv_value value = {next->parts[0], next->blob};
    return kv_entry_new(cache, key, &value, next->expires);
}

static int decide_one(struct decision *self, struct kv_touch *touch)
{
    struct kv_item *item = touch->item;
    struct kv_value value;
    struct kv_next next;
    int64_t expires = KV_NEVER;
    if (touch->old) {
        value = kv_entry_value(touch->old);
        expires = kv_entry_expires(touch->old);
    }
    weft_kv_update_decide(item, touch->old ? &value : NULL, expires, self->now, &next);
    item->verdict = next.verdict;
    item->scratch.pointer = touch->old;
    touch->fresh = touch->old;
    self->refused |= kv_verdict_is_refusal(next.verdict);
    if (next.verdict == KV_VERDICT_REMOVE)
        touch->fresh = NULL;
    if (next.verdict != KV_VERDICT_STORE)
        return 0;
    touch->part = kv_update_part(item);
    touch->fresh = make_entry(self, touch, &next);
    touch->made = touch->fresh != NULL;
    if (!touch->made)
        return -ENOMEM;
    if (next.expires != KV_NEVER && kv_due_of(next.expires) < self->due)
        self->due = kv_due_of(next.expires);
    return 0;
}

/* Does so for a batch that was refused. If a key comes again, its item shows the entry that the touch
 * before has made, so that one has to stay until the turn's end. */
static int drop_refused(const struct decision *self, struct kv_touch *touches, size_t count)
{
    struct kv_epoch_loop *epoch = &self->loop->epoch;
    int err = kv_epoch_reserve(epoch, count);
    for (size_t i = 0; i < count && err == 0; i++) {
        if (touches[i].made)
            kv_epoch_retire(epoch, touches[i].fresh, kv_entry_free);
        touches[i].made = false;
    }
    drop_made(self, touches, count);
    return err;
}

/* -ECANCELED: nothing is to be changed, because an item was refused or because none wants a change. */
static int decide(struct kv_settle *settle, struct kv_touch *touches, size_t count)
{
    struct decision *self = (struct decision *)(void *)settle;
    bool changes = false;
    int err = 0;
    drop_made(self, touches, count);
    self->refused = false;
    self->due = KV_UNTIMED;
    for (size_t i = 0; i < count && err == 0; i++) {
        if (kv_touch_is_again(touches, i))
            touches[i].old = touches[i - 1].fresh;
        err = decide_one(self, &touches[i]);
        changes |= touches[i].fresh != touches[i].old;
    }
    bool refused = self->refused && !self->apart;
    if (err == 0 && refused)
        err = drop_refused(self, touches, count);
    if (err == 0 && (refused || !changes))
        err = -ECANCELED;
    if (err < 0)
        drop_made(self, touches, count);
    return err;
}

/* -EAGAIN: a key has another entry than the one by which it was decided. */
static int check(struct kv_settle *settle, struct kv_touch *touches, size_t count)
{
    (void)settle;
    for (size_t i = 0; i < count; i++) {
        if (!kv_touch_is_again(touches, i) && touches[i].old != touches[i].item->scratch.pointer)
            return -EAGAIN;
    }
    return 0;
}

static int try_update(struct kv_batch *batch, struct kv_map *map, struct decision *decision)
{
    if (map)
        kv__batch_read(batch, map);
    for (size_t i = 0; i < batch->count; i++)
        batch->touches[i].old = map ? batch->touches[i].item->scratch.pointer : NULL;
    int err = decide(&decision->settle, batch->touches, batch->count);
    if (err == 0 && !map)
        err = -ESTALE;
    if (err < 0)
        return err;
    struct kv_settle settle = {check};
    return write(batch, map, decision->loop, &settle, true);
}

int kv_batch_update(struct kv_map *map, struct kv_loop *loop, struct kv_op *op, bool *refused,
                    int64_t *due)
{
    struct decision decision = {
        {decide}, .loop = loop, .now = kv_loop_wall(loop), .apart = op->apart};
    struct kv_batch batch;
    int err = kv__batch_init(&batch, loop, op->items, op->count);
    if (err < 0)
        return err;
    kv__batch_sort(&batch);
    unsigned tries = 0;
    do
        err = try_update(&batch, map, &decision);
    while (err == -EAGAIN && ++tries < TRIES);
    if (err == -EAGAIN)
        err = write(&batch, map, loop, &decision.settle, true);
    if (err < 0)
        drop_made(&decision, batch.touches, batch.count);
    else
        shrink(&batch, map, loop);
    kv__batch_fini(&batch);
    *refused = decision.refused && !op->apart;
    *due = decision.due;
    return err;
}
