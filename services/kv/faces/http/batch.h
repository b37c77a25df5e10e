/* SPDX-License-Identifier: MIT
 *
 * Batches: the body has one command per line, as `kvc batch` takes them, each a JSON array. Those whose
 * answer is a table or a page of one are left out. The reply has one JSON
 * object per command, in the same order. A line that is not a command gets an error in its place, and the others are
 * executed all the same. */
#ifndef KV_HTTP_BATCH_H
#define KV_HTTP_BATCH_H

#include "services/kv/face.h"

struct kv_line_request;

struct kv_http_batch {
    struct kv_line_request *request; /* the present command, in the arena of the HTTP request */
    struct weft_view rest;           /* the lines that were not read yet */
    uint64_t line;                   /* the number of the present command's line, from 1 */
    uint64_t elements;               /* the number of lines, keys and values so far */
};

/* Begins a batch, from within decode. The layers are asked about all commands before the first one is executed.
 * Returns true if task->call is set up for the first command; steps for the others follow. Returns false if the task
 * was answered, or if no line has a command; then *empty is true, and the caller answers with task->pairs. */
WEFT_MUST_USE bool kv_http_batch_begin(struct kv_task *task, struct kv_http_batch *batch,
                                       struct weft_view body, bool *empty);

/* The step of the task (kv_task_in_steps). Writes the answer to the last command to task->pairs and returns true if it
 * has set up the next command. */
WEFT_MUST_USE bool kv_http_batch_step(struct kv_task *task, struct kv_http_batch *batch);

#endif
