/* SPDX-License-Identifier: MIT
 *
 * Chains: bytes in at one end and out at the other, and the pieces between. */
#include <errno.h>
#include <string.h>

#include "chain_fixture.h"

static void test_new_chain_is_empty_and_holds_nothing(void **state)
{
    struct chain_fixture *f = *state;
    struct iovec vec[1];
    assert_int_equal(weft_chain_peek(&f->chain, vec, 1), 0);
    weft_chain_consume(&f->chain, 0);
    assert_int_equal(fault_allocations(), 0);
}

static void test_append_and_consume_are_first_in_first_out(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "hello ");
    append(&f->chain, "world");
    expect(&f->chain, "hello world");
    weft_chain_consume(&f->chain, 3);
    expect(&f->chain, "lo world");
    append(&f->chain, "!");
    expect(&f->chain, "lo world!");
}

static void test_reserved_bytes_count_once_committed(void **state)
{
    struct chain_fixture *f = *state;
    uint8_t *dst = weft_chain_reserve(&f->chain, 10);
    assert_non_null(dst);
    assert_int_equal(f->chain.bytes, 0);
    memcpy(dst, "abc", 3);
    weft_chain_commit(&f->chain, 3);
    expect(&f->chain, "abc");
}

static void test_reserve_in_the_tail_is_behind_what_was_committed(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "abc");
    uint8_t *dst = weft_chain_reserve(&f->chain, 3);
    assert_non_null(dst);
    memcpy(dst, "def", 3);
    weft_chain_commit(&f->chain, 3);
    expect(&f->chain, "abcdef");
    assert_int_equal(count_segments(&f->chain), 1);
}

static void test_reserve_over_a_segment_is_contiguous(void **state)
{
    struct chain_fixture *f = *state;
    append_run(&f->chain, 'a', 10);
    append_run(&f->chain, 'b', 5 * WEFT_PIECE_SIZE);
    struct iovec vec[3];
    assert_int_equal(weft_chain_peek(&f->chain, vec, 3), 2);
    assert_int_equal(vec[1].iov_len, 5 * WEFT_PIECE_SIZE);
}

static void test_reserve_that_is_never_committed_changes_nothing(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "abc");
    assert_non_null(weft_chain_reserve(&f->chain, 2 * WEFT_PIECE_SIZE));
    assert_non_null(weft_chain_reserve(&f->chain, 3 * WEFT_PIECE_SIZE));
    expect(&f->chain, "abc");
    append(&f->chain, "def");
    expect(&f->chain, "abcdef");
}

static void test_empty_segment_goes_when_it_reaches_the_head(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "abc");
    assert_non_null(weft_chain_reserve(&f->chain, 2 * WEFT_PIECE_SIZE));
    assert_non_null(weft_chain_reserve(&f->chain, 3 * WEFT_PIECE_SIZE));
    append(&f->chain, "def");
    weft_chain_consume(&f->chain, 3);
    expect(&f->chain, "def");
    assert_int_equal(count_segments(&f->chain), 1);
}

static void test_chain_left_empty_holds_no_segment(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "abc");
    assert_non_null(weft_chain_reserve(&f->chain, 2 * WEFT_PIECE_SIZE));
    weft_chain_consume(&f->chain, 3);
    assert_null(f->chain.head);
    assert_null(f->chain.tail);
    assert_int_equal(f->pool.count, 1);
}

static void test_reserve_of_a_size_that_cannot_be_is_no_memory(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "abc");
    assert_null(weft_chain_reserve(&f->chain, SIZE_MAX));
    expect(&f->chain, "abc");
}

static void test_append_fills_the_tail_before_it_takes_another(void **state)
{
    struct chain_fixture *f = *state;
    append_run(&f->chain, 'a', WEFT_PIECE_SIZE - 2);
    append(&f->chain, "bcd");
    struct iovec vec[3];
    assert_int_equal(weft_chain_peek(&f->chain, vec, 3), 2);
    assert_int_equal(vec[0].iov_len, WEFT_PIECE_SIZE);
    assert_int_equal(vec[1].iov_len, 1);
    assert_memory_equal(vec[1].iov_base, "d", 1);
}

