/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include <errno.h>
#include <sys/random.h>

#include "core/base/mem.h"
#include "record.h"

enum {
    BUCKETS = 1024,
    TABLES_MOST = 4 * BUCKETS, /* remembered between transactions */
    FORMAT = 1,
    META_SIZE = 8 + 8 + KV_SECRET_SIZE,
    TELL_TABLES = 1 << 14, /* progress is told once for so many tables */
};

/* FNV-1a. A client that makes names collide makes a bucket of a few thousand entries at most. */
static size_t bucket_of(struct weft_view name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.size; i++)
        hash = (hash ^ name.data[i]) * 16777619u;
    return hash % BUCKETS;
}

static void forget_all(struct kv_ledger *ledger)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (ledger->buckets[i]) {
            struct kv_ledger_table *table = ledger->buckets[i];
            ledger->buckets[i] = table->next;
            weft_free(table);
        }
    }
    ledger->table_count = 0;
    ledger->changed = ledger->last = NULL;
}

static int write_meta(struct kv_ledger *ledger)
{
    struct kv_key key;
    uint8_t bytes[META_SIZE];
    kv_key_of_meta(&key);
    kv_store_le64(bytes, FORMAT);
    kv_store_le64(bytes + 8, ledger->next_number);
    memcpy(bytes + 16, ledger->secret, KV_SECRET_SIZE);
    const struct weft_view parts[] = {weft_view(bytes, sizeof bytes)};
    return ledger->engine->put(ledger->tx, kv_key_view(&key), parts, 1);
}

static int read_meta(struct kv_ledger *ledger)
{
    struct kv_key key;
    struct weft_view value;
    kv_key_of_meta(&key);
    int err = ledger->engine->get(ledger->tx, kv_key_view(&key), &value);
    if (err == -ENOENT) {
        ledger->next_number = 1;
        if (getrandom(ledger->secret, KV_SECRET_SIZE, 0) != KV_SECRET_SIZE)
            return -EAGAIN;
        return write_meta(ledger);
    }
    if (err < 0)
        return err;
    if (value.size != META_SIZE || kv_load_le64(value.data) != FORMAT)
        return -EPROTO;
    ledger->next_number = kv_load_le64(value.data + 8);
    memcpy(ledger->secret, value.data + 16, KV_SECRET_SIZE);
    return 0;
}

/* Adds up the pairs of all tables, which takes a moment per million of tables. */
static int count_pairs(struct kv_ledger *ledger, struct kv_progress *progress)
{
    const struct kv_engine *engine = ledger->engine;
    struct weft_view key, value, name;
    struct kv_key from;
    uint64_t number, count, tables = 0;
    kv_key_of_prefix(&from, KV_SPACE_TABLES, 0, weft_view(NULL, 0));
    int err = engine->seek(ledger->tx, kv_key_view(&from));
    while (err == 0 && (err = engine->next(ledger->tx, &key, &value)) == 0) {
        if (!kv_key_begins(key, kv_key_view(&from)))
            break;
        if (!kv_ledger_read(value, &number, &count, &name))
            return -EILSEQ;
        ledger->pairs += count;
        if (progress && tables++ % TELL_TABLES == 0)
            progress->tell(progress, tables, 0, "tables");
    }
    ledger->stored_pairs = ledger->pairs;
    return err == -ENOENT ? 0 : err;
}

int kv_ledger_init(struct kv_ledger *ledger, const struct kv_engine *engine, void *tx,
                   struct kv_progress *progress)
{
    *ledger = (struct kv_ledger){.engine = engine, .tx = tx};
    ledger->buckets = weft_calloc(BUCKETS, sizeof *ledger->buckets);
    if (!ledger->buckets)
        return -ENOMEM;
    int err = read_meta(ledger);
    if (err == 0)
        err = count_pairs(ledger, progress);
    ledger->stored_next_number = ledger->next_number;
    if (err < 0)
        weft_free(ledger->buckets);
    return err;
}

void kv_ledger_fini(struct kv_ledger *ledger)
{
    forget_all(ledger);
    weft_free(ledger->buckets);
}

bool kv_ledger_read(struct weft_view value, uint64_t *number, uint64_t *count,
                    struct weft_view *name)
{
    if (value.size < 16)
        return false;
    *number = kv_load_le64(value.data);
    *count = kv_load_le64(value.data + 8);
    *name = weft_view_skip(value, 16);
    return true;
}

static int look_up(struct kv_ledger *ledger, struct weft_view name, uint64_t *number,
                   uint64_t *count)
{
    struct kv_key key;
    struct weft_view value, long_name;
    *number = *count = 0;
    kv_key_of_table(&key, name);
    int err = ledger->engine->get(ledger->tx, kv_key_view(&key), &value);
    if (err == -ENOENT)
        return 0;
    if (err == 0 && (!kv_ledger_read(value, number, count, &long_name) ||
                     (kv_name_is_long(name) && !weft_view_equal(long_name, name))))
        err = -EILSEQ;
    return err;
}

