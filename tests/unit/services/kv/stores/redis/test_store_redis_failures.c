/* SPDX-License-Identifier: MIT
 *
 * Outcomes of the store on Redis when calls fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/virtual_loop.h"
#include "redis_store_world.h"
#include "services/kv/stores/redis/scripts.h"
#include "services/kv/service.h"
#include "services/kv/stores/on_redis.h"
#include "services/kv/update.h"

static const char *digest(enum kv_redis_script_name name)
{
    return (const char *)kv_redis_script(name)->sha.data;
}

static enum kv_outcome do_two(struct store_client *client, enum kv_store_kind kind)
{
    struct kv_item items[] = {
        {.key = weft_view_str(REDIS_KEY_ONE), .value.bytes = weft_view_str("1")},
        {.key = weft_view_str(redis_store_world_other_key()), .value.bytes = weft_view_str("2")},
    };
    enum kv_outcome outcome = store_client_do(client, kind, "t", items, 2);
    if (outcome == KV_DONE)
        store_items_drop(items, 2);
    return outcome;
}

static enum kv_outcome set_one(struct store_client *client)
{
    struct kv_item item = {.key = weft_view_str(REDIS_KEY_ONE), .value.bytes = weft_view_str("1")};
    enum kv_outcome outcome = store_client_do(client, KV_MSET, "t", &item, 1);
    if (outcome == KV_DONE)
        store_items_drop(&item, 1);
    return outcome;
}

static void test_write_that_was_not_sent_is_unavailable(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", "k", "v");
    redis_stand_in_plan(&(struct redis_stand_in_plan){.count = 1, .outcome = REDIS_UNAVAILABLE});
    assert_int_equal(set_one(client), KV_UNAVAILABLE);
    assert_false(store_client_has(client, "t", REDIS_KEY_ONE));
}

static void test_write_without_an_answer_is_unknown(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", "k", "v");
    redis_stand_in_plan(
        &(struct redis_stand_in_plan){.count = 1, .execute = true, .outcome = REDIS_UNKNOWN});
    assert_int_equal(set_one(client), KV_UNKNOWN);
    assert_true(store_client_has(client, "t", REDIS_KEY_ONE));
}

/* The other bucket was written, so it is no failure without effect. */
static void test_batch_of_which_a_part_fails_is_unknown(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", "k", "v");
    for (size_t after = 0; after < 2; after++) {
        redis_stand_in_plan(&(struct redis_stand_in_plan){
            .after = after, .count = 1, .outcome = REDIS_UNAVAILABLE});
        assert_int_equal(do_two(client, KV_MSET), KV_UNKNOWN);
    }
    redis_stand_in_plan(&(struct redis_stand_in_plan){.count = 2, .outcome = REDIS_UNAVAILABLE});
    assert_int_equal(do_two(client, KV_MSET), KV_UNAVAILABLE);
}

static void test_read_of_which_a_part_fails_is_unavailable(void **state)
{
    struct store_client *client = *state;
    assert_int_equal(do_two(client, KV_MSET), KV_DONE);
    static const enum kv_store_kind kinds[] = {KV_MGET, KV_MEXIST};
    for (size_t i = 0; i < 2; i++) {
        for (size_t after = 0; after < 2; after++) {
            redis_stand_in_plan(&(struct redis_stand_in_plan){
                .after = after, .count = 1, .outcome = REDIS_UNAVAILABLE});
            assert_int_equal(do_two(client, kinds[i]), KV_UNAVAILABLE);
        }
    }
}

/* Nothing of the operation has taken effect, whether the table was made or not. */
static void test_table_that_could_not_be_made_makes_its_write_unavailable(void **state)
{
    struct store_client *client = *state;
    static const enum redis_outcome outcomes[] = {REDIS_UNAVAILABLE, REDIS_UNKNOWN};
    for (size_t i = 0; i < 2; i++) {
        redis_stand_in_plan(&(struct redis_stand_in_plan){
            .only = digest(KV_REDIS_MAKE), .count = 1, .execute = i, .outcome = outcomes[i]});
        assert_int_equal(set_one(client), KV_UNAVAILABLE);
        assert_false(store_client_has(client, "t", REDIS_KEY_ONE));
    }
}

