/* SPDX-License-Identifier: MIT
 *
 * Members as other programs could write them, sound and broken; zlib's own reader is the judge of
 * what we write. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#define ZLIB_CONST
#include <zlib.h>

#include "codecs/gzip.h"
#include "lib/fault.h"
#include "lib/guarded.h"
#include "lib/random.h"
#include "lib/stream.h"

static const char text[] = "a message that says a message that says a message that says little";
enum { TEXT_SIZE = sizeof text - 1, MEMBER_MAX = 512, FLAGS = 3 };

struct member {
    uint8_t data[MEMBER_MAX];
    size_t size;
};

static void put(struct member *member, const void *data, size_t size)
{
    assert_true(member->size + size <= MEMBER_MAX);
    memcpy(member->data + member->size, data, size);
    member->size += size;
}

/* What we write ourselves of text. */
static struct member member_at(int level)
{
    struct weft__gzip gzip = {0};
    struct member member = {.size = 0};
    ssize_t size =
        weft__gzip_deflate(&gzip, level, weft_view(text, TEXT_SIZE), member.data, MEMBER_MAX);
    assert_true(size > 0);
    member.size = (size_t)size;
    weft__gzip_fini(&gzip);
    return member;
}

static struct member plain_member(void)
{
    return member_at(6);
}

/* The same with these flags, and these bytes between the ten fixed ones and the deflated. */
static struct member member_with(uint8_t flags, const void *fields, size_t size)
{
    struct member plain = plain_member(), member = {.size = 0};
    plain.data[FLAGS] = flags;
    put(&member, plain.data, 10);
    put(&member, fields, size);
    put(&member, plain.data + 10, plain.size - 10);
    return member;
}

/* Parses and inflates, out of and into memory of exactly the size. *message is to be freed, also
 * where that fails. */
