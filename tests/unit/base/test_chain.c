/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "core/chain.h"
#include "lib/fault.h"

/* Every test has a chain over a pool that keeps two segments, and must give back all memory. */
struct fixture {
    struct weft_segment_pool pool;
    struct weft_chain chain;
};

static struct fixture fixture;

static int setup(void **state)
{
    fault_install();
    weft_segment_pool_init(&fixture.pool, 2);
    weft_chain_init(&fixture.chain, &fixture.pool);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    weft_chain_fini(&f->chain);
    weft_segment_pool_fini(&f->pool);
    size_t live = fault_live();
    fault_remove();
    return live == 0 ? 0 : -1;
}

/* All bytes as peek shows them, and that it never shows an empty vector. */
static size_t flatten(const struct weft_chain *chain, uint8_t *dst, size_t size)
{
    struct iovec vec[64];
    int count = weft_chain_peek(chain, vec, 64);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        assert_true(vec[i].iov_len > 0);
        assert_true(used + vec[i].iov_len <= size);
        memcpy(dst + used, vec[i].iov_base, vec[i].iov_len);
        used += vec[i].iov_len;
    }
    assert_int_equal(used, chain->bytes);
    return used;
}

static void expect(const struct weft_chain *chain, const char *text)
{
    uint8_t bytes[256];
    size_t size = flatten(chain, bytes, sizeof bytes);
    assert_true(weft_view_equal(weft_view(bytes, size), weft_view_str(text)));
}

static void append(struct weft_chain *chain, const char *text)
{
    assert_int_equal(weft_chain_append(chain, weft_view_str(text)), 0);
}

/* size bytes of c. */
static void append_run(struct weft_chain *chain, int c, size_t size)
{
    uint8_t *dst = weft_chain_reserve(chain, size);
    assert_non_null(dst);
    memset(dst, c, size);
    weft_chain_commit(chain, size);
}

static struct weft_blob *make_blob(const char *text)
{
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(strlen(text), &data);
    assert_non_null(blob);
    memcpy(data, text, strlen(text));
    return blob;
}

static int count_segments(const struct weft_chain *chain)
{
    int count = 0;
    for (const struct weft_segment *s = chain->head; s; s = s->next)
        count++;
    return count;
}

static void test_new_chain_is_empty_and_holds_nothing(void **state)
{
    struct fixture *f = *state;
    struct iovec vec[1];
    assert_int_equal(weft_chain_peek(&f->chain, vec, 1), 0);
    weft_chain_consume(&f->chain, 0);
    assert_int_equal(fault_allocations(), 0);
}

static void test_append_and_consume_are_first_in_first_out(void **state)
{
    struct fixture *f = *state;
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
    struct fixture *f = *state;
    uint8_t *dst = weft_chain_reserve(&f->chain, 10);
    assert_non_null(dst);
    assert_int_equal(f->chain.bytes, 0);
    memcpy(dst, "abc", 3);
    weft_chain_commit(&f->chain, 3);
    expect(&f->chain, "abc");
}

static void test_reserve_in_the_tail_is_behind_what_was_committed(void **state)
{
    struct fixture *f = *state;
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
    struct fixture *f = *state;
    append_run(&f->chain, 'a', 10);
    append_run(&f->chain, 'b', 5 * WEFT_SEGMENT_SIZE);
    struct iovec vec[3];
    assert_int_equal(weft_chain_peek(&f->chain, vec, 3), 2);
    assert_int_equal(vec[1].iov_len, 5 * WEFT_SEGMENT_SIZE);
}

static void test_reserve_that_is_never_committed_changes_nothing(void **state)
{
    struct fixture *f = *state;
    append(&f->chain, "abc");
    assert_non_null(weft_chain_reserve(&f->chain, 2 * WEFT_SEGMENT_SIZE));
    assert_non_null(weft_chain_reserve(&f->chain, 3 * WEFT_SEGMENT_SIZE));
    expect(&f->chain, "abc");
    append(&f->chain, "def");
    expect(&f->chain, "abcdef");
}

static void test_empty_segment_goes_when_it_reaches_the_head(void **state)
{
    struct fixture *f = *state;
    append(&f->chain, "abc");
    assert_non_null(weft_chain_reserve(&f->chain, 2 * WEFT_SEGMENT_SIZE));
    assert_non_null(weft_chain_reserve(&f->chain, 3 * WEFT_SEGMENT_SIZE));
    append(&f->chain, "def");
    weft_chain_consume(&f->chain, 3);
    expect(&f->chain, "def");
    assert_int_equal(count_segments(&f->chain), 1);
}

static void test_chain_left_empty_holds_no_segment(void **state)
{
    struct fixture *f = *state;
    append(&f->chain, "abc");
    assert_non_null(weft_chain_reserve(&f->chain, 2 * WEFT_SEGMENT_SIZE));
    weft_chain_consume(&f->chain, 3);
    assert_null(f->chain.head);
    assert_null(f->chain.tail);
    assert_int_equal(f->pool.count, 1);
}

