/* SPDX-License-Identifier: MIT
 *
 * Updates that others overtake: between what was read and what is changed, somebody else changes the key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/virtual_loop.h"
#include "redis_store_world.h"
#include "services/kv/stores/redis/layout.h"
#include "services/kv/stores/redis/scripts.h"
#include "services/kv/stores/redis/update.h"
#include "services/kv/update.h"

static const struct kv_update append = {.then = KV_THEN_APPEND};
static const struct kv_update add = {.then = KV_THEN_ADD, .integer = 1};
static const struct kv_update set_any = {.then = KV_THEN_SET};
static const struct kv_update set_present = {.when = KV_IF_PRESENT, .then = KV_THEN_SET};
static const struct kv_update set_absent = {.when = KV_IF_ABSENT, .then = KV_THEN_SET};

/* Packed strings. */
static const char text_a[] = "\x0a\x01"
                             "a";
static const char text_7[] = "\x0a\x01"
                             "7";

static unsigned bucket_of(const char *key)
{
    return (unsigned)(kv_redis_hash(weft_view_str(key)) % 4);
}

/* Appends a letter to the string of the key, or makes it. */
static void grow_one(void)
{
    unsigned bucket = bucket_of(REDIS_KEY_ONE);
    redisReply *old = redis_stand_in_command("HGET {t:t:%u} " REDIS_KEY_ONE, bucket);
    size_t size = old->type == REDIS_REPLY_STRING ? (size_t)old->len - 1 : 1;
    char text[128];
    text[0] = 0x0a;
    text[1] = (char)size;
    memset(text + 2, 'b', size);
    freeReplyObject(old);
    freeReplyObject(
        redis_stand_in_command("HSET {t:t:%u} " REDIS_KEY_ONE " %b", bucket, text, size + 2));
}

static void remove_one(void)
{
    freeReplyObject(
        redis_stand_in_command("HDEL {t:t:%u} " REDIS_KEY_ONE, bucket_of(REDIS_KEY_ONE)));
}

static const char *digest(enum kv_redis_script_name name)
{
    return (const char *)kv_redis_script(name)->sha.data;
}

/* Lets something happen before each of `count` changes, but not before the first `after`. */
static void before_swaps(size_t after, size_t count, void (*before)(void))
{
    redis_stand_in_plan(&(struct redis_stand_in_plan){
        .only = digest(KV_REDIS_SWAP), .after = after, .count = count, .before = before});
}

static struct kv_item item_of(const char *key, const struct kv_update *update)
{
    return (struct kv_item){
        .key = weft_view_str(key), .value.bytes = weft_view_str(text_a), .update = update};
}

static void test_update_that_was_overtaken_is_decided_about_again(void **state)
{
    struct store_client *client = *state;
    struct kv_item item = item_of(REDIS_KEY_ONE, &append);
    store_client_set(client, "t", REDIS_KEY_ONE, text_a);
    before_swaps(0, 3, grow_one);
    assert_int_equal(store_client_update(client, "t", &item, 1, false), KV_DONE);
    assert_true(item.present);
    assert_int_equal(item.found.bytes.size, 2 + 4);
    store_items_drop(&item, 1);
    assert_int_equal(strlen(store_client_get(client, "t", REDIS_KEY_ONE)), 2 + 5);
}

/* The loop of the test, for what happens while a call is under way. */
static struct weft_loop *loop_now;

static void grow_one_slowly(void)
{
    virtual_loop_spend(loop_now, REDIS_STAND_IN_TIMEOUT / 4);
    grow_one();
}

static void test_update_that_is_overtaken_until_its_time_is_over_is_unavailable(void **state)
{
    struct store_client *client = *state;
    struct kv_item item = item_of(REDIS_KEY_ONE, &append);
    loop_now = client->loop;
    store_client_set(client, "t", REDIS_KEY_ONE, text_a);
    before_swaps(0, 10, grow_one_slowly);
    assert_int_equal(store_client_update(client, "t", &item, 1, false), KV_UNAVAILABLE);
    /* It did not go on until nobody was faster any more. */
    assert_true(strlen(store_client_get(client, "t", REDIS_KEY_ONE)) < 2 + 1 + 10);
}

