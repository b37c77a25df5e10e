/* SPDX-License-Identifier: MIT
 *
 * Members as other programs could write them, sound and broken. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "gzip_fixture.h"

enum { FLAGS = 3 };

static void put(struct member *member, const void *data, size_t size)
{
    assert_true(member->size + size <= MEMBER_MAX);
    memcpy(member->data + member->size, data, size);
    member->size += size;
}

/* Makes a member with these flags, and these bytes between the ten fixed ones and the deflated. */
static struct member member_with(uint8_t flags, const void *fields, size_t size)
{
    struct member plain = plain_member(), member = {.size = 0};
    plain.data[FLAGS] = flags;
    put(&member, plain.data, 10);
    put(&member, fields, size);
    put(&member, plain.data + 10, plain.size - 10);
    return member;
}

static void assert_reads(const struct member *member)
{
    struct weft_bytes message;
    const char *why;
    int result = read_member(weft_view(member->data, member->size), &message, &why);
    if (result != 0)
        fail_msg("%s", why);
    assert_int_equal(message.size, TEXT_SIZE);
    assert_memory_equal(message.data, text, TEXT_SIZE);
    free(message.data);
}

static void assert_malformed(const struct member *member, const char *expected)
{
    struct weft_bytes message;
    const char *why;
    assert_int_equal(read_member(weft_view(member->data, member->size), &message, &why),
                     WEFT_EMALFORMED);
    assert_string_equal(why, expected);
    free(message.data);
}

static void test_each_byte_of_the_magic_number_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct member member = plain_member();
        member.data[i] ^= 1;
        assert_malformed(&member, "not a gzip member");
    }
}

