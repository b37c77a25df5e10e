/* SPDX-License-Identifier: MIT
 *
 * The memory store under a limit, with several loops at once, while entries move: two threads write
 * values from size to size and leave a few of each slab, one reads single keys and batches of them
 * and writes batches of its own, one walks. Every value tells its key and version, and its bytes
 * follow from those. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/random.h"
#include "lib/store_client.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/memory/memory.h"

enum {
    LIMIT = 4 << 20,
    MOST = LIMIT + (8 << 20) + (1 << 20), /* of resident memory: the least slack, two reserves */
    WRITERS = 2,
    ROUNDS = 2,
    SHARE = LIMIT / 5 * 4 / WRITERS, /* of the limit, that a writer fills each time */
    SLAB_SIZE = 64 * 1024,
    OVERHEAD = 80, /* about what a key costs beyond its value */
    OPERATION = 100 * 1000,
    SIZES = 7,
    KEYS_MAX = 4000, /* of one writer and size */
    KEYS = WRITERS * SIZES * KEYS_MAX,
    TABLES = 3,
    NAMED = 1500,    /* tables of one writer with a key each, */
    NAMED_STEP = 20, /* of which every so many-th stays */
    BATCH = 8,
    LARGE_BATCH = 400,
    PATIENCE = 100000, /* refusals of one write */
    KEY_SIZE = 24,
    BLOB_MIN = 1001, /* from this size on values are blobs, as kv makes them */
};

static const size_t sizes[SIZES] = {500, 150, 1100, 3000, 900, 60, 2000};

/* The versions of a key: odd ones are values, even ones removals, and 0 is the beginning. */
struct versions {
    _Atomic uint32_t begun, done;
};

struct crowd;

struct member {
    struct crowd *crowd;
    struct store_client client;
    struct test_random random;
    unsigned index;
    pthread_t thread;
};

/* The address is only compared: a reference would keep the value where it is. */
struct sighting {
    uint32_t version;
    uintptr_t address;
};

struct crowd {
    struct store_client first;
    struct member writers[WRITERS], reader, walker;
    struct versions versions[KEYS];
    struct sighting sightings[KEYS]; /* the writer's of the key alone */
    atomic_uint wrong;               /* checks that failed */
    atomic_uint moved;               /* values that a writer found at another address than before */
    atomic_uint writing;
    atomic_bool has_tables[WRITERS]; /* the writer's tables that stay are there */
};

struct head {
    uint32_t id, version;
};

static void check(struct member *member, bool holds)
{
    if (!holds)
        atomic_fetch_add(&member->crowd->wrong, 1);
}

static uint32_t id_of(unsigned writer, unsigned size, unsigned number)
{
    return (writer * SIZES + size) * KEYS_MAX + number;
}

static size_t size_of(uint32_t id)
{
    return sizes[id / KEYS_MAX % SIZES];
}

static const char *table_of(uint32_t id)
{
    static const char *const tables[TABLES] = {"t0", "t1", "t2"};
    return tables[id % TABLES];
}

static uint8_t byte_of(uint32_t id, uint32_t version, size_t at)
{
    return (uint8_t)(id * 31 + version * 7 + at);
}

static void make_bytes(uint8_t *data, uint32_t id, uint32_t version)
{
    struct head head = {id, version};
    for (size_t at = sizeof head; at < size_of(id); at++)
        data[at] = byte_of(id, version, at);
    memcpy(data, &head, sizeof head);
}

/* Returns the version that a value tells; 0: it is none of this key's values. */
static uint32_t version_of(uint32_t id, struct weft_view bytes)
{
    struct head head;
    if (id >= KEYS || bytes.size != size_of(id))
        return 0;
    memcpy(&head, bytes.data, sizeof head);
    if (head.id != id)
        return 0;
    for (size_t at = sizeof head; at < bytes.size; at++) {
        if (bytes.data[at] != byte_of(id, head.version, at))
            return 0;
    }
    return head.version;
}

/* True if a key could be found like this between the moments of the two versions. */
static bool is_plausible(uint32_t id, const struct kv_item *item, uint32_t from, uint32_t to)
{
    if (!item->present)
        return from % 2 == 0 || from < to;
    uint32_t version = version_of(id, item->found.bytes);
    return version % 2 == 1 && from <= version && version <= to;
}

/* Sets or removes one key of the writer's own, which nobody else changes. False: the store is full,
 * and the key has what it had. */
