/* SPDX-License-Identifier: MIT */
#include "disk_apply.h"

#include <errno.h>

#include "disk_read.h"
#include "disk_tell.h"
#include "services/kv/update.h"

/* One key of an operation. */
struct place {
    struct kv_disk *disk;
    struct kv_disk_job *job;
    struct kv_item *item;
    struct kv_ledger_table *table;
    size_t more; /* items that follow */
    struct kv_key key;
    bool exists;     /* the map has the pair, expired or not */
    int64_t expired; /* when the pair in the map expires */
    bool refused;    /* by its update */
};

static int put_nothing(struct kv_disk *disk, const struct kv_key *key)
{
    const struct weft_view nothing = weft_view(NULL, 0);
    return disk->engine->put(disk->tx, kv_key_view(key), &nothing, 1);
}

static int remove_key(struct kv_disk *disk, const struct kv_key *key)
{
    int err = disk->engine->remove(disk->tx, kv_key_view(key));
    return err == -ENOENT ? 0 : err;
}

static int remove_expiry(struct kv_disk *disk, int64_t expires, const struct kv_key *pair)
{
    struct kv_key key;
    if (expires == KV_NEVER)
        return 0;
    kv_key_of_expiry(&key, expires, kv_key_view(pair));
    return remove_key(disk, &key);
}

/* Looks at what the map has for the key. With 0 and place->exists, *record shows it. */
static int look_at(struct place *place, struct kv_disk_record *record)
{
    const struct kv_disk_reading reading = {
        .engine = place->disk->engine, .tx = place->disk->tx, .now = place->job->now};
    place->exists = false;
    place->expired = KV_NEVER;
    if (place->table->number == 0)
        return 0;
    kv_key_of_pair(&place->key, place->table->number, place->item->key);
    int err = kv_disk_find(&reading, &place->key, place->item->key, true, record);
    if (err == -ENOENT)
        return 0;
    if (err < 0)
        return err;
    place->exists = true;
    place->expired = record->expires;
    return 0;
}

/* Looks at the key and sets what the item has found. */
static int look(struct place *place)
{
    struct kv_item *item = place->item;
    struct kv_disk_record record;
    int err = look_at(place, &record);
    item->present = false;
    item->scratch.number = 0; /* 1: the pair was taken out of the map (disk_tell.c) */
    if (err < 0 || !place->exists || kv_has_expired(record.expires, place->job->now))
        return err;
    err = kv_results_keep(&place->job->results, &record.value, place->more);
    if (err < 0)
        return err;
    item->present = true;
    item->found = (struct kv_value){record.value, NULL};
    item->found_expires = record.expires;
    return 0;
}

static int store(struct place *place, const struct weft_view *parts, size_t count, int64_t expires)
{
    struct kv_disk *disk = place->disk;
    const struct kv_disk_record record = {
        .expires = expires,
        .key = kv_name_is_long(place->item->key) ? place->item->key : weft_view(NULL, 0)};
    struct weft_view all[2 + KV_NEXT_PARTS];
    uint8_t head[KV_DISK_RECORD_HEAD];
    size_t n = 0;
    int err = 0;
    if (place->table->number == 0) {
        kv_ledger_make(&disk->ledger, place->table);
        kv_key_of_pair(&place->key, place->table->number, place->item->key);
    }
    all[n++] = weft_view(head, kv_disk_record_head(&record, head));
    if (record.key.data)
        all[n++] = record.key;
    for (size_t i = 0; i < count; i++)
        all[n++] = parts[i];
    if (place->expired != expires) {
        err = remove_expiry(disk, place->expired, &place->key);
        if (err == 0 && expires != KV_NEVER) {
            struct kv_key key;
            kv_key_of_expiry(&key, expires, kv_key_view(&place->key));
            err = put_nothing(disk, &key);
            if (expires < disk->expiry_from)
                disk->expiry_from = expires;
            if (expires < atomic_load(&disk->next_expiry))
                atomic_store(&disk->next_expiry, expires);
        }
    }
    if (err == 0)
        err = disk->engine->put(disk->tx, kv_key_view(&place->key), all, n);
    if (err == 0)
        kv_ledger_add(&disk->ledger, place->table, !place->exists);
    return err;
}

static int take_out(struct place *place)
{
    if (!place->exists)
        return 0;
    place->item->scratch.number = 1;
    int err = remove_expiry(place->disk, place->expired, &place->key);
    if (err == 0)
        err = remove_key(place->disk, &place->key);
    if (err == 0)
        kv_ledger_add(&place->disk->ledger, place->table, -1);
    return err;
}

