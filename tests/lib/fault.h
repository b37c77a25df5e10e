/* SPDX-License-Identifier: MIT
 *
 * Fault injection: an allocator under weft_malloc and its siblings that counts, fails what it is
 * told to fail, and knows how many blocks are alive.
 *
 * The usual way is fault_each. The body does one whole thing, from init to fini, on every run:
 *
 *     static void fill(void *arg)
 *     {
 *         struct weft_buf buf = {0};
 *         int rc = weft_buf_append(&buf, weft_view_str(arg));
 *         if (fault_failed() == 0)
 *             assert_int_equal(rc, 0);
 *         else
 *             assert_int_equal(rc, -ENOMEM);
 *         weft_buf_fini(&buf);
 *     }
 *
 *     static void test_append_survives_every_failing_allocation(void **state)
 *     {
 *         fault_each(fill, "hello");
 *     }
 *
 * Blocks come from the C library and carry nothing extra: one may be freed after the allocator was
 * removed, and sanitizers and valgrind see what they always see. Pages (weft_pages_new) are blocks
 * too, and the system's. Counters are atomic, so threads may
 * run while a failure is armed; install, remove and fault_each are the main thread's, while no other
 * thread allocates. What libev and zlib allocate for themselves is not seen here. */
#ifndef WEFT_TEST_FAULT_H
#define WEFT_TEST_FAULT_H

#include <stddef.h>
#include <stdint.h>

enum fault_mode {
    FAULT_ONE,  /* the n-th allocation fails, those after it succeed: a recovery is tested too */
    FAULT_FROM, /* the n-th and all after it fail: memory is gone for good */
};

/* Runs body once with no failure, and must then see an allocation and no block left over; then
 * again for every n, in both modes, until a run comes to its end before its n-th allocation. A block
 * that body leaves alive fails the test, which names mode and n. body asserts for itself what must
 * hold; fault_failed() tells it whether anything was refused so far in this run. */
void fault_each(void (*body)(void *arg), void *arg);

/* By hand. install resets all counters and fails nothing; twice is fine. A test that installs should
 * remove in its teardown, which cmocka runs also after a failed assert. */
void fault_install(void);
void fault_remove(void);

/* The two as cmocka's fixtures; the second fails where a block is left alive. */
int fault_setup(void **state);
int fault_teardown(void **state);
#define FAULT_TEST(test) cmocka_unit_test_setup_teardown(test, fault_setup, fault_teardown)

/* From now on the allocation with the index n (0: the next one) fails. Sets the counts of
 * fault_allocations and fault_failed back to 0. */
void fault_arm(enum fault_mode mode, size_t n);
/* About one allocation in `one_in` fails, by a sequence that follows from the seed. The same. */
void fault_arm_random(uint64_t seed, uint32_t one_in);
/* Nothing fails any more. The counts stay as they are. */
void fault_disarm(void);

/* Since install or the last arm: allocations asked for (a realloc is one), and those refused. */
size_t fault_allocations(void);
size_t fault_failed(void);

/* Blocks alive of those allocated since install. */
size_t fault_live(void);

/* Their bytes, as many as each can hold; and the most there were at once since the last arm. */
size_t fault_bytes(void);
size_t fault_bytes_most(void);

#endif