static void test_every_header_field_is_accepted(void **state)
{
    (void)state;
    struct member members[] = {
        member_with(0x01, "", 0), /* FTEXT */
        member_with(0x04, "\3\0abc", 5),
        member_with(0x04, "\0\0", 2),
        member_with(0x08, "name", 5),
        member_with(0x10, "comment", 8),
        member_with(0x1d, "\1\0xname\0comment", 16),
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        assert_reads(&members[i]);
}

static struct member member_with_fhcrc(void)
{
    struct member member = member_with(0x0a, "name\0??", 7);
    uint32_t crc = (uint32_t)crc32(0, member.data, 15);
    member.data[15] = (uint8_t)crc;
    member.data[16] = (uint8_t)(crc >> 8);
    return member;
}

static void test_header_checksum_is_checked(void **state)
{
    (void)state;
    struct member member = member_with_fhcrc();
    assert_reads(&member);
    member.data[16] ^= 1;
    assert_malformed(&member, "gzip header with a wrong checksum");
}

static void test_reserved_flags_and_other_methods_are_malformed(void **state)
{
    (void)state;
    for (unsigned bit = 5; bit < 8; bit++) {
        struct member member = member_with((uint8_t)(1u << bit), "", 0);
        assert_malformed(&member, "gzip with an unknown method or flag");
    }
    struct member member = plain_member();
    member.data[2] = 7;
    assert_malformed(&member, "gzip with an unknown method or flag");
}

static void test_header_that_does_not_end_is_malformed(void **state)
{
    static const struct {
        uint8_t flags;
        const char *fields;
        size_t size;
    } cut[] = {
        {0x04, "", 0},        {0x04, "\1", 1}, {0x04, "\4\0abc", 5}, {0x08, "name", 4},
        {0x10, "comment", 7}, {0x02, "", 0},   {0x02, "\1", 1},      {0x0c, "\1\0x", 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        struct member member = {.size = 0};
        uint8_t fixed[10] = {0x1f, 0x8b, 8, cut[i].flags};
        put(&member, fixed, sizeof fixed);
        put(&member, cut[i].fields, cut[i].size);
        put(&member, "\xff\xff\xff\xff\1\0\0\0", 8); /* the trailer */
        assert_malformed(&member, "gzip header cut short");
    }
}

static void test_every_cut_of_a_member_is_refused(void **state)
{
    (void)state;
    struct member member = member_with_fhcrc();
    for (size_t size = 0; size < member.size; size++) {
        struct weft_bytes message;
        const char *why;
        int result = read_member(weft_view(member.data, size), &message, &why);
        assert_true(result == WEFT_EMALFORMED || result == WEFT_ETOOBIG);
        free(message.data);
    }
}

/* Some bits mean nothing (the time, the padding of the last byte); no other is taken. */
static void test_flipped_bit_never_gives_another_message(void **state)
{
    (void)state;
    struct member member = plain_member();
    for (size_t bit = 0; bit < 8 * member.size; bit++) {
        struct weft_bytes message;
        const char *why;
        member.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int result = read_member(weft_view(member.data, member.size), &message, &why);
        member.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (result == 0)
            assert_true(
                weft_view_equal(weft_view(message.data, message.size), weft_view(text, TEXT_SIZE)));
        else
            assert_true(result == WEFT_EMALFORMED || result == WEFT_ETOOBIG);
        free(message.data);
    }
}

static void test_size_in_the_trailer_must_be_exact(void **state)
{
    (void)state;
    struct member member = plain_member();
    uint8_t *isize = member.data + member.size - 4;
    isize[0]++;
    assert_malformed(&member, "gzip that is smaller than it says");
    isize[0] = (uint8_t)(isize[0] - 2);
    assert_malformed(&member, "gzip that is larger than it says");
}

static void test_checksum_of_the_message_is_checked(void **state)
{
    (void)state;
    struct member member = plain_member();
    member.data[member.size - 8] ^= 1;
    assert_malformed(&member, "gzip with a wrong checksum");
}

static void test_anything_behind_the_deflated_bytes_is_malformed(void **state)
{
    (void)state;
    struct member plain = plain_member(), member = {.size = 0};
    put(&member, plain.data, plain.size - 8);
    put(&member, "x", 1);
    put(&member, plain.data + plain.size - 8, 8);
    assert_malformed(&member, "something behind the gzip member");
}

/* The size of the message is that of both, as a reader that concatenates would have it. */
static void test_two_members_are_malformed(void **state)
{
    (void)state;
    struct member plain = plain_member(), member = plain;
    put(&member, plain.data, plain.size);
    assert_malformed(&member, "something behind the gzip member");
}

static void test_deflated_garbage_is_malformed(void **state)
{
    (void)state;
    struct member member = plain_member();
    member.data[10] |= 6; /* a block of the type that there is not */
    assert_malformed(&member, "gzip with broken or missing data");
}

static void test_size_over_the_limit_is_too_big_before_anything_else_is_read(void **state)
{
    static const uint8_t no_gzip[18] = {[14] = 1, [16] = 1}; /* 65537 */
    struct weft__gzip_member member;
    const char *why;
    (void)state;
    struct weft_view view = weft_view(no_gzip, sizeof no_gzip);
    assert_int_equal(weft__gzip_parse(view, 65536, &member, &why), WEFT_ETOOBIG);
    assert_int_equal(member.size, 65537);
    assert_int_equal(weft__gzip_parse(view, 65537, &member, &why), WEFT_EMALFORMED);
}

static void test_size_beyond_what_deflate_can_reach_is_malformed(void **state)
{
    (void)state;
    struct member member = plain_member();
    struct weft__gzip_member parsed;
    const char *why;
    for (uint32_t over = 0; over < 2; over++) {
        uint32_t size = 1032 * (uint32_t)member.size + over;
        for (unsigned i = 0; i < 4; i++)
            member.data[member.size - 4 + i] = (uint8_t)(size >> 8 * i);
        assert_int_equal(
            weft__gzip_parse(weft_view(member.data, member.size), UINT32_MAX, &parsed, &why),
            over ? WEFT_EMALFORMED : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte_of_the_magic_number_counts),
        cmocka_unit_test(test_every_header_field_is_accepted),
        cmocka_unit_test(test_header_checksum_is_checked),
        cmocka_unit_test(test_reserved_flags_and_other_methods_are_malformed),
        cmocka_unit_test(test_header_that_does_not_end_is_malformed),
        cmocka_unit_test(test_every_cut_of_a_member_is_refused),
        cmocka_unit_test(test_flipped_bit_never_gives_another_message),
        cmocka_unit_test(test_size_in_the_trailer_must_be_exact),
        cmocka_unit_test(test_checksum_of_the_message_is_checked),
        cmocka_unit_test(test_anything_behind_the_deflated_bytes_is_malformed),
        cmocka_unit_test(test_two_members_are_malformed),
        cmocka_unit_test(test_deflated_garbage_is_malformed),
        cmocka_unit_test(test_size_over_the_limit_is_too_big_before_anything_else_is_read),
        cmocka_unit_test(test_size_beyond_what_deflate_can_reach_is_malformed),
    };
    return cmocka_run_group_tests_name("gzip member", tests, NULL, NULL);
}