static void test_append_of_nothing_allocates_nothing(void **state)
{
    struct chain_fixture *f = *state;
    assert_int_equal(weft_chain_append(&f->chain, weft_view(NULL, 0)), 0);
    assert_int_equal(fault_allocations(), 0);
}

static void test_append_without_memory_changes_nothing(void **state)
{
    struct chain_fixture *f = *state;
    append_run(&f->chain, 'a', WEFT_PIECE_SIZE - 2);
    fault_arm(FAULT_FROM, 0);
    assert_int_equal(weft_chain_append(&f->chain, weft_view_str("bcd")), -ENOMEM);
    assert_int_equal(f->chain.bytes, WEFT_PIECE_SIZE - 2);
    fault_disarm();
    append(&f->chain, "b");
    assert_int_equal(f->chain.bytes, WEFT_PIECE_SIZE - 1);
}

static void test_blob_is_referenced_not_copied(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_blob *blob = make_large_blob();
    append(&f->chain, "<");
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    append(&f->chain, ">");
    struct iovec vec[3];
    assert_int_equal(weft_chain_peek(&f->chain, vec, 3), 3);
    assert_ptr_equal(vec[1].iov_base, weft_blob_view(blob).data);
    assert_int_equal(vec[1].iov_len, LARGE_BLOB);
    weft_blob_unref(blob);
    weft_chain_consume(&f->chain, 1 + LARGE_BLOB);
    expect(&f->chain, ">");
}

static void test_small_blob_is_copied_and_not_held(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_blob *blob = make_blob("blob");
    append(&f->chain, "<");
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    weft_blob_unref(blob);
    append(&f->chain, ">");
    assert_int_equal(count_segments(&f->chain), 1);
    assert_int_equal(fault_live(), 1);
    expect(&f->chain, "<blob>");
}

static void test_consumed_blob_is_given_up(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_blob *blob = make_large_blob();
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    weft_blob_unref(blob);
    weft_chain_consume(&f->chain, LARGE_BLOB - 1);
    expect(&f->chain, "B");
    weft_chain_consume(&f->chain, 1);
    assert_int_equal(f->pool.ref_count, 1);
    assert_int_equal(fault_live(), 1);
}

static void test_empty_blob_adds_nothing(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_blob *blob = make_blob("");
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    assert_null(f->chain.head);
    weft_blob_unref(blob);
    assert_int_equal(fault_live(), 0);
}

static void test_blob_without_memory_takes_no_reference(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_blob *blob = make_large_blob();
    fault_arm(FAULT_FROM, 0);
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), -ENOMEM);
    fault_disarm();
    assert_int_equal(f->chain.bytes, 0);
    weft_blob_unref(blob);
    assert_int_equal(fault_live(), 0);
}

static void test_peek_shows_no_more_than_it_is_asked_for(void **state)
{
    struct chain_fixture *f = *state;
    for (int i = 0; i < 3; i++)
        append_run(&f->chain, 'a' + i, WEFT_PIECE_SIZE);
    struct iovec vec[3];
    assert_int_equal(weft_chain_peek(&f->chain, vec, 0), 0);
    assert_int_equal(weft_chain_peek(&f->chain, vec, 2), 2);
    assert_memory_equal(vec[1].iov_base, "b", 1);
}

static void test_wipe_overwrites_the_first_bytes_that_are_the_chains_own(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_blob *blob = make_large_blob();
    struct iovec vec[3];
    append(&f->chain, "-secret");
    weft_chain_consume(&f->chain, 1);
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    append(&f->chain, "secret too");
    weft_chain_wipe(&f->chain, 6 + LARGE_BLOB + 6);
    assert_int_equal(weft_chain_peek(&f->chain, vec, 3), 3);
    assert_memory_equal(vec[0].iov_base, "\0\0\0\0\0\0", 6);
    assert_memory_equal(vec[1].iov_base, "BB", 2);
    assert_memory_equal(vec[2].iov_base, "\0\0\0\0\0\0 too", 10);
    weft_blob_unref(blob);
}

