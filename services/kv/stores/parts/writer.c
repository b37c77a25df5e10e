/* SPDX-License-Identifier: MIT */
#include "writer.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "core/base/compiler.h"

enum {
    GROUP_JOBS = 8192,
    GROUP_BYTES = 16 << 20,
    NS = 1000000000,
    /* Jobs are waited for a third of the time that the last commit took, if that is worth two switches of
     * threads, and no more than a moment. */
    GATHER_SHARE = 3,
    GATHER_LEAST_NS = 50 * 1000,
    GATHER_MOST_NS = 10 * 1000 * 1000,
};

static int64_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS + now.tv_nsec;
}

static void add(struct kv_jobs *jobs, struct kv_job *job)
{
    job->next = NULL;
    if (jobs->first)
        jobs->last->next = job;
    else
        jobs->first = job;
    jobs->last = job;
    jobs->count++;
}

static void add_all(struct kv_jobs *jobs, struct kv_jobs *more)
{
    if (!more->first)
        return;
    if (jobs->first)
        jobs->last->next = more->first;
    else
        jobs->first = more->first;
    jobs->last = more->last;
    jobs->count += more->count;
    *more = (struct kv_jobs){0};
}

/* A group that is being done. */
struct group {
    struct kv_jobs jobs;
    size_t bytes;
    int64_t end; /* when it is committed, whoever may still come; 0: not known yet */
};

static bool is_full(const struct group *group)
{
    return group->jobs.count >= GROUP_JOBS || group->bytes >= GROUP_BYTES;
}

/* Moves jobs from the queue into the group, as far as they fit. Returns the first of them, or NULL. */
static struct kv_job *take_jobs(struct kv_writer *writer, struct group *group)
{
    struct kv_job *first = writer->queue.first;
    while (writer->queue.first && !is_full(group)) {
        struct kv_job *job = writer->queue.first;
        writer->queue.first = job->next;
        writer->queue.count--;
        group->bytes += job->size;
        add(&group->jobs, job);
    }
    return group->jobs.last && first != writer->queue.first ? first : NULL;
}

/* Gives jobs back to their ports, under the lock. A loop that has ended takes no posts; its port is about
 * to be closed and looks for itself. */
static void give_back(struct kv_writer *writer, struct kv_job *job)
{
    bool emptied = false;
    while (job) {
        struct kv_job *next = job->next;
        struct kv_port *port = job->port;
        add(&port->inbox, job);
        emptied |= --port->away == 0;
        if (!port->posted)
            port->posted = weft_loop_post(port->loop, &port->post) == 0;
        job = next;
    }
    if (emptied)
        pthread_cond_broadcast(&writer->went);
}

static void wait_for_jobs(struct kv_writer *writer, int64_t ns)
{
    if (ns < 0) {
        pthread_cond_wait(&writer->came, &writer->lock);
        return;
    }
    int64_t end = monotonic() + ns;
    const struct timespec time = {(time_t)(end / NS), (long)(end % NS)};
    (void)pthread_cond_timedwait(&writer->came, &writer->lock, &time);
}

/* Waits for more jobs of the group. False: it is to be committed. */
static bool gather(struct kv_writer *writer, struct group *group)
{
    if (writer->queue.first)
        return !is_full(group);
    int64_t patience = writer->commit_ns / GATHER_SHARE;
    if (patience < GATHER_LEAST_NS || group->jobs.count >= writer->wanted || writer->stopping)
        return false;
    if (patience > GATHER_MOST_NS)
        patience = GATHER_MOST_NS;
    int64_t now = monotonic();
    if (group->end == 0)
        group->end = now + patience;
    if (now < group->end)
        wait_for_jobs(writer, group->end - now);
    return writer->queue.first;
}

/* Does a group and gives it back. The lock is not held while jobs are done. */
static void do_group(struct kv_writer *writer)
{
    struct group group = {0};
    do {
        struct kv_job *first = take_jobs(writer, &group);
        pthread_mutex_unlock(&writer->lock);
        writer->calls->work(writer->owner, first);
        pthread_mutex_lock(&writer->lock);
    } while (gather(writer, &group));
    pthread_mutex_unlock(&writer->lock);
    int64_t begin = monotonic();
    writer->calls->commit(writer->owner, group.jobs.first);
    int64_t took = monotonic() - begin;
    weft_histogram_count(&writer->commits, (uint64_t)took);
    pthread_mutex_lock(&writer->lock);
    writer->commit_ns = took;
    writer->wanted = group.jobs.count + writer->queue.count;
    give_back(writer, group.jobs.first);
}

