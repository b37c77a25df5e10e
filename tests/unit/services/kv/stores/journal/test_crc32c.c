/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/kv/stores/journal/records/crc32c.h"

/* RFC 3720, B.4; the last one is the usual check of catalogues. */
static void test_crc32c_has_the_published_values(void **state)
{
    uint8_t bytes[32];
    (void)state;
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(kv_crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(kv_crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(kv_crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    assert_int_equal(kv_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(kv_crc32c(0, NULL, 0), 0);
}

static void test_instruction_and_table_agree_at_every_size_and_split(void **state)
{
    uint8_t bytes[80];
    (void)state;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        uint32_t whole = kv_crc32c_portable(0, bytes, size);
        for (size_t split = 0; split <= size; split++) {
            uint32_t first = kv_crc32c(0, bytes, split);
            assert_int_equal(kv_crc32c(first, bytes + split, size - split), whole);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c_has_the_published_values),
        cmocka_unit_test(test_instruction_and_table_agree_at_every_size_and_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
