/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <malloc.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "random.h"

/* More than any body should need; a body that never ends its runs is a mistake of the test. */
enum { RUNS_MAX = 1000000 };

enum plan { PLAN_NONE, PLAN_ONE, PLAN_FROM, PLAN_RANDOM };

/* weft_allocator's functions have no argument of their own, hence one static state. */
static struct {
    atomic_int plan;
    atomic_size_t allocations, failed;
    atomic_size_t n;
    atomic_ullong random;
    atomic_uint one_in;
    atomic_size_t live, bytes, most;
} fault;

static bool refused(void)
{
    size_t index = atomic_fetch_add(&fault.allocations, 1);
    bool fail = false;
    switch ((enum plan)atomic_load(&fault.plan)) {
    case PLAN_NONE:
        break;
    case PLAN_ONE:
        fail = index == atomic_load(&fault.n);
        break;
    case PLAN_FROM:
        fail = index >= atomic_load(&fault.n);
        break;
    case PLAN_RANDOM: {
        /* Which thread gets which number is open, but the sequence is the seed's. */
        uint64_t state = atomic_fetch_add(&fault.random, TEST_RANDOM_STEP);
        fail = test_random_mix(state) % atomic_load(&fault.one_in) == 0;
        break;
    }
    }
    if (fail)
        atomic_fetch_add(&fault.failed, 1);
    return fail;
}

static void grow(size_t size)
{
    size_t bytes = atomic_fetch_add(&fault.bytes, size) + size, most = atomic_load(&fault.most);
    while (bytes > most && !atomic_compare_exchange_weak(&fault.most, &most, bytes))
        continue;
}

static void *born(void *p, size_t size)
{
    if (!p)
        return NULL;
    atomic_fetch_add(&fault.live, 1);
    grow(size);
    return p;
}

static void died(size_t size)
{
    atomic_fetch_sub(&fault.live, 1);
    atomic_fetch_sub(&fault.bytes, size);
}

static void *fault_malloc(size_t size)
{
    void *p = refused() ? NULL : malloc(size);
    return born(p, malloc_usable_size(p));
}

static void *fault_realloc(void *p, size_t size)
{
    if (!p)
        return fault_malloc(size);
    size_t before = malloc_usable_size(p);
    void *moved = refused() ? NULL : realloc(p, size);
    if (moved) {
        grow(malloc_usable_size(moved));
        atomic_fetch_sub(&fault.bytes, before);
    }
    return moved;
}

static void fault_free(void *p)
{
    if (p)
        died(malloc_usable_size(p));
    free(p);
}

static void *fault_pages_new(size_t size)
{
    return born(refused() ? NULL : weft_mem_system()->pages_new(size), size);
}

static int fault_pages_free(void *p, size_t size)
{
    died(size);
    return weft_mem_system()->pages_free(p, size);
}

void fault_install(void)
{
    static const struct weft_allocator allocator = {
        .malloc = fault_malloc,
        .realloc = fault_realloc,
        .free = fault_free,
        .pages_new = fault_pages_new,
        .pages_free = fault_pages_free,
    };
    fault_disarm();
    atomic_store(&fault.allocations, 0);
    atomic_store(&fault.failed, 0);
    atomic_store(&fault.live, 0);
    atomic_store(&fault.bytes, 0);
    atomic_store(&fault.most, 0);
    weft_mem_use(&allocator);
}

void fault_remove(void)
{
    fault_disarm();
    weft_mem_use(NULL);
}

int fault_setup(void **state)
{
    (void)state;
    fault_install();
    return 0;
}

int fault_teardown(void **state)
{
    (void)state;
    size_t live = fault_live();
    fault_remove();
    if (live > 0)
        print_error("%zu blocks were left alive\n", live);
    return live == 0 ? 0 : -1;
}

static void arm(enum plan plan)
{
    atomic_store(&fault.allocations, 0);
    atomic_store(&fault.failed, 0);
    atomic_store(&fault.most, atomic_load(&fault.bytes));
    atomic_store(&fault.plan, (int)plan);
}

void fault_arm(enum fault_mode mode, size_t n)
{
    atomic_store(&fault.n, n);
    arm(mode == FAULT_ONE ? PLAN_ONE : PLAN_FROM);
}

void fault_arm_random(uint64_t seed, uint32_t one_in)
{
    atomic_store(&fault.random, seed);
    atomic_store(&fault.one_in, one_in);
    arm(PLAN_RANDOM);
}

void fault_disarm(void)
{
    atomic_store(&fault.plan, PLAN_NONE);
}

size_t fault_allocations(void)
{
    return atomic_load(&fault.allocations);
}

size_t fault_failed(void)
{
    return atomic_load(&fault.failed);
}

size_t fault_live(void)
{
    return atomic_load(&fault.live);
}

size_t fault_bytes(void)
{
    return atomic_load(&fault.bytes);
}

size_t fault_bytes_most(void)
{
    return atomic_load(&fault.most);
}

static void expect_nothing_left(const char *run, size_t n)
{
    size_t live = fault_live();
    if (live != 0) {
        fault_remove();
        fail_msg("%zu blocks left alive (%s, n = %zu)", live, run, n);
    }
}

static void fail_every(void (*body)(void *arg), void *arg, enum fault_mode mode)
{
    const char *run = mode == FAULT_ONE ? "one allocation failed" : "all from one on failed";
    for (size_t n = 0; n < RUNS_MAX; n++) {
        fault_arm(mode, n);
        body(arg);
        bool done = fault_failed() == 0;
        expect_nothing_left(run, n);
        if (done)
            return;
    }
    fault_remove();
    fail_msg("still allocating after %d runs", RUNS_MAX);
}

void fault_each(void (*body)(void *arg), void *arg)
{
    fault_install();
    body(arg);
    size_t allocations = fault_allocations();
    expect_nothing_left("no failure", 0);
    if (allocations == 0) {
        fault_remove();
        fail_msg("the body allocates nothing: no failure was tested");
    }
    fail_every(body, arg, FAULT_ONE);
    fail_every(body, arg, FAULT_FROM);
    fault_remove();
}
