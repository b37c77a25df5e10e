/* SPDX-License-Identifier: MIT
 *
 * Packed values, written and read back, and bytes that are none. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/kv/packed.h"

static struct kv_unpacked unpacked(struct weft_view packed)
{
    struct kv_unpacked value;
    assert_true(kv_unpack(packed, &value));
    return value;
}

static void test_text_of_every_width_of_its_size_reads_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 16383, 16384, 100000};
    static uint8_t bytes[KV_PACKED_HEAD_MAX + 100000];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t head = kv_pack_head(bytes, KV_TYPE_BINARY, sizes[i]);
        struct kv_unpacked value = unpacked(weft_view(bytes, head + sizes[i]));
        assert_int_equal(value.type, KV_TYPE_BINARY);
        assert_true(kv_is_text(&value));
        assert_ptr_equal(value.text.data, bytes + head);
        assert_int_equal(value.text.size, sizes[i]);
        assert_false(kv_unpack(weft_view(bytes, head + sizes[i] + 1), &value));
        assert_false(kv_unpack(weft_view(bytes, head + sizes[i] - 1), &value));
    }
}

static void test_numbers_read_back(void **state)
{
    (void)state;
    static const int64_t integers[] = {0, 1, -1, 127, 128, INT64_MAX, INT64_MIN};
    static const double reals[] = {0.0, -0.0, 0.1, 1e300, -2.5};
    uint8_t bytes[KV_NUMBER_MAX];
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        size_t size = kv_pack_integer(bytes, integers[i]);
        assert_int_equal((int64_t)unpacked(weft_view(bytes, size)).number, integers[i]);
    }
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        struct kv_unpacked value = unpacked(weft_view(bytes, kv_pack_real(bytes, reals[i])));
        double real = kv_real_of(&value);
        assert_memory_equal(&real, &reals[i], sizeof real);
    }
    for (int is_true = 0; is_true < 2; is_true++)
        assert_int_equal(unpacked(weft_view(bytes, kv_pack_bool(bytes, is_true))).number, is_true);
}

static void test_reals_have_the_shortest_text_that_reads_back(void **state)
{
    (void)state;
    char text[KV_NUMBER_TEXT];
    assert_int_equal(kv_write_real(text, 0.1), 3);
    assert_string_equal(text, "0.1");
    assert_int_equal(kv_write_real(text, 0.1 + 0.2), 19);
    assert_string_equal(text, "0.30000000000000004");
    (void)kv_write_real(text, -1.7976931348623157e308);
    assert_true(strtod(text, NULL) == -1.7976931348623157e308);
    (void)kv_write_real(text, INFINITY);
    assert_string_equal(text, "inf");
}

static void test_other_bytes_are_no_value(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        {"\x18", 1},
        {"\x18\x80", 2},
        {"\x18\1\1", 3},
        {"\x21\0\0\0\0\0\0\0", 8},
        {"\x21\0\0\0\0\0\0\0\0\0", 10},
        {"\x0a", 1},
        {"\x0a\2x", 3},
        {"\x0a\0x", 3},
        {"\0", 1},
        {"\x32\0", 2},
        {"\x08\0", 2},
    };
    struct kv_unpacked value;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_false(kv_unpack(weft_view(rows[i].bytes, rows[i].size), &value));
}

static void test_no_bytes_are_the_empty_value(void **state)
{
    (void)state;
    struct kv_unpacked value = unpacked(weft_view(NULL, 0));
    assert_true(value.is_empty);
    assert_false(kv_is_text(&value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_every_width_of_its_size_reads_back),
        cmocka_unit_test(test_numbers_read_back),
        cmocka_unit_test(test_reals_have_the_shortest_text_that_reads_back),
        cmocka_unit_test(test_other_bytes_are_no_value),
        cmocka_unit_test(test_no_bytes_are_the_empty_value),
    };
    return cmocka_run_group_tests_name("kv, packed values", tests, NULL, NULL);
}
