/* SPDX-License-Identifier: MIT
 *
 * Odd requests, and the words of the service: what the session of the vectors does not show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_talk.h"
#include "lib/late_store.h"
#include "services/kv/stores/stores.h"

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
    assert_true(kv_talk.reply_is_bad);
}

static void test_control_characters_of_a_table_are_escaped_as_rust_does(void **state)
{
    (void)state;
    struct told told = ask_view(VIEW("\x22\x0E\x0A\x0C"
                                     "\t\r\0\x1B\x10\x7F\xC2\x85\\\x01\xC3\xA9"));
    assert_told(&told, 400,
                "Command is invalid: `Hset { table: "
                "\"\\t\\r\\0\\u{1b}\\u{10}\\u{7f}\\u{85}\\\\\\u{1}\xC3\xA9\", pair: None }`");
    assert_false(kv_talk.reply_is_bad);
}

static void test_unknown_command_is_named_by_the_lowest_field(void **state)
{
    (void)state;
    /* 100: bytes, 11: bytes, 10: a number. */
    struct told told = ask_view(VIEW("\xA2\x06\x00\x5A\x00\x50\x01"));
    assert_told(&told, 501, "Command is not known: field 11");
    assert_false(kv_talk.reply_is_bad);
}

static void test_unknown_fields_that_are_no_messages_are_an_empty_request(void **state)
{
    (void)state;
    struct told told = ask_view(VIEW("\x50\x01\x5D\x01\x02\x03\x04"));
    assert_told(&told, 400, "Command is invalid: `Request has no data`");
    assert_false(kv_talk.reply_is_bad);
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

static void assert_words(const struct weft_rejection *rejection, unsigned status,
                         const char *message)
{
    uint8_t bytes[WEFT_REJECT_MAX];
    size_t size = weft_kv_service.reject(kv_talk.fixture.loop_state, rejection, bytes);
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
    assert_in_range(weft_kv_service.reject(kv_talk.fixture.loop_state, &rejection, bytes), 1,
                    sizeof bytes);
}

static void test_unknown_store_is_refused_with_the_names_there_are(void **state)
{
    static const struct kv_store *const stores[] = {&weft_kv_store_memory, &late_store_ordered,
                                                    NULL};
    struct weft_error error;
    (void)state;
    assert_ptr_equal(weft_kv_store_find(stores, "late-ordered", &error), &late_store_ordered);
    assert_null(weft_kv_store_find(stores, "disk", &error));
    assert_int_equal(error.code, WEFT_ECONFIG);
    assert_string_equal(error.text, "unknown store 'disk'; there are: memory, late-ordered");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TALK_TEST(test_last_command_of_a_request_is_the_one),
        TALK_TEST(test_command_that_is_overridden_must_be_well_formed),
        TALK_TEST(test_control_characters_of_a_table_are_escaped_as_rust_does),
        TALK_TEST(test_unknown_command_is_named_by_the_lowest_field),
        TALK_TEST(test_unknown_fields_that_are_no_messages_are_an_empty_request),
        TALK_TEST(test_empty_commands_of_many_keys_do_nothing),
        TALK_TEST(test_every_rejection_has_its_words),
        TALK_TEST(test_rejection_of_any_length_fits),
        TALK_TEST(test_unknown_store_is_refused_with_the_names_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
