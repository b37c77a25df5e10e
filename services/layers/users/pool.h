/* SPDX-License-Identifier: MIT
 *
 * A thread that hashes, so that no loop has to. It is started by the first job, with the lowest priority, and
 * does one job after another: who guesses passwords has at most one processor, and what is left of it. */
#ifndef USERS_POOL_H
#define USERS_POOL_H

#include <pthread.h>
#include <stdbool.h>

#include "core/base/err.h"

enum { USERS_POOL_MAX = 1024 }; /* jobs that may wait */

struct users_job {
    void (*run)(struct users_job *job, void *work); /* on the pool's thread */
    struct users_job *next;
};

struct users_pool {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct users_job *first, *last;
    size_t count;
    void *work; /* memory of a comparison */
    pthread_t thread;
    bool running, ending;
    bool by_hand; /* for tests: users_pool_step does the jobs, on its caller's thread */
};

/* Returns 0, or -ENOMEM. */
WEFT_MUST_USE int users_pool_init(struct users_pool *pool);
/* Does the jobs that are left and ends the thread. */
void users_pool_fini(struct users_pool *pool);

/* Adds a job. Any thread. Returns 0; -EBUSY: USERS_POOL_MAX wait; -EAGAIN: there is no thread. */
WEFT_MUST_USE int users_pool_add(struct users_pool *pool, struct users_job *job);

/* Does one job, if the pool is worked by hand. False: there was none. */
bool users_pool_step(struct users_pool *pool);

#endif