int kv_ledger_find(struct kv_ledger *ledger, struct weft_view name, struct kv_ledger_table **result)
{
    struct kv_ledger_table **bucket = &ledger->buckets[bucket_of(name)];
    for (struct kv_ledger_table *table = *bucket; table; table = table->next) {
        if (weft_view_equal(weft_view(table->name, table->size), name)) {
            *result = table;
            return 0;
        }
    }
    uint64_t number, count;
    int err = look_up(ledger, name, &number, &count);
    if (err < 0)
        return err;
    struct kv_ledger_table *table = weft_malloc(sizeof *table + name.size);
    if (!table)
        return -ENOMEM;
    *table = (struct kv_ledger_table){.next = *bucket,
                                      .number = number,
                                      .stored_number = number,
                                      .count = count,
                                      .size = name.size};
    if (name.size > 0)
        memcpy(table->name, name.data, name.size);
    *bucket = table;
    ledger->table_count++;
    *result = table;
    return 0;
}

int kv_ledger_find_number(struct kv_ledger *ledger, uint64_t number, struct kv_ledger_table **table)
{
    struct kv_key key;
    struct weft_view shown;
    struct weft_bytes name;
    *table = ledger->last;
    if (*table && (*table)->number == number)
        return 0;
    kv_key_of_name(&key, number);
    int err = ledger->engine->get(ledger->tx, kv_key_view(&key), &shown);
    if (err == 0)
        err = weft_bytes_copy(&name, shown);
    if (err < 0)
        return err;
    err = kv_ledger_find(ledger, weft_view(name.data, name.size), table);
    weft_bytes_fini(&name);
    if (err == 0 && (*table)->number != number)
        err = -ENOENT;
    if (err == 0)
        ledger->last = *table;
    return err;
}

static void note_change(struct kv_ledger *ledger, struct kv_ledger_table *table)
{
    if (table->is_changed)
        return;
    table->is_changed = true;
    table->changed = ledger->changed;
    ledger->changed = table;
}

void kv_ledger_make(struct kv_ledger *ledger, struct kv_ledger_table *table)
{
    if (table->number != 0)
        return;
    table->number = ledger->next_number++;
    table->count = 0;
    note_change(ledger, table);
}

void kv_ledger_add(struct kv_ledger *ledger, struct kv_ledger_table *table, int64_t more)
{
    if (more == 0)
        return;
    table->count += (uint64_t)more;
    ledger->pairs += (uint64_t)more;
    note_change(ledger, table);
}

int kv_ledger_drop(struct kv_ledger *ledger, struct kv_ledger_table *table)
{
    struct kv_key key;
    const struct weft_view nothing = weft_view(NULL, 0);
    kv_key_of_garbage(&key, table->number);
    int err = ledger->engine->put(ledger->tx, kv_key_view(&key), &nothing, 1);
    ledger->pairs -= table->count;
    table->number = table->count = 0;
    note_change(ledger, table);
    return err;
}

static int remove_name(struct kv_ledger *ledger, uint64_t number)
{
    struct kv_key key;
    kv_key_of_name(&key, number);
    int err = ledger->engine->remove(ledger->tx, kv_key_view(&key));
    return err == -ENOENT ? 0 : err;
}

static int write_name(struct kv_ledger *ledger, uint64_t number, struct weft_view name)
{
    struct kv_key key;
    kv_key_of_name(&key, number);
    return ledger->engine->put(ledger->tx, kv_key_view(&key), &name, 1);
}

static int write_table(struct kv_ledger *ledger, struct kv_ledger_table *table)
{
    const struct kv_engine *engine = ledger->engine;
    struct weft_view name = weft_view(table->name, table->size);
    struct kv_key key;
    uint8_t numbers[16];
    int err = 0;
    if (table->number != 0 && table->count == 0)
        table->number = 0;
    if (table->number != table->stored_number) {
        ledger->moved = true;
        if (table->stored_number != 0)
            err = remove_name(ledger, table->stored_number);
        if (err == 0 && table->number != 0)
            err = write_name(ledger, table->number, name);
        if (err < 0)
            return err;
    }
    kv_key_of_table(&key, name);
    if (table->number == 0) {
        err = table->stored_number ? engine->remove(ledger->tx, kv_key_view(&key)) : 0;
        return err == -ENOENT ? 0 : err;
    }
    kv_store_le64(numbers, table->number);
    kv_store_le64(numbers + 8, table->count);
    const struct weft_view parts[] = {weft_view(numbers, sizeof numbers), name};
    return engine->put(ledger->tx, kv_key_view(&key), parts, kv_name_is_long(name) ? 2 : 1);
}

int kv_ledger_flush(struct kv_ledger *ledger)
{
    for (struct kv_ledger_table *table = ledger->changed; table; table = table->changed) {
        int err = write_table(ledger, table);
        if (err < 0)
            return err;
    }
    return ledger->next_number != ledger->stored_next_number ? write_meta(ledger) : 0;
}

void kv_ledger_settle(struct kv_ledger *ledger, bool committed)
{
    ledger->moved = false;
    if (!committed || ledger->table_count > TABLES_MOST) {
        forget_all(ledger);
    } else {
        for (struct kv_ledger_table *table = ledger->changed; table; table = table->changed) {
            table->is_changed = false;
            table->stored_number = table->number;
        }
        ledger->changed = NULL;
    }
    if (committed) {
        ledger->stored_next_number = ledger->next_number;
        ledger->stored_pairs = ledger->pairs;
    } else {
        ledger->next_number = ledger->stored_next_number;
        ledger->pairs = ledger->stored_pairs;
    }
}
