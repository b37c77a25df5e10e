/* SPDX-License-Identifier: MIT
 *
 * The members that we write, judged by zlib's own reader. */
#include <errno.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "lib/fault.h"
#include "lib/guarded.h"
#include "lib/random.h"
#include "lib/stream.h"
#include "gzip_fixture.h"

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
/* Nothing of an earlier message is left in a state, so that one stands for the message as the other
 * does; they need not be the same bytes. */
static void test_used_and_fresh_states_make_members_of_the_message(void **state)
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
        assert_gunzips(weft_view(a, (size_t)size_a), message);
        assert_gunzips(weft_view(b, (size_t)size_b), message);
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

/* The engine chooses the member, so the size at which it fits may vary by some bytes. */
static void deflate_to_every_cap(int level)
{
    enum { SOME = 8 };
    size_t whole = member_at(level).size;
    for (size_t cap = 0; cap <= whole + SOME; cap++) {
        struct weft__gzip gzip = {0};
        struct guarded dst = guarded_new(cap);
        ssize_t size = weft__gzip_deflate(&gzip, level, weft_view(text, TEXT_SIZE), dst.data, cap);
        assert_in_range(size, 0, cap);
        if (size > 0)
            assert_gunzips(weft_view(dst.data, (size_t)size), weft_view(text, TEXT_SIZE));
        if (cap < whole - SOME || cap == whole + SOME)
            assert_int_equal(size > 0, cap > whole);
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

/* An engine keeps the memory that it has taken for a level. */
static void test_second_member_of_a_level_takes_no_memory(void **state)
{
    struct weft__gzip gzip = {0};
    uint8_t data[MEMBER_MAX];
    (void)state;
    for (int level = 1; level <= 9; level++) {
        assert_true(weft__gzip_deflate(&gzip, level, weft_view(text, TEXT_SIZE), data, MEMBER_MAX) >
                    0);
        fault_arm(FAULT_FROM, 0);
        assert_true(weft__gzip_deflate(&gzip, level, weft_view(text, TEXT_SIZE), data, MEMBER_MAX) >
                    0);
        assert_int_equal(fault_allocations(), 0);
        fault_disarm();
    }
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
        cmocka_unit_test(test_empty_message_has_a_member),
        cmocka_unit_test(test_every_level_gives_back_every_message),
        cmocka_unit_test(test_levels_trade_size),
        cmocka_unit_test(test_used_and_fresh_states_make_members_of_the_message),
        cmocka_unit_test(test_deflate_writes_what_other_readers_read),
        cmocka_unit_test(test_deflate_that_does_not_fit_writes_nothing_beyond_cap),
        cmocka_unit_test(test_engines_start_anew_after_a_failure),
        FAULT_TEST(test_second_member_of_a_level_takes_no_memory),
        cmocka_unit_test(test_every_allocation_of_the_engines_may_fail),
        cmocka_unit_test(test_auto_level_falls_with_the_size),
    };
    return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
