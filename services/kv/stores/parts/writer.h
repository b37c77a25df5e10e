/* SPDX-License-Identifier: MIT
 *
 * One thread that executes jobs which may wait for a disk, for all loops of a store. Each loop has a port to it. At
 * the end of a turn the port hands the loop's new jobs over. The thread takes all jobs that have come as one group,
 * so that a group costs one commit, and returns them to their loops with weft_loop_post. Jobs of one loop are executed
 * and come back in the order in which they were sent.
 *
 * Clients that got their answers together send their next requests one after the other. If the thread committed the
 * first of these at once, all others would have to wait for that commit. So if commits take long, a group stays open
 * for a while, until as many jobs have come as were in progress before. */
#ifndef KV_PARTS_WRITER_H
#define KV_PARTS_WRITER_H

#include <pthread.h>

#include "core/base/histogram.h"
#include "core/task.h"

/* The first member of a struct that describes what is to be done. From kv_port_send until `back` is called it belongs
 * to the writer. */
struct kv_job {
    struct kv_job *next;
    struct kv_port *port;
    size_t size; /* bytes of the job, set by the sender; the sum of a group is bounded */
};

struct kv_jobs {
    struct kv_job *first, *last;
    size_t count;
};

/* The owner's callbacks, which are called on the writer's thread. */
struct kv_writer_calls {
    const char *name; /* of the thread, at most 15 bytes */
    /* Executes a list of jobs. It is called once or several times per group. */
    void (*work)(void *owner, struct kv_job *first);
    /* Ends the group; the list has all its jobs. Afterwards they are returned to their loops. */
    void (*commit)(void *owner, struct kv_job *first);
    /* Does one short step of work for which no job waits. It is called after each group and when the thread is idle.
     * Returns the nanoseconds after which it wants to be called again: 0: at once, unless a job comes first; -1: not
     * before a job has come. */
    int64_t (*rest)(void *owner);
};

struct kv_writer {
    const struct kv_writer_calls *calls;
    void *owner;
    pthread_t thread;
    pthread_mutex_t lock; /* protects all below, and the fields of ports that say so */
    pthread_cond_t came;  /* a job has come, or the thread shall wake up or end */
    pthread_cond_t went;  /* the last job of a port came back */
    struct kv_jobs queue;
    size_t wanted;     /* the number of jobs for which a group stays open */
    int64_t commit_ns; /* the duration of the last commit */
    bool woken, stopping;
    struct weft_histogram commits; /* their durations; any thread reads them */
};

/* Sets up *writer and starts the thread. Returns 0 or -errno. */
WEFT_MUST_USE int kv_writer_start(struct kv_writer *writer, const struct kv_writer_calls *calls,
                                  void *owner);
/* Makes the thread call `rest` once more although no job has come. Any thread may call it. */
void kv_writer_wake(struct kv_writer *writer);
/* Ends the thread and waits for its end. All ports have been closed. */
void kv_writer_stop(struct kv_writer *writer);

/* A loop's connection to the writer. It must stay in place while it is open. */
struct kv_port {
    struct kv_writer *writer;
    struct weft_loop *loop;
    /* Takes a list of jobs that came back. Called on the loop's thread, or from within kv_port_close. */
    void (*back)(struct kv_port *port, struct kv_job *first);
    struct weft_turn_hook hook;
    struct weft_post post;
    struct kv_jobs outbox; /* for the loop's thread: jobs that are not handed over yet */
    struct kv_jobs inbox;  /* under the lock: jobs that are done */
    size_t away;           /* under the lock: the number handed over and not in the inbox yet */
    bool posted;           /* under the lock: `post` was posted and did not run yet */
};

/* Opens a port. The caller has set writer, loop and back; all else is zero. Called before the loop runs. */
void kv_port_open(struct kv_port *port);
/* Waits for the jobs that are away, passes all to `back`, and closes the port. Called after the loop ended. */
void kv_port_close(struct kv_port *port);

/* Sends a job; it leaves at the end of the turn. Called on the loop's thread. */
void kv_port_send(struct kv_port *port, struct kv_job *job);

#endif