static bool change(struct member *member, uint32_t id, bool remove)
{
    struct versions *versions = &member->crowd->versions[id];
    char key[KEY_SIZE];
    uint8_t data[4096], *blob_data;
    uint32_t before = atomic_load(&versions->done);
    uint32_t version = before + 1 + (before % 2 == (remove ? 0 : 1));
    (void)snprintf(key, sizeof key, "key %u", id);
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view(data, size_of(id))};
    if (!remove)
        make_bytes(data, id, version);
    if (!remove && size_of(id) >= BLOB_MIN) {
        item.value.blob = weft_blob_new(size_of(id), &blob_data);
        check(member, item.value.blob != NULL);
        memcpy(blob_data, data, size_of(id));
        item.value.bytes = weft_blob_view(item.value.blob);
    }
    atomic_store(&versions->begun, version);
    enum kv_outcome outcome =
        store_client_do(&member->client, remove ? KV_MDEL : KV_MSET, table_of(id), &item, 1);
    check(member, outcome == KV_DONE || (outcome == KV_FULL && !remove));
    if (outcome == KV_DONE) {
        check(member, is_plausible(id, &item, before, before));
        atomic_store(&versions->done, version);
        store_items_drop(&item, 1);
    } else {
        atomic_store(&versions->begun, before);
    }
    weft_blob_unref(item.value.blob);
    check(member, virtual_loop_advance(member->client.loop, OPERATION));
    return outcome == KV_DONE;
}

/* Does one key of the table with this number. Returns whether it was there. */
static bool do_named(struct member *member, unsigned writer, unsigned number,
                     enum kv_store_kind kind)
{
    char table[64];
    struct kv_item item = {.key = weft_view_str("k"), .value.bytes = weft_view_str("v")};
    (void)snprintf(table, sizeof table, "a table with a long name, %u of %u", number, writer);
    check(member, store_client_do(&member->client, kind, table, &item, 1) == KV_DONE);
    bool present = item.present;
    check(member, !present || weft_view_equal(item.found.bytes, item.value.bytes));
    store_items_drop(&item, 1);
    return present;
}

/* Tables that have a key each, of which a few stay: the index and its names move as well. */
static void make_tables(struct member *member)
{
    for (unsigned i = 0; i < NAMED; i++)
        check(member, !do_named(member, member->index, i, KV_MSET));
    for (unsigned i = 0; i < NAMED; i++)
        check(member, i % NAMED_STEP == 0 || do_named(member, member->index, i, KV_MDEL));
    atomic_store(&member->crowd->has_tables[member->index], true);
}

static void drop_tables(struct member *member)
{
    atomic_store(&member->crowd->has_tables[member->index], false);
    for (unsigned i = 0; i < NAMED; i += NAMED_STEP)
        check(member, do_named(member, member->index, i, KV_MDEL));
}

/* Looks at one key of the writer's own, which has to be as it was left. */
static void look(struct member *member, uint32_t id)
{
    char key[KEY_SIZE];
    struct sighting *seen = &member->crowd->sightings[id];
    uint32_t version = atomic_load(&member->crowd->versions[id].done);
    (void)snprintf(key, sizeof key, "key %u", id);
    struct kv_item item = {.key = weft_view_str(key)};
    check(member, store_client_do(&member->client, KV_MGET, table_of(id), &item, 1) == KV_DONE);
    check(member, is_plausible(id, &item, version, version));
    uintptr_t address = item.present ? (uintptr_t)item.found.blob : 0;
    if (address != 0 && seen->version == version && seen->address != address)
        atomic_fetch_add(&member->crowd->moved, 1);
    *seen = (struct sighting){version, address};
    store_items_drop(&item, 1);
}

/* Memory that waits for the turn of a loop whose thread does not run makes the store refuse. It is
 * never full for long, since the writers' shares fit into the limit. */
static void set_patiently(struct member *member, uint32_t id)
{
    unsigned tries = 0;
    while (!change(member, id, false) && ++tries < PATIENCE)
        sched_yield();
    check(member, tries < PATIENCE);
}

static void write_size(struct member *member, unsigned size)
{
    unsigned filled = 0, most = (unsigned)(SHARE / (sizes[size] + OVERHEAD));
    unsigned kept_every = (unsigned)(SLAB_SIZE / (sizes[size] + OVERHEAD / 2)) + 1;
    for (; filled < most && filled < KEYS_MAX; filled++)
        set_patiently(member, id_of(member->index, size, filled));
    for (unsigned k = 0; k < filled; k++) {
        if (k % kept_every > 0)
            (void)change(member, id_of(member->index, size, k), true);
        else if (k % 2 == 0)
            (void)change(member, id_of(member->index, size, k), false);
    }
}

static void *write_from_size_to_size(void *arg)
{
    struct member *member = arg;
    make_tables(member);
    for (unsigned i = 0; i < ROUNDS * SIZES; i++) {
        write_size(member, i % SIZES);
        for (unsigned k = 0; k < SIZES * KEYS_MAX; k++) {
            uint32_t id = id_of(member->index, 0, k);
            if (atomic_load(&member->crowd->versions[id].done) % 2 == 1)
                look(member, id);
        }
    }
    drop_tables(member);
    atomic_fetch_sub(&member->crowd->writing, 1);
    return NULL;
}

static void read_named(struct member *member)
{
    unsigned writer = (unsigned)test_random_below(&member->random, WRITERS);
    unsigned number = (unsigned)test_random_below(&member->random, NAMED / NAMED_STEP);
    atomic_bool *has_tables = &member->crowd->has_tables[writer];
    bool before = atomic_load(has_tables);
    bool present = do_named(member, writer, number * NAMED_STEP, KV_MGET);
    check(member, present || !before || !atomic_load(has_tables));
}

