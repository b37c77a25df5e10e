/* SPDX-License-Identifier: MIT
 *
 * What the session of the vectors does not show: odd keys and values, limits, words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_fixture.h"
#include "kv_message.h"
#include "lib/fault.h"

#define VIEW(literal) weft_view(literal, sizeof literal - 1)

static struct kv_fixture fixture;

static int setup(void **state)
{
    (void)state;
    kv_fixture_init(&fixture, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_remove();
    kv_fixture_fini(&fixture);
    return 0;
}

/* The last reply, and what it says: views that live until the next one is asked for. */
static struct weft_bytes reply;
static bool reply_is_bad;

static struct told ask_view(struct weft_view payload)
{
    weft_bytes_fini(&reply);
    reply = kv_fixture_ask(&fixture, payload, &reply_is_bad);
    return told_of(weft_view(reply.data, reply.size));
}

static struct told ask(struct weft_bytes payload)
{
    struct told told = ask_view(weft_view(payload.data, payload.size));
    free(payload.data);
    return told;
}

static int drop_reply(void **state)
{
    (void)state;
    weft_bytes_fini(&reply);
    return 0;
}

static void assert_told(const struct told *told, unsigned status, const char *message)
{
    assert_int_equal(told->status, status);
    if (!weft_view_equal(told->message, weft_view_str(message)))
        fail_msg("the message is '%.*s'", (int)told->message.size,
                 (const char *)told->message.data);
}

static void assert_value(const struct told *told, struct weft_view value)
{
    assert_int_equal(told->status, 200);
    assert_int_equal(told->value_count, 1);
    assert_true(weft_view_equal(told->values[0], value));
}

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

static void test_last_command_of_a_request_is_the_one(void **state)
{
    (void)state;
    /* hset t k, then hexist t k: nothing is set. */
    struct told told = ask_view(VIEW("\x22\x0A\x0A\x01t\x12\x05\x0A\x01k\x12\x00"
                                     "\x42\x06\x0A\x01t\x12\x01k"));
    assert_value(&told, VIEW("\x28\x00"));
}

static void test_command_that_is_overridden_must_be_well_formed(void **state)
{
    (void)state;
    struct told told = ask_view(VIEW("\x0A\x03\x0A\x01\xFF\x42\x06\x0A\x01t\x12\x01k"));
    assert_told(&told, 400, "Request is malformed: a string is not UTF-8");
    assert_true(reply_is_bad);
}

static void test_large_value_is_answered_by_the_blob_it_is_stored_as(void **state)
{
    struct weft_bytes value = string_value(16384, 'x');
    struct weft_bytes payload = ask_key(ASK_HGET, "t", "k");
    struct fake_request request;
    (void)state;
    (void)ask(ask_hset("t", "k", weft_view(value.data, value.size)));
    kv_fixture_send(&fixture, &request, weft_view(payload.data, payload.size));
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
    kv_fixture_send(&fixture, &request, weft_view(payload.data, payload.size));
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

static void test_control_characters_of_a_table_are_escaped_as_rust_does(void **state)
{
    (void)state;
    struct told told = ask_view(VIEW("\x22\x0E\x0A\x0C"
                                     "\t\r\0\x1B\x10\x7F\xC2\x85\\\x01\xC3\xA9"));
    assert_told(&told, 400,
                "Command is invalid: `Hset { table: "
                "\"\\t\\r\\0\\u{1b}\\u{10}\\u{7f}\\u{85}\\\\\\u{1}\xC3\xA9\", pair: None }`");
    assert_false(reply_is_bad);
}

static void test_unknown_command_is_named_by_the_lowest_field(void **state)
{
    (void)state;
    /* 100: bytes, 11: bytes, 10: a number. */
    struct told told = ask_view(VIEW("\xA2\x06\x00\x5A\x00\x50\x01"));
    assert_told(&told, 501, "Command is not known: field 11");
    assert_false(reply_is_bad);
}

static void test_unknown_fields_that_are_no_messages_are_an_empty_request(void **state)
{
    (void)state;
    struct told told = ask_view(VIEW("\x50\x01\x5D\x01\x02\x03\x04"));
    assert_told(&told, 400, "Command is invalid: `Request has no data`");
    assert_false(reply_is_bad);
}

static void test_empty_commands_of_many_keys_do_nothing(void **state)
{
    (void)state;
    struct told told = ask(ask_keys(ASK_HMDEL, "t", NULL, 0));
    assert_int_equal(told.status, 200);
    assert_int_equal(told.value_count, 0);
    told = ask(ask_keys(ASK_HMEXIST, "t", NULL, 0));
    assert_int_equal(told.status, 200);
    assert_int_equal(told.value_count, 0);
}

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
    fixture.limits.max_message = 3000;
    for (int i = 0; i < 3; i++) {
        char key[] = {(char)('a' + i), 0};
        (void)ask(ask_hset("t", key, weft_view(value.data, value.size)));
    }
    struct told told = ask(ask_key(ASK_HGETALL, "t", ""));
    assert_told(&told, 413, "Reply is too big: over max-message, which is 3000");
    assert_int_equal(told.pair_count, 0);
    assert_false(reply_is_bad);
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
    assert_true(reply_is_bad);
    free(data);
}

