/* SPDX-License-Identifier: MIT
 *
 * The thread that hashes: each job is done once and off the caller's thread, and the end waits for what is left. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/layers/users/pool.h"

struct counted {
    struct users_job job;
    pthread_t caller;
    _Atomic int runs;
};

static void run(struct users_job *job, void *work)
{
    struct counted *counted = (struct counted *)job;
    (void)work;
    if (!pthread_equal(pthread_self(), counted->caller))
        atomic_fetch_add(&counted->runs, 1);
}

static struct counted jobs[USERS_POOL_MAX + 1];

static void test_jobs_are_done_once_on_another_thread(void **state)
{
    struct users_pool pool;
    size_t taken = 0;
    (void)state;
    assert_int_equal(users_pool_init(&pool), 0);
    for (size_t i = 0; i < USERS_POOL_MAX; i++) {
        jobs[i] = (struct counted){.job.run = run, .caller = pthread_self()};
        taken += users_pool_add(&pool, &jobs[i].job) == 0;
    }
    users_pool_fini(&pool);
    assert_int_equal(taken, USERS_POOL_MAX);
    for (size_t i = 0; i < USERS_POOL_MAX; i++)
        assert_int_equal(atomic_load(&jobs[i].runs), 1);
}

static void test_pool_takes_no_more_than_it_promises(void **state)
{
    struct users_pool pool;
    (void)state;
    assert_int_equal(users_pool_init(&pool), 0);
    pool.by_hand = true;
    for (size_t i = 0; i <= USERS_POOL_MAX; i++) {
        jobs[i] = (struct counted){.job.run = run};
        assert_int_equal(users_pool_add(&pool, &jobs[i].job), i < USERS_POOL_MAX ? 0 : -EBUSY);
    }
    assert_true(users_pool_step(&pool));
    assert_int_equal(users_pool_add(&pool, &jobs[USERS_POOL_MAX].job), 0);
    while (users_pool_step(&pool)) {
    }
    users_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_are_done_once_on_another_thread),
        cmocka_unit_test(test_pool_takes_no_more_than_it_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
