/* SPDX-License-Identifier: MIT
 *
 * The calls to a node that has just been connected: it loads the scripts, and says which process it is. */
#ifndef KV_REDIS_LOADS_H
#define KV_REDIS_LOADS_H

#include "job.h"

/* For redis_hooks.node_up; arg is a struct kv_redis_loop. Without memory nothing is sent: scripts are then loaded by
 * those who use them, and a walk that needs to know the process ends as KV_UNAVAILABLE. */
void kv_redis_node_up(void *arg, struct redis_node *node);
/* Frees what is left, after kv_redis_stop. */
void kv_redis_loads_fini(struct kv_redis_loop *loop);

/* Returns a number that stands for the process that answered the call, or 0 if that has not said which it is. It is
 * called within done. */
uint64_t kv_redis_process_of(const struct redis_call *call);

#endif