static void test_errors_of_a_node_have_the_outcomes_that_they_mean(void **state)
{
    static const struct {
        const char *error;
        enum kv_outcome write, read;
    } cases[] = {
        {"OOM command not allowed when used memory > 'maxmemory'.", KV_FULL, KV_FULL},
        {"ERR Error running script (call to f_x): @user_script:4: @user_script: 4: -OOM command "
         "not "
         "allowed when used memory > 'maxmemory'.",
         KV_FULL, KV_FULL},
        {"MISCONF Redis is configured to save RDB snapshots", KV_UNAVAILABLE, KV_UNAVAILABLE},
        {"NOREPLICAS Not enough good replicas to write.", KV_UNAVAILABLE, KV_UNAVAILABLE},
        {"CLUSTERDOWN The cluster is down", KV_UNAVAILABLE, KV_UNAVAILABLE},
        {"READONLY You can't write against a read only replica.", KV_UNAVAILABLE, KV_UNAVAILABLE},
        {"WRONGTYPE Operation against a key", KV_FAILED, KV_FAILED},
        {"NOPERM this user has no permissions", KV_FAILED, KV_FAILED},
        {"ERR unknown command 'HGET'", KV_FAILED, KV_FAILED},
        {"ERR something new", KV_UNKNOWN, KV_FAILED},
    };
    struct store_client *client = *state;
    store_client_set(client, "t", REDIS_KEY_ONE, "v");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kv_item item = {.key = weft_view_str(REDIS_KEY_ONE)};
        redis_stand_in_plan(&(struct redis_stand_in_plan){.count = 1, .error = cases[i].error});
        assert_int_equal(set_one(client), cases[i].write);
        redis_stand_in_plan(&(struct redis_stand_in_plan){.count = 1, .error = cases[i].error});
        assert_int_equal(store_client_do(client, KV_MGET, "t", &item, 1), cases[i].read);
    }
}

static void test_full_server_refuses_writes_but_not_removals(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", REDIS_KEY_ONE, "v");
    freeReplyObject(redis_stand_in_command("CONFIG SET maxmemory 1"));
    assert_int_equal(set_one(client), KV_FULL);
    assert_string_equal(store_client_get(client, "t", REDIS_KEY_ONE), "v");
    assert_true(store_client_del(client, "t", REDIS_KEY_ONE));
    freeReplyObject(redis_stand_in_command("CONFIG SET maxmemory 0"));
    assert_int_equal(set_one(client), KV_DONE);
}

/* Somebody else uses the name of a bucket for a string. */
static void test_key_of_another_type_fails_without_an_effect(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", "k", "v");
    for (int i = 0; i < 4; i++) {
        freeReplyObject(redis_stand_in_command("DEL {t:t:%d}", i));
        freeReplyObject(redis_stand_in_command("SET {t:t:%d} x", i));
    }
    struct kv_item item = {.key = weft_view_str("k")};
    uint64_t total;
    assert_int_equal(store_client_do(client, KV_MGET, "t", &item, 1), KV_FAILED);
    assert_int_equal(set_one(client), KV_FAILED);
    assert_int_equal(store_client_total(client, KV_COUNT, "t", &total), KV_FAILED);
}

static void test_directory_that_holds_no_number_fails(void **state)
{
    struct store_client *client = *state;
    for (int i = 0; i < 16; i++)
        freeReplyObject(redis_stand_in_command("HSET {weft:tables:%d} t many", i));
    assert_int_equal(set_one(client), KV_FAILED);
}

/* SCRIPT FLUSH is an operator's command; a node that was replaced may lack scripts too. */
static void test_script_that_a_node_has_forgotten_is_sent_as_its_text(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", REDIS_KEY_ONE, "v");
    freeReplyObject(redis_stand_in_command("SCRIPT FLUSH"));
    (void)redis_stand_in_calls();
    assert_int_equal(set_one(client), KV_DONE);
    assert_int_equal(redis_stand_in_calls(), 2);
    assert_int_equal(set_one(client), KV_DONE);
    assert_int_equal(redis_stand_in_calls(), 1);
    /* A node that forgets at once is asked no third time. */
    redis_stand_in_plan(
        &(struct redis_stand_in_plan){.count = 100, .error = "NOSCRIPT No matching script."});
    assert_int_equal(set_one(client), KV_UNAVAILABLE);
}

static void test_usual_operations_of_one_key_are_one_call(void **state)
{
    static const struct kv_update add = {.then = KV_THEN_ADD, .integer = 1},
                                  set_any = {.then = KV_THEN_SET},
                                  set_absent = {.when = KV_IF_ABSENT, .then = KV_THEN_SET};
    struct store_client *client = *state;
    store_client_set(client, "t", "k", "v");
    (void)redis_stand_in_calls();
    assert_int_equal(set_one(client), KV_DONE);
    assert_int_equal(redis_stand_in_calls(), 1);
    assert_non_null(store_client_get(client, "t", REDIS_KEY_ONE));
    assert_int_equal(redis_stand_in_calls(), 1);
    assert_true(store_client_has(client, "t", REDIS_KEY_ONE));
    assert_true(store_client_del(client, "t", REDIS_KEY_ONE));
    assert_int_equal(redis_stand_in_calls(), 2);
    static const struct kv_update *const updates[] = {&add, &set_any, &set_absent};
    static const char *const keys[] = {"sum", "any", "absent"};
    for (size_t i = 0; i < 3; i++) {
        struct kv_item item = {.key = weft_view_str(keys[i]), .update = updates[i]};
        assert_int_equal(store_client_update(client, "t", &item, 1, false), KV_DONE);
        assert_int_equal(redis_stand_in_calls(), 1);
    }
}