static void grow_one_a_lot(void)
{
    enum { LARGE = 5 * 1024 * 1024 };
    static char text[LARGE];
    text[0] = '\x0a';
    text[1]++;
    freeReplyObject(redis_stand_in_command("HSET {t:t:%u} " REDIS_KEY_ONE " %b",
                                           bucket_of(REDIS_KEY_ONE), text, sizeof text));
}

static void test_update_that_is_overtaken_keeps_no_more_memory_than_it_may(void **state)
{
    static const struct kv_update set_same = {.when = KV_IF_PRESENT, .then = KV_THEN_SET};
    struct store_client *client = *state;
    struct kv_item item = item_of(REDIS_KEY_ONE, &set_same);
    store_client_set(client, "t", REDIS_KEY_ONE, text_a);
    before_swaps(0, SIZE_MAX, grow_one_a_lot);
    assert_int_equal(store_client_update(client, "t", &item, 1, false), KV_UNAVAILABLE);
}

/* Updates of one key that are under way together. */
enum { TOGETHER = 100 };

struct together {
    struct kv_op ops[TOGETHER];
    struct kv_item items[TOGETHER];
    unsigned done[KV_UNMET + 1];
};

static struct together crowd;

static void one_done(struct kv_op *op, enum kv_outcome outcome)
{
    (void)op;
    crowd.done[outcome]++;
}

static void submit_together(struct store_client *client, const struct kv_update *update)
{
    memset(&crowd, 0, sizeof crowd);
    for (size_t i = 0; i < TOGETHER; i++) {
        crowd.items[i] = item_of(REDIS_KEY_ONE, update);
        crowd.items[i].expires = KV_KEEP_EXPIRY;
        crowd.ops[i] = (struct kv_op){.kind = KV_MUPDATE,
                                      .table = weft_view_str("t"),
                                      .items = &crowd.items[i],
                                      .count = 1,
                                      .done = one_done};
        client->store->submit(client->session, &crowd.ops[i]);
    }
}

static void test_updates_of_one_key_wait_for_each_other(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", REDIS_KEY_ONE, text_a);
    (void)redis_stand_in_calls();
    submit_together(client, &append);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(crowd.done[KV_DONE], TOGETHER);
    assert_int_equal(redis_stand_in_calls(), 2 * TOGETHER);
    assert_int_equal(strlen(store_client_get(client, "t", REDIS_KEY_ONE)), 2 + 1 + TOGETHER);
}

static void test_sums_of_one_key_add_up_whatever_it_was_before(void **state)
{
    static const struct kv_update as_text = {.then = KV_THEN_ADD, .integer = 1, .text = true};
    struct store_client *client = *state;
    store_client_set(client, "t", REDIS_KEY_ONE, text_7);
    submit_together(client, &as_text);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(crowd.done[KV_DONE], TOGETHER);
    assert_string_equal(store_client_get(client, "t", REDIS_KEY_ONE), "\x18\x6b");
}

static void spend_the_time(void)
{
    virtual_loop_spend(loop_now, REDIS_STAND_IN_TIMEOUT);
}

static void test_updates_whose_time_is_over_before_their_turn_are_unavailable(void **state)
{
    struct store_client *client = *state;
    loop_now = client->loop;
    store_client_set(client, "t", REDIS_KEY_ONE, text_a);
    before_swaps(0, 1, spend_the_time);
    submit_together(client, &append);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(crowd.done[KV_DONE], 1);
    assert_int_equal(crowd.done[KV_UNAVAILABLE], TOGETHER - 1);
}

static void test_session_that_is_closed_takes_its_updates_out_of_the_line(void **state)
{
    struct store_client *client = *state, other;
    store_client_join(&other, client);
    store_client_set(client, "t", REDIS_KEY_ONE, text_a);
    submit_together(&other, &append);
    store_client_leave(&other);
    assert_int_equal(crowd.done[KV_UNKNOWN], TOGETHER);
    submit_together(client, &append);
    assert_true(virtual_loop_run_until_idle(client->loop));
    assert_int_equal(crowd.done[KV_DONE], TOGETHER);
}

