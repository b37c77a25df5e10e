/* SPDX-License-Identifier: MIT
 *
 * Random operations of all kinds that the store has, against a model of it: arrays that are looked through
 * from one end to the other. */
#include "store_suite_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/virtual_loop.h"
#include "services/kv/update.h"

enum { STEPS = 6000, TABLES = 20, FEW_TABLES = 3, KEYS = 60, VALUE_MAX = 300, BATCH_MAX = 80 };

struct model_key {
    bool present;
    uint8_t value[VALUE_MAX];
    size_t size;
    int64_t expires;
};

struct oracle {
    struct store_world *world;
    uint64_t random;
    struct model_key tables[TABLES][KEYS];
    bool seen[KEYS]; /* of keys or of tables */
    int table_count; /* of those that are used */
    int table;       /* of the operation under way */
};

static const char *const table_names[TABLES] = {
    "",    "table", "another", "{t:", "}",  "%",    "a", "b", "c",     "table ",
    "tab", "TABLE", "0",       "1",   "\n", "\xff", "d", "e", "{t:a}", "weft:tables"};

static unsigned pick(struct oracle *self, unsigned below)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return (unsigned)((self->random >> 20) % below);
}

static bool can(unsigned flag)
{
    return store_suite_flags() & flag;
}

static int64_t now_of(struct oracle *self)
{
    weft_loop_refresh(self->world->client.loop);
    return weft_loop_wall(self->world->client.loop);
}

static bool is_there(const struct model_key *key, int64_t now)
{
    return key->present && !kv_has_expired(key->expires, now);
}

static struct model_key *model_of(struct oracle *self, struct weft_view key)
{
    char text[KEY_MAX] = {0};
    memcpy(text, key.data, key.size);
    int i = atoi(text);
    assert_in_range(i, 0, KEYS - 1);
    return &self->tables[self->table][i];
}

static struct weft_view pick_key(struct oracle *self)
{
    return weft_view_str(self->world->keys[pick(self, KEYS)]);
}

/* Packed integers and strings, so that sums and appends find what they can take, and other bytes. */
static void pick_value(struct oracle *self, struct kv_item *item, uint8_t room[VALUE_MAX])
{
    size_t size = pick(self, 10) ? pick(self, 20) : pick(self, 100);
    switch (pick(self, 3)) {
    case 0:
        room[0] = 0x18;
        room[1] = (uint8_t)pick(self, 128);
        item->value.bytes = weft_view(room, 2);
        break;
    case 1:
        room[0] = 0x0a;
        room[1] = (uint8_t)size;
        memset(room + 2, 'a' + (int)pick(self, 26), size);
        item->value.bytes = weft_view(room, 2 + size);
        break;
    default:
        memset(room, (int)pick(self, 256), size);
        item->value.bytes = weft_view(room, size);
        break;
    }
}

static int64_t pick_expiry(struct oracle *self)
{
    if (!can(KV_STORE_EXPIRY) || pick(self, 2))
        return KV_NEVER;
    return now_of(self) - 20 + pick(self, 2000);
}

static void assert_found(const struct kv_item *item, const struct model_key *key, int64_t now)
{
    assert_int_equal(item->present, is_there(key, now));
    if (!item->present)
        return;
    assert_int_equal(item->found.bytes.size, key->size);
    assert_memory_equal(item->found.bytes.data, key->value, key->size);
    if (can(KV_STORE_EXPIRY))
        assert_int_equal(item->found_expires, key->expires);
}

static void model_set(struct model_key *key, const struct weft_view *parts, size_t count,
                      int64_t expires)
{
    *key = (struct model_key){.present = true, .expires = expires};
    for (size_t i = 0; i < count; i++) {
        assert_true(key->size + parts[i].size <= VALUE_MAX);
        if (parts[i].size > 0)
            memcpy(key->value + key->size, parts[i].data, parts[i].size);
        key->size += parts[i].size;
    }
}

struct batch {
    struct kv_item items[BATCH_MAX];
    uint8_t values[BATCH_MAX][VALUE_MAX];
    struct kv_update updates[BATCH_MAX];
    size_t count;
};

static void pick_batch(struct oracle *self, struct batch *batch)
{
    batch->count = 1 + pick(self, pick(self, 10) ? 4 : BATCH_MAX);
    for (size_t i = 0; i < batch->count; i++) {
        batch->items[i] = (struct kv_item){.key = pick_key(self), .expires = pick_expiry(self)};
        pick_value(self, &batch->items[i], batch->values[i]);
    }
}