static void test_pool_reuses_the_segment_freed_last(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "abc");
    const struct weft_piece *piece = f->chain.head;
    weft_chain_consume(&f->chain, 3);
    append(&f->chain, "def");
    assert_ptr_equal(f->chain.head, piece);
}

static void test_pool_keeps_no_more_than_its_maximum(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_blob *blob = make_large_blob();
    for (int i = 0; i < 5; i++) {
        append_run(&f->chain, 'a', WEFT_PIECE_SIZE);
        assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    }
    weft_blob_unref(blob);
    weft_chain_consume(&f->chain, f->chain.bytes);
    assert_int_equal(f->pool.count, 2);
    assert_int_equal(f->pool.ref_count, 2);
    assert_int_equal(fault_live(), 4);
}

static void test_pool_keeps_no_large_segment(void **state)
{
    struct chain_fixture *f = *state;
    append_run(&f->chain, 'a', WEFT_PIECE_SIZE + 1);
    weft_chain_consume(&f->chain, WEFT_PIECE_SIZE + 1);
    assert_int_equal(f->pool.count, 0);
    assert_int_equal(fault_live(), 0);
}

static void test_steady_state_allocates_nothing(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_blob *blob = make_large_blob();
    for (int i = 0; i < 100; i++) {
        if (i == 1)
            fault_arm(FAULT_FROM, 0);
        append_run(&f->chain, 'a', WEFT_PIECE_SIZE - 1);
        append(&f->chain, "bcd");
        assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
        while (f->chain.bytes > 0)
            weft_chain_consume(&f->chain, f->chain.bytes < 5000 ? f->chain.bytes : 5000);
    }
    assert_int_equal(fault_allocations(), 0);
    fault_disarm();
    weft_blob_unref(blob);
}

static void test_chain_without_a_pool_uses_the_allocator(void **state)
{
    (void)state;
    struct weft_chain chain;
    weft_chain_init(&chain, NULL);
    struct weft_blob *blob = make_blob("blob");
    append(&chain, "abc");
    assert_int_equal(weft_chain_append_blob(&chain, blob), 0);
    weft_blob_unref(blob);
    expect(&chain, "abcblob");
    weft_chain_consume(&chain, 7);
    assert_int_equal(fault_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_new_chain_is_empty_and_holds_nothing),
        TEST(test_append_and_consume_are_first_in_first_out),
        TEST(test_reserved_bytes_count_once_committed),
        TEST(test_reserve_in_the_tail_is_behind_what_was_committed),
        TEST(test_reserve_over_a_segment_is_contiguous),
        TEST(test_reserve_that_is_never_committed_changes_nothing),
        TEST(test_empty_segment_goes_when_it_reaches_the_head),
        TEST(test_chain_left_empty_holds_no_segment),
        TEST(test_reserve_of_a_size_that_cannot_be_is_no_memory),
        TEST(test_append_fills_the_tail_before_it_takes_another),
        TEST(test_append_of_nothing_allocates_nothing),
        TEST(test_append_without_memory_changes_nothing),
        TEST(test_blob_is_referenced_not_copied),
        TEST(test_small_blob_is_copied_and_not_held),
        TEST(test_consumed_blob_is_given_up),
        TEST(test_empty_blob_adds_nothing),
        TEST(test_blob_without_memory_takes_no_reference),
        TEST(test_peek_shows_no_more_than_it_is_asked_for),
        TEST(test_wipe_overwrites_the_first_bytes_that_are_the_chains_own),
        TEST(test_pool_reuses_the_segment_freed_last),
        TEST(test_pool_keeps_no_more_than_its_maximum),
        TEST(test_pool_keeps_no_large_segment),
        TEST(test_steady_state_allocates_nothing),
        TEST(test_chain_without_a_pool_uses_the_allocator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
