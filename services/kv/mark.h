/* SPDX-License-Identifier: MIT
 *
 * Marks say what a task uses. A store with KV_STORE_OVERLAP gets the tasks of a connection together, if all of them only
 * read, or if what one of them writes is used by no other. */
#ifndef KV_MARK_H
#define KV_MARK_H

#include "core/base/bytes.h"
#include "services/kv/link.h"

struct kv_task;

/* How a task uses what a mark names. */
enum kv_use {
    KV_USE_READS,
    KV_USE_WRITES,
    KV_USE_WITHIN /* uses only parts of it, which have marks of their own */
};

/* A key or a table that a task uses, by its hash. */
struct kv_mark {
    uint64_t hash;
    enum kv_use use;
};

enum { KV_TASK_MARKS = 2 };

/* Says what a task in steps uses: a key or, with `key` NULL, whatever has the name `table`. Called within decode, at most
 * KV_TASK_MARKS times, for all that the task uses. A task in steps without marks is alone. Other tasks need no marks, since
 * the session looks at the items of their one operation. */
void kv_task_mark(struct kv_task *task, struct weft_view table, const struct weft_view *key,
                  enum kv_use use);

#endif
