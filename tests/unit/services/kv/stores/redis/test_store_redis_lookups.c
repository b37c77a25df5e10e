/* SPDX-License-Identifier: MIT
 *
 * The store on Redis asks few questions about tables, and no answer is older than its question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "redis_store_world.h"
#include "services/kv/stores/redis/layout.h"

enum { COUNT = 50 };

struct read {
    struct kv_op op;
    struct kv_item item;
    bool is_done;
    enum kv_outcome outcome;
};

static struct read reads[COUNT];

static void read_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct read *read = (struct read *)op;
    read->is_done = true;
    read->outcome = outcome;
}

/* Begins to look for the key of a table. */
static void begin(struct store_client *client, size_t i, const char *table)
{
    reads[i] = (struct read){.item.key = weft_view_str(REDIS_KEY_ONE)};
    reads[i].op = (struct kv_op){.kind = KV_MEXIST,
                                 .table = weft_view_str(table),
                                 .items = &reads[i].item,
                                 .count = 1,
                                 .done = read_done};
    client->store->submit(client->session, &reads[i].op);
}

static void begin_all(struct store_client *client)
{
    for (size_t i = 0; i < COUNT; i++)
        begin(client, i, i % 2 ? "some" : "other");
}

static unsigned count_outcomes(enum kv_outcome outcome)
{
    unsigned count = 0;
    for (size_t i = 0; i < COUNT; i++)
        count += reads[i].is_done && reads[i].outcome == outcome;
    return count;
}

static void test_reads_of_absent_tables_ask_once_a_turn_for_each(void **state)
{
    struct store_client *client = *state;
    assert_false(store_client_has(client, "any", "k")); /* the client has connected by then */
    (void)redis_stand_in_calls();
    begin_all(client);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(count_outcomes(KV_DONE), COUNT);
    assert_false(reads[0].item.present);
    assert_int_equal(redis_stand_in_calls(), 2);
    begin_all(client);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(redis_stand_in_calls(), 2);
}

/* Another kvs makes the table, with one bucket, and sets the key. */
static void write_elsewhere(void)
{
    freeReplyObject(redis_stand_in_command("HSET {weft:tables:%u} some 1",
                                           kv_redis_directory_of(weft_view_str("some"))));
    freeReplyObject(redis_stand_in_command("HSET {t:some:0} " REDIS_KEY_ONE " v"));
}

/* The first question is answered before the write, so it must not serve the read that begins after that. */
static void test_read_after_a_write_by_another_kvs_finds_it(void **state)
{
    struct store_client *client = *state;
    begin(client, 0, "some");
    virtual_loop_turn(client->loop);
    write_elsewhere();
    begin(client, 1, "some");
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_true(reads[1].is_done);
    assert_true(reads[1].item.present);
}

static void test_question_that_fails_fails_all_that_wait_for_it(void **state)
{
    struct store_client *client = *state;
    redis_stand_in_plan(
        &(struct redis_stand_in_plan){.only = "HGET", .count = 2, .outcome = REDIS_UNAVAILABLE});
    begin_all(client);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(count_outcomes(KV_UNAVAILABLE), COUNT);
}

static void test_directory_that_holds_no_number_fails_the_read(void **state)
{
    struct store_client *client = *state;
    freeReplyObject(redis_stand_in_command("HSET {weft:tables:%u} some none",
                                           kv_redis_directory_of(weft_view_str("some"))));
    begin(client, 0, "some");
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(reads[0].outcome, KV_FAILED);
}

static void test_session_that_is_closed_waits_for_no_answer(void **state)
{
    struct store_client *client = *state, other;
    store_client_join(&other, client);
    begin_all(&other);
    store_client_leave(&other);
    assert_int_equal(count_outcomes(KV_UNKNOWN), COUNT);
    assert_true(virtual_loop_run_until_idle(client->loop));

    /* This time the question is under way. */
    store_client_join(&other, client);
    redis_stand_in_plan(&(struct redis_stand_in_plan){.only = "HGET", .count = 2});
    begin_all(&other);
    virtual_loop_turn(client->loop);
    store_client_leave(&other);
    assert_int_equal(count_outcomes(KV_UNKNOWN), COUNT);
    begin(client, 0, "some");
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(reads[0].outcome, KV_DONE);
}

static void test_read_that_gets_no_memory_is_unavailable(void **state)
{
    struct store_client *client = *state;
    size_t failures = 0;
    fault_install();
    for (size_t after = 0; failures == after; after++) {
        struct store_client other;
        fault_arm(FAULT_ONE, after);
        store_client_join(&other, client);
        begin(&other, 0, "some");
        assert_true(virtual_loop_run_until_idle(client->loop));
        failures += reads[0].outcome == KV_UNAVAILABLE;
        store_client_leave(&other);
    }
    fault_remove();
    assert_int_equal(reads[0].outcome, KV_DONE);
    assert_true(failures > 0);
}

static void test_long_name_of_a_table_is_looked_up_as_well(void **state)
{
    struct store_client *client = *state;
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    begin(client, 0, name);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(reads[0].outcome, KV_DONE);
    store_client_set(client, name, REDIS_KEY_ONE, "v");
    begin(client, 0, name);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_true(reads[0].item.present);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_STORE_TEST(test_reads_of_absent_tables_ask_once_a_turn_for_each),
        REDIS_STORE_TEST(test_read_after_a_write_by_another_kvs_finds_it),
        REDIS_STORE_TEST(test_question_that_fails_fails_all_that_wait_for_it),
        REDIS_STORE_TEST(test_directory_that_holds_no_number_fails_the_read),
        REDIS_STORE_TEST(test_session_that_is_closed_waits_for_no_answer),
        REDIS_STORE_TEST(test_read_that_gets_no_memory_is_unavailable),
        REDIS_STORE_TEST(test_long_name_of_a_table_is_looked_up_as_well),
    };
    return cmocka_run_group_tests(tests, redis_store_world_begin, redis_store_world_end);
}