static void test_reserve_of_a_size_that_cannot_be_is_no_memory(void **state)
{
    struct fixture *f = *state;
    append(&f->chain, "abc");
    assert_null(weft_chain_reserve(&f->chain, SIZE_MAX));
    expect(&f->chain, "abc");
}

static void test_append_fills_the_tail_before_it_takes_another(void **state)
{
    struct fixture *f = *state;
    append_run(&f->chain, 'a', WEFT_SEGMENT_SIZE - 2);
    append(&f->chain, "bcd");
    struct iovec vec[3];
    assert_int_equal(weft_chain_peek(&f->chain, vec, 3), 2);
    assert_int_equal(vec[0].iov_len, WEFT_SEGMENT_SIZE);
    assert_int_equal(vec[1].iov_len, 1);
    assert_memory_equal(vec[1].iov_base, "d", 1);
}

static void test_append_of_nothing_allocates_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(weft_chain_append(&f->chain, weft_view(NULL, 0)), 0);
    assert_int_equal(fault_allocations(), 0);
}

static void test_append_without_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    append_run(&f->chain, 'a', WEFT_SEGMENT_SIZE - 2);
    fault_arm(FAULT_FROM, 0);
    assert_int_equal(weft_chain_append(&f->chain, weft_view_str("bcd")), -ENOMEM);
    assert_int_equal(f->chain.bytes, WEFT_SEGMENT_SIZE - 2);
    fault_disarm();
    append(&f->chain, "b");
    assert_int_equal(f->chain.bytes, WEFT_SEGMENT_SIZE - 1);
}

static void test_blob_is_referenced_not_copied(void **state)
{
    struct fixture *f = *state;
    struct weft_blob *blob = make_blob("blob");
    append(&f->chain, "<");
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    append(&f->chain, ">");
    struct iovec vec[3];
    assert_int_equal(weft_chain_peek(&f->chain, vec, 3), 3);
    assert_ptr_equal(vec[1].iov_base, weft_blob_view(blob).data);
    weft_blob_unref(blob);
    expect(&f->chain, "<blob>");
}

static void test_consumed_blob_is_given_up(void **state)
{
    struct fixture *f = *state;
    struct weft_blob *blob = make_blob("blob");
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    weft_blob_unref(blob);
    weft_chain_consume(&f->chain, 3);
    expect(&f->chain, "b");
    weft_chain_consume(&f->chain, 1);
    assert_int_equal(f->pool.ref_count, 1);
    assert_int_equal(fault_live(), 1);
}

static void test_empty_blob_adds_nothing(void **state)
{
    struct fixture *f = *state;
    struct weft_blob *blob = make_blob("");
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    assert_null(f->chain.head);
    weft_blob_unref(blob);
    assert_int_equal(fault_live(), 0);
}

static void test_blob_without_memory_takes_no_reference(void **state)
{
    struct fixture *f = *state;
    struct weft_blob *blob = make_blob("blob");
    fault_arm(FAULT_FROM, 0);
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), -ENOMEM);
    fault_disarm();
    assert_int_equal(f->chain.bytes, 0);
    weft_blob_unref(blob);
    assert_int_equal(fault_live(), 0);
}

static void test_rollback_of_an_empty_chain_leaves_it_empty(void **state)
{
    struct fixture *f = *state;
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    append(&f->chain, "abc");
    append_run(&f->chain, 'd', 2 * WEFT_SEGMENT_SIZE);
    weft_chain_rollback(&f->chain, mark);
    assert_null(f->chain.head);
    assert_int_equal(f->chain.bytes, 0);
    append(&f->chain, "xyz");
    expect(&f->chain, "xyz");
}

static void test_rollback_within_a_segment_keeps_what_came_before(void **state)
{
    struct fixture *f = *state;
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
    struct fixture *f = *state;
    append(&f->chain, "abc");
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    struct weft_blob *blob = make_blob("blob");
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    weft_blob_unref(blob);
    append_run(&f->chain, 'd', 2 * WEFT_SEGMENT_SIZE);
    weft_chain_rollback(&f->chain, mark);
    expect(&f->chain, "abc");
    assert_int_equal(count_segments(&f->chain), 1);
}

static void test_rollback_to_a_blob_does_not_write_into_it(void **state)
{
    struct fixture *f = *state;
    struct weft_blob *blob = make_blob("blob");
    assert_int_equal(weft_chain_append_blob(&f->chain, blob), 0);
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    append(&f->chain, "abc");
    weft_chain_rollback(&f->chain, mark);
    append(&f->chain, "xyz");
    expect(&f->chain, "blobxyz");
    assert_true(weft_view_equal(weft_blob_view(blob), weft_view_str("blob")));
    weft_blob_unref(blob);
}

static void test_rollback_to_an_uncommitted_reserve_is_fine(void **state)
{
    struct fixture *f = *state;
    assert_non_null(weft_chain_reserve(&f->chain, 10));
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    append_run(&f->chain, 'a', 2 * WEFT_SEGMENT_SIZE);
    weft_chain_rollback(&f->chain, mark);
    expect(&f->chain, "");
    append(&f->chain, "abc");
    expect(&f->chain, "abc");
}

