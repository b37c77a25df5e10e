/* SPDX-License-Identifier: MIT
 *
 * A memory store that is kept on disk has after each start what it had before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/kept_store.h"
#include "lib/random.h"
#include "lib/store_client.h"
#include "lib/virtual_loop.h"

enum { TABLES = 3, KEYS = 40, VALUE = 64 };

/* The content that the store must have: the number of each key's value, 0: the key is absent. */
struct model {
    unsigned values[TABLES][KEYS];
    unsigned last;
};

static int setup(void **state)
{
    (void)state;
    kept_plan = (struct kept_plan){.sync = "always"};
    kept_dir_make(kept_plan.dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kept_dir_remove(kept_plan.dir);
    return 0;
}

static char *name_of(char dst[VALUE], const char *what, unsigned number)
{
    (void)snprintf(dst, VALUE, "%s%u", what, number);
    return dst;
}

static void assert_has(struct store_client *client, const struct model *model)
{
    char table[VALUE], key[VALUE], value[VALUE];
    for (unsigned t = 0; t < TABLES; t++) {
        for (unsigned k = 0; k < KEYS; k++) {
            const char *got =
                store_client_get(client, name_of(table, "t", t), name_of(key, "k", k));
            if (model->values[t][k] == 0)
                assert_null(got);
            else
                assert_string_equal(got, name_of(value, "v", model->values[t][k]));
        }
    }
}

/* One batch of up to 8 keys, which may come twice. */
static void do_random(struct store_client *client, struct model *model, struct test_random *random)
{
    enum { MOST = 8 };
    struct kv_item items[MOST];
    char table[VALUE], keys[MOST][VALUE], values[MOST][VALUE];
    unsigned t = (unsigned)(test_random_next(random) % TABLES);
    unsigned count = 1 + (unsigned)(test_random_next(random) % MOST);
    bool removes = test_random_next(random) % 3 == 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned k = (unsigned)(test_random_next(random) % KEYS);
        model->values[t][k] = removes ? 0 : ++model->last;
        items[i] =
            (struct kv_item){.key = weft_view_str(name_of(keys[i], "k", k)),
                             .value.bytes = weft_view_str(name_of(values[i], "v", model->last))};
    }
    assert_int_equal(
        store_client_do(client, removes ? KV_MDEL : KV_MSET, name_of(table, "t", t), items, count),
        KV_DONE);
    store_items_drop(items, count);
}

/* Drops a table, now and then. */
static void drop_random(struct store_client *client, struct model *model,
                        struct test_random *random)
{
    char table[VALUE];
    unsigned t = (unsigned)(test_random_next(random) % TABLES);
    if (test_random_next(random) % 50 != 0)
        return;
    assert_int_equal(store_client_do(client, KV_DROP, name_of(table, "t", t), NULL, 0), KV_DONE);
    memset(model->values[t], 0, sizeof model->values[t]);
}

static void run_oracle(bool late, const char *sync, uint64_t snapshot)
{
    enum { STEPS = 6000, STARTS = 30 };
    const struct kv_store store = kept_store(late);
    struct store_client client;
    struct model model = {.last = 0};
    kept_dir_remove(kept_plan.dir);
    struct test_random random = {7};
    kept_plan.sync = sync;
    kept_plan.snapshot = snapshot;
    for (unsigned i = 0; i < STARTS; i++) {
        store_client_init(&client, &store, 0);
        assert_has(&client, &model);
        for (unsigned step = 0; step < STEPS / STARTS; step++) {
            do_random(&client, &model, &random);
            drop_random(&client, &model, &random);
        }
        assert_has(&client, &model);
        store_client_fini(&client);
    }
}

static void test_store_has_after_each_start_what_it_had_before(void **state)
{
    (void)state;
    run_oracle(true, "always", 0);
}

static void test_store_without_sync_has_after_an_orderly_end_what_it_had_before(void **state)
{
    (void)state;
    run_oracle(false, "off", 0);
}

static size_t count_files(const char *prefix)
{
    size_t count = 0;
    DIR *dir = opendir(kept_plan.dir);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    closedir(dir);
    return count;
}

static void test_store_with_snapshots_has_after_each_start_what_it_had_before(void **state)
{
    (void)state;
    run_oracle(true, "always", 4096);
    assert_int_equal(count_files("snapshot-"), 1);
    assert_int_equal(count_files("journal-"), 1);
    run_oracle(false, "off", 1024);
}