/* A step of rest follows each group too, so that a writer that is never idle gets to it. */
static void *run(void *arg)
{
    struct kv_writer *writer = arg;
    (void)pthread_setname_np(pthread_self(), writer->calls->name);
    pthread_mutex_lock(&writer->lock);
    while (!writer->stopping) {
        if (writer->queue.first)
            do_group(writer);
        pthread_mutex_unlock(&writer->lock);
        int64_t ns = writer->calls->rest(writer->owner);
        pthread_mutex_lock(&writer->lock);
        if (!writer->queue.first && !writer->stopping && !writer->woken && ns != 0)
            wait_for_jobs(writer, ns);
        writer->woken = false;
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* The thread takes no signals: they are the program's. */
static int start_thread(struct kv_writer *writer)
{
    sigset_t all, before;
    sigfillset(&all);
    int err = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (err != 0)
        return -err;
    err = pthread_create(&writer->thread, NULL, run, writer);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -err;
}

static int init_conditions(struct kv_writer *writer)
{
    pthread_condattr_t monotonic;
    int err = pthread_condattr_init(&monotonic);
    if (err != 0)
        return -err;
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    err = pthread_cond_init(&writer->came, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (err != 0)
        return -err;
    err = pthread_cond_init(&writer->went, NULL);
    if (err != 0)
        pthread_cond_destroy(&writer->came);
    return -err;
}

int kv_writer_start(struct kv_writer *writer, const struct kv_writer_calls *calls, void *owner)
{
    *writer = (struct kv_writer){.calls = calls, .owner = owner};
    int err = -pthread_mutex_init(&writer->lock, NULL);
    if (err < 0)
        return err;
    err = init_conditions(writer);
    if (err < 0)
        goto err_after_lock;
    err = start_thread(writer);
    if (err < 0)
        goto err_after_conditions;
    return 0;

err_after_conditions:
    pthread_cond_destroy(&writer->went);
    pthread_cond_destroy(&writer->came);

err_after_lock:
    pthread_mutex_destroy(&writer->lock);
    return err;
}

void kv_writer_wake(struct kv_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->woken = true;
    pthread_cond_signal(&writer->came);
    pthread_mutex_unlock(&writer->lock);
}

void kv_writer_stop(struct kv_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_signal(&writer->came);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    pthread_cond_destroy(&writer->went);
    pthread_cond_destroy(&writer->came);
    pthread_mutex_destroy(&writer->lock);
}

static void hand_over(struct kv_port *port)
{
    struct kv_writer *writer = port->writer;
    pthread_mutex_lock(&writer->lock);
    port->away += port->outbox.count;
    if (!writer->queue.first)
        pthread_cond_signal(&writer->came);
    add_all(&writer->queue, &port->outbox);
    pthread_mutex_unlock(&writer->lock);
}

static void at_begin(struct weft_turn_hook *hook)
{
    (void)hook;
}

static void at_end(struct weft_turn_hook *hook)
{
    struct kv_port *port = weft_container_of(hook, struct kv_port, hook);
    if (port->outbox.first)
        hand_over(port);
}

static void take_back(struct kv_port *port)
{
    struct kv_writer *writer = port->writer;
    pthread_mutex_lock(&writer->lock);
    struct kv_job *first = port->inbox.first;
    port->inbox = (struct kv_jobs){0};
    port->posted = false;
    pthread_mutex_unlock(&writer->lock);
    if (first)
        port->back(port, first);
}

static void on_post(struct weft_post *post)
{
    take_back(weft_container_of(post, struct kv_port, post));
}

void kv_port_open(struct kv_port *port)
{
    port->hook = (struct weft_turn_hook){.begin = at_begin, .end = at_end};
    port->post = (struct weft_post){.run = on_post};
    weft_loop_add_hook(port->loop, &port->hook);
}

void kv_port_close(struct kv_port *port)
{
    struct kv_writer *writer = port->writer;
    weft_loop_remove_hook(port->loop, &port->hook);
    if (port->outbox.first)
        hand_over(port);
    pthread_mutex_lock(&writer->lock);
    while (port->away > 0)
        pthread_cond_wait(&writer->went, &writer->lock);
    pthread_mutex_unlock(&writer->lock);
    take_back(port);
}

void kv_port_send(struct kv_port *port, struct kv_job *job)
{
    job->port = port;
    add(&port->outbox, job);
}
