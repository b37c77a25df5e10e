/* SPDX-License-Identifier: MIT
 *
 * Chains go back to a mark, whatever was added since. */
#include "chain_fixture.h"

static void test_rollback_of_an_empty_chain_leaves_it_empty(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    append(&f->chain, "abc");
    append_run(&f->chain, 'd', 2 * WEFT_PIECE_SIZE);
    weft_chain_rollback(&f->chain, mark);
    assert_null(f->chain.head);
    assert_int_equal(f->chain.bytes, 0);
    append(&f->chain, "xyz");
    expect(&f->chain, "xyz");
}

static void test_rollback_within_a_segment_keeps_what_came_before(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "abc");
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    append(&f->chain, "def");
    weft_chain_rollback(&f->chain, mark);
    expect(&f->chain, "abc");
    append(&f->chain, "xyz");
    expect(&f->chain, "abcxyz");
}

static void test_rollback_gives_up_segments_and_blobs(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "abc");
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    struct weft_blob *blob = make_large_blob();
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    weft_blob_unref(blob);
    append_run(&f->chain, 'd', 2 * WEFT_PIECE_SIZE);
    weft_chain_rollback(&f->chain, mark);
    expect(&f->chain, "abc");
    assert_int_equal(count_segments(&f->chain), 1);
}

static void test_rollback_to_a_blob_does_not_write_into_it(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_blob *blob = make_large_blob();
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    append(&f->chain, "abc");
    weft_chain_rollback(&f->chain, mark);
    append(&f->chain, "xyz");
    assert_int_equal(f->chain.bytes, LARGE_BLOB + 3);
    assert_int_equal(weft_blob_view(blob).data[0], 'B');
    weft_chain_consume(&f->chain, LARGE_BLOB);
    expect(&f->chain, "xyz");
    weft_blob_unref(blob);
}

static void test_rollback_to_an_uncommitted_reserve_is_fine(void **state)
{
    struct chain_fixture *f = *state;
    assert_non_null(weft_chain_reserve(&f->chain, 10));
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    append_run(&f->chain, 'a', 2 * WEFT_PIECE_SIZE);
    weft_chain_rollback(&f->chain, mark);
    expect(&f->chain, "");
    append(&f->chain, "abc");
    expect(&f->chain, "abc");
}

static void test_rollback_after_a_partly_consumed_head_keeps_the_rest(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "abcdef");
    weft_chain_consume(&f->chain, 4);
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    append(&f->chain, "gh");
    append_run(&f->chain, 'i', WEFT_PIECE_SIZE);
    weft_chain_rollback(&f->chain, mark);
    expect(&f->chain, "ef");
}

static void test_rollback_of_a_move_drops_what_was_moved(void **state)
{
    struct chain_fixture *f = *state;
    append(&f->chain, "abc");
    struct weft_chain from;
    weft_chain_init(&from, &f->pool);
    append_run(&from, 'x', 2000);
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    weft_chain_move(&f->chain, &from);
    weft_chain_rollback(&f->chain, mark);
    expect(&f->chain, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rollback_of_an_empty_chain_leaves_it_empty),
        TEST(test_rollback_within_a_segment_keeps_what_came_before),
        TEST(test_rollback_gives_up_segments_and_blobs),
        TEST(test_rollback_to_a_blob_does_not_write_into_it),
        TEST(test_rollback_to_an_uncommitted_reserve_is_fine),
        TEST(test_rollback_after_a_partly_consumed_head_keeps_the_rest),
        TEST(test_rollback_of_a_move_drops_what_was_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