static void test_large_values_and_batches_are_kept(void **state)
{
    enum { COUNT = 500, SIZE = 3 << 20 };
    (void)state;
    const struct kv_store store = kept_store(true);
    struct store_client client;
    struct kv_item items[COUNT];
    char(*keys)[VALUE] = calloc(COUNT, sizeof *keys);
    uint8_t *large = malloc(SIZE);
    assert_true(keys && large);
    memset(large, 'x', SIZE);
    store_client_init(&client, &store, 0);
    for (unsigned i = 0; i < COUNT; i++)
        items[i] = (struct kv_item){.key = weft_view_str(name_of(keys[i], "key", i)),
                                    .value.bytes = weft_view(large, i * 10)};
    items[7].value.bytes.size = SIZE;
    assert_int_equal(store_client_do(&client, KV_MSET, "t", items, COUNT), KV_DONE);
    store_items_drop(items, COUNT);
    store_client_fini(&client);
    /* Once out of the journal, once out of a snapshot. */
    kept_plan.snapshot = 1;
    store_client_init(&client, &store, 0);
    store_client_set(&client, "u", "k", "v");
    virtual_loop_turn(client.loop);
    assert_int_equal(count_files("snapshot-"), 1);
    store_client_fini(&client);

    store_client_init(&client, &store, 0);
    assert_int_equal(store_client_do(&client, KV_MGET, "t", items, COUNT), KV_DONE);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(items[i].present);
        assert_int_equal(items[i].found.bytes.size, i == 7 ? SIZE : i * 10);
        assert_int_equal(memcmp(items[i].found.bytes.data, large, items[i].found.bytes.size), 0);
    }
    store_items_drop(items, COUNT);
    store_client_fini(&client);
    free(large);
    free(keys);
}

static void test_second_store_in_the_same_directory_is_refused(void **state)
{
    (void)state;
    const struct kv_store store = kept_store(true);
    struct store_client client;
    struct weft_error error;
    const struct kv_store_options options = {.where = NULL};
    store_client_init(&client, &store, 0);
    void *other = calloc(1, store.store_size);
    assert_non_null(other);
    assert_int_equal(store.init(other, &options, &error), -EBUSY);
    assert_non_null(strstr(error.text, "another process uses it"));
    free(other);
    store_client_fini(&client);
}

static void test_store_that_holds_more_than_max_memory_is_refused(void **state)
{
    enum { LIMIT = 1 << 20 };
    (void)state;
    const struct kv_store store = kept_store(true);
    struct store_client client;
    struct weft_error error;
    char key[VALUE];
    uint8_t *value = calloc(1, LIMIT / 4);
    assert_non_null(value);
    store_client_init(&client, &store, 0);
    for (unsigned i = 0; i < 8; i++) {
        struct kv_item item = {.key = weft_view_str(name_of(key, "k", i)),
                               .value.bytes = weft_view(value, LIMIT / 4)};
        assert_int_equal(store_client_do(&client, KV_MSET, "t", &item, 1), KV_DONE);
    }
    store_client_fini(&client);
    free(value);
    void *state_of_store = calloc(1, store.store_size);
    assert_non_null(state_of_store);
    const struct kv_store_options options = {.max_memory = LIMIT};
    assert_int_equal(store.init(state_of_store, &options, &error), -ENOSPC);
    assert_string_equal(error.text, "memory store: what is on disk does not fit into max-memory");
    free(state_of_store);
}

/* A submitted operation, to look at before it is done. */
struct pending {
    struct kv_op op;
    struct kv_item item;
    bool done;
    enum kv_outcome outcome;
};

static void pending_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct pending *pending = (struct pending *)op;
    pending->done = true;
    pending->outcome = outcome;
}

static void submit(struct store_client *client, struct pending *pending, enum kv_store_kind kind)
{
    *pending =
        (struct pending){.item = {.key = weft_view_str("k"), .value.bytes = weft_view_str("v")}};
    pending->op = (struct kv_op){.kind = kind,
                                 .table = weft_view_str("t"),
                                 .items = &pending->item,
                                 .count = 1,
                                 .done = pending_done};
    client->store->submit(client->session, &pending->op);
}

static void test_write_is_answered_when_it_is_on_disk_and_a_read_at_once(void **state)
{
    (void)state;
    const struct kv_store store = kept_store(true);
    struct store_client client;
    struct pending write, read;
    store_client_init(&client, &store, 0);
    submit(&client, &write, KV_MSET);
    assert_false(write.done);
    submit(&client, &read, KV_MGET);
    assert_true(read.done && read.item.present);
    virtual_loop_turn(client.loop);
    virtual_loop_turn(client.loop);
    assert_true(write.done);
    assert_int_equal(write.outcome, KV_DONE);
    store_client_fini(&client);
}

