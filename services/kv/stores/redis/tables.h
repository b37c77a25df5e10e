/* SPDX-License-Identifier: MIT
 *
 * The number of buckets of a table, which is in a directory (layout.h). It never changes, so a loop remembers it. It reads
 * it again after a while, in case somebody has emptied the cluster. Operations do not wait for that, because the directory may be
 * on a node that is away while those of their keys are not; but the first one after a longer pause does.
 *
 * That there is no such table is not remembered, because another kvs may make it at any time. But all jobs of a turn that
 * need the same table ask once, which is what makes commands of Redis cheap: most ask if a string has the name. */
#ifndef KV_REDIS_TABLES_H
#define KV_REDIS_TABLES_H

#include "job.h"

void kv_redis_tables_start(struct kv_redis_loop *loop);
/* After the last job and the last call have ended. */
void kv_redis_tables_stop(struct kv_redis_loop *loop);

/* Finds out job->buckets, and then calls begin. If there is no such table it is 0 then, or the table is made if `make` is
 * true. Ends the job itself if that fails. */
void kv_redis_tables_find(struct kv_redis_job *job, bool make,
                          void (*begin)(struct kv_redis_job *job));

#endif