static void test_condition_that_no_longer_holds_is_unmet(void **state)
{
    struct store_client *client = *state;
    struct kv_item item = item_of(REDIS_KEY_ONE, &set_present);
    store_client_set(client, "t", REDIS_KEY_ONE, text_a);
    before_swaps(0, 1, remove_one);
    assert_int_equal(store_client_update(client, "t", &item, 1, false), KV_UNMET);
    assert_int_equal(item.verdict, KV_VERDICT_UNMET);
    assert_false(item.present);
    assert_false(store_client_has(client, "t", REDIS_KEY_ONE));
}

static void test_key_that_is_there_against_expectation_is_found(void **state)
{
    struct store_client *client = *state;
    struct kv_item item = item_of(REDIS_KEY_ONE, &set_absent);
    store_client_set(client, "t", REDIS_KEY_ONE, "v");
    assert_int_equal(store_client_update(client, "t", &item, 1, false), KV_UNMET);
    assert_true(item.present);
    assert_true(weft_view_equal(item.found.bytes, weft_view_str("v")));
    store_items_drop(&item, 1);
}

/* The other bucket has been changed already when this one has to be refused. */
static void test_batch_that_is_refused_in_the_middle_is_unknown(void **state)
{
    struct store_client *client = *state;
    const char *other = redis_store_world_other_key();
    struct kv_item items[] = {item_of(REDIS_KEY_ONE, &set_present), item_of(other, &set_present)};
    bool one_is_first = bucket_of(REDIS_KEY_ONE) < bucket_of(other);
    store_client_set(client, "t", REDIS_KEY_ONE, "1");
    store_client_set(client, "t", other, "2");
    before_swaps(one_is_first ? 0 : 1, 1, remove_one);
    assert_int_equal(store_client_update(client, "t", items, 2, false), KV_UNKNOWN);
    assert_false(store_client_has(client, "t", REDIS_KEY_ONE));
    assert_string_equal(store_client_get(client, "t", other), text_a);
}

static void test_batch_apart_that_is_overtaken_does_the_rest(void **state)
{
    struct store_client *client = *state;
    const char *other = redis_store_world_other_key();
    struct kv_item items[] = {item_of(REDIS_KEY_ONE, &set_present), item_of(other, &append)};
    bool one_is_first = bucket_of(REDIS_KEY_ONE) < bucket_of(other);
    store_client_set(client, "t", REDIS_KEY_ONE, text_a);
    before_swaps(one_is_first ? 0 : 1, 1, remove_one);
    assert_int_equal(store_client_update(client, "t", items, 2, true), KV_DONE);
    store_items_drop(items, 2);
    assert_int_equal(items[0].verdict, KV_VERDICT_UNMET);
    assert_int_equal(items[1].verdict, KV_VERDICT_STORE);
    assert_false(store_client_has(client, "t", REDIS_KEY_ONE));
    assert_string_equal(store_client_get(client, "t", other), text_a);
}

static void test_sum_of_what_is_no_integer_is_refused_as_wrong(void **state)
{
    struct store_client *client = *state;
    for (int apart = 0; apart < 2; apart++) {
        struct kv_item item = item_of(REDIS_KEY_ONE, &add);
        store_client_set(client, "t", REDIS_KEY_ONE, text_a);
        assert_int_equal(store_client_update(client, "t", &item, 1, apart),
                         apart ? KV_DONE : KV_UNMET);
        assert_int_equal(item.verdict, KV_VERDICT_WRONG);
        assert_true(item.present);
        store_items_drop(&item, 1);
        assert_string_equal(store_client_get(client, "t", REDIS_KEY_ONE), text_a);
    }
}

