/* SPDX-License-Identifier: MIT */
#include "disk_read.h"

#include <errno.h>

#include "ledger.h"
#include "services/kv/update.h"

enum {
    PROOF_SIZE = 8,
    SKIPPED_MOST = 4096, /* keys that a page looks at and does not show, beside those it shows */
};

int kv_disk_find(const struct kv_disk_reading *reading, const struct kv_key *key,
                 struct weft_view name, bool physical, struct kv_disk_record *record)
{
    struct weft_view value;
    int err = reading->engine->get(reading->tx, kv_key_view(key), &value);
    if (err == 0)
        err = kv_disk_record_read(value, record);
    if (err < 0)
        return err;
    if (kv_name_is_long(name) && !weft_view_equal(record->key, name))
        return -EILSEQ;
    return !physical && kv_has_expired(record->expires, reading->now) ? -ENOENT : 0;
}

int kv_disk_table(const struct kv_disk_reading *reading, struct weft_view name, uint64_t *number,
                  uint64_t *count)
{
    struct kv_key key;
    struct weft_view value, long_name;
    kv_key_of_table(&key, name);
    int err = reading->engine->get(reading->tx, kv_key_view(&key), &value);
    if (err < 0)
        return err;
    if (!kv_ledger_read(value, number, count, &long_name))
        return -EILSEQ;
    return kv_name_is_long(name) && !weft_view_equal(long_name, name) ? -ENOENT : 0;
}

int kv_disk_get(const struct kv_disk_reading *reading, struct kv_op *op, uint64_t number)
{
    for (size_t i = 0; i < op->count; i++) {
        struct kv_item *item = &op->items[i];
        struct kv_key key;
        struct kv_disk_record record;
        item->present = false;
        if (number == 0)
            continue;
        kv_key_of_pair(&key, number, item->key);
        int err = kv_disk_find(reading, &key, item->key, false, &record);
        if (err == -ENOENT)
            continue;
        if (err == 0 && reading->results && op->kind == KV_MGET)
            err = kv_results_keep(reading->results, &record.value, op->count - i - 1);
        if (err < 0)
            return err;
        item->present = true;
        item->found =
            (struct kv_value){op->kind == KV_MGET ? record.value : weft_view(NULL, 0), NULL};
        item->found_expires = record.expires;
    }
    return 0;
}

/* The proof shows that this store made the cursor: without the secret nobody can make it. The digest is
 * BLAKE2b, whose construction does not need more than the secret in front. The table is no part of it,
 * so that a walk of a table that has gone meanwhile ends, and is not refused. */
static void prove(const uint8_t *secret, struct weft_view place, uint8_t proof[PROOF_SIZE])
{
    uint8_t text[KV_SECRET_SIZE + KV_NAME_MAX], digest[KV_VERSION_SIZE];
    memcpy(text, secret, KV_SECRET_SIZE);
    if (place.size > 0)
        memcpy(text + KV_SECRET_SIZE, place.data, place.size);
    weft_kv_version(weft_view(text, KV_SECRET_SIZE + place.size), digest);
    memcpy(proof, digest, PROOF_SIZE);
}

/* A cursor is the end of the key where the next page begins, and the proof. */
static void set_cursor(const uint8_t *secret, struct kv_cursor *cursor, struct weft_view place)
{
    _Static_assert((int)KV_NAME_MAX + PROOF_SIZE <= (int)KV_CURSOR_MAX, "a cursor holds a name");
    prove(secret, place, cursor->bytes);
    if (place.size > 0)
        memcpy(cursor->bytes + PROOF_SIZE, place.data, place.size);
    cursor->size = (uint16_t)(PROOF_SIZE + place.size);
}

/* Makes *from the key at which the page begins; base is the beginning that all keys of the walk have. */
static int read_cursor(const struct kv_disk_reading *reading, const struct kv_cursor *cursor,
                       const struct kv_key *base, struct kv_key *from)
{
    uint8_t proof[PROOF_SIZE];
    if (cursor->size < PROOF_SIZE || cursor->size > PROOF_SIZE + KV_NAME_MAX)
        return -ESTALE;
    struct weft_view place = weft_view(cursor->bytes + PROOF_SIZE, cursor->size - PROOF_SIZE);
    prove(reading->secret, place, proof);
    if (memcmp(proof, cursor->bytes, PROOF_SIZE) != 0)
        return -ESTALE;
    *from = *base;
    if (place.size > 0)
        memcpy(from->bytes + from->size, place.data, place.size);
    from->size += place.size;
    return 0;
}

