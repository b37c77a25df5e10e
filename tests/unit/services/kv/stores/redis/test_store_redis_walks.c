/* SPDX-License-Identifier: MIT
 *
 * Pages when Redis changes beneath them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fault.h"
#include "redis_store_world.h"

enum { MANY = 4000 }; /* so many that each bucket is a hash table of Redis, and no list */

static unsigned seen[MANY];

static bool count_pair(void *arg, const struct kv_pair *pair)
{
    char text[16] = {0};
    (void)arg;
    assert_true(pair->key.size < sizeof text);
    memcpy(text, pair->key.data, pair->key.size);
    seen[atoi(text)]++;
    return true;
}

static enum kv_outcome page(struct store_client *client, bool exact, struct kv_cursor *cursor)
{
    return exact ? store_client_exact_page(client, "t", 100, cursor, count_pair, NULL)
                 : store_client_page(client, "t", 100, cursor, count_pair, NULL);
}

/* From now on the server says that it is another process. */
static void be_another_process(struct store_client *client)
{
    redis_stand_in_plan(&(struct redis_stand_in_plan){
        .only = "INFO",
        .count = 1,
        .text = "# Server\r\nrun_id:0123456789012345678901234567890123456789\r\n"});
    redis_stand_in_reconnect();
    (void)store_client_has(client, "t", "0");
}

static void test_cursor_within_a_bucket_expires_with_the_process_that_gave_it(void **state)
{
    struct store_client *client = *state;
    redis_store_world_fill(client, "t", MANY);
    for (int exact = 0; exact < 2; exact++) {
        struct kv_cursor cursor = {0};
        redis_stand_in_reconnect();
        assert_int_equal(page(client, exact, &cursor), KV_DONE);
        assert_true(cursor.size > 0);
        be_another_process(client);
        assert_int_equal(page(client, exact, &cursor), KV_EXPIRED);
    }
}

/* Small buckets come as one answer, whose order is our own, so nothing is lost by a move to another node. */
static void test_walk_of_small_buckets_goes_on_with_another_process(void **state)
{
    struct store_client *client = *state;
    redis_store_world_fill(client, "t", 400);
    for (int exact = 0; exact < 2; exact++) {
        struct kv_cursor cursor = {0};
        memset(seen, 0, sizeof seen);
        do {
            assert_int_equal(page(client, exact, &cursor), KV_DONE);
            be_another_process(client);
        } while (cursor.size > 0);
        for (int i = 0; i < 400; i++)
            assert_int_equal(seen[i], 1);
    }
}

static void test_page_within_a_bucket_of_an_unknown_process_is_unavailable(void **state)
{
    static const struct redis_stand_in_plan plans[] = {
        {.only = "INFO", .count = 1, .error = "NOPERM"},
        {.only = "INFO", .count = 1, .text = "run_id:short"},
        {.only = "INFO", .count = 1, .text = "nothing"},
        {.only = "INFO", .count = 1, .outcome = REDIS_UNAVAILABLE},
    };
    struct store_client *client = *state;
    struct kv_cursor cursor = {0};
    redis_store_world_fill(client, "t", MANY);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        redis_stand_in_plan(&plans[i]);
        redis_stand_in_reconnect();
        assert_int_equal(page(client, false, &cursor), KV_UNAVAILABLE);
    }
    redis_stand_in_reconnect();
    assert_int_equal(page(client, false, &cursor), KV_DONE);
}

static int change_some(struct store_client *client, bool grow, int next)
{
    for (int i = 0; i < 50 && next < MANY; i++, next++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%d", next);
        if (grow)
            store_client_set(client, "t", key, key);
        else
            assert_true(store_client_del(client, "t", key));
    }
    return next;
}

/* Keys that come between two pages make the answers of HSCAN smaller, those that go make them larger. */
static void test_exact_walk_misses_nothing_when_buckets_grow_or_shrink(void **state)
{
    struct store_client *client = *state;
    for (int grow = 0; grow < 2; grow++) {
        struct kv_cursor cursor = {0};
        uint64_t total;
        int next = MANY / 8;
        redis_store_world_fill(client, "t", grow ? MANY / 8 : MANY);
        memset(seen, 0, sizeof seen);
        do {
            assert_int_equal(store_client_exact_page(client, "t", 9, &cursor, count_pair, NULL),
                             KV_DONE);
            next = change_some(client, grow, next);
        } while (cursor.size > 0);
        for (int i = 0; i < MANY / 8; i++)
            assert_true(seen[i] > 0);
        assert_int_equal(store_client_total(client, KV_DROP, "t", &total), KV_DONE);
    }
}

static void test_walk_of_a_table_that_never_was_has_no_cursors(void **state)
{
    struct store_client *client = *state;
    struct kv_cursor cursor = {0};
    assert_int_equal(page(client, false, &cursor), KV_DONE);
    assert_int_equal(cursor.size, 0);
    cursor.size = 8;
    assert_int_equal(page(client, false, &cursor), KV_EXPIRED);
}