static void read_keys(struct oracle *self)
{
    static struct batch batch;
    enum kv_store_kind kind = pick(self, 2) ? KV_MGET : KV_MEXIST;
    pick_batch(self, &batch);
    int64_t now = now_of(self);
    assert_int_equal(store_client_do(&self->world->client, kind, table_names[self->table],
                                     batch.items, batch.count),
                     KV_DONE);
    for (size_t i = 0; i < batch.count; i++) {
        const struct model_key *key = model_of(self, batch.items[i].key);
        if (kind == KV_MGET)
            assert_found(&batch.items[i], key, now);
        else
            assert_int_equal(batch.items[i].present, is_there(key, now));
    }
    store_items_drop(batch.items, batch.count);
}

static void write_keys(struct oracle *self)
{
    static struct batch batch;
    enum kv_store_kind kind = pick(self, 3) ? KV_MSET : KV_MDEL;
    pick_batch(self, &batch);
    int64_t now = now_of(self);
    assert_int_equal(store_client_do(&self->world->client, kind, table_names[self->table],
                                     batch.items, batch.count),
                     KV_DONE);
    for (size_t i = 0; i < batch.count; i++) {
        const struct kv_item *item = &batch.items[i];
        struct model_key *key = model_of(self, item->key);
        assert_found(item, key, now);
        if (kind == KV_MSET)
            model_set(key, &item->value.bytes, 1, item->expires);
        else
            key->present = false;
    }
    store_items_drop(batch.items, batch.count);
}

static void pick_update(struct oracle *self, struct batch *batch, size_t i)
{
    struct kv_item *item = &batch->items[i];
    struct kv_update *update = &batch->updates[i];
    const struct model_key *key = model_of(self, item->key);
    *update = (struct kv_update){.when = (enum kv_if)(pick(self, 2) ? pick(self, 8) : KV_IF_ANY),
                                 .then = (enum kv_then)pick(self, 7),
                                 .text = pick(self, 2),
                                 .integer = 3,
                                 .real = 0.5,
                                 .size_max = 100};
    weft_kv_version(weft_view(key->value, key->size), update->version);
    if (pick(self, 3) == 0)
        item->expires = KV_KEEP_EXPIRY;
    item->update = update;
}

/* Decides one item after the other on a copy of the table, and takes it if nothing was refused. */
static void update_keys(struct oracle *self)
{
    static struct batch batch;
    static struct model_key before[KEYS];
    struct model_key *table = self->tables[self->table];
    bool apart = pick(self, 2), refused = false;
    pick_batch(self, &batch);
    for (size_t i = 0; i < batch.count; i++)
        pick_update(self, &batch, i);
    int64_t now = now_of(self);
    memcpy(before, table, sizeof before);
    enum kv_outcome outcome = store_client_update(&self->world->client, table_names[self->table],
                                                  batch.items, batch.count, apart);
    for (size_t i = 0; i < batch.count; i++) {
        const struct kv_item *item = &batch.items[i];
        struct model_key *key = model_of(self, item->key);
        const struct kv_value value = {weft_view(key->value, key->size), NULL};
        struct model_key copy = *key;
        struct kv_next next;
        assert_found(item, key, now);
        weft_kv_update_decide(item, key->present ? &value : NULL, key->expires, now, &next);
        assert_int_equal(item->verdict, next.verdict);
        refused |= kv_verdict_is_refusal(next.verdict);
        if (next.verdict == KV_VERDICT_STORE)
            model_set(&copy, next.parts, next.part_count, next.expires);
        else if (next.verdict == KV_VERDICT_REMOVE)
            copy.present = false;
        *key = copy;
    }
    assert_int_equal(outcome, refused && !apart ? KV_UNMET : KV_DONE);
    if (outcome == KV_UNMET)
        memcpy(table, before, sizeof before);
    store_items_drop(batch.items, batch.count);
}

static bool see(void *arg, const struct kv_pair *pair)
{
    struct oracle *self = arg;
    const struct model_key *key = model_of(self, pair->key);
    assert_true(is_there(key, now_of(self)));
    assert_int_equal(pair->value.bytes.size, key->size);
    assert_memory_equal(pair->value.bytes.data, key->value, key->size);
    if (can(KV_STORE_EXPIRY))
        assert_int_equal(pair->expires, key->expires);
    size_t i = (size_t)(key - self->tables[self->table]);
    assert_false(self->seen[i]);
    self->seen[i] = true;
    return true;
}

