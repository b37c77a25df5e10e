/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/payload/resp/writer.h"

static void test_heads_have_the_size_that_was_told(void **state)
{
    static const int64_t numbers[] = {0,     1,      9,         10,        99,        100,
                                      -1,    -10,    123456789, INT64_MAX, INT64_MIN, INT64_MIN + 1,
                                      -1000, 999999, 1000000};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uint8_t head[WEFT_RESP_HEAD_MAX];
        char expected[WEFT_RESP_HEAD_MAX + 1];
        uint8_t *end = weft_resp_put_head(head, WEFT_RESP_INTEGER, numbers[i]);
        int size = snprintf(expected, sizeof expected, ":%lld\r\n", (long long)numbers[i]);
        assert_int_equal(end - head, size);
        assert_int_equal(weft_resp_head_size(numbers[i]), size);
        assert_memory_equal(head, expected, (size_t)size);
    }
}

static void test_bulk_strings_hold_any_bytes(void **state)
{
    static const char bytes[] = "a\0\r\n\xff";
    uint8_t bulk[32];
    (void)state;
    uint8_t *end = weft_resp_put_bulk(bulk, weft_view(bytes, 5));
    assert_int_equal(end - bulk, weft_resp_bulk_size(5));
    assert_memory_equal(bulk, "$5\r\na\0\r\n\xff\r\n", 11);
    end = weft_resp_put_bulk(bulk, weft_view(NULL, 0));
    assert_int_equal(end - bulk, weft_resp_bulk_size(0));
    assert_memory_equal(bulk, "$0\r\n\r\n", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads_have_the_size_that_was_told),
        cmocka_unit_test(test_bulk_strings_hold_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
