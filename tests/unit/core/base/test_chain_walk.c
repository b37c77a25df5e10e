/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/chain.h"
#include "lib/fault.h"
#include "lib/random.h"

/* A random walk over all operations of two chains on one pool, beside a model that is nothing but
 * an array of bytes each. What a failed operation may change: nothing. */

enum { MODEL_SIZE = 1 << 20, BLOBS = 4 };

struct model {
    uint8_t *bytes;
    size_t size;
};

struct walk {
    struct test_random random;
    struct weft_piece_pool pool;
    struct weft_chain chains[2];
    struct model models[2];
    struct weft_blob *blobs[BLOBS];
};

static size_t random_size(struct walk *walk)
{
    static const size_t most[] = {4, 40, 400, 4000, WEFT_PIECE_SIZE, 3 * WEFT_PIECE_SIZE};
    return test_random_below(&walk->random, most[test_random_below(&walk->random, 6)] + 1);
}

static void fill(struct walk *walk, uint8_t *dst, size_t size)
{
    uint64_t word = test_random_next(&walk->random);
    for (size_t i = 0; i < size; i++)
        dst[i] = (uint8_t)(word >> 8 * (i % 8)) ^ (uint8_t)i;
}

static void check(const struct walk *walk, size_t which)
{
    enum { VECTORS = 4096 };
    static struct iovec vec[VECTORS];
    const struct weft_chain *chain = &walk->chains[which];
    const struct model *model = &walk->models[which];
    assert_int_equal(chain->bytes, model->size);
    int count = weft_chain_peek(chain, vec, VECTORS);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        assert_true(vec[i].iov_len > 0 && vec[i].iov_len <= model->size - used);
        assert_memory_equal(vec[i].iov_base, model->bytes + used, vec[i].iov_len);
        used += vec[i].iov_len;
    }
    assert_int_equal(used, model->size);
}

static void reserve_and_commit(struct walk *walk, size_t which)
{
    struct model *model = &walk->models[which];
    size_t size = random_size(walk);
    size_t failed = fault_failed();
    uint8_t *dst = weft_chain_reserve(&walk->chains[which], size);
    assert_int_equal(dst == NULL, fault_failed() > failed);
    if (!dst)
        return;
    /* All of it is written, as an encoder does before it knows how much it needs. */
    fill(walk, dst, size);
    size_t commit = test_random_below(&walk->random, size + 1);
    if (commit > 0)
        memcpy(model->bytes + model->size, dst, commit);
    weft_chain_commit(&walk->chains[which], commit);
    model->size += commit;
}

static void append(struct walk *walk, size_t which)
{
    struct model *model = &walk->models[which];
    size_t size = random_size(walk);
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    fill(walk, bytes, size);
    size_t failed = fault_failed();
    int rc = weft_chain_append(&walk->chains[which], weft_view(bytes, size));
    assert_int_equal(rc, fault_failed() > failed ? -ENOMEM : 0);
    if (rc == 0) {
        memcpy(model->bytes + model->size, bytes, size);
        model->size += size;
    }
    free(bytes);
}

static void append_blob(struct walk *walk, size_t which)
{
    struct model *model = &walk->models[which];
    struct weft_blob *blob = walk->blobs[test_random_below(&walk->random, BLOBS)];
    struct weft_view view = weft_blob_view(blob);
    size_t failed = fault_failed();
    int rc = weft_chain_append_blob(&walk->chains[which], blob);
    assert_int_equal(rc, fault_failed() > failed ? -ENOMEM : 0);
    if (rc == 0) {
        memcpy(model->bytes + model->size, view.data, view.size);
        model->size += view.size;
    }
}

static void consume(struct walk *walk, size_t which)
{
    struct model *model = &walk->models[which];
    size_t size = test_random_below(&walk->random, 4) ? random_size(walk) : model->size;
    if (size > model->size)
        size = model->size;
    weft_chain_consume(&walk->chains[which], size);
    memmove(model->bytes, model->bytes + size, model->size - size);
    model->size -= size;
    if (model->size == 0)
        assert_null(walk->chains[which].head);
}

static void move(struct walk *walk, size_t to)
{
    struct model *a = &walk->models[to], *b = &walk->models[1 - to];
    weft_chain_move(&walk->chains[to], &walk->chains[1 - to]);
    memcpy(a->bytes + a->size, b->bytes, b->size);
    a->size += b->size;
    b->size = 0;
}

static void add_something(struct walk *walk, size_t which)
{
    switch (test_random_below(&walk->random, 4)) {
    case 0:
        append(walk, which);
        break;
    case 1:
        append_blob(walk, which);
        break;
    default:
        reserve_and_commit(walk, which);
        break;
    }
}