static int read_member(struct weft_view view, struct weft_bytes *message, const char **why)
{
    struct weft__gzip gzip = {0};
    struct weft__gzip_member member;
    struct guarded copy = guarded_copy(view.data, view.size);
    *message = (struct weft_bytes){0};
    *why = NULL;
    int result = weft__gzip_parse(weft_view(copy.data, view.size), 1 << 20, &member, why);
    if (result == 0) {
        struct guarded dst = guarded_new(member.size);
        result = weft__gzip_inflate(&gzip, &member, dst.data, why);
        *message = (struct weft_bytes){malloc(member.size + 1), member.size};
        assert_non_null(message->data);
        memcpy(message->data, dst.data, member.size);
        guarded_free(&dst);
    }
    guarded_free(&copy);
    weft__gzip_fini(&gzip);
    return result;
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

static void test_empty_message_has_a_member(void **state)
{
    struct weft__gzip gzip = {0};
    uint8_t data[64];
    struct weft_bytes message;
    const char *why;
    (void)state;
    ssize_t size = weft__gzip_deflate(&gzip, 1, weft_view(NULL, 0), data, sizeof data);
    assert_true(size > 0);
    assert_int_equal(read_member(weft_view(data, (size_t)size), &message, &why), 0);
    assert_int_equal(message.size, 0);
    free(message.data);
    weft__gzip_fini(&gzip);
}

/* gunzip, as zlib has it. */
static void assert_gunzips(struct weft_view member, struct weft_view message)
{
    struct guarded out = guarded_new(message.size + 1);
    z_stream stream = {.next_in = member.data,
                       .avail_in = (uInt)member.size,
                       .next_out = out.data,
                       .avail_out = (uInt)message.size + 1};
    assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_true(weft_view_equal(weft_view(out.data, stream.total_out), message));
    inflateEnd(&stream);
    guarded_free(&out);
}

/* Around what a match and a window can be, and where engines take other ways. */
static const size_t sizes[] = {0,    1,     2,     3,     55,    257,    258,   259,
                               1437, 16384, 32767, 32768, 32769, 100000, 300000};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void test_every_level_gives_back_every_message(void **state)
{
    (void)state;
    struct weft__gzip gzip = {0};
    for (size_t i = 0; i < SIZES * CONTENTS; i++) {
        uint8_t *data = content_new((enum content)(i % CONTENTS), sizes[i / CONTENTS]);
        struct weft_view view = weft_view(data, sizes[i / CONTENTS]);
        struct guarded message = guarded_copy(view.data, view.size);
        for (int level = 1; level <= 9; level++) {
            struct guarded out = guarded_new(view.size + view.size / 8 + 1000);
            struct weft_bytes again;
            const char *why;
            ssize_t size = weft__gzip_deflate(&gzip, level, weft_view(message.data, view.size),
                                              out.data, view.size + view.size / 8 + 1000);
            assert_true(size > 0);
            assert_gunzips(weft_view(out.data, (size_t)size), view);
            assert_int_equal(read_member(weft_view(out.data, (size_t)size), &again, &why), 0);
            assert_true(weft_view_equal(weft_view(again.data, again.size), view));
            free(again.data);
            guarded_free(&out);
        }
        guarded_free(&message);
        free(data);
    }
    weft__gzip_fini(&gzip);
}

/* The highest level is worth its time, and the lowest is a compression. */
static void test_levels_trade_size(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    struct weft__gzip gzip = {0};
    uint8_t *data = content_new(TEXT, SIZE), *out = malloc(SIZE);
    assert_non_null(out);
    ssize_t most = weft__gzip_deflate(&gzip, 1, weft_view(data, SIZE), out, SIZE);
    ssize_t least = weft__gzip_deflate(&gzip, 9, weft_view(data, SIZE), out, SIZE);
    assert_in_range(most, 1, SIZE / 2);
    assert_in_range(least, 1, most - 1);
    free(out);
    free(data);
    weft__gzip_fini(&gzip);
}

/* Nothing of earlier messages and levels is left in what an engine writes. */
static void test_member_depends_on_message_and_level_alone(void **state)
{
    (void)state;
    enum { MOST = 70000, ROUNDS = 300 };
    struct weft__gzip used = {0};
    struct test_random random = test_random_start(3);
    uint8_t *a = malloc(MOST), *b = malloc(MOST);
    assert_true(a && b);
    for (int i = 0; i < ROUNDS; i++) {
        struct weft__gzip fresh = {0};
        size_t size = test_random_below(&random, i % 3 == 0 ? MOST : 3000);
        int level = 1 + (int)test_random_below(&random, 9);
        uint8_t *data = content_new((enum content)test_random_below(&random, CONTENTS), size);
        size_t skipped = test_random_below(&random, size + 1);
        struct weft_view message = weft_view_skip(weft_view(data, size), skipped);
        ssize_t size_a = weft__gzip_deflate(&used, level, message, a, MOST);
        ssize_t size_b = weft__gzip_deflate(&fresh, level, message, b, MOST);
        assert_int_equal(size_a, size_b);
        assert_memory_equal(a, b, (size_t)size_a);
        free(data);
        weft__gzip_fini(&fresh);
    }
    free(a);
    free(b);
    weft__gzip_fini(&used);
}

/* gunzip again, down to the header it reports. */
static void test_deflate_writes_what_other_readers_read(void **state)
{
    (void)state;
    struct member member = plain_member();
    uint8_t message[TEXT_SIZE + 1];
    gz_header header = {0};
    z_stream stream = {.next_in = member.data,
                       .avail_in = (uInt)member.size,
                       .next_out = message,
                       .avail_out = sizeof message};
    assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflateGetHeader(&stream, &header), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, TEXT_SIZE);
    assert_memory_equal(message, text, TEXT_SIZE);
    assert_int_equal(header.time, 0);
    assert_int_equal(header.os, 255);
    assert_int_equal(stream.avail_in, 0);
    inflateEnd(&stream);
}

static void deflate_to_every_cap(int level)
{
    size_t whole = member_at(level).size;
    for (size_t cap = 0; cap <= whole; cap++) {
        struct weft__gzip gzip = {0};
        struct guarded dst = guarded_new(cap);
        ssize_t size = weft__gzip_deflate(&gzip, level, weft_view(text, TEXT_SIZE), dst.data, cap);
        assert_int_equal(size, cap < whole ? 0 : whole);
        guarded_free(&dst);
        weft__gzip_fini(&gzip);
    }
}