static void walk(struct oracle *self)
{
    struct kv_cursor cursor = {0};
    const struct kv_op op = {.kind = KV_WALK,
                             .table = weft_view_str(table_names[self->table]),
                             .count = 1 + pick(self, KEYS),
                             .exact = pick(self, 2),
                             .cursor = &cursor};
    memset(self->seen, 0, sizeof self->seen);
    do {
        assert_int_equal(store_client_page_of(&self->world->client, &op, see, self), KV_DONE);
    } while (cursor.size > 0);
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(self->seen[i], is_there(&self->tables[self->table][i], now_of(self)));
}

/* Keys that have expired may be counted. */
static void assert_total(struct oracle *self, uint64_t total)
{
    uint64_t there = 0, all = 0;
    for (int i = 0; i < KEYS; i++) {
        all += self->tables[self->table][i].present;
        there += is_there(&self->tables[self->table][i], now_of(self));
    }
    assert_in_range(total, there, all);
}

static void count_or_drop(struct oracle *self)
{
    enum kv_store_kind kind = pick(self, 10) ? KV_COUNT : KV_DROP;
    uint64_t total;
    assert_int_equal(
        store_client_total(&self->world->client, kind, table_names[self->table], &total), KV_DONE);
    assert_total(self, total);
    if (kind == KV_DROP)
        memset(self->tables[self->table], 0, sizeof self->tables[self->table]);
}

static bool see_table(void *arg, const struct kv_pair *pair)
{
    struct oracle *self = arg;
    for (self->table = 0; self->table < self->table_count; self->table++) {
        if (!weft_view_equal(pair->key, weft_view_str(table_names[self->table])))
            continue;
        assert_false(self->seen[self->table]);
        self->seen[self->table] = true;
        assert_total(self, pair->total);
        return true;
    }
    fail();
    return false;
}

static void list_tables(struct oracle *self)
{
    struct kv_cursor cursor = {0};
    const struct kv_op op = {.kind = KV_TABLES,
                             .count = 1 + pick(self, (unsigned)self->table_count),
                             .exact = pick(self, 2),
                             .cursor = &cursor};
    memset(self->seen, 0, sizeof self->seen);
    do {
        assert_int_equal(store_client_page_of(&self->world->client, &op, see_table, self), KV_DONE);
    } while (cursor.size > 0);
    for (int t = 0; t < self->table_count; t++) {
        for (int i = 0; i < KEYS; i++)
            assert_true(self->seen[t] || !is_there(&self->tables[t][i], now_of(self)));
    }
}

static void step(struct oracle *self)
{
    self->table = (int)pick(self, (unsigned)self->table_count);
    switch (pick(self, 10)) {
    case 0:
    case 1:
        read_keys(self);
        break;
    case 2:
    case 3:
        write_keys(self);
        break;
    case 4:
    case 5:
    case 6:
        if (can(KV_STORE_UPDATE))
            update_keys(self);
        break;
    case 7:
        if (can(KV_STORE_WALK))
            walk(self);
        break;
    case 8:
        if (can(KV_STORE_TABLES) && pick(self, 2))
            count_or_drop(self);
        else if (can(KV_STORE_TABLES))
            list_tables(self);
        break;
    default:
        assert_true(
            virtual_loop_advance(self->world->client.loop, (int64_t)pick(self, 500) * 1000000));
        break;
    }
}

static void test_random_operations_are_as_in_the_model(void **state)
{
    static struct oracle oracle;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        oracle = (struct oracle){.world = *state,
                                 .random = seed * UINT64_C(0x9e3779b97f4a7c15),
                                 .table_count = seed == 3 ? TABLES : FEW_TABLES};
        for (int i = 0; i < STEPS; i++)
            step(&oracle);
        for (oracle.table = 0; oracle.table < oracle.table_count; oracle.table++)
            do_range_of(oracle.world, KV_MDEL, table_names[oracle.table], 0, KEYS);
    }
}

int store_suite__run_oracle(const struct kv_store *store)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_random_operations_are_as_in_the_model),
    };
    return cmocka_run_group_tests_name(store->name, tests, NULL, NULL);
}
