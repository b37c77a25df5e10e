/* SPDX-License-Identifier: MIT
 *
 * Compares the memory of a chain that nobody reads with the bytes that it counts. */
#include "chain_fixture.h"

#include "lib/random.h"

enum { MARK = 1024 * 1024, HEADER = 4 };

enum kind { WRITTEN, REFERENCED };

/* Adds a length and a body. The chain has the only reference to a blob, so its bytes count too. */
static void add_reply(struct weft_chain *chain, enum kind kind, size_t size)
{
    size_t own = kind == WRITTEN ? size : 0;
    uint8_t *dst = weft_chain_reserve(chain, HEADER + own);
    assert_non_null(dst);
    memset(dst, 'x', HEADER + own);
    weft_chain_commit(chain, HEADER + own);
    if (kind == REFERENCED) {
        uint8_t *data;
        struct weft_blob *blob = weft_blob_new(size, &data);
        assert_non_null(blob);
        memset(data, 'x', size);
        assert_int_equal(weft_chain_append_blob(chain, blob), 0);
        weft_blob_unref(blob);
    }
}

/* The chain may be one reply over the mark, since a reply is always taken below it. */
static void assert_within_a_quarter(const struct weft_chain *chain, size_t size)
{
    size_t bytes = chain->bytes > MARK ? chain->bytes : MARK;
    if (fault_bytes() * 4 > bytes * 5)
        fail_msg("replies of %zu bytes: %zu bytes counted, %zu alive", size, chain->bytes,
                 fault_bytes());
}

static void fill_with_one_size(struct chain_fixture *f, enum kind kind, size_t size)
{
    while (f->chain.bytes < MARK)
        add_reply(&f->chain, kind, size);
    assert_within_a_quarter(&f->chain, size);
    weft_chain_consume(&f->chain, f->chain.bytes);
}

static void fill_with_all_sizes(struct chain_fixture *f, enum kind kind)
{
    for (size_t size = 64; size <= 64 * 1024; size *= 2) {
        fill_with_one_size(f, kind, size - HEADER);
        fill_with_one_size(f, kind, size);
        fill_with_one_size(f, kind, size + 1);
        fill_with_one_size(f, kind, size + size / 8);
        fill_with_one_size(f, kind, size + size / 2 - 1);
    }
}

static void test_written_bodies_of_any_size_take_a_quarter_more_at_most(void **state)
{
    fill_with_all_sizes(*state, WRITTEN);
}

static void test_blobs_of_any_size_take_a_quarter_more_at_most(void **state)
{
    fill_with_all_sizes(*state, REFERENCED);
}

static void test_bodies_of_both_kinds_by_turns_take_a_quarter_more_at_most(void **state)
{
    struct chain_fixture *f = *state;
    for (size_t written = 64; written <= 64 * 1024; written = written * 3 / 2) {
        for (size_t referenced = 64; referenced <= 64 * 1024; referenced = referenced * 3 / 2) {
            while (f->chain.bytes < MARK) {
                add_reply(&f->chain, WRITTEN, written);
                add_reply(&f->chain, REFERENCED, referenced);
            }
            assert_within_a_quarter(&f->chain, referenced);
            weft_chain_consume(&f->chain, f->chain.bytes);
        }
    }
}

/* The sum stays right while bytes leave, are rolled back and move, so no allowance is spent twice. */
static void test_chain_that_lives_long_stays_within_a_quarter(void **state)
{
    struct chain_fixture *f = *state;
    struct test_random random = test_random_start(7);
    for (int i = 0; i < 20000; i++) {
        struct weft_chain_mark mark = weft_chain_mark(&f->chain);
        size_t size = 64 + test_random_below(&random, i % 3 == 0 ? 20000 : 2000);
        add_reply(&f->chain, i % 2 ? WRITTEN : REFERENCED, size);
        if (i % 5 == 0)
            weft_chain_rollback(&f->chain, mark);
        if (i % 7 == 0) {
            struct weft_chain more;
            weft_chain_init(&more, &f->pool);
            add_reply(&more, WRITTEN, test_random_below(&random, WEFT_COPY_MAX - HEADER));
            weft_chain_move(&f->chain, &more);
        }
        if (f->chain.bytes >= MARK) {
            assert_within_a_quarter(&f->chain, size);
            weft_chain_consume(&f->chain, test_random_below(&random, f->chain.bytes));
        }
    }
    weft_chain_consume(&f->chain, f->chain.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_written_bodies_of_any_size_take_a_quarter_more_at_most),
        TEST(test_blobs_of_any_size_take_a_quarter_more_at_most),
        TEST(test_bodies_of_both_kinds_by_turns_take_a_quarter_more_at_most),
        TEST(test_chain_that_lives_long_stays_within_a_quarter),
    };
    return cmocka_run_group_tests_name("chain memory", tests, NULL, NULL);
}
