/* SPDX-License-Identifier: MIT
 *
 * Updates decide what becomes of a key: versions, every condition, and what it means to set, remove and
 * expire. */
#include "kv_update_fixture.h"

#include <stdio.h>

#include "core/base/blob.h"

static void test_version_is_blake2b_of_sixteen_bytes(void **state)
{
    /* Made with Python's hashlib.blake2b(..., digest_size=16). */
    static const struct {
        const char *packed;
        size_t size;
        const char *version;
    } cases[] = {
        {"", 0, "cae66941d9efbd404e4d88758ea67670"},
        {"\x18\x01", 2, "0c20818e2413cb272d33cc1a9002e88b"},
        {"\x0a\x03"
         "abc",
         5, "000f25a7fc4664d17845c141d086a8aa"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t version[KV_VERSION_SIZE];
        char hex[2 * KV_VERSION_SIZE + 1];
        weft_kv_version(weft_view(cases[i].packed, cases[i].size), version);
        for (size_t k = 0; k < sizeof version; k++)
            (void)snprintf(hex + 2 * k, 3, "%02x", version[k]);
        assert_string_equal(hex, cases[i].version);
    }
}

static void test_version_of_many_bytes_is_of_all_of_them(void **state)
{
    uint8_t bytes[1000], version[KV_VERSION_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 251);
    static const uint8_t expected[KV_VERSION_SIZE] = {0xbc, 0xa1, 0x20, 0xdf, 0xd8, 0x9c,
                                                      0xd9, 0x5d, 0x82, 0x89, 0x84, 0x73,
                                                      0xa5, 0xb0, 0x1c, 0x90};
    weft_kv_version(weft_view(bytes, sizeof bytes), version);
    assert_memory_equal(version, expected, sizeof version);
}

/* Each condition is tried on a key that is absent, present for ever, present for a while, expired. */
static void test_conditions_on_presence_and_expiry(void **state)
{
    static const struct {
        enum kv_if when;
        bool absent, lasting, timed, expired;
    } cases[] = {
        {KV_IF_ANY, true, true, true, true},        {KV_IF_ABSENT, true, false, false, true},
        {KV_IF_PRESENT, false, true, true, false},  {KV_IF_TIMED, false, false, true, false},
        {KV_IF_UNTIMED, false, true, false, false},
    };
    struct bytes old = string("old");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct given given = {.value = string("new"),
                              .update = {.when = cases[i].when, .then = KV_THEN_SET}};
        assert_verdict(given, cases[i].absent ? KV_VERDICT_STORE : KV_VERDICT_UNMET);
        given.current = &old;
        assert_verdict(given, cases[i].lasting ? KV_VERDICT_STORE : KV_VERDICT_UNMET);
        given.current_expires = LATER;
        assert_verdict(given, cases[i].timed ? KV_VERDICT_STORE : KV_VERDICT_UNMET);
        given.current_expires = NOW;
        assert_verdict(given, cases[i].expired ? KV_VERDICT_STORE : KV_VERDICT_UNMET);
    }
}

static void test_condition_on_the_version(void **state)
{
    struct bytes old = string("old"), other = string("other");
    struct given given = {
        .value = string("new"), .update.when = KV_IF_VERSION, .update.then = KV_THEN_SET};
    (void)state;
    weft_kv_version(view_of(&old), given.update.version);
    assert_verdict(given, KV_VERDICT_UNMET);
    given.current = &old;
    assert_stores(given, given.value);
    given.current = &other;
    assert_verdict(given, KV_VERDICT_UNMET);
    given.current = &old;
    given.current_expires = PASSED;
    assert_verdict(given, KV_VERDICT_UNMET);
}

static void test_conditions_on_which_expiry_is_later(void **state)
{
    static const struct {
        int64_t current, given;
        bool later, sooner;
    } cases[] = {
        {LATER, LATER + 1, true, false},       {LATER, LATER, false, false},
        {LATER, LATER - 1, false, true},       {KV_NEVER, LATER, false, true},
        {LATER, KV_NEVER, true, false},        {KV_NEVER, KV_NEVER, false, false},
        {LATER, KV_KEEP_EXPIRY, false, false}, {KV_NEVER, KV_KEEP_EXPIRY, false, false},
    };
    struct bytes old = string("old");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct given given = {.current = &old,
                              .current_expires = cases[i].current,
                              .expires = cases[i].given,
                              .update.then = KV_THEN_EXPIRE};
        given.update.when = KV_IF_LATER;
        assert_verdict(given, cases[i].later ? KV_VERDICT_STORE : KV_VERDICT_UNMET);
        given.update.when = KV_IF_SOONER;
        assert_verdict(given, cases[i].sooner ? KV_VERDICT_STORE : KV_VERDICT_UNMET);
        given.current = NULL;
        assert_verdict(given, KV_VERDICT_UNMET);
    }
}