static void test_keys_of_a_batch_are_one_call_a_bucket(void **state)
{
    enum { COUNT = 100 };
    struct store_client *client = *state;
    struct kv_item items[COUNT];
    char keys[COUNT];
    for (int i = 0; i < COUNT; i++) {
        keys[i] = (char)i;
        items[i] = (struct kv_item){.key = weft_view(&keys[i], 1)};
    }
    store_client_set(client, "t", "k", "v");
    (void)redis_stand_in_calls();
    assert_int_equal(store_client_do(client, KV_MSET, "t", items, COUNT), KV_DONE);
    assert_int_equal(redis_stand_in_calls(), 4);
    assert_int_equal(store_client_do(client, KV_MGET, "t", items, COUNT), KV_DONE);
    assert_int_equal(redis_stand_in_calls(), 4);
    store_items_drop(items, COUNT);
}

struct waiting {
    struct kv_op op;
    struct kv_item items[2];
    unsigned done;
    enum kv_outcome outcome;
};

static void waited(struct kv_op *op, enum kv_outcome outcome)
{
    struct waiting *waiting = (struct waiting *)(void *)op;
    waiting->done++;
    waiting->outcome = outcome;
}

static void test_close_ends_what_a_node_does_not_answer(void **state)
{
    struct store_client *client = *state;
    struct store_client other;
    struct waiting waiting = {
        .op = {.kind = KV_MSET,
               .table = weft_view_str("t"),
               .items = waiting.items,
               .count = 2,
               .done = waited},
        .items = {{.key = weft_view_str(REDIS_KEY_ONE)},
                  {.key = weft_view_str(redis_store_world_other_key())}},
    };
    store_client_set(client, "t", "k", "v");
    store_client_join(&other, client);
    redis_stand_in_plan(&(struct redis_stand_in_plan){.after = 1, .count = 1});
    client->store->submit(other.session, &waiting.op);
    virtual_loop_turn(client->loop);
    virtual_loop_turn(client->loop);
    assert_int_equal(waiting.done, 0);
    store_client_leave(&other);
    assert_int_equal(waiting.done, 1);
    assert_int_equal(waiting.outcome, KV_UNKNOWN);
}

static void test_number_of_buckets_out_of_its_bounds_is_refused(void **state)
{
    static const char *const wrong[] = {"", "0", "16385", "many"};
    static const struct kv_store *const stores[] = {&weft_kv_store_redis,
                                                    &weft_kv_store_redis_cluster, NULL};
    const struct weft_kv_limits limits = weft_kv_limits_default();
    struct weft_kv_context context;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char spec[64], expected[80];
        struct weft_error error;
        (void)snprintf(spec, sizeof spec, "redis%s://127.0.0.1:1?buckets=%s",
                       i % 2 ? "-cluster" : "", wrong[i]);
        (void)snprintf(expected, sizeof expected, "buckets=%s: it is a number from 1 to 16384",
                       wrong[i]);
        assert_int_equal(
            weft_kv_context_open(&context, stores, spec, &limits, NULL, NULL, NULL, &error),
            WEFT_ECONFIG);
        assert_string_equal(error.text, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_STORE_TEST(test_write_that_was_not_sent_is_unavailable),
        REDIS_STORE_TEST(test_write_without_an_answer_is_unknown),
        REDIS_STORE_TEST(test_batch_of_which_a_part_fails_is_unknown),
        REDIS_STORE_TEST(test_read_of_which_a_part_fails_is_unavailable),
        REDIS_STORE_TEST(test_table_that_could_not_be_made_makes_its_write_unavailable),
        REDIS_STORE_TEST(test_errors_of_a_node_have_the_outcomes_that_they_mean),
        REDIS_STORE_TEST(test_full_server_refuses_writes_but_not_removals),
        REDIS_STORE_TEST(test_key_of_another_type_fails_without_an_effect),
        REDIS_STORE_TEST(test_directory_that_holds_no_number_fails),
        REDIS_STORE_TEST(test_script_that_a_node_has_forgotten_is_sent_as_its_text),
        REDIS_STORE_TEST(test_usual_operations_of_one_key_are_one_call),
        REDIS_STORE_TEST(test_keys_of_a_batch_are_one_call_a_bucket),
        REDIS_STORE_TEST(test_close_ends_what_a_node_does_not_answer),
        REDIS_STORE_TEST(test_number_of_buckets_out_of_its_bounds_is_refused),
    };
    return cmocka_run_group_tests(tests, redis_store_world_begin, redis_store_world_end);
}
