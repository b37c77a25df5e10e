/* SPDX-License-Identifier: MIT
 *
 * Moves the bytes of one chain to another. */
#include "chain_fixture.h"

static void move_between(struct chain_fixture *f, size_t size)
{
    struct weft_chain from;
    weft_chain_init(&from, &f->pool);
    append_run(&from, 'x', size);
    weft_chain_consume(&from, 1);
    append(&f->chain, "abc");
    weft_chain_move(&f->chain, &from);
    assert_int_equal(f->chain.bytes, 3 + size - 1);
    assert_int_equal(from.bytes, 0);
    assert_null(from.head);
    append(&f->chain, "z");

    uint8_t bytes[8192];
    assert_int_equal(flatten(&f->chain, bytes, sizeof bytes), 3 + size);
    assert_memory_equal(bytes, "abcx", 4);
    assert_memory_equal(bytes + size + 1, "xz", 2);
}

static void test_move_of_little_fills_the_tail(void **state)
{
    move_between(*state, 100);
    assert_int_equal(count_segments(&((struct chain_fixture *)*state)->chain), 1);
}

static void test_move_of_much_takes_the_segments(void **state)
{
    move_between(*state, 5000);
    assert_int_equal(count_segments(&((struct chain_fixture *)*state)->chain), 2);
}

static void test_move_to_an_empty_chain_and_from_one(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_chain from;
    weft_chain_init(&from, &f->pool);
    weft_chain_move(&f->chain, &from);
    expect(&f->chain, "");
    append(&from, "abc");
    weft_chain_move(&f->chain, &from);
    expect(&f->chain, "abc");
    weft_chain_move(&f->chain, &from);
    expect(&f->chain, "abc");
}

static void test_move_of_a_small_blob_gives_it_up(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_chain from;
    weft_chain_init(&from, &f->pool);
    struct weft_blob *blob = make_large_blob();
    assert_int_equal(weft_chain_append_blob(&from, blob), 0);
    weft_blob_unref(blob);
    weft_chain_consume(&from, LARGE_BLOB - 4);
    append(&f->chain, "<");
    weft_chain_move(&f->chain, &from);
    expect(&f->chain, "<BBBB");
    assert_int_equal(count_segments(&f->chain), 1);
}

static void test_move_of_little_without_memory_takes_the_segments(void **state)
{
    struct chain_fixture *f = *state;
    struct weft_chain from;
    weft_chain_init(&from, &f->pool);
    append(&from, "abc");
    append_run(&f->chain, 'x', WEFT_PIECE_SIZE);
    fault_arm(FAULT_FROM, 0);
    weft_chain_move(&f->chain, &from);
    assert_int_equal(fault_failed(), 1);
    fault_disarm();
    weft_chain_consume(&f->chain, WEFT_PIECE_SIZE);
    expect(&f->chain, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_move_of_little_fills_the_tail),
        TEST(test_move_of_much_takes_the_segments),
        TEST(test_move_to_an_empty_chain_and_from_one),
        TEST(test_move_of_a_small_blob_gives_it_up),
        TEST(test_move_of_little_without_memory_takes_the_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