static void test_deflate_that_does_not_fit_writes_nothing_beyond_cap(void **state)
{
    (void)state;
    for (int level = 1; level <= 9; level++)
        deflate_to_every_cap(level);
}

/* A member that did not fit leaves the engine in the middle of its work. */
static void test_engines_start_anew_after_a_failure(void **state)
{
    struct weft__gzip gzip = {0};
    struct member expected = plain_member();
    uint8_t data[MEMBER_MAX];
    (void)state;
    assert_int_equal(weft__gzip_deflate(&gzip, 6, weft_view(text, TEXT_SIZE), data, 30), 0);
    assert_int_equal(weft__gzip_deflate(&gzip, 6, weft_view(text, TEXT_SIZE), data, MEMBER_MAX),
                     expected.size);
    assert_memory_equal(data, expected.data, expected.size);

    struct weft__gzip_member good, bad;
    uint8_t message[TEXT_SIZE];
    const char *why;
    assert_int_equal(weft__gzip_parse(weft_view(data, expected.size), TEXT_SIZE, &good, &why), 0);
    bad = good;
    bad.deflated.size /= 2;
    assert_int_equal(weft__gzip_inflate(&gzip, &bad, message, &why), WEFT_EMALFORMED);
    assert_int_equal(weft__gzip_inflate(&gzip, &good, message, &why), 0);
    assert_memory_equal(message, text, TEXT_SIZE);
    weft__gzip_fini(&gzip);
}

static void use_all_engines(void *arg)
{
    struct weft__gzip gzip = {0};
    const struct member *member = arg;
    struct weft__gzip_member parsed;
    uint8_t data[MEMBER_MAX], message[TEXT_SIZE];
    const char *why;

    for (int level = 1; level <= 9; level += 2) {
        ssize_t size =
            weft__gzip_deflate(&gzip, level, weft_view(text, TEXT_SIZE), data, MEMBER_MAX);
        assert_true(size > 0 || (size == -ENOMEM && fault_failed() > 0));
    }
    assert_int_equal(
        weft__gzip_parse(weft_view(member->data, member->size), TEXT_SIZE, &parsed, &why), 0);
    int result = weft__gzip_inflate(&gzip, &parsed, message, &why);
    assert_true(result == 0 || (result == -ENOMEM && fault_failed() > 0));
    /* Broken data makes zlib ask for its window. */
    parsed.deflated.size /= 2;
    result = weft__gzip_inflate(&gzip, &parsed, message, &why);
    assert_true(result == WEFT_EMALFORMED || (result == -ENOMEM && fault_failed() > 0));
    weft__gzip_fini(&gzip);
}

static void test_every_allocation_of_the_engines_may_fail(void **state)
{
    (void)state;
    struct member member = plain_member();
    fault_each(use_all_engines, &member);
}

static void test_auto_level_falls_with_the_size(void **state)
{
    (void)state;
    int last = weft__gzip_auto_level(0);
    assert_in_range(last, 1, 9);
    for (size_t size = 1; size < (size_t)1 << 33; size += size / 3 + 1) {
        int level = weft__gzip_auto_level(size);
        assert_in_range(level, 0, last);
        last = level;
    }
    assert_int_equal(last, 0);
    assert_true(weft__gzip_auto_level(256 << 10) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(test_empty_message_has_a_member),
        cmocka_unit_test(test_every_level_gives_back_every_message),
        cmocka_unit_test(test_levels_trade_size),
        cmocka_unit_test(test_member_depends_on_message_and_level_alone),
        cmocka_unit_test(test_deflate_writes_what_other_readers_read),
        cmocka_unit_test(test_deflate_that_does_not_fit_writes_nothing_beyond_cap),
        cmocka_unit_test(test_engines_start_anew_after_a_failure),
        cmocka_unit_test(test_every_allocation_of_the_engines_may_fail),
        cmocka_unit_test(test_auto_level_falls_with_the_size),
    };
    return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
