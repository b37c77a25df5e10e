/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "abi.pb-c.h"
#include "services/payload/protobuf/reader.h"

#define VIEW(literal) weft_view(literal, sizeof literal - 1)

/* The first field of message; the result of reading it. */
static int read_one(struct weft_view message, const ProtobufCMessageDescriptor *type,
                    struct weft_pb_field *field, const char **what)
{
    struct weft_pb_budget budget = {.elements = 100};
    struct weft_pb_reader reader = weft_pb_read(message, type, &budget);
    int err = weft_pb_next(&reader, field);
    if (err < 0 && what)
        *what = budget.what;
    return err;
}

static void assert_malformed(struct weft_view message, const char *what)
{
    struct weft_pb_field field;
    const char *got = NULL;
    assert_int_equal(read_one(message, &abi__value__descriptor, &field, &got), WEFT_EMALFORMED);
    assert_string_equal(got, what);
}

static void test_empty_message_has_no_fields(void **state)
{
    struct weft_pb_field field;
    (void)state;
    assert_int_equal(read_one(weft_view(NULL, 0), &abi__value__descriptor, &field, NULL), 0);
}

static void test_string_field_lies_in_the_message(void **state)
{
    const char message[] = "\x0A\x03"
                           "a\0b";
    struct weft_pb_field field;
    (void)state;
    assert_int_equal(read_one(weft_view(message, 5), &abi__value__descriptor, &field, NULL), 1);
    assert_string_equal(field.descriptor->name, "string");
    assert_int_equal(field.wire, WEFT_PB_LENGTH);
    assert_ptr_equal(field.bytes.data, message + 2);
    assert_int_equal(field.bytes.size, 3);
    assert_ptr_equal(field.raw.data, message);
    assert_int_equal(field.raw.size, 5);
}

static void test_varint_of_ten_bytes_drops_what_overflows(void **state)
{
    struct weft_pb_field field;
    (void)state;
    assert_int_equal(read_one(VIEW("\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"),
                              &abi__value__descriptor, &field, NULL),
                     1);
    assert_int_equal(field.scalar, UINT64_MAX);
}

static void test_varint_may_be_longer_than_it_need_be(void **state)
{
    struct weft_pb_field field;
    (void)state;
    assert_int_equal(
        read_one(VIEW("\x98\x80\x00\x85\x80\x00"), &abi__value__descriptor, &field, NULL), 1);
    assert_int_equal(field.number, 3);
    assert_int_equal(field.scalar, 5);
}

static void test_fixed64_is_little_endian(void **state)
{
    struct weft_pb_field field;
    (void)state;
    assert_int_equal(read_one(VIEW("\x21\x01\x02\x03\x04\x05\x06\x07\x08"), &abi__value__descriptor,
                              &field, NULL),
                     1);
    assert_int_equal(field.scalar, 0x0807060504030201);
}

static void test_unknown_fields_of_all_four_wire_types_are_told_as_such(void **state)
{
    static const char message[] = "\xA0\x06\x01"
                                  "\xA9\x06\x01\x02\x03\x04\x05\x06\x07\x08"
                                  "\xB2\x06\x03"
                                  "abc"
                                  "\xBD\x06\x01\x02\x03\x04";
    static const enum weft_pb_wire wires[] = {WEFT_PB_VARINT, WEFT_PB_FIXED64, WEFT_PB_LENGTH,
                                              WEFT_PB_FIXED32};
    struct weft_pb_budget budget = {.elements = 0};
    struct weft_pb_reader reader =
        weft_pb_read(VIEW(message), &abi__command_request__descriptor, &budget);
    struct weft_pb_field field;
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(weft_pb_next(&reader, &field), 1);
        assert_null(field.descriptor);
        assert_int_equal(field.number, 100 + i);
        assert_int_equal(field.wire, wires[i]);
    }
    assert_int_equal(field.scalar, 0x04030201);
    assert_int_equal(weft_pb_next(&reader, &field), 0);
}