/* Stores or removes a batch, in place or by copies; every key of it had the number of the batch
 * before. A full store may refuse a batch, and then all keys have what they had. */
static void write_batch(struct member *member, uint32_t round)
{
    static uint32_t before; /* 0: the keys are not there */
    static char keys[LARGE_BATCH][KEY_SIZE];
    static struct kv_item items[LARGE_BATCH];
    bool large = round / 4 % 16 == 0, remove = round % 4 == 3;
    size_t count = large ? LARGE_BATCH : BATCH;
    for (size_t k = 0; k < count; k++) {
        (void)snprintf(keys[k], KEY_SIZE, "batch %zu", k);
        items[k] = (struct kv_item){.key = weft_view_str(keys[k]),
                                    .value.bytes = weft_view(&round, sizeof round)};
    }
    enum kv_outcome outcome =
        store_client_do(&member->client, remove ? KV_MDEL : KV_MSET, "batches", items, count);
    check(member, outcome == KV_DONE || (outcome == KV_FULL && !remove));
    if (outcome != KV_DONE)
        return;
    for (size_t k = 0; k < count; k++) {
        check(member, items[k].present == (before != 0));
        check(member, !items[k].present ||
                          weft_view_equal(items[k].found.bytes, weft_view(&before, sizeof before)));
    }
    before = remove ? 0 : round;
    store_items_drop(items, count);
}

/* Reads keys of one table, one or several at a time. */
static void *read_keys(void *arg)
{
    struct member *member = arg;
    struct versions *versions = member->crowd->versions;
    for (uint32_t round = 4; atomic_load(&member->crowd->writing) > 0; round++) {
        char keys[BATCH][KEY_SIZE];
        struct kv_item items[BATCH];
        uint32_t ids[BATCH], from[BATCH];
        size_t count = test_random_below(&member->random, 2) ? 1 : BATCH;
        uint32_t table = (uint32_t)test_random_below(&member->random, TABLES);
        for (size_t k = 0; k < count; k++) {
            ids[k] = table + TABLES * (uint32_t)test_random_below(&member->random, KEYS / TABLES);
            from[k] = atomic_load(&versions[ids[k]].done);
            (void)snprintf(keys[k], KEY_SIZE, "key %u", ids[k]);
            items[k] = (struct kv_item){.key = weft_view_str(keys[k])};
        }
        check(member,
              store_client_do(&member->client, KV_MGET, table_of(table), items, count) == KV_DONE);
        for (size_t k = 0; k < count; k++) {
            uint32_t to = atomic_load(&versions[ids[k]].begun);
            check(member, is_plausible(ids[k], &items[k], from[k], to));
        }
        store_items_drop(items, count);
        read_named(member);
        write_batch(member, round);
        check(member, virtual_loop_advance(member->client.loop, OPERATION));
    }
    return NULL;
}

static bool see(void *arg, const struct kv_pair *pair)
{
    struct member *member = arg;
    char text[KEY_SIZE] = {0};
    uint32_t id = KEYS;
    memcpy(text, pair->key.data, pair->key.size < sizeof text ? pair->key.size : sizeof text - 1);
    check(member, sscanf(text, "key %u", &id) == 1);
    check(member, version_of(id, pair->value.bytes) % 2 == 1);
    return true;
}

static void *walk_tables(void *arg)
{
    struct member *member = arg;
    for (uint32_t i = 0; atomic_load(&member->crowd->writing) > 0; i++) {
        struct kv_cursor cursor = {0};
        do {
            check(member, store_client_page(&member->client, table_of(i), 50, &cursor, see,
                                            member) == KV_DONE);
            check(member, virtual_loop_advance(member->client.loop, OPERATION));
        } while (cursor.size > 0);
    }
    return NULL;
}

static void join(struct crowd *crowd, struct member *member, unsigned index)
{
    member->crowd = crowd;
    member->index = index;
    member->random = (struct test_random){1000 + index};
    store_client_join_loop(&member->client, &crowd->first);
}

static void start(struct member *member, void *(*body)(void *))
{
    assert_int_equal(pthread_create(&member->thread, NULL, body, member), 0);
}

static void test_values_that_move_are_what_their_writers_wrote(void **state)
{
    static struct crowd crowd;
    (void)state;
    store_client_init(&crowd.first, &weft_kv_store_memory, LIMIT);
    struct member *all[] = {&crowd.writers[0], &crowd.writers[1], &crowd.reader, &crowd.walker};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        join(&crowd, all[i], i);
    atomic_store(&crowd.writing, WRITERS);
    start(&crowd.writers[0], write_from_size_to_size);
    start(&crowd.writers[1], write_from_size_to_size);
    start(&crowd.reader, read_keys);
    start(&crowd.walker, walk_tables);
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        assert_int_equal(pthread_join(all[i]->thread, NULL), 0);
    assert_int_equal(atomic_load(&crowd.wrong), 0);
    assert_in_range(kv_store_memory_resident(crowd.first.state), 1, MOST);
    assert_true(atomic_load(&crowd.moved) > 0);
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        store_client_leave_loop(&all[i]->client);
    store_client_fini(&crowd.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_that_move_are_what_their_writers_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
