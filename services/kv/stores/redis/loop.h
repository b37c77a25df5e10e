/* SPDX-License-Identifier: MIT
 *
 * The states of the store: one of the store itself, one of each loop, and one of each session. */
#ifndef KV_REDIS_LOOP_H
#define KV_REDIS_LOOP_H

#include "core/loop.h"
#include "layout.h"
#include "messages.h"
#include "redis.h"
#include "services/kv/link.h"

struct kv_redis_job;
struct kv_redis_lookup;

enum {
    KV_REDIS_NAME_CACHED = 64, /* the longest name of a table that a loop remembers */
    KV_REDIS_TABLES_CACHED = 256,
    KV_REDIS_JOBS_KEPT = 1024, /* free jobs that a loop keeps, each with 3 KiB */
    KV_REDIS_LINES = 256,
};

struct kv_redis_store {
    struct redis_shared *shared;
    const struct weft_log *log;
    unsigned buckets; /* of tables that are made */
    char buckets_text[8];
};

/* Reads the number of buckets of a known table once more, beside the operations. */
struct kv_redis_renewal {
    struct redis_call call;
    struct weft_view args[3];
    struct kv_redis_loop *loop;
    bool is_under_way;
    uint8_t size;
    uint8_t name[KV_REDIS_NAME_CACHED];
    uint8_t key[KV_REDIS_DIRECTORY_ROOM];
};

/* A table whose number of buckets a loop has read. */
struct kv_redis_known {
    int64_t until; /* on the loop's clock: then it is read again */
    unsigned buckets;
    /* A bucket without keys was met since a key was last replaced, so KV_MSET with if_table would often be in vain. */
    bool is_sparse;
    uint8_t size;
    uint8_t name[KV_REDIS_NAME_CACHED];
};

/* The jobs in lines (line.h), by the hash of their key and then as they came. */
struct kv_redis_lines {
    struct kv__link heads[KV_REDIS_LINES];
};

struct kv_redis_loop {
    struct kv_redis_renewal renewal; /* one at a time */
    struct kv_redis_store *store;
    struct weft_loop *loop;
    struct redis_cluster *cluster;
    struct kv_redis_job *free;
    size_t free_count;
    struct kv_redis_loads *loads; /* scripts on their way to nodes */
    struct kv_redis_mouth mouth;
    struct kv_redis_known known[KV_REDIS_TABLES_CACHED];
    /* Questions about tables (tables.c): those that are sent later in this turn, and free ones. */
    struct kv__link gathering;
    struct weft_deferred gather;
    struct kv_redis_lookup *free_lookups;
    struct kv_redis_lines lines;
};

struct kv_redis_session {
    struct kv_redis_loop *loop;
    struct kv_redis_job *first;     /* the operations that are not done */
    struct kv_redis_posted *posted; /* the messages that are not done */
};

#endif
