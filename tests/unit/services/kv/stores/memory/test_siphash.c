/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "services/kv/stores/memory/siphash.h"

static void test_hashes_with_a_zero_seed_are_those_of_cpython(void **state)
{
    /* hash(bytes(range(n))) of CPython 3.11 under PYTHONHASHSEED=0, n from 1 on. */
    static const uint64_t expected[] = {
        0x68A914128E01E473, 0x010BAC45C41E3669, 0x4D4C9A4A8EF6E0AD, 0x7CC43F98813E4DBD,
        0x5ABE2169DFF36275, 0xE3C25F87624F1CDB, 0x2F098AB0C751325A, 0xEAD411E67EBE2EEA,
        0x75927F9D95124362, 0xAF9F77A65AB51A1D, 0xFE64CE8B6617FCFF, 0xA6BAF4FB0F9FE1C2,
        0xA0CF3211850F8E0D, 0x7F86049379FBFE67, 0xF30EB725BB91C9EA, 0x8972188433A5C5B7,
        0x4883C49A2C009C1D, 0xADC2C0B63044067D, 0x091F4A3329F87D19,
    };
    const uint8_t zero[16] = {0};
    struct kv_hash_seed seed = kv_hash_seed_from_bytes(zero);
    uint8_t data[32];
    (void)state;
    for (uint8_t i = 0; i < sizeof data; i++)
        data[i] = i;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(kv_hash(&seed, weft_view(data, i + 1)), expected[i]);
}

static void test_hashes_with_the_usual_seed_are_those_of_rust(void **state)
{
    /* The first two of core::hash's test_siphash_1_3: seed 00 01 ... 0f, inputs "" and 00. */
    uint8_t bytes[16];
    (void)state;
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    struct kv_hash_seed seed = kv_hash_seed_from_bytes(bytes);
    assert_int_equal(kv_hash(&seed, weft_view(NULL, 0)), 0xABAC0158050FC4DC);
    assert_int_equal(kv_hash(&seed, weft_view(bytes, 1)), 0xC9F49BF37D57CA93);
}

static void test_seed_is_the_bytes_that_it_was_made_of(void **state)
{
    uint8_t bytes[16], again[17];
    (void)state;
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(200 + 3 * i);
    struct kv_hash_seed seed = kv_hash_seed_from_bytes(bytes);
    again[16] = 42;
    kv_hash_seed_to_bytes(&seed, again);
    assert_memory_equal(again, bytes, sizeof bytes);
    assert_int_equal(again[16], 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_with_a_zero_seed_are_those_of_cpython),
        cmocka_unit_test(test_hashes_with_the_usual_seed_are_those_of_rust),
        cmocka_unit_test(test_seed_is_the_bytes_that_it_was_made_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
