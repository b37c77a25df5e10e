/* SPDX-License-Identifier: MIT
 *
 * Keys and values as they are kept: odd ones, and those large enough to be blobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "kv_talk.h"

static void test_keys_that_differ_behind_a_nul_are_two_keys(void **state)
{
    struct ask_pair pairs[] = {{VIEW("a\0b"), VIEW("\x18\x01")}, {VIEW("a\0c"), VIEW("\x18\x02")}};
    struct weft_view keys[] = {VIEW("a\0b"), VIEW("a\0c"), VIEW("a")};
    (void)state;
    (void)ask(ask_pairs(ASK_HMSET, "t", pairs, 2));
    struct told told = ask(ask_keys(ASK_HMGET, "t", keys, 3));
    assert_int_equal(told.value_count, 3);
    assert_true(weft_view_equal(told.values[0], pairs[0].value));
    assert_true(weft_view_equal(told.values[1], pairs[1].value));
    assert_int_equal(told.values[2].size, 0);
}

static void assert_stored_as(struct weft_view given, struct weft_view stored)
{
    (void)ask(ask_hset("t", "k", given));
    struct told told = ask(ask_key(ASK_HGET, "t", "k"));
    assert_value(&told, stored);
}

static void test_values_are_stored_in_canonical_form(void **state)
{
    (void)state;
    assert_stored_as(VIEW("\x0A\x01s\x18\x07"), VIEW("\x18\x07"));         /* the last member */
    assert_stored_as(VIEW("\x98\x00\x87\x80\x00"), VIEW("\x18\x07"));      /* minimal varints */
    assert_stored_as(VIEW("\x0A\x82\x00xy"), VIEW("\x0A\x02xy"));          /* minimal length */
    assert_stored_as(VIEW("\x8A\x00\x00"), VIEW("\x0A\x00"));              /* minimal tag */
    assert_stored_as(VIEW("\x28\x02"), VIEW("\x28\x01"));                  /* a bool is one */
    assert_stored_as(VIEW("\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"), /* 64 bits */
                     VIEW("\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"));
    assert_stored_as(VIEW("\xA1\x00\x01\x02\x03\x04\x05\x06\x07\x08"),
                     VIEW("\x21\x01\x02\x03\x04\x05\x06\x07\x08"));
    assert_stored_as(VIEW("\x18\x07\x32\x01x\x38\x01"), VIEW("\x18\x07")); /* nothing unknown */
    assert_stored_as(VIEW("\x18\x00"), VIEW("\x18\x00"));                  /* zero is a value */
    assert_stored_as(VIEW("\x32\x01x"), VIEW(""));                         /* no member at all */
}

static void test_float_keeps_the_bits_of_a_nan(void **state)
{
    (void)state;
    assert_stored_as(VIEW("\x21\x01\x00\x00\x00\x00\x00\xF4\x7F"),
                     VIEW("\x21\x01\x00\x00\x00\x00\x00\xF4\x7F"));
}

static void test_pair_that_comes_twice_is_one_pair(void **state)
{
    (void)state;
    /* {key "k", value {integer 1}} and {value {}}; then {key ""} over {key "k"}. */
    (void)ask_view(VIEW("\x22\x10\x0A\x01t\x12\x07\x0A\x01k\x12\x02\x18\x01\x12\x02\x12\x00"));
    struct told told = ask(ask_key(ASK_HGET, "t", "k"));
    assert_value(&told, VIEW("\x18\x01"));
    (void)ask_view(VIEW("\x22\x10\x0A\x01t\x12\x07\x0A\x01k\x12\x02\x18\x02\x12\x02\x0A\x00"));
    told = ask(ask_key(ASK_HGET, "t", ""));
    assert_value(&told, VIEW("\x18\x02"));
}

static void test_large_value_is_answered_by_the_blob_it_is_stored_as(void **state)
{
    struct weft_bytes value = string_value(16384, 'x');
    struct weft_bytes payload = ask_key(ASK_HGET, "t", "k");
    struct fake_request request;
    (void)state;
    (void)ask(ask_hset("t", "k", weft_view(value.data, value.size)));
    kv_fixture_send(&kv_talk.fixture, &request, weft_view(payload.data, payload.size));
    assert_true(request.as_blob);
    struct told told = told_of(fake_request_reply(&request));
    assert_value(&told, weft_view(value.data, value.size));
    fake_request_fini(&request);
    free(payload.data);
    free(value.data);
}

/* A codec that compresses remembers the frames of lasting blobs. */
static bool reply_lasts(struct weft_bytes payload)
{
    struct fake_request request;
    kv_fixture_send(&kv_talk.fixture, &request, weft_view(payload.data, payload.size));
    assert_true(request.as_blob);
    bool lasting = request.lasting;
    fake_request_fini(&request);
    free(payload.data);
    return lasting;
}

static void test_blob_that_is_read_lasts_and_one_that_is_replaced_does_not(void **state)
{
    struct weft_bytes value = string_value(16384, 'x');
    (void)state;
    (void)ask(ask_hset("t", "k", weft_view(value.data, value.size)));
    assert_true(reply_lasts(ask_key(ASK_HGET, "t", "k")));
    assert_false(reply_lasts(ask_hset("t", "k", weft_view(value.data, value.size))));
    assert_false(reply_lasts(ask_key(ASK_HDEL, "t", "k")));
    free(value.data);
}

static void test_values_around_the_size_of_a_blob_come_back_whole(void **state)
{
    (void)state;
    for (size_t size = 1400; size < 1450; size++) {
        struct weft_bytes value = string_value(size, 'y');
        assert_stored_as(weft_view(value.data, value.size), weft_view(value.data, value.size));
        free(value.data);
    }
}

static void test_large_values_stand_in_replies_to_several_keys(void **state)
{
    struct weft_bytes value = string_value(3000, 'z');
    struct weft_view view = weft_view(value.data, value.size);
    struct weft_view keys[] = {weft_view_str("k"), weft_view_str("l")};
    (void)state;
    (void)ask(ask_hset("t", "k", view));
    struct told told = ask(ask_keys(ASK_HMGET, "t", keys, 2));
    assert_int_equal(told.value_count, 2);
    assert_true(weft_view_equal(told.values[0], view));
    told = ask(ask_key(ASK_HGETALL, "t", ""));
    assert_int_equal(told.pair_count, 1);
    assert_true(weft_view_equal(told.pairs[0].value, view));
    free(value.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TALK_TEST(test_keys_that_differ_behind_a_nul_are_two_keys),
        TALK_TEST(test_values_are_stored_in_canonical_form),
        TALK_TEST(test_float_keeps_the_bits_of_a_nan),
        TALK_TEST(test_pair_that_comes_twice_is_one_pair),
        TALK_TEST(test_large_value_is_answered_by_the_blob_it_is_stored_as),
        TALK_TEST(test_blob_that_is_read_lasts_and_one_that_is_replaced_does_not),
        TALK_TEST(test_values_around_the_size_of_a_blob_come_back_whole),
        TALK_TEST(test_large_values_stand_in_replies_to_several_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