/* Makes *pair of what the map has. base is the size of the beginning that all keys of the walk have.
 * -ENOENT: it has expired. */
static int read_pair(const struct kv_disk_reading *reading, enum kv_store_kind kind, size_t base,
                     struct weft_view key, struct weft_view value, struct kv_pair *pair)
{
    struct weft_view name = weft_view_skip(key, base), long_name;
    *pair = (struct kv_pair){.key = name};
    if (kind == KV_TABLES) {
        uint64_t number;
        if (!kv_ledger_read(value, &number, &pair->total, &long_name))
            return -EILSEQ;
        if (name.size > KV_NAME_PLAIN)
            pair->key = long_name;
        return 0;
    }
    struct kv_disk_record record;
    int err = kv_disk_record_read(value, &record);
    if (err < 0)
        return err;
    if (record.key.data)
        pair->key = record.key;
    pair->value.bytes = record.value;
    pair->expires = record.expires;
    return kv_has_expired(record.expires, reading->now) ? -ENOENT : 0;
}

/* The place of a walk: all keys of it begin with base, those that are wanted with prefix. */
struct way {
    struct kv_key base, prefix;
};

static int walk_on(const struct kv_disk_reading *reading, struct kv_op *op, const struct way *way)
{
    size_t shown = 0, skipped = 0;
    struct weft_view key, value;
    struct kv_pair pair;
    int err;
    while ((err = reading->engine->next(reading->tx, &key, &value)) == 0 &&
           kv_key_begins(key, kv_key_view(&way->prefix))) {
        struct weft_view place = weft_view_skip(key, way->base.size);
        if (shown == op->count || skipped == SKIPPED_MOST) {
            set_cursor(reading->secret, op->cursor, place);
            return 0;
        }
        err = read_pair(reading, op->kind, way->base.size, key, value, &pair);
        if (err < 0 && err != -ENOENT)
            return err;
        if (err == -ENOENT || !kv_key_begins(pair.key, op->prefix)) {
            skipped++;
            continue;
        }
        shown++;
        if (!op->each(op, &pair)) {
            set_cursor(reading->secret, op->cursor, place);
            return 0;
        }
    }
    op->cursor->size = 0;
    return err == -ENOENT ? 0 : err;
}

int kv_disk_walk(const struct kv_disk_reading *reading, struct kv_op *op, uint64_t number)
{
    enum kv_space space = op->kind == KV_TABLES ? KV_SPACE_TABLES : KV_SPACE_DATA;
    struct way way;
    struct kv_key from;
    kv_key_of_prefix(&way.base, space, number, weft_view(NULL, 0));
    kv_key_of_prefix(&way.prefix, space, number, op->prefix);
    from = way.prefix;
    int err = 0;
    if (op->cursor->size > 0)
        err = read_cursor(reading, op->cursor, &way.base, &from);
    if (err < 0)
        return err;
    if (number == 0 && op->kind == KV_WALK) {
        op->cursor->size = 0;
        return 0;
    }
    err = reading->engine->seek(reading->tx, kv_key_view(&from));
    if (err == -ENOENT) {
        op->cursor->size = 0;
        return 0;
    }
    return err < 0 ? err : walk_on(reading, op, &way);
}

static int count_pairs(const struct kv_disk_reading *reading, struct kv_op *op)
{
    uint64_t number;
    int err = kv_disk_table(reading, op->table, &number, &op->total);
    if (err == -ENOENT)
        op->total = 0;
    return err == -ENOENT ? 0 : err;
}

int kv_disk_read(const struct kv_disk_reading *reading, struct kv_op *op, uint64_t number)
{
    if (op->kind == KV_COUNT)
        return count_pairs(reading, op);
    if (op->kind == KV_WALK || op->kind == KV_TABLES)
        return kv_disk_walk(reading, op, number);
    return kv_disk_get(reading, op, number);
}

void kv_disk_set_cursor(const uint8_t *secret, struct kv_cursor *cursor, struct weft_view name)
{
    struct kv_key key;
    kv_key_of_table(&key, name);
    set_cursor(secret, cursor, weft_view_skip(kv_key_view(&key), 1));
}