static int update(struct place *place)
{
    struct kv_item *item = place->item;
    struct kv_next next;
    int err = look(place);
    if (err < 0)
        return err;
    weft_kv_update_decide(item, item->present ? &item->found : NULL,
                          item->present ? item->found_expires : KV_NEVER, place->job->now, &next);
    item->verdict = next.verdict;
    if (next.verdict == KV_VERDICT_STORE)
        return store(place, next.parts, next.part_count, next.expires);
    return next.verdict == KV_VERDICT_REMOVE ? take_out(place) : 0;
}

/* Gives the key back what it had before the item. */
static int undo(struct place *place)
{
    const struct kv_item *item = place->item;
    struct kv_disk_record record;
    int err = look_at(place, &record);
    if (err < 0)
        return err;
    return item->present ? store(place, &item->found.bytes, 1, item->found_expires)
                         : take_out(place);
}

/* Does one key. */
static int apply_item(struct place *place)
{
    const struct kv_item *item = place->item;
    int err = 0;
    switch (place->job->copy.kind) {
    case KV_MSET:
        err = look(place);
        return err < 0 ? err : store(place, &item->value.bytes, 1, item->expires);
    case KV_MDEL:
        err = look(place);
        return err < 0 ? err : take_out(place);
    case KV_MUPDATE:
        return update(place);
    default:
        return 0;
    }
}

/* The item `i` of the job. */
static struct place place_of(struct kv_disk *disk, struct kv_disk_job *job,
                             struct kv_ledger_table *table, size_t i)
{
    return (struct place){.disk = disk,
                          .job = job,
                          .item = &job->copy.items[i],
                          .table = table,
                          .more = job->copy.count - i - 1};
}

/* A later item of an update may be for a key of an earlier one, so a refusal is only seen when all are
 * done. Then they are undone from the last to the first. */
static int undo_all(struct kv_disk *disk, struct kv_disk_job *job, struct kv_ledger_table *table)
{
    for (size_t i = job->copy.count; i-- > 0;) {
        struct place place = place_of(disk, job, table, i);
        enum kv_verdict verdict = job->copy.items[i].verdict;
        int err = 0;
        if (verdict == KV_VERDICT_STORE || verdict == KV_VERDICT_REMOVE)
            err = undo(&place);
        if (err < 0)
            return err;
    }
    return 0;
}

static int write_items(struct kv_disk *disk, struct kv_disk_job *job, struct kv_ledger_table *table)
{
    const struct kv_op *op = &job->copy;
    bool unmet = false;
    for (size_t i = 0; i < op->count; i++) {
        struct place place = place_of(disk, job, table, i);
        int err = apply_item(&place);
        if (err < 0)
            return err;
        unmet |= op->kind == KV_MUPDATE && kv_verdict_is_refusal(op->items[i].verdict);
    }
    if (!unmet || op->apart)
        return 0;
    job->outcome = KV_UNMET;
    return undo_all(disk, job, table);
}

static int drop(struct kv_disk *disk, struct kv_disk_job *job, struct kv_ledger_table *table)
{
    job->copy.total = table->count;
    disk->changed++;
    disk->garbage = true;
    return table->number == 0 ? 0 : kv_ledger_drop(&disk->ledger, table);
}

int kv_disk_apply(struct kv_disk *disk, struct kv_disk_job *job)
{
    struct kv_op *op = &job->copy;
    struct kv_ledger_table *table;
    const struct kv_disk_reading reading = {
        .engine = disk->engine, .tx = disk->tx, .now = job->now, .results = &job->results};
    job->outcome = KV_DONE;
    int err = kv_ledger_find(&disk->ledger, op->table, &table);
    if (err < 0)
        return err;
    switch (op->kind) {
    case KV_MGET:
    case KV_MEXIST:
        return kv_disk_get(&reading, op, table->number);
    case KV_MSET:
    case KV_MDEL:
    case KV_MUPDATE:
        disk->changed += op->count;
        return write_items(disk, job, table);
    case KV_DROP:
        return drop(disk, job, table);
    case KV_WALK:
    case KV_TABLES:
    case KV_COUNT:
        break;
    }
    return 0;
}

/* Shows the first key at or after `from` that begins with `prefix`. -ENOENT: there is none. */
static int first_of(struct kv_disk *disk, const struct kv_key *prefix, const struct kv_key *from,
                    struct weft_view *key, struct weft_view *value)
{
    int err = disk->engine->seek(disk->tx, kv_key_view(from));
    if (err == 0)
        err = disk->engine->next(disk->tx, key, value);
    return err == 0 && !kv_key_begins(*key, kv_key_view(prefix)) ? -ENOENT : err;
}

