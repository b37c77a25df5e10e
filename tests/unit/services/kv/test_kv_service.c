/* SPDX-License-Identifier: MIT
 *
 * Odd requests, the texts of the service, and the stores it can be given: cases that the vectors do not
 * have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/url.h"
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
    /* 100: bytes, 41: bytes, 30: a number. */
    struct told told = ask_view(VIEW("\xA2\x06\x00\xCA\x02\x00\xF0\x01\x01"));
    assert_told(&told, 501, "Command is not known: field 41");
    assert_false(kv_talk.reply_is_bad);
}

static void test_unknown_fields_that_are_no_messages_are_an_empty_request(void **state)
{
    (void)state;
    struct told told = ask_view(VIEW("\xF0\x01\x01\xCD\x02\x01\x02\x03\x04"));
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
    assert_words(&(struct weft_rejection){WEFT_REJECT_NOT_KNOWN, NULL, 0, 0}, 401,
                 "Not known: say who you are first");
    assert_words(&(struct weft_rejection){WEFT_REJECT_NOT_KNOWN, "use AUTH", 0, 0}, 401,
                 "Not known: use AUTH");
    assert_words(&(struct weft_rejection){WEFT_REJECT_DENIED, NULL, 0, 0}, 403,
                 "Denied: you may not do this");
    assert_words(&(struct weft_rejection){WEFT_REJECT_DENIED, "read only", 0, 0}, 403,
                 "Denied: read only");
    assert_words(&(struct weft_rejection){WEFT_REJECT_RATE, NULL, 0, 7}, 429,
                 "Too often: at most 7 per second");
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

/* A store that takes a place and options, and tells what it was given. */
static struct given {
    char where[64], size[64], mode[64];
} given;

static void copy_option(char dst[64], const struct weft_option_set *set, const char *name)
{
    const char *value = weft_option_get(set, name);
    (void)snprintf(dst, 64, "%s", value ? value : "none");
}

static int init_disk(void *store, const struct kv_store_options *options, struct weft_error *error)
{
    (void)store;
    (void)snprintf(given.where, sizeof given.where, "%s", options->where);
    copy_option(given.size, options->set, "map-size");
    copy_option(given.mode, options->set, "mode");
    if (strcmp(given.mode, "odd") == 0)
        return weft_error_set(error, WEFT_ECONFIG, "mode=odd is not one of fast, safe");
    return 0;
}

static void fini_disk(void *store)
{
    (void)store;
}

static const struct weft_option disk_options[] = {
    {"map-size", "SIZE", "largest size of the file"}, {"mode", "fast|safe", "when to flush"}, {0}};

static const struct kv_store *choose_disk(const struct kv_store_options *options,
                                          struct weft_error *error);

static const struct kv_store disk = {.name = "disk",
                                     .where = "PATH",
                                     .options = disk_options,
                                     .variant = choose_disk,
                                     .store_size = 1,
                                     .init = init_disk,
                                     .fini = fini_disk};

static const struct kv_store quick_disk = {.name = "disk",
                                           .flags = KV_STORE_INLINE,
                                           .store_size = 1,
                                           .init = init_disk,
                                           .fini = fini_disk};

static const struct kv_store *choose_disk(const struct kv_store_options *options,
                                          struct weft_error *error)
{
    const char *mode = weft_option_get(options->set, "mode");
    if (mode && strcmp(mode, "none of them") == 0) {
        weft_error_set(error, WEFT_ECONFIG, "mode=none of them chooses nothing");
        return NULL;
    }
    return mode && strcmp(mode, "fast") == 0 ? &quick_disk : &disk;
}

static const struct kv_store *const disk_and_memory[] = {&weft_kv_store_memory, &disk, NULL};

static int open_spec(const char *spec, struct weft_error *error)
{
    const struct weft_kv_limits limits = weft_kv_limits_default();
    struct weft_kv_context context;
    int err =
        weft_kv_context_open(&context, disk_and_memory, spec, &limits, NULL, NULL, NULL, error);
    if (err < 0)
        assert_null(context.store);
    weft_kv_context_fini(&context);
    return err;
}

static void assert_given(const char *spec, const char *where, const char *size, const char *mode)
{
    struct weft_error error;
    assert_int_equal(open_spec(spec, &error), 0);
    assert_string_equal(given.where, where);
    assert_string_equal(given.size, size);
    assert_string_equal(given.mode, mode);
}

static void test_store_is_given_its_place_and_options(void **state)
{
    (void)state;
    assert_given("disk", "", "none", "none");
    assert_given("disk:", "", "none", "none");
    assert_given("disk:kv", "kv", "none", "none");
    assert_given("disk:/var/lib/kv?map-size=8GiB", "/var/lib/kv", "8GiB", "none");
    assert_given("disk://odd?mode=fast&map-size=1", "//odd", "1", "fast");
    assert_given("disk?mode=safe", "", "none", "safe");
    assert_given("disk:a%3Fb:c", "a?b:c", "none", "none");
}

static void test_options_choose_between_variants_of_a_store(void **state)
{
    static const struct {
        const char *spec;
        const struct kv_store *store;
    } cases[] = {
        {"disk:kv?mode=fast", &quick_disk}, {"disk:kv?mode=safe", &disk}, {"disk:kv", &disk}};
    const struct weft_kv_limits limits = weft_kv_limits_default();
    struct weft_kv_context context;
    struct weft_error error;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(weft_kv_context_open(&context, disk_and_memory, cases[i].spec, &limits,
                                              NULL, NULL, NULL, &error),
                         0);
        assert_ptr_equal(context.store, cases[i].store);
        weft_kv_context_fini(&context);
    }
    assert_int_equal(open_spec("disk?mode=none%20of%20them", &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "mode=none of them chooses nothing");
}

static void assert_spec_refused(const char *spec, const char *text)
{
    struct weft_error error;
    assert_int_equal(open_spec(spec, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, text);
}

static void test_store_that_cannot_be_made_is_refused_with_what_there_is(void **state)
{
    static char long_path[2 * WEFT_URL_MAX];
    struct weft_error error;
    (void)state;
    assert_spec_refused("tape:x", "unknown store 'tape'; there are: memory, disk");
    assert_spec_refused("memory:x", "store 'memory' takes no place: 'x'");
    assert_spec_refused("memory?x=1", "unknown option 'x' of store 'memory'; there are: changes");
    assert_spec_refused("disk?mode=fast&x=1",
                        "unknown option 'x' of store 'disk'; there are: map-size, mode");
    assert_spec_refused("disk?mode=odd", "mode=odd is not one of fast, safe");
    assert_spec_refused("", "'' is no store: the form is NAME[:WHERE][?option=value&...]");
    assert_spec_refused("disk?mode",
                        "'disk?mode' is no store: the form is NAME[:WHERE][?option=value&...]");
    assert_spec_refused("disk?mode=a&mode=b", "'disk?mode=a&mode=b' is no store: the form is "
                                              "NAME[:WHERE][?option=value&...]");
    memset(long_path, 'x', sizeof long_path - 1);
    assert_int_equal(open_spec(long_path, &error), WEFT_ECONFIG);
}

static void test_repair_of_a_store_that_has_none_is_refused(void **state)
{
    struct weft_error error;
    (void)state;
    assert_int_equal(weft_kv_context_repair(disk_and_memory, "memory", false, NULL, NULL, &error),
                     WEFT_ECONFIG);
    assert_string_equal(error.text, "store 'memory' has nothing to repair");
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
        cmocka_unit_test(test_store_is_given_its_place_and_options),
        cmocka_unit_test(test_options_choose_between_variants_of_a_store),
        cmocka_unit_test(test_store_that_cannot_be_made_is_refused_with_what_there_is),
        cmocka_unit_test(test_repair_of_a_store_that_has_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