static void test_rollback_after_a_partly_consumed_head_keeps_the_rest(void **state)
{
    struct fixture *f = *state;
    append(&f->chain, "abcdef");
    weft_chain_consume(&f->chain, 4);
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    append(&f->chain, "gh");
    append_run(&f->chain, 'i', WEFT_SEGMENT_SIZE);
    weft_chain_rollback(&f->chain, mark);
    expect(&f->chain, "ef");
}

static void test_rollback_of_a_move_drops_what_was_moved(void **state)
{
    struct fixture *f = *state;
    append(&f->chain, "abc");
    struct weft_chain from;
    weft_chain_init(&from, &f->pool);
    append_run(&from, 'x', 2000);
    struct weft_chain_mark mark = weft_chain_mark(&f->chain);
    weft_chain_move(&f->chain, &from);
    weft_chain_rollback(&f->chain, mark);
    expect(&f->chain, "abc");
}

static void move_between(struct fixture *f, size_t size)
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
    assert_int_equal(count_segments(&((struct fixture *)*state)->chain), 1);
}

static void test_move_of_much_takes_the_segments(void **state)
{
    move_between(*state, 5000);
    assert_int_equal(count_segments(&((struct fixture *)*state)->chain), 2);
}

static void test_move_to_an_empty_chain_and_from_one(void **state)
{
    struct fixture *f = *state;
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
    struct fixture *f = *state;
    struct weft_chain from;
    weft_chain_init(&from, &f->pool);
    struct weft_blob *blob = make_blob("blob");
    assert_int_equal(weft_chain_append_blob(&from, blob), 0);
    weft_blob_unref(blob);
    append(&f->chain, "<");
    weft_chain_move(&f->chain, &from);
    expect(&f->chain, "<blob");
}

static void test_peek_shows_no_more_than_it_is_asked_for(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++)
        append_run(&f->chain, 'a' + i, WEFT_SEGMENT_SIZE);
    struct iovec vec[3];
    assert_int_equal(weft_chain_peek(&f->chain, vec, 0), 0);
    assert_int_equal(weft_chain_peek(&f->chain, vec, 2), 2);
    assert_memory_equal(vec[1].iov_base, "b", 1);
}

static void test_pool_reuses_the_segment_freed_last(void **state)
{
    struct fixture *f = *state;
    append(&f->chain, "abc");
    const struct weft_segment *segment = f->chain.head;
    weft_chain_consume(&f->chain, 3);
    append(&f->chain, "def");
    assert_ptr_equal(f->chain.head, segment);
}

static void test_pool_keeps_no_more_than_its_maximum(void **state)
{
    struct fixture *f = *state;
    struct weft_blob *blob = make_blob("blob");
    for (int i = 0; i < 5; i++) {
        append_run(&f->chain, 'a', WEFT_SEGMENT_SIZE);
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
    struct fixture *f = *state;
    append_run(&f->chain, 'a', WEFT_SEGMENT_SIZE + 1);
    weft_chain_consume(&f->chain, WEFT_SEGMENT_SIZE + 1);
    assert_int_equal(f->pool.count, 0);
    assert_int_equal(fault_live(), 0);
}

static void test_steady_state_allocates_nothing(void **state)
{
    struct fixture *f = *state;
    struct weft_blob *blob = make_blob("blob");
    for (int i = 0; i < 100; i++) {
        if (i == 1)
            fault_arm(FAULT_FROM, 0);
        append_run(&f->chain, 'a', WEFT_SEGMENT_SIZE - 1);
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

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
        TEST(test_consumed_blob_is_given_up),
        TEST(test_empty_blob_adds_nothing),
        TEST(test_blob_without_memory_takes_no_reference),
        TEST(test_rollback_of_an_empty_chain_leaves_it_empty),
        TEST(test_rollback_within_a_segment_keeps_what_came_before),
        TEST(test_rollback_gives_up_segments_and_blobs),
        TEST(test_rollback_to_a_blob_does_not_write_into_it),
        TEST(test_rollback_to_an_uncommitted_reserve_is_fine),
        TEST(test_rollback_after_a_partly_consumed_head_keeps_the_rest),
        TEST(test_rollback_of_a_move_drops_what_was_moved),
        TEST(test_move_of_little_fills_the_tail),
        TEST(test_move_of_much_takes_the_segments),
        TEST(test_move_to_an_empty_chain_and_from_one),
        TEST(test_move_of_a_small_blob_gives_it_up),
        TEST(test_peek_shows_no_more_than_it_is_asked_for),
        TEST(test_pool_reuses_the_segment_freed_last),
        TEST(test_pool_keeps_no_more_than_its_maximum),
        TEST(test_pool_keeps_no_large_segment),
        TEST(test_steady_state_allocates_nothing),
        TEST(test_chain_without_a_pool_uses_the_allocator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
