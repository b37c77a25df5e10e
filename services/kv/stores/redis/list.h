/* SPDX-License-Identifier: MIT
 *
 * KV_TABLES: pages of the directories, with the number of keys of each table, which is asked from all its buckets. A
 * table without keys is not shown; its name stays in the directory with its number of buckets. */
#ifndef KV_REDIS_LIST_H
#define KV_REDIS_LIST_H

#include "job.h"

/* Begins the job, which ends by itself. */
void kv_redis_list_begin(struct kv_redis_job *job);

#endif