static void test_field_numbers_beyond_a_range_are_unknown(void **state)
{
    struct weft_pb_field field;
    (void)state;
    assert_int_equal(read_one(VIEW("\x6A\x00"), &abi__command_request__descriptor, &field, NULL),
                     1);
    assert_null(field.descriptor);
}

static void test_tag_that_is_cut_short_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x8A"), "a tag is too long or goes past the end");
}

static void test_tag_of_six_bytes_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x82\x80\x80\x80\x80\x01\x00"),
                     "a tag is too long or goes past the end");
}

static void test_field_number_zero_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x00\x00"), "a field number is out of range");
}

static void test_largest_field_number_is_taken(void **state)
{
    struct weft_pb_field field;
    (void)state;
    assert_int_equal(
        read_one(VIEW("\xF8\xFF\xFF\xFF\x0F\x00"), &abi__value__descriptor, &field, NULL), 1);
    assert_int_equal(field.number, (1 << 29) - 1);
}

static void test_field_number_over_29_bits_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x80\x80\x80\x80\x10\x00"), "a field number is out of range");
}

static void test_length_past_the_end_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x0A\x02x"), "a length is wrong or goes past the end");
}

static void test_length_of_six_bytes_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x0A\x80\x80\x80\x80\x80\x00"),
                     "a length is wrong or goes past the end");
}

static void test_length_that_is_missing_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x0A"), "a length is wrong or goes past the end");
}

static void test_varint_of_eleven_bytes_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
                     "a varint is too long or goes past the end");
}

static void test_fixed64_cut_short_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x21\x01\x02\x03\x04\x05\x06\x07"), "a number goes past the end");
}

static void test_fixed32_cut_short_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x35\x01\x02\x03"), "a number goes past the end");
}

static void test_groups_and_unknown_wire_types_are_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\xA3\x06"), "a wire type is a group's or unknown");
    assert_malformed(VIEW("\xA4\x06"), "a wire type is a group's or unknown");
    assert_malformed(VIEW("\x0E\x00"), "a wire type is a group's or unknown");
    assert_malformed(VIEW("\x0F\x00"), "a wire type is a group's or unknown");
}

static void test_known_field_of_another_wire_type_is_malformed(void **state)
{
    (void)state;
    assert_malformed(VIEW("\x08\x01"), "a field is of another wire type than its number says");
    assert_malformed(VIEW("\x2A\x00"), "a bool is of another wire type");
}

static void test_string_that_is_not_utf8_is_malformed_and_bytes_are_not(void **state)
{
    struct weft_pb_field field;
    (void)state;
    assert_malformed(VIEW("\x0A\x02\xFF\xFE"), "a string is not UTF-8");
    assert_malformed(VIEW("\x0A\x03\xED\xA0\x80"), "a string is not UTF-8");
    assert_int_equal(read_one(VIEW("\x12\x02\xFF\xFE"), &abi__value__descriptor, &field, NULL), 1);
}

static void test_check_finds_what_is_wrong_deep_inside(void **state)
{
    struct weft_pb_budget budget = {.elements = 100};
    (void)state;
    /* hset { pair { value { string: ff } } } */
    assert_int_equal(weft_pb_check(VIEW("\x22\x07\x12\x05\x12\x03\x0A\x01\xFF"),
                                   &abi__command_request__descriptor, &budget),
                     WEFT_EMALFORMED);
    assert_string_equal(budget.what, "a string is not UTF-8");
}

static void test_elements_are_sub_messages_and_repeated_fields(void **state)
{
    /* hset, pair, value: three; hmget with two keys: three; table and key count nothing. */
    struct weft_view request = VIEW("\x22\x0A\x0A\x01t\x12\x05\x12\x03\x0A\x01x"
                                    "\x1A\x09\x0A\x01t\x12\x01"
                                    "a\x12\x01"
                                    "b");
    struct weft_pb_budget budget = {.elements = 6};
    (void)state;
    assert_int_equal(weft_pb_check(request, &abi__command_request__descriptor, &budget), 0);
    assert_int_equal(budget.elements, 0);
    budget.elements = 5;
    assert_int_equal(weft_pb_check(request, &abi__command_request__descriptor, &budget),
                     WEFT_ETOOBIG);
    assert_string_equal(budget.what, "too many elements");
}

