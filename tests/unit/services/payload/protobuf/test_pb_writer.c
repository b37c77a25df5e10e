/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "services/payload/protobuf/writer.h"

static void assert_varint(uint64_t value)
{
    uint8_t bytes[WEFT_PB_VARINT_MAX];
    size_t size = (size_t)(weft_pb_put_varint(bytes, value) - bytes);
    assert_int_equal(weft_pb_varint_size(value), size);
    uint64_t back = 0;
    for (size_t i = 0; i < size; i++)
        back |= (uint64_t)(bytes[i] & 0x7F) << 7 * i;
    assert_int_equal(back, value);
}

static void test_varint_size_is_what_put_writes_around_every_power_of_two(void **state)
{
    (void)state;
    assert_varint(0);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t power = (uint64_t)1 << bit;
        assert_varint(power - 1);
        assert_varint(power);
        assert_varint(power + 1);
    }
    assert_varint(UINT64_MAX);
}

static void test_fields_are_written_as_the_format_says(void **state)
{
    static const uint8_t expected[] = {0x08, 0xC8, 0x01,                   /* 1: 200 */
                                       0x12, 0x02, 'h',  'i',              /* 2: "hi" */
                                       0x82, 0x01, 0x01, 0xFF,             /* 16: ff */
                                       0x21, 1,    2,    3,    4, 5, 6, 7, /* 4, fixed64 */
                                       8};
    uint8_t bytes[sizeof expected];
    uint8_t *dst = weft_pb_put_uint(bytes, 1, 200);
    assert_int_equal(weft_pb_uint_size(1, 200), dst - bytes);
    (void)state;
    dst = weft_pb_put_text(dst, 2, weft_view_str("hi"));
    dst = weft_pb_put_bytes(dst, 16, weft_view("\xFF", 1));
    dst = weft_pb_put_fixed64(dst, 4, 0x0807060504030201);
    assert_int_equal(dst - bytes, sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    assert_int_equal(weft_pb_bytes_size(16, 1), 4);
}

static void test_empty_text_is_left_out_and_empty_bytes_are_not(void **state)
{
    uint8_t bytes[4];
    (void)state;
    assert_int_equal(weft_pb_text_size(2, 0), 0);
    assert_ptr_equal(weft_pb_put_text(bytes, 2, weft_view(NULL, 0)), bytes);
    assert_int_equal(weft_pb_bytes_size(2, 0), 2);
    assert_ptr_equal(weft_pb_put_bytes(bytes, 2, weft_view(NULL, 0)), bytes + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_varint_size_is_what_put_writes_around_every_power_of_two),
        cmocka_unit_test(test_fields_are_written_as_the_format_says),
        cmocka_unit_test(test_empty_text_is_left_out_and_empty_bytes_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
