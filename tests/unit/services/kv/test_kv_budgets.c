/* SPDX-License-Identifier: MIT
 *
 * The budgets of a request and its reply: elements, bytes and allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_talk.h"
#include "lib/fault.h"

static void test_hgetall_of_many_pairs_has_each_of_them_once(void **state)
{
    enum { COUNT = 20000 };
    static char keys[COUNT][16];
    static struct ask_pair pairs[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "key %d", i);
        pairs[i] = (struct ask_pair){weft_view_str(keys[i]), VIEW("\x18\x01")};
    }
    struct told told = ask(ask_pairs(ASK_HMSET, "t", pairs, COUNT));
    assert_int_equal(told.value_count, COUNT);
    told = ask(ask_key(ASK_HGETALL, "t", ""));
    assert_int_equal(told.status, 200);
    assert_int_equal(told.pair_count, COUNT);
}

static void test_hgetall_over_max_message_is_answered_413(void **state)
{
    struct weft_bytes value = string_value(1000, 'x');
    (void)state;
    kv_talk.fixture.limits.max_message = 3000;
    for (int i = 0; i < 3; i++) {
        char key[] = {(char)('a' + i), 0};
        (void)ask(ask_hset("t", key, weft_view(value.data, value.size)));
    }
    struct told told = ask(ask_key(ASK_HGETALL, "t", ""));
    assert_told(&told, 413, "Reply is too big: over max-message, which is 3000");
    assert_int_equal(told.pair_count, 0);
    assert_false(kv_talk.reply_is_bad);
    free(value.data);
}

static void test_hmset_of_a_hundred_thousand_pairs_fits_the_budgets(void **state)
{
    enum { COUNT = 100000 };
    struct ask_pair *pairs = calloc(COUNT, sizeof *pairs);
    (void)state;
    assert_non_null(pairs);
    char *keys = malloc((size_t)COUNT * 8);
    assert_non_null(keys);
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(keys + 8 * i, 8, "%zu", i);
        pairs[i] = (struct ask_pair){weft_view_str(keys + 8 * i), VIEW("\x18\x01")};
    }
    struct told told = ask(ask_pairs(ASK_HMSET, "t", pairs, COUNT));
    assert_int_equal(told.status, 200);
    assert_int_equal(told.value_count, COUNT);
    free(keys);
    free(pairs);
}

static void test_frame_full_of_empty_pairs_is_refused_without_memory(void **state)
{
    enum { COUNT = 1000000 };
    const size_t inner = 3 + 2 * COUNT; /* the table, and pairs of two bytes each */
    const uint8_t head[] = {0x2A,
                            (uint8_t)(inner | 0x80),
                            (uint8_t)(inner >> 7 | 0x80),
                            (uint8_t)(inner >> 14),
                            0x0A,
                            1,
                            't'};
    uint8_t *data = malloc(sizeof head + 2 * COUNT);
    (void)state;
    assert_non_null(data);
    memcpy(data, head, sizeof head);
    for (size_t i = 0; i < COUNT; i++) {
        data[sizeof head + 2 * i] = 0x12;
        data[sizeof head + 2 * i + 1] = 0;
    }
    fault_install();
    struct told told = ask_view(weft_view(data, sizeof head + 2 * COUNT));
    assert_int_equal(fault_allocations(), 0);
    assert_told(&told, 413, "Request is too big: over decode-elements, which is 262144");
    assert_true(kv_talk.reply_is_bad);
    free(data);
}

static void test_request_over_decode_bytes_is_answered_413(void **state)
{
    struct weft_view keys[100];
    (void)state;
    kv_talk.fixture.limits.decode_bytes = 1000;
    for (size_t i = 0; i < 100; i++)
        keys[i] = weft_view_str("key");
    struct told told = ask(ask_keys(ASK_HMGET, "t", keys, 100));
    assert_told(&told, 413, "Request is too big: over decode-bytes, which is 1000");
    assert_true(kv_talk.reply_is_bad);
}

static void test_command_in_many_pieces_takes_the_memory_of_one(void **state)
{
    enum { COUNT = 50000, PIECE = 5 };
    uint8_t *data = malloc(COUNT * PIECE);
    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(data + PIECE * i, "\x1A\x03\x12\x01k", PIECE); /* hmget {keys: k} */
    kv_talk.fixture.limits.decode_bytes = (COUNT + 1000) * sizeof(struct kv_item);
    struct told told = ask_view(weft_view(data, COUNT * PIECE));
    assert_int_equal(told.status, 200);
    assert_int_equal(told.value_count, COUNT);
    free(data);
}

static void test_commands_that_are_overridden_take_no_memory(void **state)
{
    (void)state;
    /* hmget of eight keys, then hget t k. */
    fault_install();
    struct told told = ask_view(VIEW("\x1A\x18\x12\x01"
                                     "1\x12\x01"
                                     "2\x12\x01"
                                     "3\x12\x01"
                                     "4\x12\x01"
                                     "5\x12\x01"
                                     "6\x12\x01"
                                     "7\x12\x01"
                                     "8\x0A\x06\x0A\x01t\x12\x01k"));
    assert_int_equal(fault_allocations(), 0);
    assert_told(&told, 404, "Not found for table: t, key: k");
}

static void test_single_commands_on_present_keys_take_no_memory(void **state)
{
    (void)state;
    (void)ask(ask_hset("t", "k", VIEW("\x18\x01")));
    fault_install();
    (void)ask(ask_key(ASK_HGET, "t", "k"));
    (void)ask(ask_key(ASK_HGET, "t", "absent"));
    (void)ask(ask_key(ASK_HEXIST, "t", "k"));
    assert_int_equal(fault_allocations(), 0);
    (void)ask(ask_hset("t", "k", VIEW("\x18\x02")));
    (void)ask(ask_hset("t", "k", VIEW("\x18\x03")));
    /* The first of them made the list of what is to be freed. */
    assert_in_range(fault_allocations(), 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TALK_TEST(test_hgetall_of_many_pairs_has_each_of_them_once),
        TALK_TEST(test_hgetall_over_max_message_is_answered_413),
        TALK_TEST(test_hmset_of_a_hundred_thousand_pairs_fits_the_budgets),
        TALK_TEST(test_frame_full_of_empty_pairs_is_refused_without_memory),
        TALK_TEST(test_request_over_decode_bytes_is_answered_413),
        TALK_TEST(test_command_in_many_pieces_takes_the_memory_of_one),
        TALK_TEST(test_commands_that_are_overridden_take_no_memory),
        TALK_TEST(test_single_commands_on_present_keys_take_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
