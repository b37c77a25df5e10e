/* SPDX-License-Identifier: MIT
 *
 * Batches: one command a line, as `kvc batch` takes them, each an array of JSON, and one object a line for each answer.
 * A line that is no command is answered in its place, and the rest is done. */
#ifndef KV_HTTP_BATCH_H
#define KV_HTTP_BATCH_H

#include "services/kv/face.h"

struct kv_http_batch {
    struct weft_view rest; /* the lines that were not read */
    uint64_t line;         /* of the command under way, from 1 */
    uint64_t elements;     /* lines, keys and values so far */
};

/* Begins a batch. Returns true if task->call is set up for the first command, whose steps follow. False: the task
 * was answered or refused, or `*empty` is true: no line has a command, and task->pairs has what is to be said. */
WEFT_MUST_USE bool kv_http_batch_begin(struct kv_task *task, struct kv_http_batch *batch,
                                       struct weft_view body, bool *empty);

/* The step of the task (kv_task_in_steps): writes the answer to the last command, and sets the next one up. */
WEFT_MUST_USE bool kv_http_batch_step(struct kv_task *task, struct kv_http_batch *batch);

#endif
