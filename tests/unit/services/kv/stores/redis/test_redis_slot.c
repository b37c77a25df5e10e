/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/kv/stores/redis/redis.h"

/* From appendix A of the cluster specification: the checksum of "123456789" is 0x31c3. */
static void test_slot_is_the_checksum_of_the_specification(void **state)
{
    (void)state;
    assert_int_equal(kv_redis_slot(weft_view_str("123456789")), 0x31c3);
    /* CLUSTER KEYSLOT of Redis 7.0 answers the same. */
    assert_int_equal(kv_redis_slot(weft_view_str("foo")), 12182);
    assert_int_equal(kv_redis_slot(weft_view_str("somekey")), 11058);
    assert_int_equal(kv_redis_slot(weft_view_str("")), 0);
    assert_int_equal(kv_redis_slot(weft_view(NULL, 0)), 0);
}

static void test_slot_of_a_key_with_braces_is_that_of_what_they_hold(void **state)
{
    const unsigned foo = kv_redis_slot(weft_view_str("foo"));
    (void)state;
    assert_int_equal(kv_redis_slot(weft_view_str("{foo}")), foo);
    assert_int_equal(kv_redis_slot(weft_view_str("a{foo}b{bar}")), foo);
    assert_int_equal(kv_redis_slot(weft_view_str("a}{foo}")), foo);
    assert_int_equal(kv_redis_slot(weft_view_str("{foo}}")), foo);
    assert_int_equal(kv_redis_slot(weft_view_str("{{foo}")), kv_redis_slot(weft_view_str("{foo")));
}

static void test_braces_that_hold_nothing_or_do_not_end_are_part_of_the_key(void **state)
{
    (void)state;
    assert_int_equal(kv_redis_slot(weft_view_str("foo{}{bar}")), 8363);
    assert_int_equal(kv_redis_slot(weft_view_str("{}")), 15257);
    assert_int_equal(kv_redis_slot(weft_view_str("{")), 4092);
    assert_int_equal(kv_redis_slot(weft_view_str("a{")), 14311);
}

static void test_slot_takes_any_bytes(void **state)
{
    static const uint8_t bytes[] = {0, 0xff, '{', 0, '}', 0x80};
    static const uint8_t zero[] = {0};
    (void)state;
    assert_int_equal(kv_redis_slot(weft_view(bytes, sizeof bytes)),
                     kv_redis_slot(weft_view(zero, sizeof zero)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slot_is_the_checksum_of_the_specification),
        cmocka_unit_test(test_slot_of_a_key_with_braces_is_that_of_what_they_hold),
        cmocka_unit_test(test_braces_that_hold_nothing_or_do_not_end_are_part_of_the_key),
        cmocka_unit_test(test_slot_takes_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
