/* SPDX-License-Identifier: MIT
 *
 * The stores that keep everything in Redis (6.2 and later) or Valkey, on other machines. A program lists the stores that
 * it offers for weft_kv_context_open. Any number of programs may use one Redis at the same time, and answer alike.
 * docs/scaling.md describes when to use them, how tables lie there, and what may be lost when.
 *
 * A batch whose keys are in one bucket of its table is all or nothing, and others see all of it or nothing. A batch over
 * several buckets is not: if a node fails in the middle, a part of it may have taken effect, and then its outcome is
 * KV_UNKNOWN. Keys expire by the clock of the program that asks, so the clocks of all programs have to agree. The
 * stores tell no changes.
 *
 * Options: `buckets`, the number of parts of a table that is made (1 to 16384; default 256); `ack`, who must have a
 * write before it is answered; and how to connect (docs/scaling.md). */
#ifndef KV_ON_REDIS_H
#define KV_ON_REDIS_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `redis://HOST:PORT`: one node. */
extern const struct kv_store weft_kv_store_redis;

/* `redis-cluster://HOST:PORT,HOST:PORT...`: a Redis Cluster, of which the places are some nodes. */
extern const struct kv_store weft_kv_store_redis_cluster;

#ifdef __cplusplus
}
#endif

#endif
