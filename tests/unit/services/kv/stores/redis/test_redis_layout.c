/* SPDX-License-Identifier: MIT
 *
 * The layout is a format: other programs read it, so what it is must not change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "services/kv/stores/redis/layout.h"
#include "services/kv/stores/redis/redis.h"

static void assert_key(struct weft_view table, unsigned bucket, const char *expected)
{
    size_t room = kv_redis_key_room(table), size = strlen(expected);
    uint8_t *key = malloc(room);
    assert_non_null(key);
    assert_int_equal(kv_redis_write_key(key, table, bucket), size);
    assert_true(size + KV_REDIS_INDEX_MORE <= room);
    assert_memory_equal(key, expected, size);
    assert_memory_equal(key + size, ":x", KV_REDIS_INDEX_MORE);
    free(key);
}

static void test_keys_of_buckets_are_as_documented(void **state)
{
    (void)state;
    assert_key(weft_view_str("users"), 7, "{t:users:7}");
    assert_key(weft_view_str("a:5"), 16383, "{t:a:5:16383}");
    assert_key(weft_view(NULL, 0), 0, "{t::0}");
    assert_key(weft_view_str("}"), 1, "{t:%7D:1}");
    assert_key(weft_view_str("%7D{x}"), 2, "{t:%257D{x%7D:2}");
}

/* The hash and its sorted set have to be in one slot, and the buckets of a table in different ones, whatever its name. */
static void test_slot_follows_from_the_bucket_whatever_the_name_of_the_table(void **state)
{
    static const char *const names[] = {"users", "}", "a}b", "{}", "}{", "%", ""};
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        uint8_t key[128];
        unsigned last = REDIS_SLOTS;
        for (unsigned bucket = 0; bucket < 10; bucket++) {
            size_t size = kv_redis_write_key(key, weft_view_str(names[n]), bucket);
            unsigned slot = kv_redis_slot(weft_view(key, size));
            assert_int_equal(kv_redis_slot(weft_view(key, size + KV_REDIS_INDEX_MORE)), slot);
            assert_int_not_equal(slot, last);
            last = slot;
        }
    }
}

static void test_hash_of_keys_is_as_documented(void **state)
{
    (void)state;
    assert_int_equal(kv_redis_hash(weft_view(NULL, 0)), UINT64_C(0x2aae6eee4fcfd27e));
    assert_int_equal(kv_redis_hash(weft_view_str("user:1")), UINT64_C(0x2dfc5825d7bfa35d));
}

static void test_directory_is_one_of_sixteen(void **state)
{
    uint8_t key[KV_REDIS_DIRECTORY_ROOM];
    unsigned seen = 0;
    (void)state;
    for (int i = 0; i < 1000; i++)
        seen |= 1u << kv_redis_directory_of(weft_view(&i, sizeof i));
    assert_int_equal(seen, 0xffff);
    assert_int_equal(kv_redis_write_directory(key, 15), 16);
    assert_memory_equal(key, "{weft:tables:15}", 16);
}

static void test_number_of_buckets_is_read_or_refused(void **state)
{
    (void)state;
    assert_int_equal(kv_redis_read_buckets(weft_view_str("1")), 1);
    assert_int_equal(kv_redis_read_buckets(weft_view_str("16384")), 16384);
    static const char *const wrong[] = {"", "0", "16385", "99999999999999999999", "-1", "1 ", "x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(kv_redis_read_buckets(weft_view_str(wrong[i])), 0);
}

static void assert_field(struct weft_view field, struct weft_view bytes, int64_t expires)
{
    struct kv_redis_value value;
    kv_redis_read_value(field, &value);
    assert_true(weft_view_equal(value.bytes, bytes));
    assert_int_equal(value.expires, expires);
}

static void test_field_is_the_value_unless_that_expires_or_begins_like_one(void **state)
{
    uint8_t head[KV_REDIS_HEAD];
    struct weft_view value = weft_view_str("value"), marked = weft_view_str("\xff-value");
    (void)state;
    assert_int_equal(kv_redis_write_head(head, value, KV_NEVER), 0);
    assert_int_equal(kv_redis_write_head(head, weft_view(NULL, 0), KV_NEVER), 0);
    assert_field(value, value, KV_NEVER);
    assert_field(weft_view(NULL, 0), weft_view(NULL, 0), KV_NEVER);

    assert_int_equal(kv_redis_write_head(head, value, INT64_C(0x0102030405060708)), KV_REDIS_HEAD);
    assert_memory_equal(head, "\xff\1\2\3\4\5\6\7\10", KV_REDIS_HEAD);
    assert_field(weft_view_str("\xff\1\2\3\4\5\6\7\10value"), value, INT64_C(0x0102030405060708));

    assert_int_equal(kv_redis_write_head(head, marked, KV_NEVER), KV_REDIS_HEAD);
    assert_memory_equal(head, "\xff\0\0\0\0\0\0\0\0", KV_REDIS_HEAD);
    assert_field(weft_view("\xff\0\0\0\0\0\0\0\0\xff-value", 16), marked, KV_NEVER);
    /* Somebody else wrote a field that is too short for a head. */
    assert_field(weft_view_str("\xff\1"), weft_view_str("\xff\1"), KV_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_buckets_are_as_documented),
        cmocka_unit_test(test_slot_follows_from_the_bucket_whatever_the_name_of_the_table),
        cmocka_unit_test(test_hash_of_keys_is_as_documented),
        cmocka_unit_test(test_directory_is_one_of_sixteen),
        cmocka_unit_test(test_number_of_buckets_is_read_or_refused),
        cmocka_unit_test(test_field_is_the_value_unless_that_expires_or_begins_like_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