static void test_request_over_decode_bytes_is_answered_413(void **state)
{
    struct weft_view keys[100];
    (void)state;
    fixture.limits.decode_bytes = 1000;
    for (size_t i = 0; i < 100; i++)
        keys[i] = weft_view_str("key");
    struct told told = ask(ask_keys(ASK_HMGET, "t", keys, 100));
    assert_told(&told, 413, "Request is too big: over decode-bytes, which is 1000");
    assert_true(reply_is_bad);
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

static void assert_words(const struct weft_rejection *rejection, unsigned status,
                         const char *message)
{
    uint8_t bytes[WEFT_REJECT_MAX];
    size_t size = kv_service.reject(fixture.loop_state, rejection, bytes);
    assert_in_range(size, 1, sizeof bytes);
    struct told told = told_of(weft_view(bytes, size));
    assert_told(&told, status, message);
}

static void test_every_rejection_has_its_words(void **state)
{
    (void)state;
    assert_words(&(struct weft_rejection){WEFT_REJECT_MALFORMED, "bad CRC", 0, 0}, 400,
                 "Frame is malformed: bad CRC");
    assert_words(&(struct weft_rejection){WEFT_REJECT_MALFORMED, NULL, 0, 0}, 400,
                 "Frame is malformed: unknown");
    assert_words(&(struct weft_rejection){WEFT_REJECT_TOO_BIG, "max-frame", 9, 8}, 413,
                 "Request is too big: 9 bytes, max-frame is 8");
    assert_words(&(struct weft_rejection){WEFT_REJECT_REPLY_TOO_BIG, "max-message", 9, 8}, 413,
                 "Reply is too big: 9 bytes, max-message is 8");
    assert_words(&(struct weft_rejection){WEFT_REJECT_NO_MEMORY, NULL, 0, 0}, 503, "Out of memory");
    assert_words(&(struct weft_rejection){WEFT_REJECT_DRAINING, NULL, 0, 0}, 503,
                 "Server is shutting down");
    assert_words(&(struct weft_rejection){WEFT_REJECT_TOO_MANY, "max-connections", 0, 10}, 503,
                 "Too many connections: max-connections is 10");
}

static void test_rejection_of_any_length_fits(void **state)
{
    char what[2000];
    (void)state;
    memset(what, 'w', sizeof what);
    what[sizeof what - 1] = '\0';
    uint8_t bytes[WEFT_REJECT_MAX];
    struct weft_rejection rejection = {WEFT_REJECT_TOO_BIG, what, UINT64_MAX, UINT64_MAX};
    assert_in_range(kv_service.reject(fixture.loop_state, &rejection, bytes), 1, sizeof bytes);
}

static void test_unknown_store_is_refused_with_the_names_there_are(void **state)
{
    struct weft_error error;
    (void)state;
    assert_null(kv_store_find("disk", &error));
    assert_int_equal(error.code, WEFT_ECONFIG);
    assert_string_equal(error.text, "unknown store 'disk'; there are: memory");
}

static void test_stores_are_listed_until_null(void **state)
{
    (void)state;
    assert_string_equal(kv_store_at(0)->name, "memory");
    assert_null(kv_store_at(1));
    assert_null(kv_store_at(1000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keys_that_differ_behind_a_nul_are_two_keys),
        TEST(test_values_are_stored_in_canonical_form),
        TEST(test_float_keeps_the_bits_of_a_nan),
        TEST(test_pair_that_comes_twice_is_one_pair),
        TEST(test_last_command_of_a_request_is_the_one),
        TEST(test_command_that_is_overridden_must_be_well_formed),
        TEST(test_large_value_is_answered_by_the_blob_it_is_stored_as),
        TEST(test_blob_that_is_read_lasts_and_one_that_is_replaced_does_not),
        TEST(test_values_around_the_size_of_a_blob_come_back_whole),
        TEST(test_large_values_stand_in_replies_to_several_keys),
        TEST(test_control_characters_of_a_table_are_escaped_as_rust_does),
        TEST(test_unknown_command_is_named_by_the_lowest_field),
        TEST(test_unknown_fields_that_are_no_messages_are_an_empty_request),
        TEST(test_empty_commands_of_many_keys_do_nothing),
        TEST(test_hgetall_of_many_pairs_has_each_of_them_once),
        TEST(test_hgetall_over_max_message_is_answered_413),
        TEST(test_hmset_of_a_hundred_thousand_pairs_fits_the_budgets),
        TEST(test_frame_full_of_empty_pairs_is_refused_without_memory),
        TEST(test_request_over_decode_bytes_is_answered_413),
        TEST(test_single_commands_on_present_keys_take_no_memory),
        TEST(test_every_rejection_has_its_words),
        TEST(test_rejection_of_any_length_fits),
        TEST(test_unknown_store_is_refused_with_the_names_there_are),
        TEST(test_stores_are_listed_until_null),
    };
    return cmocka_run_group_tests(tests, NULL, drop_reply);
}
