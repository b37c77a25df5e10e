/* SPDX-License-Identifier: MIT
 *
 * The operations of the memory store: each finds its table and hands the keys to map.h, batch.h, walk.h or
 * drop.h. An entry that has expired is an entry like others there; here it is absent. */
#include <errno.h>

#include "batch.h"
#include "core/base/compiler.h"
#include "memory_private.h"
#include "services/kv/update.h"
#include "walk.h"

WEFT_NOINLINE static enum kv_outcome outcome_of(int err)
{
    switch (err) {
    case 0:
        return KV_DONE;
    case -ENOSPC:
        return KV_FULL;
    case -ESTALE:
        return KV_EXPIRED;
    case -EIO:
        return KV_FAILED;
    case -ECANCELED:
        return KV_UNMET;
    default:
        return KV_UNAVAILABLE;
    }
}

/* Tells of an entry that expires, or whose value lies elsewhere. */
WEFT_NOINLINE static void tell_special(const struct kv_loop *loop, struct kv_item *item,
                                       const struct kv_entry *entry)
{
    item->found_expires = kv_entry_expires(entry);
    item->present =
        item->found_expires == KV_NEVER || !kv_has_expired(item->found_expires, kv_loop_wall(loop));
    item->found = kv_entry_value(entry);
}

static WEFT_INLINE void tell(const struct kv_loop *loop, struct kv_item *item,
                             const struct kv_entry *entry)
{
    item->present = entry != NULL;
    if (!entry)
        return;
    if (entry->value_size > KV_ENTRY_SIZE_MAX) {
        tell_special(loop, item, entry);
        return;
    }
    item->found.bytes = weft_view(entry->data + entry->key_size, entry->value_size);
    item->found.blob = NULL;
    item->found_expires = KV_NEVER;
}

static void tell_all(const struct kv_loop *loop, struct kv_op *op)
{
    for (size_t i = 0; i < op->count; i++)
        tell(loop, &op->items[i], op->items[i].scratch.pointer);
}

static WEFT_INLINE struct kv_table *find(struct memory_session *self, struct weft_view name)
{
    return kv_tables_find(&self->loop->memory->tables, &self->loop->part, &self->cache, name);
}

static int get(struct memory_session *self, struct kv_op *op)
{
    struct kv_loop *loop = &self->loop->part;
    const struct kv_table *table = find(self, op->table);
    int err = 0;
    if (!table) {
        for (size_t i = 0; i < op->count; i++)
            op->items[i].present = false;
    } else if (op->count == 1) {
        struct weft_view key = op->items[0].key;
        tell(loop, &op->items[0], kv_map_get(&table->map, kv_map_hash(loop, key), key));
    } else {
        err = kv_batch_get(&table->map, loop, op->items, op->count);
        if (err == 0)
            tell_all(loop, op);
    }
    return err;
}

/* Called after a write that stored entries of which one is due then. The table may have been dropped, and
 * made again, since. */
WEFT_NOINLINE static void note_due(struct memory_session *self, const struct kv_op *op, int64_t due)
{
    struct kv_table *table = find(self, op->table);
    if (!table)
        return;
    kv_note_due(&table->map.due, due);
    kv_expiry_note(&self->loop->expiry, due);
}

/* Does so for a mset, if any of its entries expires. */
WEFT_NOINLINE static void note_set(struct memory_session *self, const struct kv_op *op)
{
    int64_t soonest = KV_UNTIMED;
    for (size_t i = 0; i < op->count; i++) {
        int64_t expires = op->items[i].expires;
        if (expires != KV_NEVER && expires < soonest)
            soonest = expires;
    }
    if (soonest != KV_UNTIMED)
        note_due(self, op, kv_due_of(soonest));
}

/* The entries of a mset, made before anything is locked. */
static int make_entries(struct kv_loop *loop, struct kv_op *op)
{
    for (size_t i = 0; i < op->count; i++) {
        struct kv_item *item = &op->items[i];
        item->scratch.pointer = kv_entry_new(&loop->cache, item->key, &item->value, item->expires);
        if (!item->scratch.pointer) {
            while (i > 0)
                kv_entry_free(op->items[--i].scratch.pointer, &loop->cache);
            return -ENOMEM;
        }
    }
    return 0;
}

struct write {
    struct kv_loop *loop;
    struct kv_op *op;
};

static WEFT_INLINE int put(void *arg, struct kv_map *map)
{
    const struct write *write = arg;
    struct kv_op *op = write->op;
    if (op->count > 1) {
        int err = kv_batch_put(map, write->loop, op->items, op->count);
        if (err == 0)
            tell_all(write->loop, op);
        return err;
    }
    struct kv_item *item = &op->items[0];
    struct kv_entry *old;
    int err = kv_map_put(map, write->loop, kv_map_hash(write->loop, item->key),
                         item->scratch.pointer, &old);
    if (err == 0)
        tell(write->loop, item, old);
    return err;
}

/* True if the table surely has keys. It is not looked into where keys may have expired. */
static bool shows_keys(const struct kv_table *table)
{
    return table && kv_map_due(&table->map) == KV_UNTIMED &&
           kv_segment_live(kv_map_segment(&table->map, 0)) > 0;
}