static void test_keep_changes_nothing(void **state)
{
    struct bytes old = string("old");
    struct given given = {.current = &old, .expires = LATER};
    (void)state;
    assert_verdict(given, KV_VERDICT_KEEP);
    given.update.when = KV_IF_ABSENT;
    assert_verdict(given, KV_VERDICT_UNMET);
}

static void test_set_stores_value_and_expiry(void **state)
{
    struct bytes old = string("old");
    struct given given = {.value = string("new"), .expires = LATER, .update.then = KV_THEN_SET};
    (void)state;
    assert_stores(given, given.value);
    assert_int_equal(decide(given).expires, LATER);
    given.expires = KV_NEVER;
    given.current = &old;
    given.current_expires = LATER;
    assert_stores(given, given.value);
    assert_int_equal(decide(given).expires, KV_NEVER);
}

static void test_set_that_keeps_the_expiry_gives_none_to_a_new_key(void **state)
{
    struct bytes old = string("old");
    struct given given = {
        .value = string("new"), .expires = KV_KEEP_EXPIRY, .update.then = KV_THEN_SET};
    (void)state;
    assert_int_equal(decide(given).expires, KV_NEVER);
    given.current = &old;
    given.current_expires = LATER;
    assert_int_equal(decide(given).expires, LATER);
    given.current_expires = PASSED;
    assert_int_equal(decide(given).expires, KV_NEVER);
}

static void test_set_shows_the_blob_of_its_value(void **state)
{
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(7, &data);
    assert_non_null(blob);
    struct kv_update update = {.then = KV_THEN_SET};
    struct kv_item item = {.value = {weft_view(data + 2, 5), blob}, .update = &update};
    struct kv_next next;
    (void)state;
    weft_kv_update_decide(&item, NULL, KV_NEVER, NOW, &next);
    assert_ptr_equal(next.blob, blob);
    assert_ptr_equal(next.parts[0].data, data + 2);
    update.then = KV_THEN_EXPIRE;
    item.expires = LATER;
    struct kv_value current = item.value;
    item.value = (struct kv_value){0};
    weft_kv_update_decide(&item, &current, KV_NEVER, NOW, &next);
    assert_ptr_equal(next.blob, blob);
    weft_blob_unref(blob);
}

static void test_expiry_that_has_passed_removes(void **state)
{
    static const enum kv_then thens[] = {KV_THEN_SET, KV_THEN_EXPIRE, KV_THEN_ADD};
    struct bytes old = integer(1);
    (void)state;
    for (size_t i = 0; i < sizeof thens / sizeof *thens; i++) {
        struct given given = {
            .current = &old, .value = string("new"), .expires = NOW, .update.then = thens[i]};
        assert_verdict(given, KV_VERDICT_REMOVE);
        given.expires = NOW + 1;
        assert_verdict(given, KV_VERDICT_STORE);
    }
}

static void test_remove_of_an_absent_key_changes_nothing(void **state)
{
    struct bytes old = string("old");
    struct given given = {.update.then = KV_THEN_REMOVE};
    (void)state;
    assert_verdict(given, KV_VERDICT_KEEP);
    given.current = &old;
    assert_verdict(given, KV_VERDICT_REMOVE);
    given.current_expires = PASSED;
    assert_verdict(given, KV_VERDICT_KEEP);
}

static void test_expire_keeps_the_value(void **state)
{
    struct bytes old = string("old");
    struct given given = {.expires = LATER, .update.then = KV_THEN_EXPIRE};
    (void)state;
    assert_verdict(given, KV_VERDICT_KEEP);
    given.current = &old;
    assert_stores(given, old);
    assert_int_equal(decide(given).expires, LATER);
    given.current_expires = LATER;
    assert_verdict(given, KV_VERDICT_KEEP);
    given.expires = KV_KEEP_EXPIRY;
    assert_verdict(given, KV_VERDICT_KEEP);
    given.expires = KV_NEVER;
    assert_stores(given, old);
    assert_int_equal(decide(given).expires, KV_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_is_blake2b_of_sixteen_bytes),
        cmocka_unit_test(test_version_of_many_bytes_is_of_all_of_them),
        cmocka_unit_test(test_conditions_on_presence_and_expiry),
        cmocka_unit_test(test_condition_on_the_version),
        cmocka_unit_test(test_conditions_on_which_expiry_is_later),
        cmocka_unit_test(test_keep_changes_nothing),
        cmocka_unit_test(test_set_stores_value_and_expiry),
        cmocka_unit_test(test_set_that_keeps_the_expiry_gives_none_to_a_new_key),
        cmocka_unit_test(test_set_shows_the_blob_of_its_value),
        cmocka_unit_test(test_expiry_that_has_passed_removes),
        cmocka_unit_test(test_remove_of_an_absent_key_changes_nothing),
        cmocka_unit_test(test_expire_keeps_the_value),
    };
    return cmocka_run_group_tests_name("kv update", tests, NULL, NULL);
}
