/* SPDX-License-Identifier: MIT
 *
 * The slots of the stores. */
#include <stdio.h>
#include <stdlib.h>

#include "batch.h"
#include "job.h"
#include "line.h"
#include "list.h"
#include "loads.h"
#include "options.h"
#include "services/kv/stores/on_redis.h"
#include "tables.h"
#include "total.h"
#include "update.h"
#include "walk.h"

enum { BUCKETS_DEFAULT = 256 };

static const struct weft_option options[] = {
    {"buckets", "1...16384", "parts of a table that is made (default 256)"},
    REDIS_OPTIONS,
    {.name = NULL}};

static int read_buckets(const struct weft_option_set *set, unsigned *buckets,
                        struct weft_error *error)
{
    const char *text = set ? weft_option_get(set, "buckets") : NULL;
    *buckets = BUCKETS_DEFAULT;
    if (!text)
        return 0;
    *buckets = kv_redis_read_buckets(weft_view_str(text));
    if (*buckets > 0)
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "buckets=%.64s: it is a number from 1 to %d", text,
                          KV_REDIS_BUCKETS_MAX);
}

static int init(struct kv_redis_store *self, const struct kv_store_options *given, bool single,
                struct weft_error *error)
{
    int err = read_buckets(given->set, &self->buckets, error);
    if (err < 0)
        return err;
    /* It would bound nothing. */
    if (given->max_memory > 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "redis store: it keeps nothing in this process, so max-memory has no "
                              "meaning: set maxmemory of the nodes of Redis instead");
    (void)snprintf(self->buckets_text, sizeof self->buckets_text, "%u", self->buckets);
    self->log = given->log;
    err = kv_redis_shared_new(&self->shared, given, single, error);
    if (err < 0)
        return err;
    err = kv_redis_check(self->shared, error);
    if (err < 0)
        kv_redis_shared_free(self->shared);
    return err;
}

static int init_single(void *store, const struct kv_store_options *given, struct weft_error *error)
{
    return init(store, given, true, error);
}

static int init_cluster(void *store, const struct kv_store_options *given, struct weft_error *error)
{
    return init(store, given, false, error);
}

static void fini(void *store)
{
    struct kv_redis_store *self = store;
    kv_redis_shared_free(self->shared);
}

static void collect(void *store, struct weft_samples *samples)
{
    struct kv_redis_store *self = store;
    kv_redis_collect(self->shared, samples);
}

static int start(void *loop_state, void *store, struct weft_loop *loop)
{
    struct kv_redis_loop *self = loop_state;
    self->store = store;
    self->loop = loop;
    kv_redis_lines_init(&self->lines);
    kv_redis_tables_start(self);
    const struct redis_hooks hooks = {.node_up = kv_redis_node_up, .arg = self};
    return kv_redis_start(&self->cluster, self->store->shared, loop, &hooks);
}

static void stop(void *loop_state)
{
    struct kv_redis_loop *self = loop_state;
    kv_redis_stop(self->cluster);
    kv_redis_tables_stop(self);
    kv_redis_jobs_fini(self);
}

static int open_session(void *session, void *loop_state)
{
    struct kv_redis_session *self = session;
    self->loop = loop_state;
    return 0;
}

static void close_session(void *session)
{
    kv_redis_jobs_abandon(session);
    kv_redis_messages_abandon(session);
}

static void submit(void *session, struct kv_op *op)
{
    struct kv_redis_job *job = kv_redis_job_new(session, op);
    if (!job) {
        op->done(op, KV_UNAVAILABLE);
        return;
    }
    switch (op->kind) {
    case KV_MGET:
    case KV_MEXIST:
    case KV_MSET:
    case KV_MDEL:
        kv_redis_batch_begin(job);
        break;
    case KV_MUPDATE:
        kv_redis_update_begin(job);
        break;
    case KV_WALK:
        kv_redis_walk_begin(job);
        break;
    case KV_TABLES:
        kv_redis_list_begin(job);
        break;
    case KV_COUNT:
    case KV_DROP:
        kv_redis_total_begin(job);
        break;
    }
}

#define REDIS_STORE(called, at, begin)                                                             \
    {                                                                                              \
        .name = (called), .where = (at), .options = options,                                       \
        .flags = KV_STORE_DURABLE | KV_STORE_WALK | KV_STORE_UPDATE | KV_STORE_EXPIRY |            \
                 KV_STORE_TABLES | KV_STORE_CURSOR64 | KV_STORE_OVERLAP | KV_STORE_MESSAGES |      \
                 KV_STORE_IF_TABLE,                                                                \
        .store_size = sizeof(struct kv_redis_store), .loop_size = sizeof(struct kv_redis_loop),    \
        .session_size = sizeof(struct kv_redis_session), .init = (begin), .fini = fini,            \
        .collect = collect, .start = start, .stop = stop, .open = open_session,                    \
        .close = close_session, .submit = submit, .publish = kv_redis_publish,                     \
        .listen = kv_redis_listen, .unlisten = kv_redis_unlisten                                   \
    }

const struct kv_store weft_kv_store_redis = REDIS_STORE("redis", "//HOST:PORT", init_single);
const struct kv_store weft_kv_store_redis_cluster =
    REDIS_STORE("redis-cluster", "//HOST:PORT,...", init_cluster);
