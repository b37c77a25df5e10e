/* SPDX-License-Identifier: MIT
 *
 * Several loops at once. What must hold is checked on the threads, counted, and asserted on the main one;
 * ThreadSanitizer sees the rest. */
#include "disk_suite_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/random.h"
#include "services/kv/update.h"
#include "services/kv/value.h"

enum { THREADS = 4, ROUNDS = 400, BATCH = 4, PIPELINE = 8 };

struct member {
    struct disk_session session;
    struct test_random random;
    unsigned index;
    pthread_t thread;
    atomic_uint *wrong;
};

static void check(struct member *member, bool holds)
{
    if (!holds)
        atomic_fetch_add(member->wrong, 1);
}

static void do_items(struct member *member, enum kv_store_kind kind, struct kv_item *items,
                     size_t count, void (*look)(struct disk_run *run))
{
    struct disk_run run = {
        .op = {.kind = kind, .table = weft_view_str("t"), .items = items, .count = count},
        .look = look,
        .arg = member};
    check(member, disk_do(&member->session, &run) == KV_DONE);
}

/* All values of a batch are one number. */
static void see_batch(struct disk_run *run)
{
    const struct kv_item *items = run->op.items;
    for (size_t i = 1; i < run->op.count; i++)
        check(run->arg, items[i].present == items[0].present &&
                            (!items[i].present ||
                             weft_view_equal(items[i].found.bytes, items[0].found.bytes)));
}

static void add_one(struct member *member)
{
    struct kv_update update = {.then = KV_THEN_ADD, .integer = 1};
    struct disk_run runs[PIPELINE] = {0};
    struct kv_item items[PIPELINE];
    for (int i = 0; i < PIPELINE; i++) {
        items[i] = (struct kv_item){.key = weft_view_str("sum"), .update = &update};
        runs[i].op = (struct kv_op){
            .kind = KV_MUPDATE, .table = weft_view_str("t"), .items = &items[i], .count = 1};
    }
    disk_submit(&member->session, runs, PIPELINE);
    check(member, disk_await(&member->session, runs, PIPELINE));
    for (int i = 0; i < PIPELINE; i++)
        check(member, runs[i].outcome == KV_DONE);
}

static void *work(void *arg)
{
    struct member *member = arg;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct kv_item items[BATCH] = {0};
        uint64_t number = round * THREADS + member->index;
        static const char *const keys[BATCH] = {"a", "b", "c", "d"};
        for (int i = 0; i < BATCH; i++) {
            items[i].key = weft_view_str(keys[i]);
            items[i].value.bytes = weft_view(&number, sizeof number);
        }
        do_items(member, test_random_below(&member->random, 8) ? KV_MSET : KV_MDEL, items, BATCH,
                 see_batch);
        do_items(member, KV_MGET, items, BATCH, see_batch);
        if (round % PIPELINE == 0)
            add_one(member);
    }
    return NULL;
}

/* Returns the varint behind the tag of a packed integer. */
static uint64_t number_in(struct weft_view packed)
{
    uint64_t number = 0;
    assert_int_equal(packed.data[0], KV_PACKED_TAG(KV_TYPE_INTEGER, KV_FORM_NUMBER));
    for (size_t i = 1; i < packed.size; i++)
        number |= (uint64_t)(packed.data[i] & 0x7F) << 7 * (i - 1);
    return number;
}

static void see_sum(struct disk_run *run)
{
    assert_true(run->op.items[0].present);
    *(uint64_t *)run->arg = number_in(run->op.items[0].found.bytes);
}

static void test_loops_see_whole_batches_and_a_counter_adds_up(void **state)
{
    struct disk_world *world = *state;
    struct member members[THREADS];
    atomic_uint wrong = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        members[i] = (struct member){.random = {100 + i}, .index = i, .wrong = &wrong};
        disk_session_open(&members[i].session, world->state);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&members[i].thread, NULL, work, &members[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(members[i].thread, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        disk_session_close(&members[i].session);
    assert_int_equal(atomic_load(&wrong), 0);

    uint64_t sum = 0;
    struct kv_item item = {.key = weft_view_str("sum")};
    struct disk_run run = {
        .op = {.kind = KV_MGET, .table = weft_view_str("t"), .items = &item, .count = 1},
        .look = see_sum,
        .arg = &sum};
    assert_int_equal(disk_do(&world->first, &run), KV_DONE);
    assert_int_equal(sum, THREADS * ROUNDS);
}

/* A session that closes leaves what it sent to the writer, which must not touch it any more. */
static void *come_and_go(void *arg)
{
    struct member *member = arg;
    const struct kv_store *store = disk_suite_store();
    for (int round = 0; round < ROUNDS / 4; round++) {
        struct disk_run runs[PIPELINE] = {0};
        struct kv_item items[PIPELINE] = {0};
        for (int i = 0; i < PIPELINE; i++) {
            items[i].key = weft_view_str("k");
            items[i].value.bytes = weft_view_str("v");
            runs[i].op = (struct kv_op){.kind = i % 3 ? KV_MSET : KV_MGET,
                                        .table = weft_view_str("t"),
                                        .items = &items[i],
                                        .count = 1};
        }
        disk_submit(&member->session, runs, PIPELINE);
        store->close(member->session.session);
        for (int i = 0; i < PIPELINE; i++)
            check(member,
                  runs[i].is_done && (runs[i].outcome == KV_DONE || runs[i].outcome == KV_UNKNOWN));
        memset(member->session.session, 0, store->session_size);
        check(member, store->open(member->session.session, member->session.loop_state) == 0);
    }
    return NULL;
}

static void test_sessions_close_while_the_writer_has_their_writes(void **state)
{
    struct disk_world *world = *state;
    struct member members[THREADS];
    atomic_uint wrong = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        members[i] = (struct member){.index = i, .wrong = &wrong};
        disk_session_open(&members[i].session, world->state);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&members[i].thread, NULL, come_and_go, &members[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(members[i].thread, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        disk_session_close(&members[i].session);
    assert_int_equal(atomic_load(&wrong), 0);
}

int disk_suite__run_threads(const char *name)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(test_loops_see_whole_batches_and_a_counter_adds_up),
        DISK_TEST(test_sessions_close_while_the_writer_has_their_writes),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
