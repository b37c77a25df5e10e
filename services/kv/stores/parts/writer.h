/* SPDX-License-Identifier: MIT
 *
 * One thread that does what may wait for a disk, for all loops of a store. A loop hands its jobs over
 * at the end of each turn; the thread takes all that have come as one group, so that a group costs one
 * commit, and gives them back to their loops with weft_loop_post. Jobs of one loop are done and come
 * back in the order in which they were handed over.
 *
 * Clients that got their answers together ask again one after the other. If the thread committed what the
 * first of them ask, all others would wait for a whole commit more. So if a commit takes long, a group stays
 * open a while for as many jobs as were under way before, and does those that have come meanwhile. */
#ifndef KV_PARTS_WRITER_H
#define KV_PARTS_WRITER_H

#include <pthread.h>

#include "core/task.h"

/* The first member of whatever is to be done. The writer's from kv_port_send until it comes back. */
struct kv_job {
    struct kv_job *next;
    struct kv_port *port;
    size_t size; /* bytes that it brings, set by the sender: a group has a bounded sum */
};

struct kv_jobs {
    struct kv_job *first, *last;
    size_t count;
};

/* The caller's callbacks, on the writer's thread. */
struct kv_writer_calls {
    /* Does jobs, the first of a group or further ones. */
    void (*work)(void *owner, struct kv_job *first);
    /* Ends the group, all of whose jobs are in the list. After it they are answered. */
    void (*commit)(void *owner, struct kv_job *first);
    /* Does one short step of what nobody waits for, and returns the nanoseconds after which there is
     * another one to do at the latest: 0: at once, if no job comes first; -1: not before a job came. */
    int64_t (*rest)(void *owner);
};

struct kv_writer {
    const struct kv_writer_calls *calls;
    void *owner;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below, and of the ports' fields that say so */
    pthread_cond_t came;  /* a job, or the end */
    pthread_cond_t went;  /* the last job of a port came back */
    struct kv_jobs queue;
    size_t wanted;     /* jobs that are likely to come for a group */
    int64_t commit_ns; /* the time that the last commit took */
    bool woken, stopping;
};

/* Starts the thread. Returns 0 or -errno. */
WEFT_MUST_USE int kv_writer_start(struct kv_writer *writer, const struct kv_writer_calls *calls,
                                  void *owner);
/* Makes the thread rest once more, though no job came. Any thread. */
void kv_writer_wake(struct kv_writer *writer);
/* Ends the thread. All ports are closed. */
void kv_writer_stop(struct kv_writer *writer);

/* A loop's end of the writer. It stays in place while it is open. */
struct kv_port {
    struct kv_writer *writer;
    struct weft_loop *loop;
    /* Takes the jobs that came back, on the loop's thread, or in kv_port_close. */
    void (*back)(struct kv_port *port, struct kv_job *first);
    struct weft_turn_hook hook;
    struct weft_post post;
    struct kv_jobs outbox; /* the loop's: not handed over yet */
    struct kv_jobs inbox;  /* under the lock: done */
    size_t away;           /* under the lock: handed over and not in the inbox yet */
    bool posted;           /* under the lock: `post` is on its way */
};

/* Opens a port; writer, loop and back are set, all else is zero. Before the loop runs. */
void kv_port_open(struct kv_port *port);
/* Waits for the jobs that are away, hands all to `back`, and closes the port. After the loop ran. */
void kv_port_close(struct kv_port *port);

/* Sends a job. Loop's thread. */
void kv_port_send(struct kv_port *port, struct kv_job *job);

#endif