static void test_page_of_which_a_call_fails_fails(void **state)
{
    static const struct {
        struct redis_stand_in_plan plan;
        enum kv_outcome outcome;
    } cases[] = {
        {{.only = "HSCAN", .count = 1, .outcome = REDIS_UNAVAILABLE}, KV_UNAVAILABLE},
        {{.only = "HSCAN", .count = 1, .error = "WRONGTYPE"}, KV_FAILED},
        {{.only = "HSCAN", .count = 1, .text = "none"}, KV_FAILED},
    };
    struct store_client *client = *state;
    redis_store_world_fill(client, "t", 10);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kv_cursor cursor = {0};
        const struct kv_op tables = {.kind = KV_TABLES, .count = 10, .cursor = &cursor};
        redis_stand_in_plan(&cases[i].plan);
        assert_int_equal(page(client, false, &cursor), cases[i].outcome);
        redis_stand_in_plan(&cases[i].plan);
        assert_int_equal(store_client_page_of(client, &tables, NULL, NULL), cases[i].outcome);
    }
}

static void test_prefix_is_taken_for_its_bytes_and_not_for_a_pattern(void **state)
{
    static const char *const keys[] = {"a*b", "axb", "a?b", "[a]", "a\\b", "^-]", "a"};
    struct store_client *client = *state;
    for (size_t i = 0; i < 7; i++)
        store_client_set(client, "t", keys[i], "7");
    for (size_t i = 0; i < 7; i++) {
        struct kv_cursor cursor = {0};
        const struct kv_op op = {.kind = KV_WALK,
                                 .table = weft_view_str("t"),
                                 .prefix = weft_view_str(keys[i]),
                                 .count = 10,
                                 .cursor = &cursor};
        memset(seen, 0, sizeof seen);
        assert_int_equal(store_client_page_of(client, &op, count_pair, NULL), KV_DONE);
        assert_int_equal(seen[0], strcmp(keys[i], "a") == 0 ? 5 : 1);
    }
}

/* Others may use the names of the directories. */
static void test_entry_of_a_directory_that_is_no_table_is_not_shown(void **state)
{
    struct store_client *client = *state;
    struct kv_cursor cursor = {0};
    const struct kv_op op = {.kind = KV_TABLES, .count = 10, .cursor = &cursor};
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < 16; i++)
        freeReplyObject(redis_stand_in_command("HSET {weft:tables:%d} foreign x", i));
    assert_int_equal(store_client_page_of(client, &op, count_pair, NULL), KV_DONE);
    assert_int_equal(cursor.size, 0);
    assert_int_equal(seen[0], 0);
}

static bool page_without_memory(struct store_client *client, bool list, bool exact, size_t after)
{
    struct kv_cursor cursor = {0};
    const struct kv_op op = {.kind = list ? KV_TABLES : KV_WALK,
                             .table = weft_view_str("t"),
                             .prefix = weft_view_str(list ? "t" : "1"),
                             .count = 500,
                             .exact = exact,
                             .cursor = &cursor};
    fault_arm(FAULT_FROM, after);
    enum kv_outcome outcome = store_client_page_of(client, &op, NULL, NULL);
    bool faulted = fault_failed() > 0;
    fault_disarm();
    assert_int_equal(outcome, faulted ? KV_UNAVAILABLE : KV_DONE);
    return faulted;
}

static void test_page_that_lacks_memory_is_unavailable(void **state)
{
    struct store_client *client = *state;
    redis_store_world_fill(client, "t", 300);
    fault_install();
    for (int kind = 0; kind < 4; kind++)
        for (size_t n = 0; page_without_memory(client, kind & 1, kind & 2, n); n++)
            ;
    fault_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_STORE_TEST(test_cursor_within_a_bucket_expires_with_the_process_that_gave_it),
        REDIS_STORE_TEST(test_walk_of_small_buckets_goes_on_with_another_process),
        REDIS_STORE_TEST(test_page_within_a_bucket_of_an_unknown_process_is_unavailable),
        REDIS_STORE_TEST(test_exact_walk_misses_nothing_when_buckets_grow_or_shrink),
        REDIS_STORE_TEST(test_walk_of_a_table_that_never_was_has_no_cursors),
        REDIS_STORE_TEST(test_page_of_which_a_call_fails_fails),
        REDIS_STORE_TEST(test_prefix_is_taken_for_its_bytes_and_not_for_a_pattern),
        REDIS_STORE_TEST(test_entry_of_a_directory_that_is_no_table_is_not_shown),
        REDIS_STORE_TEST(test_page_that_lacks_memory_is_unavailable),
    };
    return cmocka_run_group_tests(tests, redis_store_world_begin, redis_store_world_end);
}