static int set(struct memory_session *self, struct kv_op *op)
{
    struct kv_loop *loop = &self->loop->part;
    if (op->if_table && !shows_keys(find(self, op->table)))
        return -ECANCELED;
    kv_sweep_poll(&self->loop->sweep);
    loop->cache.refused = false;
    loop->cache.urgency = kv_account_is_low(loop->shared);
    int err = make_entries(loop, op);
    if (err < 0)
        return loop->cache.refused ? -ENOSPC : err;
    struct write write = {loop, op};
    /* A new map has one segment and one directory; keys may come twice. */
    struct kv_tables *tables = &self->loop->memory->tables;
    struct kv_table *table = find(self, op->table);
    err = table ? put(&write, &table->map) : -ESTALE;
    if (err == -ESTALE)
        err = kv_tables_write(tables, loop, op->table, put, &write, 2 * op->count + 1);
    if (err == 0) {
        if (op->count > 1 || op->items[0].expires != KV_NEVER)
            note_set(self, op);
        return 0;
    }
    for (size_t i = 0; i < op->count; i++)
        kv_entry_free(op->items[i].scratch.pointer, &loop->cache);
    return err == -ENOMEM && loop->cache.refused ? -ENOSPC : err;
}

static int take(struct memory_session *self, struct kv_op *op, struct kv_table *table)
{
    struct kv_loop *loop = &self->loop->part;
    if (op->count > 1) {
        int err = kv_batch_remove(&table->map, loop, op->items, op->count);
        if (err == 0)
            tell_all(loop, op);
        return err;
    }
    struct kv_item *item = &op->items[0];
    struct kv_entry *old;
    int err = kv_map_remove(&table->map, loop, kv_map_hash(loop, item->key), item->key, &old);
    if (err == 0)
        tell(loop, item, old);
    return err;
}

static int del(struct memory_session *self, struct kv_op *op)
{
    struct kv_tables *tables = &self->loop->memory->tables;
    struct kv_loop *loop = &self->loop->part;
    kv_sweep_poll(&self->loop->sweep);
    loop->cache.urgency = 2; /* a removal gives back more than it takes */
    struct kv_table *table = find(self, op->table);
    int err = table ? take(self, op, table) : -ESTALE;
    if (err == -ESTALE) {
        /* No such table, or not any more: no such keys. */
        for (size_t i = 0; i < op->count; i++)
            op->items[i].present = false;
        return 0;
    }
    if (err == 0 && kv_map_is_empty(&table->map))
        kv_tables_drop(tables, loop, table);
    return err;
}

struct update {
    struct kv_loop *loop;
    struct kv_op *op;
    bool refused;
    int64_t due; /* the earliest `due` of the entries stored, or KV_UNTIMED */
};

/* map is one that others may use, or one that is new. NULL: there is no such table. */
static int update_map(void *arg, struct kv_map *map)
{
    struct update *update = arg;
    return kv_batch_update(map, update->loop, update->op, &update->refused, &update->due);
}

/* True if the update can store nothing, so that it gives back more memory than it takes. */
static bool only_frees(const struct kv_op *op)
{
    for (size_t i = 0; i < op->count; i++) {
        enum kv_then then = op->items[i].update->then;
        if (then != KV_THEN_REMOVE && then != KV_THEN_KEEP)
            return false;
    }
    return true;
}

static int do_update(struct memory_session *self, struct kv_op *op)
{
    struct kv_loop *loop = &self->loop->part;
    struct kv_tables *tables = &self->loop->memory->tables;
    kv_sweep_poll(&self->loop->sweep);
    loop->cache.refused = false;
    loop->cache.urgency = only_frees(op) ? 2 : kv_account_is_low(loop->shared);
    struct update update = {.loop = loop, .op = op, .due = KV_UNTIMED};
    struct kv_table *table = find(self, op->table);
    int err = update_map(&update, table ? &table->map : NULL);
    if (err == -ESTALE)
        err = kv_tables_write(tables, loop, op->table, update_map, &update, 2 * op->count + 1);
    if (err == 0 && update.due != KV_UNTIMED)
        note_due(self, op, update.due);
    if (err == 0 && table && kv_map_is_empty(&table->map))
        kv_tables_drop(tables, loop, table);
    if (err < 0 && err != -ECANCELED)
        return err == -ENOMEM && loop->cache.refused ? -ENOSPC : err;
    tell_all(loop, op);
    return update.refused ? -ECANCELED : 0;
}

static int walk(struct memory_session *self, struct kv_op *op)
{
    const struct kv_table *table = find(self, op->table);
    return kv_walk(table ? &table->map : NULL, &self->loop->part, op);
}

static int drop(struct memory_session *self, struct kv_op *op)
{
    struct kv_table *table = find(self, op->table);
    op->total = 0;
    return table ? kv_drop(&self->loop->drop, &self->loop->memory->tables, table, &op->total) : 0;
}

static int count(struct memory_session *self, struct kv_op *op)
{
    const struct kv_table *table = find(self, op->table);
    op->total = table ? kv_map_count(&table->map) : 0;
    return 0;
}

WEFT_NOINLINE static int do_rare(struct memory_session *self, struct kv_op *op)
{
    switch (op->kind) {
    case KV_MUPDATE:
        return do_update(self, op);
    case KV_WALK:
        return walk(self, op);
    case KV_TABLES:
        return kv_walk(&self->loop->memory->tables.index, &self->loop->part, op);
    case KV_COUNT:
        return count(self, op);
    case KV_DROP:
        return drop(self, op);
    default:
        return -EIO;
    }
}

void kv__memory_submit(void *session, struct kv_op *op)
{
    int err;
    switch (op->kind) {
    case KV_MGET:
    case KV_MEXIST:
        err = get(session, op);
        break;
    case KV_MSET:
        err = set(session, op);
        break;
    case KV_MDEL:
        err = del(session, op);
        break;
    default:
        err = do_rare(session, op);
        break;
    }
    op->done(op, err == 0 ? KV_DONE : outcome_of(err));
}