/* A message type that holds itself, as the descriptor of one would be generated. */
static const ProtobufCMessageDescriptor nested_type;
static const ProtobufCFieldDescriptor nested_field = {
    .name = "inner",
    .id = 1,
    .label = PROTOBUF_C_LABEL_NONE,
    .type = PROTOBUF_C_TYPE_MESSAGE,
    .descriptor = &nested_type,
};
static const ProtobufCIntRange nested_ranges[] = {{1, 0}, {0, 1}};
static const ProtobufCMessageDescriptor nested_type = {
    .n_fields = 1,
    .fields = &nested_field,
    .n_field_ranges = 1,
    .field_ranges = nested_ranges,
};

static int check_nested(size_t depth)
{
    uint8_t message[1024];
    size_t size = 0;
    struct weft_pb_budget budget = {.elements = 1000};
    /* From the inside out: each is a field around all that was before. */
    for (size_t i = 1; i < depth; i++) {
        size_t head = size < 128 ? 2 : 3;
        memmove(message + head, message, size);
        message[0] = 0x0A;
        message[1] = (uint8_t)(size < 128 ? size : (size & 0x7F) | 0x80);
        if (head == 3)
            message[2] = (uint8_t)(size >> 7);
        size += head;
    }
    return weft_pb_check(weft_view(message, size), &nested_type, &budget);
}

static void test_check_takes_a_hundred_nested_messages(void **state)
{
    (void)state;
    assert_int_equal(check_nested(100), 0);
}

static void test_check_refuses_messages_nested_deeper(void **state)
{
    (void)state;
    assert_int_equal(check_nested(101), WEFT_EMALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_message_has_no_fields),
        cmocka_unit_test(test_string_field_lies_in_the_message),
        cmocka_unit_test(test_varint_of_ten_bytes_drops_what_overflows),
        cmocka_unit_test(test_varint_may_be_longer_than_it_need_be),
        cmocka_unit_test(test_fixed64_is_little_endian),
        cmocka_unit_test(test_unknown_fields_of_all_four_wire_types_are_told_as_such),
        cmocka_unit_test(test_field_numbers_beyond_a_range_are_unknown),
        cmocka_unit_test(test_tag_that_is_cut_short_is_malformed),
        cmocka_unit_test(test_tag_of_six_bytes_is_malformed),
        cmocka_unit_test(test_field_number_zero_is_malformed),
        cmocka_unit_test(test_largest_field_number_is_taken),
        cmocka_unit_test(test_field_number_over_29_bits_is_malformed),
        cmocka_unit_test(test_length_past_the_end_is_malformed),
        cmocka_unit_test(test_length_of_six_bytes_is_malformed),
        cmocka_unit_test(test_length_that_is_missing_is_malformed),
        cmocka_unit_test(test_varint_of_eleven_bytes_is_malformed),
        cmocka_unit_test(test_fixed64_cut_short_is_malformed),
        cmocka_unit_test(test_fixed32_cut_short_is_malformed),
        cmocka_unit_test(test_groups_and_unknown_wire_types_are_malformed),
        cmocka_unit_test(test_known_field_of_another_wire_type_is_malformed),
        cmocka_unit_test(test_string_that_is_not_utf8_is_malformed_and_bytes_are_not),
        cmocka_unit_test(test_check_finds_what_is_wrong_deep_inside),
        cmocka_unit_test(test_elements_are_sub_messages_and_repeated_fields),
        cmocka_unit_test(test_check_takes_a_hundred_nested_messages),
        cmocka_unit_test(test_check_refuses_messages_nested_deeper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
