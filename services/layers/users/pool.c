/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "secret.h"

enum { NICE = 10, STACK = 256 * 1024 };

int users_pool_init(struct users_pool *pool)
{
    memset(pool, 0, sizeof *pool);
    pool->work = weft_calloc(1, users_secret_work_size());
    if (!pool->work)
        return -ENOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->more, NULL);
    return 0;
}

/* Called with the lock. */
static struct users_job *take(struct users_pool *pool)
{
    struct users_job *job = pool->first;
    if (job) {
        pool->first = job->next;
        pool->count--;
    }
    return job;
}

static void *work(void *arg)
{
    struct users_pool *pool = arg;
    struct users_job *job;
    (void)pthread_setname_np(pthread_self(), "weft-users");
    /* Linux gives each thread a priority of its own. */
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!(job = take(pool)) && !pool->ending)
            pthread_cond_wait(&pool->more, &pool->lock);
        if (!job)
            break;
        pthread_mutex_unlock(&pool->lock);
        job->run(job, pool->work);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Starts the thread, which takes no signals: those are for the first loop. Called with the lock. */
static int start(struct users_pool *pool)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&pool->thread, &attributes, work, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    pool->running = err == 0;
    return -err;
}

int users_pool_add(struct users_pool *pool, struct users_job *job)
{
    int err = 0;
    job->next = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->count == USERS_POOL_MAX)
        err = -EBUSY;
    else if (!pool->running && !pool->by_hand && start(pool) < 0)
        err = -EAGAIN;
    if (err == 0) {
        if (pool->first)
            pool->last->next = job;
        else
            pool->first = job;
        pool->last = job;
        pool->count++;
        pthread_cond_signal(&pool->more);
    }
    pthread_mutex_unlock(&pool->lock);
    return err;
}

bool users_pool_step(struct users_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct users_job *job = take(pool);
    pthread_mutex_unlock(&pool->lock);
    if (job)
        job->run(job, pool->work);
    return job != NULL;
}

void users_pool_fini(struct users_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_signal(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    if (pool->running)
        pthread_join(pool->thread, NULL);
    pthread_cond_destroy(&pool->more);
    pthread_mutex_destroy(&pool->lock);
    weft_free(pool->work);
}