static void mark_and_rollback(struct walk *walk, size_t which)
{
    struct weft_chain_mark mark = weft_chain_mark(&walk->chains[which]);
    size_t size = walk->models[which].size;
    for (size_t n = test_random_below(&walk->random, 5); n > 0; n--)
        add_something(walk, which);
    if (test_random_below(&walk->random, 4) == 0)
        move(walk, which);
    if (test_random_below(&walk->random, 3) == 0)
        return;
    weft_chain_rollback(&walk->chains[which], mark);
    walk->models[which].size = size;
}

static void step(struct walk *walk)
{
    size_t which = test_random_below(&walk->random, 2);
    if (walk->models[0].size + walk->models[1].size > MODEL_SIZE / 2) {
        consume(walk, walk->models[0].size < walk->models[1].size);
        return;
    }
    switch (test_random_below(&walk->random, 10)) {
    case 0:
    case 1:
    case 2:
        add_something(walk, which);
        break;
    case 3:
    case 4:
        mark_and_rollback(walk, which);
        break;
    case 5:
        if (test_random_below(&walk->random, 4) == 0)
            move(walk, which);
        break;
    default:
        consume(walk, which);
        break;
    }
}

static void walk_start(struct walk *walk, uint64_t seed, size_t pool_max)
{
    walk->random = test_random_start(seed);
    weft_piece_pool_init(&walk->pool, pool_max);
    for (size_t i = 0; i < 2; i++) {
        weft_chain_init(&walk->chains[i], pool_max ? &walk->pool : NULL);
        walk->models[i] = (struct model){.bytes = malloc(MODEL_SIZE)};
        assert_non_null(walk->models[i].bytes);
    }
    for (size_t i = 0; i < BLOBS; i++) {
        static const size_t sizes[BLOBS] = {1, 100, 5000, 20000};
        uint8_t *data;
        walk->blobs[i] = weft_blob_new(sizes[i], &data);
        assert_non_null(walk->blobs[i]);
        fill(walk, data, sizes[i]);
    }
}

static void walk_end(struct walk *walk)
{
    for (size_t i = 0; i < BLOBS; i++)
        weft_blob_unref(walk->blobs[i]);
    for (size_t i = 0; i < 2; i++) {
        check(walk, i);
        weft_chain_fini(&walk->chains[i]);
        free(walk->models[i].bytes);
    }
    weft_piece_pool_fini(&walk->pool);
}

static void run(uint64_t seed, size_t pool_max, uint32_t one_in)
{
    struct walk walk;
    fault_install();
    walk_start(&walk, seed, pool_max);
    if (one_in > 0)
        fault_arm_random(seed, one_in);
    for (int i = 0; i < 4000; i++) {
        step(&walk);
        check(&walk, 0);
        check(&walk, 1);
    }
    fault_disarm();
    walk_end(&walk);
    assert_int_equal(fault_live(), 0);
    fault_remove();
}

static void test_walk_with_a_pool_is_as_plain_bytes(void **state)
{
    (void)state;
    run(1, 8, 0);
    run(2, 1, 0);
}

static void test_walk_without_a_pool_is_as_plain_bytes(void **state)
{
    (void)state;
    run(3, 0, 0);
}

static void test_walk_with_failing_memory_is_as_plain_bytes(void **state)
{
    (void)state;
    run(4, 2, 3);
    run(5, 0, 5);
}

/* One fixed round of everything, for every allocation that can fail in it. */
static void round_trip(void *arg)
{
    (void)arg;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(100, &data);
    if (!blob)
        return;
    memset(data, 'b', 100);

    struct weft_piece_pool pool;
    struct weft_chain chain, other;
    weft_piece_pool_init(&pool, 1);
    weft_chain_init(&chain, &pool);
    weft_chain_init(&other, &pool);
    size_t bytes = 0;
    for (int i = 0; i < 3; i++) {
        struct weft_chain_mark mark = weft_chain_mark(&chain);
        bool whole = weft_chain_append(&chain, weft_view_str("header")) == 0 &&
                     weft_chain_append_blob(&chain, blob) == 0 &&
                     weft_chain_grow(&chain, 2 * WEFT_PIECE_SIZE) != NULL;
        if (whole) {
            weft_chain_commit(&chain, 0);
            bytes += 106;
        } else {
            weft_chain_rollback(&chain, mark);
        }
        assert_int_equal(chain.bytes, bytes);
    }
    if (weft_chain_append(&other, weft_view_str("more")) == 0)
        bytes += 4;
    weft_chain_move(&chain, &other);
    assert_int_equal(chain.bytes, bytes);
    weft_chain_consume(&chain, bytes / 2);
    weft_chain_fini(&chain);
    weft_chain_fini(&other);
    weft_piece_pool_fini(&pool);
    weft_blob_unref(blob);
}

static void test_every_failing_allocation_leaves_no_trace(void **state)
{
    (void)state;
    fault_each(round_trip, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk_with_a_pool_is_as_plain_bytes),
        cmocka_unit_test(test_walk_without_a_pool_is_as_plain_bytes),
        cmocka_unit_test(test_walk_with_failing_memory_is_as_plain_bytes),
        cmocka_unit_test(test_every_failing_allocation_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