static void test_sum_with_a_text_is_made_here(void **state)
{
    static const struct kv_update as_text = {.then = KV_THEN_ADD, .integer = 1, .text = true};
    struct store_client *client = *state;
    struct kv_item item = item_of(REDIS_KEY_ONE, &as_text);
    store_client_set(client, "t", REDIS_KEY_ONE, text_7);
    assert_int_equal(store_client_update(client, "t", &item, 1, false), KV_DONE);
    store_items_drop(&item, 1);
    assert_string_equal(store_client_get(client, "t", REDIS_KEY_ONE), "\x18\x08");
}

static const struct {
    enum redis_outcome outcome;
    const char *error;
    enum kv_outcome expected;
} failures[] = {
    {REDIS_UNAVAILABLE, NULL, KV_UNAVAILABLE},
    {REDIS_UNKNOWN, NULL, KV_UNKNOWN},
    {REDIS_ANSWERED, "OOM command not allowed when used memory > 'maxmemory'.", KV_FULL},
    {REDIS_ANSWERED, "ERR what", KV_UNKNOWN},
};

/* Does an update of which the call `only` fails. */
static enum kv_outcome update_with(struct store_client *client, const struct kv_update *update,
                                   size_t failure, const char *only)
{
    struct kv_item item = item_of(REDIS_KEY_ONE, update);
    redis_stand_in_plan(&(struct redis_stand_in_plan){.only = only,
                                                      .count = 1,
                                                      .outcome = failures[failure].outcome,
                                                      .error = failures[failure].error});
    enum kv_outcome outcome = store_client_update(client, "t", &item, 1, false);
    assert_string_equal(store_client_get(client, "t", REDIS_KEY_ONE), text_a);
    return outcome;
}

static void test_change_that_fails_has_the_outcome_of_its_failure(void **state)
{
    static const enum kv_redis_script_name scripts[] = {KV_REDIS_SWAP, KV_REDIS_ADD,
                                                        KV_REDIS_SET_ONE};
    static const struct kv_update *const updates[] = {&append, &add, &set_any};
    struct store_client *client = *state;
    store_client_set(client, "t", REDIS_KEY_ONE, text_a);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(update_with(client, updates[k], i, digest(scripts[k])),
                             failures[i].expected);
}

static void test_update_whose_read_fails_has_no_effect(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", REDIS_KEY_ONE, text_a);
    assert_int_equal(update_with(client, &append, 0, "HMGET"), KV_UNAVAILABLE);
    assert_int_equal(update_with(client, &append, 2, "HMGET"), KV_FULL);
    assert_int_equal(update_with(client, &append, 3, "HMGET"), KV_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_STORE_TEST(test_update_that_was_overtaken_is_decided_about_again),
        REDIS_STORE_TEST(test_update_that_is_overtaken_until_its_time_is_over_is_unavailable),
        REDIS_STORE_TEST(test_update_that_is_overtaken_keeps_no_more_memory_than_it_may),
        REDIS_STORE_TEST(test_updates_of_one_key_wait_for_each_other),
        REDIS_STORE_TEST(test_sums_of_one_key_add_up_whatever_it_was_before),
        REDIS_STORE_TEST(test_updates_whose_time_is_over_before_their_turn_are_unavailable),
        REDIS_STORE_TEST(test_session_that_is_closed_takes_its_updates_out_of_the_line),
        REDIS_STORE_TEST(test_condition_that_no_longer_holds_is_unmet),
        REDIS_STORE_TEST(test_key_that_is_there_against_expectation_is_found),
        REDIS_STORE_TEST(test_batch_that_is_refused_in_the_middle_is_unknown),
        REDIS_STORE_TEST(test_batch_apart_that_is_overtaken_does_the_rest),
        REDIS_STORE_TEST(test_sum_of_what_is_no_integer_is_refused_as_wrong),
        REDIS_STORE_TEST(test_sum_with_a_text_is_made_here),
        REDIS_STORE_TEST(test_change_that_fails_has_the_outcome_of_its_failure),
        REDIS_STORE_TEST(test_update_whose_read_fails_has_no_effect),
    };
    return cmocka_run_group_tests(tests, redis_store_world_begin, redis_store_world_end);
}
