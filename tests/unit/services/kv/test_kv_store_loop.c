/* SPDX-License-Identifier: MIT
 *
 * Faces of kv on one loop share the store's state of it: the first one starts it, the last one stops it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/loop.h"
#include "lib/fault.h"
#include "services/kv/store.h"
#include "services/kv/store_loop.h"

static int starts, stops, start_error;

static int init(void *store, const struct kv_store_options *options, struct weft_error *error)
{
    (void)store, (void)options, (void)error;
    return 0;
}

static void fini(void *store)
{
    (void)store;
}

static int start(void *loop_state, void *store, struct weft_loop *loop)
{
    (void)store, (void)loop;
    *(uint64_t *)loop_state += 1; /* it was zeroed, and is long enough */
    assert_int_equal(*(uint64_t *)loop_state, 1);
    starts += start_error == 0;
    return start_error;
}

static void stop(void *loop_state)
{
    (void)loop_state;
    stops++;
}

static const struct kv_store counted = {
    .name = "counted",
    .store_size = 1,
    .loop_size = sizeof(uint64_t),
    .init = init,
    .fini = fini,
    .start = start,
    .stop = stop,
};

struct fixture {
    struct weft_kv_context context;
    struct weft_loop *loops[2];
};

static int setup(void **state)
{
    static struct fixture fixture;
    const struct weft_kv_limits limits = weft_kv_limits_default();
    struct weft_error error;
    starts = stops = start_error = 0;
    *state = &fixture;
    return weft_kv_context_init(&fixture.context, &counted, &limits, NULL, &error) < 0 ||
                   weft_loop_new(&fixture.loops[0], 8) < 0 ||
                   weft_loop_new(&fixture.loops[1], 8) < 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    weft_loop_free(f->loops[0]);
    weft_loop_free(f->loops[1]);
    weft_kv_context_fini(&f->context);
    return starts == stops ? 0 : -1;
}

static struct kv_store_loop *take(struct fixture *f, size_t loop)
{
    struct kv_store_loop *taken;
    assert_int_equal(kv_store_loop_take(&f->context, f->loops[loop], &taken), 0);
    return taken;
}

static void test_one_loop_has_one_state_for_all_faces(void **state)
{
    struct fixture *f = *state;
    struct kv_store_loop *first = take(f, 0), *other = take(f, 1), *second = take(f, 0);
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, other);
    assert_int_equal(starts, 2);
    kv_store_loop_give(&f->context, first);
    assert_int_equal(stops, 0);
    kv_store_loop_give(&f->context, second);
    assert_int_equal(stops, 1);
    kv_store_loop_give(&f->context, other);
    assert_int_equal(stops, 2);
    assert_null(f->context.loops);
}

static void test_state_that_cannot_be_started_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct kv_store_loop *none;
    start_error = -EPERM;
    assert_int_equal(kv_store_loop_take(&f->context, f->loops[0], &none), -EPERM);
    assert_null(f->context.loops);
    start_error = 0;
    kv_store_loop_give(&f->context, take(f, 0));
}

static void take_and_give(void *arg)
{
    struct fixture *f = arg;
    struct kv_store_loop *taken;
    int err = kv_store_loop_take(&f->context, f->loops[0], &taken);
    assert_true(err == 0 || (err == -ENOMEM && fault_failed() > 0));
    if (err == 0)
        kv_store_loop_give(&f->context, taken);
}

static void test_every_allocation_may_fail(void **state)
{
    fault_each(take_and_give, *state);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_loop_has_one_state_for_all_faces),
        TEST(test_state_that_cannot_be_started_leaves_nothing),
        TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("kv store loop", tests, NULL, NULL);
}