int kv_disk_next_expiry(struct kv_disk *disk, int64_t *expires)
{
    struct kv_key prefix, pair;
    struct weft_view key, value;
    struct kv_key from;
    kv_key_of_prefix(&prefix, KV_SPACE_EXPIRY, 0, weft_view(NULL, 0));
    kv_key_of_expiry(&from, disk->expiry_from, weft_view(prefix.bytes, 1));
    int err = first_of(disk, &prefix, &from, &key, &value);
    *expires = INT64_MAX;
    if (err == 0 && !kv_key_read_expiry(key, expires, &pair))
        return -EILSEQ;
    return err == -ENOENT ? 0 : err;
}

static uint64_t table_of(const struct kv_key *pair)
{
    return kv_load_be64(pair->bytes + 1);
}

/* Removes a pair that has expired, if it is still the one whose expiry was noted. */
static int remove_pair(struct kv_disk *disk, const struct kv_key *pair, int64_t expires)
{
    struct kv_ledger_table *table;
    struct kv_disk_record record;
    struct weft_view value;
    int err = disk->engine->get(disk->tx, kv_key_view(pair), &value);
    if (err == 0)
        err = kv_disk_record_read(value, &record);
    if (err == -ENOENT || (err == 0 && record.expires != expires))
        return 0;
    if (err < 0)
        return err;
    err = kv_ledger_find_number(&disk->ledger, table_of(pair), &table);
    if (err == 0) {
        kv_disk_note_expired(disk, table, pair, &record);
        kv_ledger_add(&disk->ledger, table, -1);
    }
    if (err < 0 && err != -ENOENT)
        return err;
    return remove_key(disk, pair);
}

int kv_disk_remove_expired(struct kv_disk *disk, int64_t now, size_t most, size_t *removed)
{
    struct kv_key prefix, from;
    kv_key_of_prefix(&prefix, KV_SPACE_EXPIRY, 0, weft_view(NULL, 0));
    kv_key_of_expiry(&from, disk->expiry_from, weft_view(prefix.bytes, 1));
    for (*removed = 0; *removed < most; ++*removed) {
        struct kv_key pair;
        struct weft_view key, value;
        int64_t expires;
        int err = first_of(disk, &prefix, &from, &key, &value);
        if (err == -ENOENT)
            return 0;
        if (err == 0 && !kv_key_read_expiry(key, &expires, &pair))
            err = -EILSEQ;
        if (err < 0)
            return err;
        if (expires > now)
            return 0;
        kv_key_of_expiry(&from, expires, kv_key_view(&pair));
        err = remove_pair(disk, &pair, expires);
        if (err == 0)
            err = remove_key(disk, &from);
        kv_key_pass(&from);
        disk->expiry_from = expires;
        if (err < 0)
            return err;
    }
    return 0;
}

/* Removes pairs of a dropped table, and its number behind the last one. */
static int empty_table(struct kv_disk *disk, uint64_t number, size_t most, size_t *removed)
{
    struct kv_key prefix, pair, garbage;
    kv_key_of_prefix(&prefix, KV_SPACE_DATA, number, weft_view(NULL, 0));
    pair = kv_key_begins(kv_key_view(&disk->garbage_from), kv_key_view(&prefix))
               ? disk->garbage_from
               : prefix;
    while (*removed < most) {
        struct kv_disk_record record;
        struct weft_view key, value;
        int err = first_of(disk, &prefix, &pair, &key, &value);
        if (err == -ENOENT) {
            kv_key_of_garbage(&garbage, number);
            ++*removed;
            return remove_key(disk, &garbage);
        }
        if (err == 0 && key.size > KV_KEY_MAX)
            err = -EILSEQ;
        if (err == 0)
            err = kv_disk_record_read(value, &record);
        if (err < 0)
            return err;
        pair.size = key.size;
        memcpy(pair.bytes, key.data, key.size);
        err = remove_expiry(disk, record.expires, &pair);
        if (err == 0)
            err = remove_key(disk, &pair);
        if (err < 0)
            return err;
        kv_key_pass(&pair);
        disk->garbage_from = pair;
        ++*removed;
    }
    return 0;
}

int kv_disk_remove_garbage(struct kv_disk *disk, size_t most, size_t *removed)
{
    struct kv_key prefix;
    struct weft_view key, value;
    *removed = 0;
    kv_key_of_prefix(&prefix, KV_SPACE_GARBAGE, 0, weft_view(NULL, 0));
    int err = first_of(disk, &prefix, &prefix, &key, &value);
    if (err == -ENOENT)
        return 0;
    if (err == 0 && key.size != 9)
        err = -EILSEQ;
    return err < 0 ? err : empty_table(disk, kv_load_be64(key.data + 1), most, removed);
}