static void test_removal_of_what_is_not_there_waits_for_nothing(void **state)
{
    (void)state;
    const struct kv_store store = kept_store(true);
    struct store_client client;
    struct pending removal;
    store_client_init(&client, &store, 0);
    submit(&client, &removal, KV_MDEL);
    assert_true(removal.done);
    assert_int_equal(removal.outcome, KV_DONE);
    store_client_fini(&client);
}

static void test_session_that_ends_does_not_know_of_its_writes(void **state)
{
    (void)state;
    const struct kv_store store = kept_store(true);
    struct store_client client, other;
    struct pending writes[3];
    store_client_init(&client, &store, 0);
    store_client_join(&other, &client);
    submit(&client, &writes[0], KV_MSET);
    submit(&other, &writes[1], KV_MSET);
    submit(&client, &writes[2], KV_MSET);
    store_client_leave(&other);
    assert_true(writes[1].done);
    assert_int_equal(writes[1].outcome, KV_UNKNOWN);
    assert_false(writes[0].done || writes[2].done);
    virtual_loop_turn(client.loop);
    virtual_loop_turn(client.loop);
    assert_int_equal(writes[0].outcome, KV_DONE);
    assert_int_equal(writes[2].outcome, KV_DONE);
    assert_true(writes[2].item.present);
    store_client_fini(&client);
}

struct told {
    struct kv_progress progress;
    unsigned calls;
    uint64_t done, total;
};

static void hear(struct kv_progress *progress, uint64_t done, uint64_t total, const char *unit)
{
    struct told *told = (struct told *)(void *)progress;
    assert_string_equal(unit, "bytes");
    assert_true(told->calls == 0 ? done == 0 : done > told->done && total == told->total);
    told->calls++;
    told->done = done;
    told->total = total;
}

/* Returns the bytes of the store's files whose names begin like this. */
static uint64_t bytes_of(const char *prefix)
{
    uint64_t sum = 0;
    DIR *stream = opendir(kept_plan.dir);
    const struct dirent *entry;
    struct stat info;
    assert_non_null(stream);
    while ((entry = readdir(stream)) != NULL)
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
            fstatat(dirfd(stream), entry->d_name, &info, 0) == 0)
            sum += (uint64_t)info.st_size;
    closedir(stream);
    return sum;
}

/* Stores `count` values of most of a MiB which do not compress. */
static void set_large(unsigned count)
{
    enum { LARGE = 1000000 };
    const struct kv_store store = kept_store(true);
    struct test_random random = {1};
    struct store_client client;
    char key[VALUE], *value = malloc(LARGE);
    assert_non_null(value);
    store_client_init(&client, &store, 0);
    for (unsigned i = 0; i < count; i++) {
        for (size_t at = 0; at < LARGE; at++)
            value[at] = (char)test_random_next(&random);
        struct kv_item item = {.key = weft_view_str(name_of(key, "k", i)),
                               .value.bytes = weft_view(value, LARGE)};
        assert_int_equal(store_client_do(&client, KV_MSET, "t", &item, 1), KV_DONE);
    }
    store_client_fini(&client);
    free(value);
}

static void assert_start_tells(unsigned least)
{
    struct told told = {.progress.tell = hear};
    const uint64_t bytes = bytes_of("journal-") + bytes_of("snapshot-");
    kept_plan.progress = &told.progress;
    set_large(0);
    assert_true(told.calls >= least);
    assert_int_equal(told.total, bytes);
    assert_in_range(told.done, 1, bytes);
}

static void test_start_tells_how_many_bytes_of_its_files_it_has_read(void **state)
{
    (void)state;
    set_large(4);
    assert_start_tells(3);
}

static void test_start_tells_of_the_snapshot_and_of_the_journals_behind_it(void **state)
{
    (void)state;
    kept_plan.snapshot = 3000000;
    set_large(6);
    assert_true(bytes_of("snapshot-") > 0);
    assert_start_tells(2);
}

#define KEPT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(test_store_has_after_each_start_what_it_had_before),
        KEPT_TEST(test_store_without_sync_has_after_an_orderly_end_what_it_had_before),
        KEPT_TEST(test_store_with_snapshots_has_after_each_start_what_it_had_before),
        KEPT_TEST(test_large_values_and_batches_are_kept),
        KEPT_TEST(test_second_store_in_the_same_directory_is_refused),
        KEPT_TEST(test_store_that_holds_more_than_max_memory_is_refused),
        KEPT_TEST(test_write_is_answered_when_it_is_on_disk_and_a_read_at_once),
        KEPT_TEST(test_removal_of_what_is_not_there_waits_for_nothing),
        KEPT_TEST(test_session_that_ends_does_not_know_of_its_writes),
        KEPT_TEST(test_start_tells_how_many_bytes_of_its_files_it_has_read),
        KEPT_TEST(test_start_tells_of_the_snapshot_and_of_the_journals_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
